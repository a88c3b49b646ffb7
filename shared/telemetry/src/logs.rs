//! Logs on standard error, and the spans of the `tracing` macros.

use std::{
    fmt,
    io::{self, IsTerminal},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::filter_fn,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::SubscriberExt,
};

use crate::{LogFormat, TelemetryArgs, TelemetryError, span_queue::SpanQueue};

/// The SDK reports each failed batch in words that help nobody: `export` reports instead.
/// `--log info,opentelemetry=debug` brings its lines back.
/// The NATS client and the MQTT router tell every connect at INFO, in words of their own; what
/// matters of it is told by the stages.
const QUIET: &str = "opentelemetry=off,async_nats=warn,rumqttd=off";

/// Installs the process's subscriber. A second stage in one process shares the first one's.
pub(crate) fn install(
    stage: &str,
    args: &TelemetryArgs,
    tracer: Option<SdkTracer>,
) -> Result<(), TelemetryError> {
    let terminal = io::stderr().is_terminal();
    let look = Look {
        stage: stage.to_owned(),
        json: match args.log_format {
            LogFormat::Auto => !terminal,
            LogFormat::Human => false,
            LogFormat::Json => true,
        },
        // https://no-color.org: any value but an empty one.
        colours: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let subscriber = subscriber(look, filter(&args.log)?, tracer, io::stderr);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("logs were set up before and stay as they are");
    }
    Ok(())
}

/// What the `tracing` macros record goes through the same queue as the spans of records.
pub(crate) fn tracer(spans: &SpanQueue, resource: &Resource) -> SdkTracer {
    SdkTracerProvider::builder()
        .with_span_processor(spans.clone())
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource.clone())
        .build()
        .tracer("latchwork")
}

struct Look {
    stage: String,
    json: bool,
    colours: bool,
}

fn filter(text: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(format!("{QUIET},{text}"))
        .map_err(|error| TelemetryError::LogFilter {
            filter: text.to_owned(),
            reason: error.to_string(),
        })
}

fn subscriber<W>(
    look: Look,
    filter: EnvFilter,
    tracer: Option<SdkTracer>,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if look.json {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        let stamp = Stamp { stage: look.stage };
        lines
            .with_ansi(look.colours)
            .with_timer(stamp)
            .with_filter(filter)
            .boxed()
    };
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_tracer(tracer)
            .with_filter(filter_fn(exported).with_max_level_hint(LevelFilter::INFO))
    });
    Registry::default().with(lines).with(spans)
}

/// Spans and events that go to the collector: what a person reads at info, without what the
/// export itself does, and without the several spans that rumqttd opens for each message.
fn exported(metadata: &Metadata<'_>) -> bool {
    const EXPORT: [&str; 4] = ["opentelemetry", "hyper", "reqwest", "rumqttd"];
    *metadata.level() <= LevelFilter::INFO
        && !EXPORT
            .iter()
            .any(|prefix| metadata.target().starts_with(prefix))
}

/// Time and stage: the stages of `latchwork up` share one terminal.
struct Stamp {
    stage: String,
}

impl FormatTime for Stamp {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        SystemTime.format_time(writer)?;
        write!(writer, " {}", self.stage)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Arc};

    use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanProcessor};
    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn look(json: bool) -> Look {
        Look {
            stage: "transform".to_owned(),
            json,
            colours: false,
        }
    }

    fn logged(json: bool, log: &str, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(look(json), filter(log).unwrap(), None, move || {
            writer.clone()
        });
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(lines.0.lock().clone()).unwrap()
    }

    /// Scenario: one event in both formats.
    /// Guarantee: the human line starts with time and stage and has no colour codes; the JSON line
    /// is one object with the fields at the top.
    #[test]
    fn both_formats_say_the_same() {
        let act = || tracing::info!(partition = 3, "lane taken");
        let human = logged(false, "info", act);
        let mut words = human.split_whitespace();
        assert!(words.next().unwrap().ends_with('Z'), "{human}");
        assert_eq!(
            (words.next(), words.next()),
            (Some("transform"), Some("INFO")),
            "{human}"
        );
        assert!(
            human.contains("lane taken partition=3") && !human.contains('\u{1b}'),
            "{human}"
        );

        let json: serde_json::Value = serde_json::from_str(&logged(true, "info", act)).unwrap();
        assert_eq!(json["message"], "lane taken");
        assert_eq!(
            (&json["partition"], &json["level"]),
            (&3.into(), &"INFO".into())
        );
    }

    /// Scenario: the SDK logs an export failure, with the default filter, at debug, and asked for.
    /// Guarantee: silent unless it is named; other modules follow the filter.
    #[test]
    fn the_sdk_is_quiet_unless_named() {
        let act = || {
            tracing::error!(target: "opentelemetry_sdk", "ExportError");
            tracing::warn!(target: "opentelemetry-otlp", "Retrying");
            tracing::debug!("ours");
        };
        assert_eq!(logged(false, "info", act), "");
        assert!(logged(false, "debug", act).contains("ours"));
        assert!(!logged(false, "debug", act).contains("ExportError"));
        assert!(logged(false, "info,opentelemetry=debug", act).contains("ExportError"));
    }

    /// Scenario: spans of the macros at info, at debug, and of the export's own HTTP client, while
    /// logs are off; the subscriber goes away, as that of a second stage in one process does.
    /// Guarantee: only the first is exported, and the queue stays open for the others.
    #[test]
    fn macro_spans_share_the_queue() {
        let (exporter, resource) = (InMemorySpanExporter::default(), Resource::builder().build());
        let queue = SpanQueue::start(exporter.clone(), &resource);
        let tracer = || Some(tracer(&queue, &resource));
        let act = || {
            drop(tracing::info_span!("provision"));
            drop(tracing::debug_span!("detail"));
            drop(tracing::info_span!(target: "hyper::client", "request"));
        };
        for _ in 0..2 {
            let subscriber = subscriber(look(true), filter("off").unwrap(), tracer(), io::sink);
            tracing::subscriber::with_default(subscriber, act);
        }
        queue.force_flush().unwrap();
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["provision", "provision"]);
    }

    /// Scenario: a filter that does not parse.
    /// Guarantee: the message quotes it and shows one that does.
    #[test]
    fn a_broken_filter_is_refused() {
        let error = filter("info,mqtt_edge=loud").unwrap_err().to_string();
        assert!(
            error.contains("mqtt_edge=loud") && error.contains("RUST_LOG"),
            "{error}"
        );
    }
}
