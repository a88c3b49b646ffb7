//! What a load has shown, for people and as JSON.

use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::sample::Second;
use super::verdict::float;

/// What a load has shown. The counts and latencies are those of the measured part; the audit is of
/// the whole load.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// Version of this program.
    pub latchwork: &'static str,
    /// Processor, cores and memory.
    pub machine: String,
    /// What was asked for: the command's settings.
    pub conditions: Conditions,
    /// Messages that were due.
    pub due: u64,
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Different messages that arrived in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_kafka: Option<u64>,
    /// Seconds that were measured.
    pub measured_s: f64,
    /// From the due time to the PUBACK.
    pub publish_to_puback: LatencyReport,
    /// From the due time to the arrival at a Kafka consumer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_to_kafka: Option<LatencyReport>,
    /// From the due time to the write: what the generator, or a full window, was late.
    pub due_to_write: LatencyReport,
    /// CPU and memory; the generator is the last.
    pub processes: Vec<ProcessReport>,
    /// CPU per acknowledged message of all processes but the generator and those named kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_us_per_message: Option<f64>,
    /// What became of the messages.
    pub audit: AuditReport,
    /// The start and each second of the measured part.
    pub seconds: Vec<Second>,
    /// Nothing speaks against calling the rate sustained.
    pub sustained: bool,
    /// What speaks against it.
    pub objections: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Conditions {
    /// `HOST:PORT` of the server.
    pub mqtt: String,
    /// `3.1.1` or `5.0`.
    pub mqtt_version: &'static str,
    /// Number of connections.
    pub clients: usize,
    /// Messages per second.
    pub rate: u32,
    /// Bytes.
    pub payload: usize,
    /// Messages of one client without PUBACK at most.
    pub window: u16,
    /// Seconds before the measurement.
    pub warmup_s: f64,
    /// Threads of the generator.
    pub threads: usize,
}

/// Latencies in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatencyReport {
    /// How many were measured.
    pub count: u64,
    /// Half of them were at most this.
    pub p50_ms: f64,
    /// 90 % of them were at most this.
    pub p90_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// 99.9 %.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl LatencyReport {
    pub(super) fn new(microseconds: &Histogram<u64>) -> Self {
        let at = |quantile| float(microseconds.value_at_quantile(quantile)) / 1000.0;
        Self {
            count: microseconds.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: float(microseconds.max()) / 1000.0,
        }
    }
}

/// What a process used in the measured part.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessReport {
    /// Its name.
    pub name: String,
    /// CPU time per acknowledged message, in microseconds; missing when it ended or was restarted.
    pub us_per_message: Option<f64>,
    /// CPU time, in percent of one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory at the end, in MiB.
    pub resident_mib: Option<f64>,
}

/// What became of the messages of the whole load.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct AuditReport {
    /// Sent; repeats do not count.
    pub sent: u64,
    /// Acknowledged, or refused.
    pub acknowledged: u64,
    /// Refused with a reason.
    pub refused: u64,
    /// Acknowledged and not in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// More than once in Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
    /// In Kafka after a later one of the same client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_order: Option<u64>,
    /// Records in the topic that are not of this load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_records: Option<u64>,
    /// Connections that broke; their messages were sent again.
    pub broken_connections: u64,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "latchwork {} on {}", self.latchwork, self.machine)?;
        writeln!(f, "{}", self.conditions)?;
        self.write_counts(f)?;
        self.write_latencies(f)?;
        self.write_processes(f)?;
        self.write_audit(f)?;
        self.write_seconds(f)?;
        match &self.objections[..] {
            [] => write!(f, "sustained: yes"),
            objections => write!(f, "sustained: no ({})", objections.join("; ")),
        }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mqtt,
            mqtt_version,
            clients,
            rate,
            payload,
            window,
            warmup_s,
            threads,
        } = self;
        write!(
            f,
            "open loop at {rate}/s to {mqtt}: MQTT {mqtt_version}, QoS 1, {clients} clients with a window of {window}, \
             {payload}-byte payloads; {warmup_s} s of warm-up not measured; {threads} generator thread(s)"
        )
    }
}

impl LoadReport {
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<22}{:>12}{:>12}",
            format!("measured {:.1} s", self.measured_s),
            "messages",
            "per second"
        )?;
        let mut line = |name: &str, count: u64| {
            let per_second = if self.measured_s > 0.0 {
                float(count) / self.measured_s
            } else {
                0.0
            };
            writeln!(f, "{name:<22}{count:>12}{per_second:>12.0}")
        };
        line("due", self.due)?;
        line("acknowledged", self.acknowledged)?;
        self.in_kafka
            .map_or(Ok(()), |count| line("in Kafka", count))
    }

    fn write_latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, p999, max] = ["p50", "p90", "p99", "p99.9", "max"];
        writeln!(
            f,
            "\n{:<22}{p50:>10}{p90:>10}{p99:>10}{p999:>10}{max:>10}",
            "ms from the due time"
        )?;
        let mut line = |name: &str, latency: &LatencyReport| {
            let LatencyReport {
                p50_ms,
                p90_ms,
                p99_ms,
                p999_ms,
                max_ms,
                ..
            } = latency;
            writeln!(
                f,
                "{name:<22}{p50_ms:>10.2}{p90_ms:>10.2}{p99_ms:>10.2}{p999_ms:>10.2}{max_ms:>10.2}"
            )
        };
        line("to the write", &self.due_to_write)?;
        line("to PUBACK", &self.publish_to_puback)?;
        self.publish_to_kafka
            .as_ref()
            .map_or(Ok(()), |latency| line("to Kafka", latency))
    }

    fn write_processes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<22}{:>12}{:>12}{:>12}",
            "process", "us/message", "% of a core", "RSS in MiB"
        )?;
        let cell = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
        };
        for process in &self.processes {
            let ProcessReport {
                name,
                us_per_message,
                cpu_percent,
                resident_mib,
            } = process;
            let [us, percent, mib] =
                [us_per_message, cpu_percent, resident_mib].map(|value| cell(*value));
            writeln!(f, "{name:<22}{us:>12}{percent:>12}{mib:>12}")?;
        }
        match self.pipeline_us_per_message {
            Some(us) => writeln!(f, "{:<22}{us:>12.1}", "all but load and kafka"),
            None => Ok(()),
        }
    }

    fn write_audit(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AuditReport {
            sent,
            acknowledged,
            refused,
            broken_connections,
            ..
        } = self.audit;
        write!(
            f,
            "\nwarm-up included: sent {sent}, acknowledged {acknowledged}, refused {refused}"
        )?;
        let AuditReport {
            lost,
            duplicates,
            out_of_order,
            ..
        } = self.audit;
        if let (Some(lost), Some(duplicates), Some(moved)) = (lost, duplicates, out_of_order) {
            write!(
                f,
                "; lost {lost}, duplicates {duplicates}, out of order {moved}"
            )?;
        }
        if let Some(others @ 1..) = self.audit.other_records {
            write!(f, "; {others} records of somebody else")?;
        }
        if broken_connections > 0 {
            write!(f, "; {broken_connections} connections broke")?;
        }
        writeln!(f)
    }

    fn write_seconds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: Vec<String>| values.join(" ");
        let backlog = self
            .seconds
            .iter()
            .map(|second| second.backlog().to_string())
            .collect();
        writeln!(f, "due, not acknowledged, each second: {}", list(backlog))?;
        let lag: Vec<_> = self
            .seconds
            .iter()
            .filter_map(|second| Some(second.lag()?.to_string()))
            .collect();
        if lag.is_empty() {
            return Ok(());
        }
        writeln!(f, "acknowledged, not in Kafka, each second: {}", list(lag))
    }
}
