//! `/healthz`, `/readyz` and `/metrics`.

use std::net::{SocketAddr, TcpListener};

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{Readiness, TelemetryError, exposition::Exposition};

/// The server's task; it ends with this value.
#[derive(Debug)]
pub(crate) struct HealthServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl HealthServer {
    /// Binds at once, so that a port in use is known before the stage does anything.
    pub(crate) fn start(
        address: SocketAddr,
        readiness: Readiness,
        exposition: Exposition,
    ) -> Result<Self, TelemetryError> {
        let runtime = Handle::try_current().map_err(|_| TelemetryError::NoRuntime)?;
        let health = |reason| TelemetryError::Health { address, reason };
        let listener = TcpListener::bind(address).map_err(health)?;
        listener.set_nonblocking(true).map_err(health)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(health)?;
        let address = listener.local_addr().map_err(health)?;
        let task = runtime.spawn(async move {
            if let Err(error) = axum::serve(listener, router(readiness, exposition)).await {
                tracing::error!(%address, %error, "health and metrics are not served any more");
            }
        });
        Ok(Self { address, task })
    }

    /// Where it listens: the real port when port 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(readiness: Readiness, exposition: Exposition) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(metrics).with_state(exposition))
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    let missing = readiness.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for: {}\n", missing.join(", ")),
        )
    }
}

async fn metrics(State(exposition): State<Exposition>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    match exposition.render(accept.unwrap_or_default()) {
        Ok((kind, text)) => ([(CONTENT_TYPE, kind)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error + "\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_http::get_path;

    fn start(readiness: &Readiness) -> HealthServer {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        HealthServer::start(any, readiness.clone(), Exposition::default()).unwrap()
    }

    /// Scenario: a stage comes up, loses NATS, gets it back.
    /// Guarantee: alive throughout; ready only while nothing is missing, and what is missing is named.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn readiness_follows_the_conditions() {
        let readiness = Readiness::default();
        let server = start(&readiness);
        let ask = |path| get_path(server.address(), path);
        let nats = readiness.condition("nats");
        readiness.condition("kafka").set(true);

        assert_eq!(ask("/healthz").await, (200, "ok\n".to_owned()));
        assert_eq!(
            ask("/readyz").await,
            (503, "waiting for: nats\n".to_owned())
        );
        nats.set(true);
        assert_eq!(ask("/readyz").await, (200, "ready\n".to_owned()));
        nats.set(false);
        assert_eq!(ask("/readyz").await.0, 503);
        assert_eq!(ask("/healthz").await.0, 200);
        assert_eq!(ask("/else").await.0, 404);
    }

    /// Scenario: a second stage is given the first one's health address; then the first ends.
    /// Guarantee: one line that says what, where and what to do; the port is free afterwards.
    #[tokio::test]
    async fn a_port_in_use_is_one_clear_line() {
        let first = start(&Readiness::default());
        let address = first.address();
        let second = || HealthServer::start(address, Readiness::default(), Exposition::default());
        let error = second().unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(
            error.contains("in use") && error.contains("--health"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");

        drop(first);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while second().is_err() {
            assert!(
                std::time::Instant::now() < deadline,
                "the port was never freed"
            );
            tokio::task::yield_now().await;
        }
    }

    /// Scenario: health is asked for outside a runtime.
    /// Guarantee: an error, no panic.
    #[test]
    fn without_a_runtime_it_is_an_error() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let result = HealthServer::start(any, Readiness::default(), Exposition::default());
        assert!(matches!(result, Err(TelemetryError::NoRuntime)));
    }
}
