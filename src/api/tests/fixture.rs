//! A plant that ran for two and a half hours, with a furnace that overheated and the cracks that follow, and
//! a server in front of it.

use crate::api::{App, AppOptions, FaultControl, FaultInfo, FaultKindInfo, bind};
use crate::auth::{Auth, Role};
use crate::pictures::{Bound, PictureStore, Pictures};
use crate::registry::training::{Training, TrainingOptions};
use crate::registry::{Nothing, Opener, Registry};
use crate::runtime::{Runtime, RuntimeOptions, Submission};
use crate::sources::Sources;
use crate::twin::{self, Components};
use lehr_dataflows::forecasts::Scorer;
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::inspections::Inspector;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::machine::{MachineState, StateChange};
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{Event, EventMs, LineId, Micro, PerMille, ProductId, Reading, ReadingBatch, SpanMs, Status, UnitId};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// When the plant's run begins: a Monday morning shift, long after the wall time at which the registrations
/// are journalled, because plant time never goes back.
pub const BEGIN: EventMs = EventMs(4_102_725_600_000);
/// Minutes that it runs.
pub const MINUTES: i64 = 150;
/// The furnace of Line_A is too hot in these minutes.
const HOT: std::ops::Range<i64> = 30..40;
/// Cracks are found in these: 60 minutes later.
pub const CRACKED: std::ops::Range<i64> = 90..100;

/// Few, so that one soon leaves.
pub const PICTURES: Bound = Bound { pictures: 3, bytes: 1 << 30 };

pub fn minute(minute: i64) -> EventMs {
    BEGIN + SpanMs::minutes(minute)
}

pub struct Fixture {
    pub app: App,
    pub address: SocketAddr,
    tokens: Vec<(Role, String)>,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    threads: Option<tokio::runtime::Runtime>,
}

/// A plant that has whatever faults it is told to have.
#[derive(Default)]
struct PaperPlant(Mutex<Vec<FaultInfo>>);

impl FaultControl for PaperPlant {
    fn kinds(&self) -> Vec<FaultKindInfo> {
        vec![FaultKindInfo { kind: "furnace_overheat".into(), about: "too much fuel".into() }]
    }

    fn list(&self) -> Vec<FaultInfo> {
        self.0.lock().unwrap().clone()
    }

    fn inject(&self, text: &str) -> Result<FaultInfo, String> {
        if !text.starts_with("furnace_overheat") {
            return Err(format!("'{text}' is no fault"));
        }
        let mut faults = self.0.lock().unwrap();
        let fault = FaultInfo {
            id: faults.len() as u64 + 1,
            kind: "furnace_overheat".into(),
            line: "Line_A".into(),
            sensor_id: None,
            severity: 1.0,
            begins: BEGIN,
            ends: None,
            active: true,
        };
        faults.push(fault.clone());
        Ok(fault)
    }

    fn clear(&self, id: u64) -> Result<(), String> {
        self.0.lock().unwrap().retain(|fault| fault.id != id);
        Ok(())
    }
}

/// What scores, opens and trains models.
pub struct Models {
    pub scorer: Option<&'static dyn Scorer>,
    pub inspector: Option<&'static dyn Inspector>,
    pub opener: Arc<dyn Opener>,
    pub trainer: Option<PathBuf>,
}

impl Default for Models {
    fn default() -> Models {
        let trainer = Some("/nowhere/lehr-train".into());
        Models { scorer: None, inspector: None, opener: Arc::new(Nothing), trainer }
    }
}

/// An answer of the server.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Code and field of an error in the API's shape.
    pub fn error(&self) -> (String, String) {
        let json = self.json();
        let text = |name: &str| json["error"][name].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty(), "{}", self.text);
        (text("code"), text("field"))
    }
}

impl Fixture {
    /// A server with a plant that has just been registered.
    pub fn empty() -> Fixture {
        Fixture::with_components(|_| Components::default())
    }

    /// As [`Fixture::empty`], with models of the plant's own.
    pub fn with_components(components: impl FnOnce(&Runtime) -> Components) -> Fixture {
        Fixture::with(components, Models::default())
    }

    /// As [`Fixture::empty`], with models.
    pub fn with_models(models: Models) -> Fixture {
        Fixture::with(|_| Components::default(), models)
    }

    fn with(components: impl FnOnce(&Runtime) -> Components, models: Models) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let options = RuntimeOptions {
            data: data.clone(),
            workers: 1,
            graph: GraphConfig {
                twin: Some(twin::MODEL),
                scorer: models.scorer,
                inspector: models.inspector,
                ..GraphConfig::default()
            },
            catalogue: Catalogue::parse(DEFAULT).unwrap(),
            knowledge: lehr_causal::DEFAULT.to_owned(),
            simulated_clock: true,
            salvage: false,
            sizes: Default::default(),
        };
        let runtime = Runtime::start(options, |_| ()).unwrap();
        // Ticks close in order: when this one has, the registrations are there.
        runtime.submit_blocking(Submission::default()).unwrap().wait().unwrap();
        let (auth, first) = Auth::open_with(&data, None).unwrap();
        let mut tokens = vec![(Role::Admin, first.unwrap())];
        for role in [Role::Viewer, Role::Operator, Role::Engineer] {
            tokens.push((role, auth.create(role.text(), role).unwrap().1));
        }
        let frontend = folder.path().join("dist");
        let faults: Option<Arc<dyn FaultControl>> = Some(Arc::new(PaperPlant::default()));
        let components = components(&runtime);
        let registry = Registry::new(runtime.clone(), &data, models.opener);
        let training = Training::start(TrainingOptions::new(&data, models.trainer), registry.clone());
        let pictures = Arc::new(PictureStore::open(Pictures::of(&data), PICTURES).unwrap());
        let app = App::new(AppOptions {
            runtime,
            auth,
            data,
            frontend,
            faults,
            components,
            sources: Sources::default(),
            stores: Vec::new(),
            archives: Vec::new(),
            registry,
            training,
            pictures,
        })
        .unwrap();
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = threads.block_on(bind(app.clone(), "127.0.0.1:0".parse().unwrap())).unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        threads.spawn(server.until(async move {
            let _ = stopped.await;
        }));
        Fixture { app, address, tokens, folder, stop: Some(stop), threads: Some(threads) }
    }

    /// A server with a plant that has run.
    pub fn run() -> Fixture {
        Fixture::empty().ran()
    }

    /// The same, after its run.
    pub fn ran(self) -> Fixture {
        let fixture = self;
        for begin in (0..MINUTES).step_by(10) {
            fixture.submit(stretch(&fixture.app.runtime().snapshot().names, begin..begin + 10));
        }
        fixture
    }

    pub fn submit(&self, submission: Submission) {
        self.app.runtime().submit_blocking(submission).unwrap().wait().unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn token(&self, role: Role) -> &str {
        &self.tokens.iter().find(|(other, _)| *other == role).unwrap().1
    }

    /// A request with full control over what is sent.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Got {
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        let agent: ureq::Agent = config.build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => agent.run(request.body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        }
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = response.body_mut().read_to_string().unwrap();
        Got { status: response.status().as_u16(), headers: response.headers().clone(), text }
    }

    pub fn call(&self, method: &str, path: &str, role: Role, body: Option<&Value>) -> Got {
        let bearer = format!("Bearer {}", self.token(role));
        let mut headers = vec![("authorization", bearer.as_str())];
        let text = body.map(Value::to_string);
        if text.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, text.as_ref().map(|text| text.as_bytes()))
    }

    /// A GET by a viewer that must be answered.
    pub fn get(&self, path: &str) -> Value {
        let got = self.call("GET", path, Role::Viewer, None);
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        got.json()
    }

    /// The id of an alert of the overheated furnace.
    pub fn hot_alert(&self) -> String {
        let alerts = self.get("/api/alerts?severity_filter=CRITICAL&line=Line_A");
        alerts["alerts"][0]["alert_id"].as_str().unwrap_or_else(|| panic!("no alert in {alerts}")).to_owned()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// Whether two figures are the same but for the last digits, which JSON may lose.
pub fn close(left: &Value, right: f64) -> bool {
    left.as_f64().is_some_and(|left| (left - right).abs() < 1e-12)
}

/// What the plant does in some minutes.
pub fn stretch(names: &lehr_domain::names::Names, minutes: std::ops::Range<i64>) -> Submission {
    let mut readings = ReadingBatch::default();
    let mut events = Vec::new();
    let sensor = |name: &str| names.sensor_id(name).unwrap_or_else(|| panic!("no sensor {name}"));
    for now in minutes.clone() {
        if now == 0 {
            for line in 0..3 {
                events.push(Event::State(StateChange {
                    line: LineId(line),
                    at: BEGIN - SpanMs::hours(1),
                    state: MachineState::Production,
                    product: ProductId(0),
                    reason: "start".into(),
                }));
            }
        }
        for (name, value) in [
            ("Line_A.furnace_temperature", if HOT.contains(&now) { 1610 } else { 1520 + now % 3 }),
            ("Line_A.belt_speed", 150),
            ("Line_B.furnace_temperature", 1520 + now % 2),
        ] {
            let at = minute(now) + SpanMs::seconds(5);
            let (value, status) = (Micro::units(value), Status::Ok);
            readings.push(Reading { sensor: sensor(name), at, revision: 0, value, status });
        }
        let crack = Defect { defect: DefectType::Crack, score: PerMille(900), bounds: [1, 2, 3, 4] };
        let cracked = CRACKED.contains(&now);
        events.push(Event::Unit(Unit {
            unit: UnitId(now as u64),
            line: LineId(0),
            at: minute(now) + SpanMs::seconds(30),
            product: ProductId(0),
            verdict: if cracked { Verdict::Scrap } else { Verdict::Good },
            defects: if cracked { vec![crack] } else { Vec::new() },
        }));
    }
    let now = Some(minute(minutes.end));
    Submission { source: "plant".into(), readings, events, now, ..Submission::default() }
}
