//! What people and machines see over HTTP: health, metrics, the feed, alerts, cameras, and the page that shows them.
//!
//! Reads through [`FeedReader`] and the [`StatusBoard`], and writes only people's orders (`desk.rs`) and what they do with alerts (`lifecycle.rs`); knows nothing of SQLite, Kafka or GStreamer. Serves nothing
//! that it did not bring along: no resource of the page comes from elsewhere. Dispatch systems show a token (`tokens.rs`);
//! people's log-in is absent here so far, so the default address is the loopback one; whoever opens it further puts a proxy with a
//! login before it (docs/operations.md).

mod health;
mod feed;
mod alerts;
mod cameras;
mod evidence;
mod desk;
mod lifecycle;
mod dispatch;
mod tokens;
mod report;
mod incidents;
mod openapi;
mod page;
mod guard;
mod problem;
mod wire;
pub mod memory;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post, put};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast, watch};

use crate::metrics::Metrics;
use crate::pipeline::ports::{Clock, FeedReader, Recorded, StoreError};
use crate::pipeline::status::StatusBoard;
pub use desk::DeskDoor;
pub use lifecycle::LifecycleDoor;
pub use openapi::DOCUMENT as OPENAPI;
use problem::Problem;
pub use tokens::Tokens;

/// Feed clients beyond this many are refused; each costs a task and a small queue.
pub const FEED_CLIENTS_MAX: usize = 256;
/// How many recorded changes wait for a slow feed client before it is served from the store again.
pub const FEED_BACKLOG: usize = 256;

/// What the pages are made from. Cheap to clone.
#[derive(Clone)]
pub struct WebState {
    reader: Arc<dyn FeedReader>,
    live: broadcast::Sender<Recorded>,
    board: Arc<StatusBoard>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    seats: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    desk: Option<DeskDoor>,
    lifecycle: Option<LifecycleDoor>,
    vault: Option<Arc<Path>>,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {what}; {remedy}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        what: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The server broke down.
    #[error("the web server on {address} stopped: {what}")]
    Serve {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        what: io::Error,
    },
}

impl WebState {
    /// `live` gets every recorded change right after its commit, in the order of rows.
    pub fn new(
        reader: Arc<dyn FeedReader>,
        live: broadcast::Sender<Recorded>,
        board: Arc<StatusBoard>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        let never = watch::channel(false).1;
        Self {
            reader,
            live,
            board,
            clock,
            metrics,
            seats: Arc::new(Semaphore::new(FEED_CLIENTS_MAX)),
            stop: never,
            desk: None,
            lifecycle: None,
            vault: None,
        }
    }

    /// Takes people's orders too.
    #[must_use]
    pub fn with_desk(mut self, desk: DeskDoor) -> Self {
        self.desk = Some(desk);
        self
    }

    /// Takes what people do with alerts too.
    #[must_use]
    pub fn with_lifecycle(mut self, lifecycle: LifecycleDoor) -> Self {
        self.lifecycle = Some(lifecycle);
        self
    }

    /// Shows evidence too, which lies in this folder.
    #[must_use]
    pub fn with_vault(mut self, folder: &Path) -> Self {
        self.vault = Some(Arc::from(folder));
        self
    }

    /// Takes at most so many feed clients instead of [`FEED_CLIENTS_MAX`].
    #[must_use]
    pub fn with_feed_clients_max(mut self, clients: usize) -> Self {
        self.seats = Arc::new(Semaphore::new(clients));
        self
    }

    /// Runs a read of the store where it may block.
    async fn read<T, F>(&self, what: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&dyn FeedReader) -> Result<T, StoreError> + Send + 'static,
    {
        let reader = Arc::clone(&self.reader);
        match tokio::task::spawn_blocking(move || what(reader.as_ref())).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Problem::store(&error)),
            Err(error) => Err(Problem::internal(&format!("reading the store broke down: {error}"))),
        }
    }
}

/// Takes the address, so that a port in use is found before anything else runs.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, WebError> {
    TcpListener::bind(address).await.map_err(|what| {
        let remedy = match what.kind() {
            io::ErrorKind::AddrInUse => "stop the program that uses this port, or set http.listen to another address",
            io::ErrorKind::PermissionDenied => {
                "choose a port of 1024 or above in http.listen, or allow this one to the service"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; set http.listen to one it has, or to 0.0.0.0"
            }
            _ => "set http.listen to another address",
        };
        WebError::Bind { address, what, remedy }
    })
}

/// Serves until `shutdown` is done, then ends the feeds, lets running requests finish, and returns.
pub async fn serve(
    listener: TcpListener,
    mut state: WebState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let (tell, told) = watch::channel(false);
    state.stop = told;
    let stopping = async move {
        shutdown.await;
        tell.send_replace(true);
    };
    axum::serve(listener, router(state).into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stopping)
        .await
        .map_err(|what| WebError::Serve { address, what })
}

/// What machines and pages are served, each address with its method; `deploy/openapi.json` is tested against it.
fn api() -> Vec<(&'static str, &'static str, MethodRouter<WebState>)> {
    vec![
        ("get", "/livez", get(health::livez)),
        ("get", "/readyz", get(health::readyz)),
        ("get", "/metrics", get(health::metrics)),
        ("get", "/api/v1/feed", get(feed::feed)),
        ("get", "/api/v1/alerts", get(alerts::list)),
        ("post", "/api/v1/alerts", post(report::report)),
        ("get", "/api/v1/alerts/{id}", get(alerts::one)),
        ("get", "/api/v1/alerts/{id}/explanation", get(alerts::explanation)),
        ("get", "/api/v1/alerts/{id}/evidence/{name}", get(evidence::piece)),
        ("get", "/api/v1/alerts/{id}/history", get(lifecycle::history)),
        ("post", "/api/v1/alerts/{id}/transitions", post(lifecycle::transition)),
        ("post", "/api/v1/alerts/{id}/dispatch-status", post(dispatch::status)),
        ("get", "/api/v1/incidents", get(incidents::list)),
        ("get", "/api/v1/incidents/{id}", get(incidents::one)),
        ("get", "/api/v1/cameras", get(cameras::cameras)),
        ("get", "/api/v1/blind", get(cameras::blind)),
        ("get", "/api/v1/status", get(cameras::status)),
        ("get", "/api/v1/arming", get(desk::arming)),
        ("put", "/api/v1/arming", put(desk::arm)),
        ("get", "/api/v1/watched", get(desk::watched)),
        ("post", "/api/v1/watched", post(desk::watch)),
        ("delete", "/api/v1/watched/{id}", delete(desk::unwatch)),
        ("get", "/api/v1/openapi.json", get(openapi::document)),
    ]
}

fn router(state: WebState) -> Router {
    api()
        .into_iter()
        .fold(Router::new(), |router, (_, path, answers)| router.route(path, answers))
        .merge(page::routes())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn(guard::security_headers))
        .layer(from_fn_with_state(state.clone(), guard::count_requests))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// What is served is described, and what is described is served.
    #[test]
    fn the_description_has_every_route_and_no_other() {
        let document: Value = serde_json::from_str(super::OPENAPI).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let methods = ["get", "put", "post", "delete", "patch"];
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let there = methods.iter().filter(|method| item.get(*method).is_some());
                there.map(move |method| ((*method).to_owned(), path.clone()))
            })
            .collect();
        let served: BTreeSet<(String, String)> =
            super::api().iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
        assert_eq!(served.difference(&described).collect::<Vec<_>>(), [] as [&(String, String); 0], "not described");
        assert_eq!(described.difference(&served).collect::<Vec<_>>(), [] as [&(String, String); 0], "not served");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"), "of this version");
    }
}
