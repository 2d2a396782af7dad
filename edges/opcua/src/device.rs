//! A simulated plant as an OPC UA server: a folder for each line, its sensors as variables with unit and range, and
//! set-points that can be written within their limits.

use crate::security::keep_private;
use async_trait::async_trait;
use lehr_domain::EventMs;
use lehr_tags::{Quality, Secret};
use opcua::crypto::SecurityPolicy;
use opcua::nodes::{NodeType, VariableBuilder};
use opcua::server::address_space::AddressSpace;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::{InMemoryNodeManager, InMemoryNodeManagerBuilder, InMemoryNodeManagerImpl};
use opcua::server::node_manager::{RequestContext, ServerContext, WriteNode};
use opcua::server::{ANONYMOUS_USER_TOKEN_ID, ServerBuilder, ServerEndpoint, ServerHandle, ServerUserToken};
use opcua::sync::RwLock;
use opcua::types::{
    AttributeId, DataTypeId, DataValue, DateTime, EUInformation, ExtensionObject, Identifier, LocalizedText,
    MessageSecurityMode, NodeId, ObjectId, QualifiedName, Range, StatusCode, VariableTypeId, Variant,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::warn;

/// Nodes of the plant are `nsu=urn:lehr:plant;s=NAME`.
const NAMESPACE: &str = "urn:lehr:plant";
const APPLICATION_URI: &str = "urn:lehr:plant:server";
/// Fastest that the server publishes, milliseconds.
const FASTEST_MS: u64 = 50;
/// Values that the server keeps of a variable, at most.
const QUEUE_MOST: usize = 10_000;
/// Notifications that wait for a client; each may hold thousands of values.
const NOTIFICATIONS_MOST: usize = 100;
const ITEMS_MOST: usize = 10_000;
/// Of units that UNECE has no code for. The name is what counts here.
const NO_UNIT_ID: i32 = -1;

/// How the plant is served.
#[derive(Clone, Debug)]
pub struct DeviceConfig {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the server's own certificate and of those it trusts. Needed for `secure`.
    pub pki: PathBuf,
    /// Offers Basic256Sha256, signed and encrypted, beside no security.
    pub secure: bool,
    /// Clients' certificates need not lie in `trusted`.
    pub trust_any: bool,
    /// Without logins anyone may connect, and write set-points.
    pub logins: Vec<Login>,
}

#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: Secret,
}

impl Default for DeviceConfig {
    fn default() -> DeviceConfig {
        DeviceConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4840)),
            pki: PathBuf::from("plant-opcua-pki"),
            secure: false,
            trust_any: false,
            logins: Vec::new(),
        }
    }
}

/// A measurement: `Line_A.furnace_temperature`, its unit, and between which values it lies in operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub name: String,
    pub unit: String,
    pub range: Option<(f64, f64)>,
}

/// What may be written, within `low..=high`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setpoint {
    pub name: String,
    pub unit: String,
    pub low: f64,
    pub high: f64,
    pub value: f64,
}

/// A new value of a variable, by its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub variable: usize,
    pub value: f64,
    pub quality: Quality,
    pub at: EventMs,
}

/// Takes a set-point that lies within its limits; the error refuses it. It must not wait.
pub type WriteSetpoint = Arc<dyn Fn(&str, f64) -> Result<(), String> + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("cannot listen on {listen}: {why}")]
    Listen { listen: SocketAddr, why: std::io::Error },
    #[error("{name}: {must}")]
    Point { name: String, must: &'static str },
    #[error("the server cannot be made: {0}")]
    Server(String),
    #[error("variable {0} is not there")]
    Variable(usize),
    #[error("a value was refused: {0}")]
    Value(StatusCode),
}

/// A server that runs. It stops when dropped.
pub struct Device {
    handle: ServerHandle,
    nodes: Arc<InMemoryNodeManager<PlantNodes>>,
    ids: Vec<NodeId>,
    address: SocketAddr,
    running: JoinHandle<Result<(), String>>,
}

impl Device {
    /// Serves variables, which have no value yet, and set-points.
    pub async fn start(
        config: &DeviceConfig,
        variables: &[Variable],
        setpoints: &[Setpoint],
        write: WriteSetpoint,
    ) -> Result<Device, DeviceError> {
        check(variables, setpoints)?;
        let listen = config.listen;
        let failed = |why| DeviceError::Listen { listen, why };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let setpoints_by_name = setpoints.iter().map(|setpoint| (setpoint.name.clone(), setpoint.clone())).collect();
        let (variables, setpoints) = (variables.to_vec(), setpoints.to_vec());
        let names: Vec<String> = variables.iter().map(|variable| variable.name.clone()).collect();
        let config = config.clone();
        let build = move || {
            let nodes = move |context: ServerContext, space: &mut AddressSpace| {
                let namespace = context.type_tree.write().namespaces_mut().add_namespace(NAMESPACE);
                space.add_namespace(NAMESPACE, namespace);
                fill(space, namespace, &variables, &setpoints);
                PlantNodes { namespace, setpoints: setpoints_by_name, write }
            };
            let built = builder(&config, address).with_node_manager(InMemoryNodeManagerBuilder::new(nodes)).build()?;
            if config.secure {
                keep_private(&config.pki.join("private/private.pem")).map_err(|error| error.to_string())?;
            }
            Ok(built)
        };
        // Making a key takes a second or so.
        let built = tokio::task::spawn_blocking(build).await;
        let (server, handle) =
            built.map_err(|error| DeviceError::Server(error.to_string()))?.map_err(DeviceError::Server)?;
        let nodes = handle
            .node_managers()
            .get_of_type::<InMemoryNodeManager<PlantNodes>>()
            .ok_or_else(|| DeviceError::Server("its nodes are missing".into()))?;
        let namespace = nodes.inner().namespace;
        let ids = names.iter().map(|name| NodeId::new(namespace, name.as_str())).collect();
        let running = tokio::spawn(server.run_with(listener));
        Ok(Device { handle, nodes, ids, address, running })
    }

    pub fn endpoint(&self) -> String {
        format!("opc.tcp://{}/", self.address)
    }

    /// Gives variables new values, and tells whoever subscribed of each, also where a variable has several.
    pub fn set(&self, points: &[Point]) -> Result<(), DeviceError> {
        // The library tells of the last value alone that a variable has in a call.
        let mut calls: Vec<Vec<_>> = Vec::new();
        let mut told = BTreeMap::new();
        for point in points {
            let id = self.ids.get(point.variable).ok_or(DeviceError::Variable(point.variable))?;
            let before: &mut usize = told.entry(point.variable).or_default();
            if calls.len() == *before {
                calls.push(Vec::new());
            }
            calls[*before].push((id, None, data(point.value, point.quality, time(point.at))));
            *before += 1;
        }
        let set = |values: Vec<_>| self.nodes.set_values(self.handle.subscriptions(), values.into_iter());
        calls.into_iter().try_for_each(set).map_err(DeviceError::Value)
    }

    /// Says goodbye to clients and waits until the server has ended.
    pub async fn stop(mut self) -> Result<(), DeviceError> {
        self.handle.cancel();
        let ended = (&mut self.running).await;
        ended.map_err(|error| DeviceError::Server(error.to_string()))?.map_err(DeviceError::Server)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.handle.cancel();
        self.running.abort();
    }
}

fn builder(config: &DeviceConfig, address: SocketAddr) -> ServerBuilder {
    let mut tokens: Vec<String> = (0..config.logins.len()).map(|login| format!("login{login}")).collect();
    if tokens.is_empty() {
        tokens.push(ANONYMOUS_USER_TOKEN_ID.to_owned());
    }
    let mut builder = ServerBuilder::new()
        .application_name("Lehr plant")
        .application_uri(APPLICATION_URI)
        .product_uri(APPLICATION_URI)
        .host(address.ip().to_string())
        .port(address.port())
        .pki_dir(&config.pki)
        .certificate_path("own/cert.der")
        .private_key_path("private/private.pem")
        .create_sample_keypair(config.secure)
        .trust_client_certs(config.trust_any)
        .discovery_urls(vec!["/".to_owned()])
        .subscription_poll_interval_ms(FASTEST_MS)
        .add_endpoint("none", ServerEndpoint::new_none("/", &tokens));
    if config.secure {
        let (policy, mode) = (SecurityPolicy::Basic256Sha256, MessageSecurityMode::SignAndEncrypt);
        builder = builder.add_endpoint("secure", ServerEndpoint::new("/", policy, mode, &tokens));
    }
    for (position, login) in config.logins.iter().enumerate() {
        let token = ServerUserToken::user_pass(login.user.as_str(), login.password.reveal());
        builder = builder.add_user_token(format!("login{position}"), token);
    }
    let limits = builder.limits_mut();
    limits.max_array_length = limits.max_array_length.max(ITEMS_MOST);
    limits.subscriptions.min_publishing_interval_ms = FASTEST_MS as f64;
    // Values are pushed, not polled: no interval costs anything.
    limits.subscriptions.min_sampling_interval_ms = 1.0;
    limits.subscriptions.max_monitored_item_queue_size = QUEUE_MOST;
    limits.subscriptions.max_queued_notifications = NOTIFICATIONS_MOST;
    limits.subscriptions.max_monitored_items_per_sub = ITEMS_MOST;
    builder
}

fn check(variables: &[Variable], setpoints: &[Setpoint]) -> Result<(), DeviceError> {
    let wrong = |name: &str, must| Err(DeviceError::Point { name: name.to_owned(), must });
    let mut names = BTreeSet::new();
    for name in variables.iter().map(|variable| &variable.name).chain(setpoints.iter().map(|setpoint| &setpoint.name)) {
        if name.is_empty() {
            return wrong(name, "a name must not be empty");
        }
        if !names.insert(name) {
            return wrong(name, "a name must be that of one variable or set-point");
        }
    }
    let ordered = |low: f64, high: f64| low.is_finite() && high.is_finite() && low <= high;
    for variable in variables {
        if variable.range.is_some_and(|(low, high)| !ordered(low, high)) {
            return wrong(&variable.name, "its range must go from a number to a greater one");
        }
    }
    for setpoint in setpoints {
        if !ordered(setpoint.low, setpoint.high) || !(setpoint.low..=setpoint.high).contains(&setpoint.value) {
            return wrong(&setpoint.name, "its value must lie within its limits, low before high");
        }
    }
    Ok(())
}

fn fill(space: &mut AddressSpace, namespace: u16, variables: &[Variable], setpoints: &[Setpoint]) {
    // The library tells of a status only beside a value.
    let waiting = || DataValue {
        value: Some(Variant::Double(0.0)),
        status: Some(StatusCode::BadWaitingForInitialData),
        ..DataValue::default()
    };
    for variable in variables {
        node(space, namespace, &variable.name, &variable.unit, variable.range, waiting(), false);
    }
    for setpoint in setpoints {
        let value = data(setpoint.value, Quality::Good, DateTime::now());
        let limits = Some((setpoint.low, setpoint.high));
        node(space, namespace, &setpoint.name, &setpoint.unit, limits, value, true);
    }
}

/// Of `Line_A.furnace_temperature`, the folder is `Line_A`.
fn node(
    space: &mut AddressSpace,
    namespace: u16,
    name: &str,
    unit: &str,
    range: Option<(f64, f64)>,
    value: DataValue,
    writable: bool,
) {
    let (folder, short) = name.split_once('.').unwrap_or(("Plant", name));
    let folder_id = NodeId::new(namespace, format!("/{folder}"));
    if !space.node_exists(&folder_id) {
        space.add_folder(&folder_id, QualifiedName::new(namespace, folder), folder, &ObjectId::ObjectsFolder.into());
    }
    let id = NodeId::new(namespace, name);
    let mut variable = VariableBuilder::new(&id, QualifiedName::new(namespace, short), short)
        .data_type(DataTypeId::Double)
        .value(0.0)
        .has_type_definition(VariableTypeId::AnalogItemType)
        .component_of(folder_id);
    if writable {
        variable = variable.writable();
    }
    variable.insert(space);
    if let Some(NodeType::Variable(variable)) = space.find_mut(&id) {
        variable.set_data_value(value);
    }
    let unit = EUInformation {
        namespace_uri: "http://www.opcfoundation.org/UA/units/un/cefact".into(),
        unit_id: NO_UNIT_ID,
        display_name: LocalizedText::new("", unit),
        description: LocalizedText::null(),
    };
    property(space, &id, "EngineeringUnits", DataTypeId::EUInformation, ExtensionObject::from_message(unit));
    if let Some((low, high)) = range {
        property(space, &id, "EURange", DataTypeId::Range, ExtensionObject::from_message(Range { low, high }));
    }
}

fn property(space: &mut AddressSpace, of: &NodeId, name: &str, data_type: DataTypeId, value: ExtensionObject) {
    let id = NodeId::new(of.namespace, format!("{}/{name}", of.identifier));
    VariableBuilder::new(&id, name, name)
        .data_type(data_type)
        .value(value)
        .has_type_definition(VariableTypeId::PropertyType)
        .property_of(of.clone())
        .insert(space);
}

fn data(value: f64, quality: Quality, at: DateTime) -> DataValue {
    let status = match quality {
        Quality::Good => StatusCode::Good,
        Quality::Uncertain => StatusCode::Uncertain,
        Quality::Bad => StatusCode::BadSensorFailure,
    };
    DataValue {
        value: Some(Variant::Double(value)),
        status: Some(status),
        source_timestamp: Some(at),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

/// Ticks of 100 ns since 1601.
fn time(at: EventMs) -> DateTime {
    const EPOCH_TICKS: i64 = 116_444_736_000_000_000;
    DateTime::from(at.0.saturating_mul(10_000).saturating_add(EPOCH_TICKS))
}

struct PlantNodes {
    namespace: u16,
    setpoints: BTreeMap<String, Setpoint>,
    write: WriteSetpoint,
}

#[async_trait]
impl InMemoryNodeManagerImpl for PlantNodes {
    async fn init(&self, _space: &mut AddressSpace, _context: ServerContext) {}

    fn name(&self) -> &'static str {
        "plant"
    }

    fn namespaces(&self) -> Vec<NamespaceMetadata> {
        vec![NamespaceMetadata {
            namespace_uri: NAMESPACE.to_owned(),
            namespace_index: self.namespace,
            ..NamespaceMetadata::default()
        }]
    }

    async fn write(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        writes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        for write in writes {
            let status = self.write_one(context, space, write).err().unwrap_or(StatusCode::Good);
            write.set_status(status);
        }
        Ok(())
    }
}

impl PlantNodes {
    /// Nothing is locked while the plant decides.
    fn write_one(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        write: &WriteNode,
    ) -> Result<(), StatusCode> {
        let wanted = write.value();
        space.write().validate_node_write(context, wanted, &*context.type_tree.read())?;
        if wanted.attribute_id != AttributeId::Value || wanted.index_range.has_range() {
            return Err(StatusCode::BadWriteNotSupported);
        }
        let id = &wanted.node_id;
        let Identifier::String(name) = &id.identifier else { return Err(StatusCode::BadNotWritable) };
        let setpoint = self.setpoints.get(name.as_ref()).ok_or(StatusCode::BadNotWritable)?;
        let Some(Variant::Double(value)) = wanted.value.value else { return Err(StatusCode::BadTypeMismatch) };
        if !(setpoint.low..=setpoint.high).contains(&value) {
            return Err(StatusCode::BadOutOfRange);
        }
        (self.write)(&setpoint.name, value).map_err(|why| {
            warn!(setpoint = setpoint.name, value, why, "a set-point was refused");
            StatusCode::BadInvalidState
        })?;
        let value = data(value, Quality::Good, DateTime::now());
        if let Some(NodeType::Variable(variable)) = space.write().find_mut(id) {
            variable.set_data_value(value.clone());
        }
        context.subscriptions.notify_data_change([(value, id, AttributeId::Value)].into_iter());
        Ok(())
    }
}
