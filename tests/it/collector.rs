//! An OTLP collector that keeps the spans it gets.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

use crate::waiting::until;

/// A span, with the service that sent it.
#[derive(Clone, Debug)]
pub(crate) struct SeenSpan {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl SeenSpan {
    /// An attribute that is text; empty when it is not there.
    pub(crate) fn attribute(&self, key: &str) -> &str {
        text(&self.span.attributes, key)
    }
}

/// Takes OTLP over HTTP/protobuf.
#[derive(Clone)]
pub(crate) struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<SeenSpan>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let spans = Arc::<Mutex<Vec<SeenSpan>>>::default();
        let kept = Arc::clone(&spans);
        let take = move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            kept.lock().unwrap().extend(seen(request));
            async {}
        };
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .route("/v1/metrics", post(|_: Bytes| async {}));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, spans }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for spans that are chosen, at least so many, and gives them.
    pub(crate) async fn await_spans(
        &self,
        what: &str,
        count: usize,
        chosen: impl Fn(&SeenSpan) -> bool,
    ) -> Vec<SeenSpan> {
        let choose = || -> Vec<SeenSpan> {
            self.spans
                .lock()
                .unwrap()
                .iter()
                .filter(|seen| chosen(seen))
                .cloned()
                .collect()
        };
        until(&format!("{count} spans: {what}"), async || {
            choose().len() >= count
        })
        .await;
        choose()
    }

    /// The spans of a trace so far, by the 32 hex digits of its id.
    pub(crate) fn trace(&self, trace_id: &str) -> Vec<SeenSpan> {
        let spans = self.spans.lock().unwrap();
        spans
            .iter()
            .filter(|seen| hex(&seen.span.trace_id) == trace_id)
            .cloned()
            .collect()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap();
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}

fn seen(request: ExportTraceServiceRequest) -> Vec<SeenSpan> {
    let mut spans = Vec::new();
    for resource_spans in request.resource_spans {
        let resource = resource_spans.resource.unwrap_or_default();
        let service = text(&resource.attributes, "service.name");
        for span in resource_spans
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            spans.push(SeenSpan {
                service: service.to_owned(),
                span,
            });
        }
    }
    spans
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}
