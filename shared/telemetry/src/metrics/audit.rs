//! What the audit counts besides.

metrics! {
    ALERTS "latchwork.audit.alerts" => "latchwork_audit_alerts_total",
        Counter, "{alert}", ["kind", "severity", "change"], "Alerts on their way to Kafka and to people.";
    ENTRIES "latchwork.audit.entries" => "latchwork_audit_entries_total",
        Counter, "{entry}", ["kind"], "Entries of the tamper-evident log.";
}
