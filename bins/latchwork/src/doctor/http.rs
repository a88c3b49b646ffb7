//! One HTTP request without TLS: what a collector and the monitoring of nats-server speak.

use std::error::Error;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Bytes of an answer that are read.
const LIMIT: usize = 1024 * 1024;

/// The answer, or a sentence why there is none.
pub(super) async fn fetch(request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(request)
        .await
        .map_err(|error| causes(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LIMIT).collect().await;
    let body = body.map_err(|error| causes(error.as_ref()))?;
    Ok((status, body.to_bytes()))
}

/// hyper's own words say only where it happened; its causes say what.
fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error: &&(dyn Error + 'static)| {
        error.source()
    });
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
