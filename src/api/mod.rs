//! The HTTP door: warp filters, one area a file, all made from one table of [`route::Route`]s, from which
//! the checks and the description of the API come too.
//!
//! ```text
//! request → guard (Host, Origin) → /ws → areas → assets → recover
//!                                          └ path, method, token, role, load, parameters, body → handler
//! ```
//!
//! Invariants: a read sees one snapshot and says which tick it is; a change goes through
//! [`crate::runtime::Runtime::apply`] with an audit entry in the same submission, and is answered when its
//! tick has closed; every refusal has the same shape; a rejection or a panic never leaves without one.

mod alert_actions;
mod alerts;
mod assets;
mod audit;
mod body;
mod browse;
mod cards;
mod change;
mod components;
mod decisions;
mod digital_twin;
mod dispatch;
mod edges;
mod encoding;
mod error;
mod faults;
mod graph;
mod guard;
mod health;
mod influx;
mod inspections;
mod intake;
mod kpis;
mod lines;
mod look;
mod metrics;
mod mirrors;
mod mlflow;
mod models;
mod openapi;
mod params;
mod performance;
mod pictures;
mod predictions;
mod readings;
mod recommendations;
mod replay;
mod root_cause;
mod route;
mod rules;
mod scenarios;
mod schema;
mod sensors;
mod settings;
mod sources;
mod sql;
mod stores;
#[cfg(test)]
mod tests;
mod tokens;
mod training;
mod units;

pub use digital_twin::answer_json as what_if_json;
pub use dispatch::error_response;
pub use error::{ApiError, Problem};
pub use faults::{FaultControl, FaultInfo, FaultKindInfo};
pub use openapi::document;
pub use params::{Kind, Param, Values, pairs as decode_pairs};
#[cfg(test)]
pub(crate) use tests::fixture;

use crate::auth::Auth;
use crate::live::Hub;
use crate::pictures::PictureStore;
use crate::registry::training::Training;
use crate::registry::{Archive, Registry};
use crate::runtime::Runtime;
use crate::sinks::StoreConfig;
use crate::sources::Sources;
use crate::twin::{Components, Twins};
use lehr_queries::{Queries, QueryError, Resources};
use metrics::Metrics;
use route::Route;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Mutex, Semaphore};
use warp::Filter;
use warp::http::header::{self, HeaderMap, HeaderValue};
use warp::reply::Response;

/// Connections that may wait to be accepted, as many as the standard library asks for.
const BACKLOG: u32 = 1024;

/// How long open requests may take when the server stops.
const DRAIN_MOST: Duration = Duration::from_secs(10);

/// Scripts and styles come from Lehr alone; the dashboard sets styles of elements, draws to canvases and may
/// run workers. Other sites cannot frame it.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    worker-src 'self' blob:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}; is another server running there?")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the query engine cannot start")]
    Queries(#[from] QueryError),
}

/// What the doors are made of.
pub struct AppOptions {
    pub runtime: Runtime,
    pub auth: Auth,
    /// The data directory: recordings are below it.
    pub data: PathBuf,
    /// Folder of the built dashboard.
    pub frontend: PathBuf,
    /// The simulated plant, where there is one.
    pub faults: Option<Arc<dyn FaultControl>>,
    /// Models that the plant brought.
    pub components: Components,
    /// Peers that readings come from.
    pub sources: Sources,
    /// Stores that follow the tables.
    pub stores: Vec<Arc<dyn StoreConfig>>,
    /// Those of them that have the files of models too.
    pub archives: Vec<Arc<Archive>>,
    /// Trained models.
    pub registry: Registry,
    pub training: Training,
    pub pictures: Arc<PictureStore>,
}

/// Everything that requests share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    options: AppOptions,
    queries: Queries,
    twins: Twins,
    hub: Hub,
    jobs: replay::Jobs,
    metrics: Metrics,
    heavy: Semaphore,
    files: Semaphore,
    edits: Mutex<()>,
}

impl App {
    pub fn new(options: AppOptions) -> Result<App, ServeError> {
        Ok(App(Arc::new(Shared {
            options,
            queries: Queries::new(Resources::default())?,
            twins: Twins::default(),
            hub: Hub::default(),
            jobs: replay::Jobs::default(),
            metrics: Metrics::default(),
            heavy: Semaphore::new(dispatch::HEAVY_MOST),
            files: Semaphore::new(dispatch::FILES_MOST),
            edits: Mutex::new(()),
        })))
    }

    pub fn runtime(&self) -> &Runtime {
        &self.0.options.runtime
    }

    pub fn auth(&self) -> &Auth {
        &self.0.options.auth
    }

    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    fn options(&self) -> &AppOptions {
        &self.0.options
    }

    fn queries(&self) -> &Queries {
        &self.0.queries
    }

    fn twins(&self) -> &Twins {
        &self.0.twins
    }

    fn components(&self) -> &Components {
        &self.0.options.components
    }

    fn registry(&self) -> &Registry {
        &self.0.options.registry
    }

    fn training(&self) -> &Training {
        &self.0.options.training
    }

    fn pictures(&self) -> &Arc<PictureStore> {
        &self.0.options.pictures
    }

    fn jobs(&self) -> &replay::Jobs {
        &self.0.jobs
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    fn heavy(&self) -> &Semaphore {
        &self.0.heavy
    }

    fn files(&self) -> &Semaphore {
        &self.0.files
    }

    /// Held while a change is checked against the present state and until its tick has closed, so that two
    /// changes that are good each but not together cannot pass both.
    fn edits(&self) -> &Mutex<()> {
        &self.0.edits
    }
}

/// The routes of every area.
fn areas() -> Vec<Vec<Route>> {
    vec![
        health::routes(),
        lines::routes(),
        sensors::routes(),
        kpis::routes(),
        cards::routes(),
        alerts::routes(),
        alert_actions::routes(),
        graph::routes(),
        root_cause::routes(),
        edges::routes(),
        mirrors::routes(),
        rules::routes(),
        readings::routes(),
        influx::routes(),
        sources::routes(),
        browse::routes(),
        stores::routes(),
        units::routes(),
        pictures::routes(),
        sql::routes(),
        replay::routes(),
        digital_twin::routes(),
        scenarios::routes(),
        recommendations::routes(),
        decisions::routes(),
        training::routes(),
        performance::routes(),
        models::routes(),
        predictions::routes(),
        inspections::routes(),
        mlflow::routes(),
        settings::routes(),
        faults::routes(),
        audit::routes(),
        tokens::routes(),
        openapi::routes(),
        metrics::routes(),
    ]
}

/// The whole door as one filter.
fn filter(app: &App, guard: guard::Guard) -> warp::filters::BoxedFilter<(Response,)> {
    let areas = areas().into_iter().map(|routes| dispatch::area(app, routes));
    let areas = areas.reduce(|left, right| left.or(right).unify().boxed()).expect("there are areas");
    let allowed = warp::header::headers_cloned()
        .and(warp::host::optional())
        .and_then(move |headers: HeaderMap, authority: Option<warp::host::Authority>| {
            let checked = guard.check(&headers, authority.as_ref().map(warp::host::Authority::as_str));
            async move { checked.map_err(|error| warp::reject::custom(guard::Refused(error))) }
        })
        .untuple_one();
    let assets = assets::assets(app.options().frontend.clone());
    let doors = crate::live::socket(app).or(areas).unify().or(assets).unify();
    allowed.and(doors).recover(dispatch::recover).unify().map(with_security_headers).boxed()
}

fn with_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    response
}

/// A server that has its address but does not answer yet.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the address, so that a failure is known before anything is said to be ready.
pub async fn bind(app: App, listen: SocketAddr) -> Result<Server, ServeError> {
    let failed = |source| ServeError::Listen { address: listen, source };
    let listener = listener(listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Server { app, listener, address })
}

/// Accepted connections inherit that small segments go out at once. Otherwise a frame's last segment would wait
/// for the acknowledgement of the one before, which the receiver may delay by 40 ms.
fn listener(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` resolves, then lets open requests end.
    pub async fn until(self, stop: impl Future<Output = ()> + Send + 'static) {
        let Server { app, listener, address } = self;
        let hub = app.hub().clone();
        let following = tokio::spawn(hub.clone().follow(app.runtime().clone()));
        let allowed = std::env::var(guard::HOSTS_VARIABLE).unwrap_or_default();
        let filter = filter(&app, guard::Guard::new(address, &allowed));
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let stop = async move {
            stop.await;
            hub.close();
            // Nobody listens only when the server has ended already.
            let _ = stopping.send(());
        };
        let drained = async move {
            match stopped.await {
                Ok(()) => tokio::time::sleep(DRAIN_MOST).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = warp::serve(filter).incoming(listener).graceful(stop).run() => {}
            () = drained => tracing::warn!("open requests were cut off after {} s", DRAIN_MOST.as_secs()),
        }
        following.abort();
    }
}
