//! The flags and environment variables that every stage shares.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

// Named per flag: a heading of the whole group would cover the flags that follow it, too.
const HEADING: &str = "Logs, traces, metrics, health";

/// Flatten this into a stage's own arguments: the doc comments are the `--help` text.
#[derive(Args, Clone, Debug)]
pub struct TelemetryArgs {
    /// Where an OpenTelemetry collector listens, e.g. `http://127.0.0.1:4318`
    ///
    /// Traces and metrics are pushed there as OTLP over HTTP (protobuf); 4318 is the usual port,
    /// 4317 speaks gRPC and does not fit. Plain http only: for TLS, run a collector beside this
    /// process and let it forward. Absent or empty, nothing is exported. A collector that is
    /// down never slows the stage: spans are dropped and counted (`latchwork_spans_dropped_total`).
    #[arg(long, help_heading = HEADING, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Whether metrics are pushed to the OTLP endpoint, too
    ///
    /// `none` where Prometheus scrapes /metrics and the endpoint takes traces alone, as Jaeger does.
    #[arg(long, help_heading = HEADING,
        env = "OTEL_METRICS_EXPORTER",
        value_name = "EXPORTER",
        default_value = "otlp"
    )]
    pub metrics_exporter: MetricsExporter,

    /// Serve /healthz, /readyz and /metrics here, e.g. 0.0.0.0:9464 (port 0: any free port)
    ///
    /// /healthz answers 200 while the process lives; /readyz answers 503 with what is still
    /// missing until the stage can work; /metrics is Prometheus text. Absent, nothing is served.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_HEALTH", value_name = "ADDR")]
    pub health: Option<SocketAddr>,

    /// What to log: error, warn, info, debug, trace, or per module
    ///
    /// Examples: `info`, `warn,mqtt_edge=debug`. Warnings mean that nothing was lost and it goes
    /// on; errors mean that somebody must act. Logs go to standard error.
    #[arg(long, help_heading = HEADING, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How to write logs; auto is human on a terminal, JSON otherwise
    #[arg(long, help_heading = HEADING,
        env = "LATCHWORK_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "auto"
    )]
    pub log_format: LogFormat,

    /// Fraction of state messages to trace, from 0 to 1
    ///
    /// Decided once, where the message comes in. Commands, alerts and rejects are always traced.
    #[arg(long, help_heading = HEADING,
        env = "LATCHWORK_TRACE_SAMPLE",
        value_name = "FRACTION",
        default_value = "0.01",
        value_parser = fraction
    )]
    pub trace_sample: f64,
}

/// Who gets metrics besides `/metrics`. The variable and its words are OpenTelemetry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricsExporter {
    /// The OTLP endpoint.
    Otlp,
    /// Nobody.
    #[value(alias = "prometheus")]
    None,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human when standard error is a terminal, JSON otherwise.
    Auto,
    /// One line of text: time, stage, level, module, message, fields.
    Human,
    /// One JSON object per line.
    Json,
}

impl Default for TelemetryArgs {
    /// What `--help` states as defaults: logs at info, nothing exported, nothing served.
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            metrics_exporter: MetricsExporter::Otlp,
            health: None,
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
            trace_sample: 0.01,
        }
    }
}

fn fraction(text: &str) -> Result<f64, String> {
    let value: f64 = text
        .parse()
        .map_err(|_| "write a number from 0 to 1, e.g. 0.01")?;
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err("must lie between 0 (none) and 1 (all)".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser, Debug)]
    struct Stage {
        #[command(flatten)]
        telemetry: TelemetryArgs,
    }

    /// Scenario: a stage starts without any flag, and with every flag.
    /// Guarantee: the parsed defaults are those of `Default`, and each flag arrives.
    #[test]
    fn defaults_and_flags_arrive() {
        Stage::command().debug_assert();
        let plain = Stage::try_parse_from(["stage"]).unwrap().telemetry;
        let default = TelemetryArgs::default();
        assert_eq!(plain.log_format, default.log_format);
        assert_eq!(plain.metrics_exporter, default.metrics_exporter);
        assert!((plain.trace_sample - default.trace_sample).abs() < f64::EPSILON);

        let line = "stage --otlp-endpoint http://c:4318 --health 127.0.0.1:0 --log debug \
                    --log-format json --trace-sample 1 --metrics-exporter none";
        let full = Stage::try_parse_from(line.split_whitespace())
            .unwrap()
            .telemetry;
        assert_eq!(full.otlp_endpoint.as_deref(), Some("http://c:4318"));
        assert_eq!(full.metrics_exporter, MetricsExporter::None);
        assert_eq!(full.health.unwrap().port(), 0);
        assert_eq!(
            (full.log.as_str(), full.log_format),
            ("debug", LogFormat::Json)
        );
        assert!((full.trace_sample - 1.0).abs() < f64::EPSILON);
    }

    /// Scenario: a stage has its own description and flags around the shared ones.
    /// Guarantee: `--help` keeps the description, and the shared heading covers the shared flags only.
    #[test]
    fn the_stage_keeps_its_own_help() {
        /// Moves messages.
        #[derive(Parser)]
        struct Mover {
            /// Before.
            #[arg(long)]
            before: bool,
            #[command(flatten)]
            telemetry: TelemetryArgs,
            /// After.
            #[arg(long)]
            after: bool,
        }
        let help = Mover::command().render_long_help().to_string();
        assert!(help.starts_with("Moves messages"), "{help}");
        let heading = help.find("Logs, traces, metrics, health:").unwrap();
        assert!(help.find("--before").unwrap() < heading, "{help}");
        assert!(help.find("--after").unwrap() < heading, "{help}");
        assert!(help.find("--trace-sample").unwrap() > heading, "{help}");
    }

    /// Scenario: a fraction outside 0..=1, a word, NaN, a health address without a port.
    /// Guarantee: each is refused while the arguments are read, naming the flag.
    #[test]
    fn nonsense_is_refused_by_name() {
        for (flag, value) in [
            ("--trace-sample", "1.5"),
            ("--trace-sample", "-0.1"),
            ("--trace-sample", "NaN"),
            ("--trace-sample", "some"),
            ("--health", "localhost"),
            ("--log-format", "xml"),
            ("--metrics-exporter", "statsd"),
        ] {
            let argument = format!("{flag}={value}");
            let error = Stage::try_parse_from(["stage", argument.as_str()]).unwrap_err();
            assert!(error.to_string().contains(flag), "{error}");
        }
    }
}
