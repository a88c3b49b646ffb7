//! What a load has shown, as JSON; [`tables`](super::tables) shows it to people.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::sample::Second;
use super::side_reports::{HostileReport, IdleReport};
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
    /// Messages that were acknowledged, per second.
    pub accepted_per_s: f64,
    /// From the due time to the PUBACK; with `QoS` 2 to the PUBREC, with `QoS` 0 of none.
    pub publish_to_puback: LatencyReport,
    /// From the due time to the arrival at a Kafka consumer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_to_kafka: Option<LatencyReport>,
    /// From the due time to the write: what the generator, or a full window, was late.
    pub due_to_write: LatencyReport,
    /// Connections that only connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleReport>,
    /// Connections that sent malformed packets, and what that did to the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostile: Option<HostileReport>,
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
    /// `QoS` of the messages.
    pub qos: u8,
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
