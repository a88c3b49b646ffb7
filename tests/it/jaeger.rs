//! A real Jaeger, on a machine that has one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use servers::{ChildCommand, ChildProcess, Output, free_port};
use tempfile::TempDir;

use crate::http_get::http_get;
use crate::image_programs::ImagePrograms;
use crate::waiting::{soon, until};

const PROGRAM: ImagePrograms = ImagePrograms {
    variable: "LATCHWORK_JAEGER",
    image: "jaegertracing/jaeger:2.13.0",
    programs: &[("jaeger", "/cmd/jaeger/jaeger-linux")],
};

/// Far more than any test makes.
const ALL: &str = "query.num_traces=10000\
    &query.start_time_min=2020-01-01T00:00:00Z&query.start_time_max=2100-01-01T00:00:00Z";

/// A Jaeger that keeps its traces in memory, on ports of its own.
pub(crate) struct Jaeger {
    query: String,
    otlp: String,
    _process: ChildProcess,
    // Its configuration and its log.
    _folder: TempDir,
}

impl Jaeger {
    /// Starts it; the reason when there is none on this machine.
    pub(crate) async fn start() -> Result<Self, String> {
        let program = PROGRAM.find()?.join("jaeger");
        let folder = tempfile::tempdir().unwrap();
        let address = || format!("127.0.0.1:{}", free_port().unwrap());
        let (query, otlp) = (address(), address());
        let configuration = configuration(&query, &otlp, &address());
        std::fs::write(folder.path().join("jaeger.yaml"), configuration).unwrap();
        let command = ChildCommand::new("jaeger", program)
            .arg("--config=jaeger.yaml")
            .folder(folder.path())
            .output(Output::File(folder.path().join("log")));
        let jaeger = Self {
            _process: ChildProcess::spawn(command).unwrap(),
            query,
            otlp,
            _folder: folder,
        };
        until("Jaeger to answer", async || jaeger.answers().await).await;
        Ok(jaeger)
    }

    async fn answers(&self) -> bool {
        let asked = http_get(&self.query, "/api/v3/services").await;
        let takes_spans = tokio::net::TcpStream::connect(&self.otlp).await.is_ok();
        takes_spans && asked.is_some_and(|(status, _)| status == 200)
    }

    /// Where spans are sent.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.otlp)
    }

    /// Every span that it holds, as its query API tells it.
    pub(crate) async fn spans(&self) -> Vec<StoredSpan> {
        let services = self.ask("/api/v3/services").await;
        let mut spans = BTreeMap::new();
        for service in list(&services["services"]) {
            let service = service.as_str().unwrap();
            let path = format!("/api/v3/traces?query.service_name={service}&{ALL}");
            // A trace comes whole, so it comes once for each of its services.
            for span in read_spans(&self.ask(&path).await) {
                spans.insert((span.trace_id.clone(), span.span_id.clone()), span);
            }
        }
        spans.into_values().collect()
    }

    async fn ask(&self, path: &str) -> Value {
        let asked = soon("an answer of Jaeger", http_get(&self.query, path)).await;
        let (status, body) = asked.expect("Jaeger answers");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

fn configuration(query: &str, otlp: &str, grpc: &str) -> String {
    format!(
        "extensions:
  jaeger_storage: {{ backends: {{ memory: {{ memory: {{ max_traces: 10000 }} }} }} }}
  jaeger_query:
    storage: {{ traces: memory }}
    http: {{ endpoint: \"{query}\" }}
    grpc: {{ endpoint: \"{grpc}\" }}
receivers:
  otlp: {{ protocols: {{ http: {{ endpoint: \"{otlp}\" }} }} }}
exporters:
  jaeger_storage_exporter: {{ trace_storage: memory }}
service:
  extensions: [jaeger_storage, jaeger_query]
  # No processor: what a stage was told is taken can be found.
  pipelines: {{ traces: {{ receivers: [otlp], exporters: [jaeger_storage_exporter] }} }}
  telemetry: {{ metrics: {{ level: none }}, logs: {{ level: warn }} }}
"
    )
}

/// Attributes as text.
pub(crate) type Attributes = BTreeMap<String, String>;

/// A span as the store tells it.
#[derive(Clone, Debug)]
pub(crate) struct StoredSpan {
    pub(crate) service: String,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty for the first span of a trace.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) attributes: Attributes,
    pub(crate) links: Vec<StoredLink>,
    /// The status text, when the status is an error.
    pub(crate) error: Option<String>,
}

/// A link to another span.
#[derive(Clone, Debug)]
pub(crate) struct StoredLink {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) attributes: Attributes,
}

impl StoredSpan {
    /// Empty when it is not there.
    pub(crate) fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// The first word of the name.
    pub(crate) fn operation(&self) -> &str {
        self.name.split(' ').next().unwrap()
    }

    /// A span of many records, which belongs to none of their traces.
    pub(crate) fn is_batch(&self) -> bool {
        self.attributes
            .contains_key("messaging.batch.message_count")
    }

    pub(crate) fn is_linked_by(&self, other: &Self) -> bool {
        let mut links = other.links.iter();
        links.any(|link| link.trace_id == self.trace_id && link.span_id == self.span_id)
    }
}

/// Each span's name below its parent's, without repeats: the shape of a trace.
pub(crate) fn shape(trace: &[&StoredSpan]) -> BTreeSet<(String, String)> {
    let name_of = |id: &str| {
        let parent = trace.iter().find(|span| span.span_id == id);
        parent.map_or(id.to_owned(), |span| span.name.clone())
    };
    let place = |span: &&StoredSpan| (name_of(&span.parent), span.name.clone());
    trace.iter().map(place).collect()
}

fn read_spans(answer: &Value) -> Vec<StoredSpan> {
    let mut spans = Vec::new();
    for resource_spans in list(&answer["result"]["resourceSpans"]) {
        let resource = attributes(&resource_spans["resource"]["attributes"]);
        let scopes = list(&resource_spans["scopeSpans"]).iter();
        for span in scopes.flat_map(|scope| list(&scope["spans"])) {
            spans.push(StoredSpan {
                service: resource["service.name"].clone(),
                trace_id: text(&span["traceId"]),
                span_id: text(&span["spanId"]),
                parent: text(&span["parentSpanId"]),
                name: text(&span["name"]),
                kind: kind(&span["kind"]),
                attributes: attributes(&span["attributes"]),
                links: list(&span["links"]).iter().map(link).collect(),
                error: (span["status"]["code"] == 2).then(|| text(&span["status"]["message"])),
            });
        }
    }
    spans
}

fn link(link: &Value) -> StoredLink {
    StoredLink {
        trace_id: text(&link["traceId"]),
        span_id: text(&link["spanId"]),
        attributes: attributes(&link["attributes"]),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// As OTLP's JSON numbers them.
fn kind(value: &Value) -> &'static str {
    let kinds = ["", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    kinds[usize::try_from(value.as_u64().unwrap_or_default()).unwrap()]
}

fn attributes(value: &Value) -> Attributes {
    let read = |attribute: &Value| {
        let value = attribute["value"].as_object().unwrap().values().next();
        let value = value.unwrap();
        let value = value.as_str().map_or(value.to_string(), str::to_owned);
        (text(&attribute["key"]), value)
    };
    list(value).iter().map(read).collect()
}
