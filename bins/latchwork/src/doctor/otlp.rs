//! Does the OpenTelemetry collector take what the stages push?

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use telemetry::EndpointError;

use super::finding::{Finding, Verdict};
use super::http::fetch;

const WHAT: &str = "OTLP";

/// An export request in protobuf without any span or metric has no bytes at all.
const EMPTY: Bytes = Bytes::new();

/// Posts an empty export of traces and one of metrics.
pub(super) async fn examine(endpoint: Option<String>) -> Vec<Finding> {
    let endpoint = endpoint
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let Some(endpoint) = endpoint else {
        let detail = "no --otlp-endpoint: nothing is exported; /metrics works without";
        return vec![Finding::skipped(WHAT, detail)];
    };
    if let Err(error) = check(endpoint) {
        let fix = "write http://HOST:PORT, e.g. http://127.0.0.1:4318";
        return vec![Finding::failed(WHAT, error.to_string(), fix)];
    }
    let (traces, metrics) = tokio::join!(post(endpoint, "traces"), post(endpoint, "metrics"));
    // A store of traces alone is of use: Prometheus reads the metrics elsewhere.
    if traces.verdict == Verdict::Ok && metrics.verdict == Verdict::Failed {
        let fix = "nothing, if Prometheus reads /metrics of the stages; else name a collector";
        return vec![traces, Finding::warning(metrics.what, metrics.detail, fix)];
    }
    vec![traces, metrics]
}

/// As the stages check it at their start.
fn check(endpoint: &str) -> Result<(), EndpointError> {
    let uri: Option<Uri> = endpoint.parse().ok();
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("http") => Ok(()),
        Some("https") => Err(EndpointError::Tls(endpoint.to_owned())),
        _ => Err(EndpointError::NotHttp(endpoint.to_owned())),
    }
}

async fn post(endpoint: &str, signal: &str) -> Finding {
    let what = format!("{WHAT} {signal}");
    let url = format!("{}/v1/{signal}", endpoint.trim_end_matches('/'));
    let request = Request::post(&url)
        .header(CONTENT_TYPE, "application/x-protobuf")
        .body(Full::new(EMPTY));
    let fix = "start a collector there, or correct --otlp-endpoint: OTLP over HTTP is usually port \
               4318, while 4317 speaks gRPC";
    let answered = match request {
        Ok(request) => fetch(request).await,
        Err(error) => Err(error.to_string()),
    };
    match answered {
        Ok((StatusCode::OK, _)) => Finding::ok(what, format!("{url} took an empty export")),
        Ok((status, _)) => Finding::failed(what, format!("{url} answered {status}"), fix),
        Err(reason) => Finding::failed(what, format!("{url}: {reason}"), fix),
    }
}
