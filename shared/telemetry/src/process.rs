//! CPU time and memory of this process, read from `/proc` when somebody asks.

use std::{
    fs,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use opentelemetry::{KeyValue, metrics::Meter};

use crate::{
    metrics::stage::{BUILD_INFO, CPU, RESIDENT_MEMORY, SPANS_DROPPED, START_TIME},
    span_queue::SpanCounts,
};

/// Ticks per second in `/proc/PID/stat`: `USER_HZ`, 100 on every Linux this is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Registers what is observed at collection time. Instruments live as long as the meter.
pub(crate) fn observe(meter: &Meter, stage: &str, spans: Option<Arc<SpanCounts>>) {
    meter
        .f64_observable_counter(CPU.name)
        .with_unit(CPU.unit)
        .with_description(CPU.meaning)
        .with_callback(|observer| {
            if let Some(seconds) = cpu_seconds() {
                observer.observe(seconds, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge(RESIDENT_MEMORY.name)
        .with_unit(RESIDENT_MEMORY.unit)
        .with_description(RESIDENT_MEMORY.meaning)
        .with_callback(|observer| {
            if let Some(bytes) = resident_bytes() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
    let started = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    meter
        .f64_observable_gauge(START_TIME.name)
        .with_unit(START_TIME.unit)
        .with_description(START_TIME.meaning)
        .with_callback(move |observer| observer.observe(started.as_secs_f64(), &[]))
        .build();
    let build = [
        KeyValue::new("stage", stage.to_owned()),
        KeyValue::new("version", env!("CARGO_PKG_VERSION")),
    ];
    meter
        .u64_observable_gauge(BUILD_INFO.name)
        .with_unit(BUILD_INFO.unit)
        .with_description(BUILD_INFO.meaning)
        .with_callback(move |observer| observer.observe(1, &build))
        .build();
    if let Some(spans) = spans {
        observe_spans(meter, spans);
    }
}

fn observe_spans(meter: &Meter, spans: Arc<SpanCounts>) {
    meter
        .u64_observable_counter(SPANS_DROPPED.name)
        .with_unit(SPANS_DROPPED.unit)
        .with_description(SPANS_DROPPED.meaning)
        .with_callback(move |observer| {
            observer.observe(spans.queue_full(), &[KeyValue::new("reason", "queue_full")]);
            observer.observe(
                spans.export_failed(),
                &[KeyValue::new("reason", "export_failed")],
            );
        })
        .build();
}

/// User and system time. proc(5), `/proc/pid/stat`: fields 14 and 15.
fn cpu_seconds() -> Option<f64> {
    cpu_seconds_of(&fs::read_to_string("/proc/self/stat").ok()?)
}

fn cpu_seconds_of(stat: &str) -> Option<f64> {
    // The program's name, in brackets, may itself hold spaces and brackets.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// proc(5), `/proc/pid/status`: `VmRSS`, in kB.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a program whose name holds spaces and brackets, 1.5 s of user and 0.25 s of
    /// system time; and this process.
    /// Guarantee: the times are summed in seconds; this process has a plausible memory.
    #[test]
    fn proc_files_are_read() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 3 0 100";
        assert!((cpu_seconds_of(stat).unwrap() - 1.75).abs() < 1e-9);
        assert_eq!(cpu_seconds_of("7 (cut"), None);
        assert!(cpu_seconds().is_some());
        assert!((1 << 20..1 << 36).contains(&resident_bytes().unwrap()));
    }
}
