//! From what was measured to the report.

use std::fs;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::books::Harvest;
use super::control::Totals;
use super::cpu::Usage;
use super::hostile::Tally;
use super::kafka_side::Arrivals;
use super::report::{AuditReport, Conditions, LatencyReport, LoadReport, ProcessReport};
use super::sample::Second;
use super::settings::LoadSettings;
use super::side_reports::{HostileReport, IdleReport};
use super::verdict::{Evidence, float, objections, per_second};
use crate::mqtt_client::Version;

/// What was seen of the measured part from outside.
#[derive(Debug)]
pub(super) struct Measured {
    /// Its first moment, each second, its last moment.
    pub(super) seconds: Vec<Second>,
    pub(super) elapsed: Duration,
    /// At its first and its last moment.
    pub(super) usages: Option<(Usages, Usages)>,
    pub(super) was_interrupted: bool,
}

/// What each process had used at one moment: the named ones, and the generator itself.
#[derive(Debug)]
pub(super) struct Usages(Vec<NamedUsage>);

#[derive(Debug)]
struct NamedUsage {
    name: String,
    /// `None` when there is no such process.
    usage: Option<Usage>,
}

impl Usages {
    pub(super) fn take(settings: &LoadSettings) -> Self {
        let named = settings.processes.iter().map(|process| NamedUsage {
            name: process.name.clone(),
            usage: Usage::of(process.pid),
        });
        let generator = NamedUsage {
            name: "load (generator)".to_owned(),
            usage: Usage::own(),
        };
        Self(named.chain([generator]).collect())
    }

    /// Name and resident bytes of each process that is there.
    pub(super) fn resident(&self) -> impl Iterator<Item = (&str, u64)> {
        let usages = self.0.iter();
        usages.filter_map(|named| Some((named.name.as_str(), named.usage?.resident)))
    }
}

/// What all parts of a load bring home.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) totals: Totals,
    pub(super) harvests: Vec<Harvest>,
    pub(super) arrivals: Option<Arrivals>,
    pub(super) idle: Option<IdleReport>,
    pub(super) hostile: Option<Tally>,
}

pub(super) fn summarise(
    settings: &LoadSettings,
    measured: &Measured,
    brought: Brought,
) -> LoadReport {
    let harvests = &brought.harvests;
    let grew = |count: fn(&Second) -> Option<u64>| {
        let first = measured.seconds.first().and_then(count)?;
        let last = measured.seconds.last().and_then(count)?;
        Some(last.saturating_sub(first))
    };
    let acknowledged = grew(|second| Some(second.acknowledged)).unwrap_or_default();
    let measured_s = measured.elapsed.as_secs_f64();
    let arrivals = brought.arrivals.as_ref();
    let processes = processes(measured, acknowledged);
    let mut report = LoadReport {
        latchwork: env!("CARGO_PKG_VERSION"),
        machine: machine(),
        conditions: conditions(settings),
        due: grew(|second| Some(second.due)).unwrap_or_default(),
        acknowledged,
        in_kafka: grew(|second| second.in_kafka),
        measured_s,
        accepted_per_s: per_second(
            acknowledged.saturating_sub(brought.totals.refused),
            measured_s,
        ),
        publish_to_puback: LatencyReport::new(&sum(harvests.iter().map(|h| &h.pubacks))),
        publish_to_kafka: arrivals.map(|arrivals| LatencyReport::new(&arrivals.latencies)),
        due_to_write: LatencyReport::new(&sum(harvests.iter().map(|h| &h.sends))),
        audit: audit(brought.totals, arrivals),
        idle: brought.idle,
        hostile: brought
            .hostile
            .map(|tally| HostileReport::new(settings, tally, harvests)),
        pipeline_us_per_message: pipeline(settings, &processes),
        processes,
        seconds: measured.seconds.clone(),
        sustained: false,
        objections: Vec::new(),
    };
    report.objections = objections_to(&report, measured.was_interrupted);
    report.sustained = report.objections.is_empty();
    report
}

fn objections_to(report: &LoadReport, was_interrupted: bool) -> Vec<String> {
    let audit = &report.audit;
    let mut objections = objections(&Evidence {
        seconds: &report.seconds,
        rate: f64::from(report.conditions.rate),
        broken_connections: audit.broken_connections,
        refused: audit.refused,
        unacknowledged: audit.sent.saturating_sub(audit.acknowledged),
        lost: audit.lost.unwrap_or_default(),
        out_of_order: audit.out_of_order.unwrap_or_default(),
        was_interrupted,
    });
    objections.extend(report.idle.as_ref().and_then(IdleReport::objection));
    objections.extend(report.hostile.as_ref().and_then(HostileReport::objection));
    objections
}

pub(super) fn sum<'a>(parts: impl Iterator<Item = &'a Histogram<u64>>) -> Histogram<u64> {
    parts.fold(super::latency_histogram(), |sum, part| sum + part)
}

fn audit(totals: Totals, arrivals: Option<&Arrivals>) -> AuditReport {
    AuditReport {
        sent: totals.sent,
        acknowledged: totals.acknowledged,
        refused: totals.refused,
        lost: arrivals.map(|arrivals| arrivals.lost),
        duplicates: arrivals.map(|arrivals| arrivals.audit.duplicates),
        out_of_order: arrivals.map(|arrivals| arrivals.audit.out_of_order),
        other_records: arrivals.map(|arrivals| arrivals.audit.foreign),
        broken_connections: totals.broken,
    }
}

fn processes(measured: &Measured, acknowledged: u64) -> Vec<ProcessReport> {
    let Some((begin, end)) = &measured.usages else {
        return Vec::new();
    };
    let report = |(begin, end): (&NamedUsage, &NamedUsage)| {
        let cpu = begin
            .usage
            .zip(end.usage)
            .and_then(|(begin, end)| end.cpu.checked_sub(begin.cpu));
        let cpu = cpu.map(|cpu| cpu.as_secs_f64());
        let us = cpu
            .filter(|_| acknowledged > 0)
            .map(|cpu| cpu * 1e6 / float(acknowledged));
        ProcessReport {
            name: end.name.clone(),
            us_per_message: us,
            cpu_percent: cpu.map(|cpu| cpu * 100.0 / measured.elapsed.as_secs_f64()),
            resident_mib: end.usage.map(|end| float(end.resident) / 1_048_576.0),
        }
    };
    begin.0.iter().zip(&end.0).map(report).collect()
}

/// Kafka is what every solution needs, and the generator is none: they are left out.
fn pipeline(settings: &LoadSettings, processes: &[ProcessReport]) -> Option<f64> {
    let named = processes.get(..settings.processes.len())?;
    let ours = named.iter().filter(|process| process.name != "kafka");
    let sum = ours
        .map(|process| process.us_per_message)
        .sum::<Option<f64>>()?;
    (!named.is_empty()).then_some(sum)
}

fn conditions(settings: &LoadSettings) -> Conditions {
    Conditions {
        mqtt: settings.mqtt.clone(),
        mqtt_version: match settings.version {
            Version::V311 => "3.1.1",
            Version::V5 => "5.0",
        },
        qos: settings.qos.value(),
        clients: settings.clients,
        rate: settings.rate,
        payload: settings.payload,
        window: settings.window,
        warmup_s: settings.warmup.as_secs_f64(),
        threads: settings.threads,
    }
}

/// Processor, cores and memory.
fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let processor =
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".into());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory =
        field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "an unknown amount of".into());
    format!("{cores} x {processor}, {memory} memory")
}
