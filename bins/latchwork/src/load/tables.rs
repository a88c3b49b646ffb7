//! What a load has shown, for people.

use std::fmt;

use super::report::{AuditReport, Conditions, LatencyReport, LoadReport, ProcessReport};
use super::verdict::per_second;

/// What a message that the server has is called, and when it has it.
fn words(qos: u8) -> (&'static str, &'static str) {
    match qos {
        0 => ("written", "to the write"),
        1 => ("acknowledged", "to PUBACK"),
        _ => ("acknowledged", "to PUBREC"),
    }
}

impl fmt::Display for LatencyReport {
    /// The five columns: p50, p90, p99, p99.9, max.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            p50_ms,
            p90_ms,
            p99_ms,
            p999_ms,
            max_ms,
            ..
        } = self;
        write!(
            f,
            "{p50_ms:>10.2}{p90_ms:>10.2}{p99_ms:>10.2}{p999_ms:>10.2}{max_ms:>10.2}"
        )
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "latchwork {} on {}", self.latchwork, self.machine)?;
        writeln!(f, "{}", self.conditions)?;
        self.write_counts(f)?;
        self.write_latencies(f)?;
        self.write_processes(f)?;
        if let Some(idle) = &self.idle {
            writeln!(f, "\n{idle}")?;
        }
        if let Some(hostile) = &self.hostile {
            writeln!(f, "\n{hostile}")?;
        }
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
            qos,
            clients,
            rate,
            payload,
            window,
            warmup_s,
            threads,
        } = self;
        write!(
            f,
            "open loop at {rate}/s to {mqtt}: MQTT {mqtt_version}, QoS {qos}, {clients} clients with a window of {window}, \
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
            let per_second = per_second(count, self.measured_s);
            writeln!(f, "{name:<22}{count:>12}{per_second:>12.0}")
        };
        line("due", self.due)?;
        line(words(self.conditions.qos).0, self.acknowledged)?;
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
        let mut line = |name: &str, latency: &LatencyReport| writeln!(f, "{name:<22}{latency}");
        line("to the write", &self.due_to_write)?;
        if self.conditions.qos > 0 {
            line(words(self.conditions.qos).1, &self.publish_to_puback)?;
        }
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
