//! What every stage counts.

metrics! {
    RECORDS_TAKEN "latchwork.records.taken" => "latchwork_records_taken_total",
        Counter, "{record}", ["stage"], "Records taken from the source.";
    RECORDS_STORED "latchwork.records.stored" => "latchwork_records_stored_total",
        Counter, "{record}", ["stage"], "Outputs that the next system has confirmed.";
    DEAD_LETTERS "latchwork.dead_letters" => "latchwork_dead_letters_total",
        Counter, "{record}", ["stage", "reason"], "Records stored as dead letters.";
    RETRIES "latchwork.retries" => "latchwork_retries_total",
        Counter, "{attempt}", ["stage"], "Batches sent again after a transient failure.";
    RECORDS_SETTLED "latchwork.records.settled" => "latchwork_records_settled_total",
        Counter, "{record}", ["stage"], "Records whose outputs or dead letters are stored: the source may forget them.";
    RECORDS_RETURNED "latchwork.records.returned" => "latchwork_records_returned_total",
        Counter, "{record}", ["stage"], "Records taken and given up unsettled, as when a lane is cut: they are delivered again.";
    BATCHES "latchwork.batches" => "latchwork_batches_total",
        Counter, "{batch}", ["stage"], "Batches taken from the source.";
    BATCH_RECORDS "latchwork.batch.records" => "latchwork_batch_records",
        Histogram, "{record}", ["stage"], "Records in one batch.";
    PROCESS_DURATION "messaging.process.duration" => "messaging_process_duration_seconds",
        Histogram, "s", ["stage"], "Handling one batch, without sending it.";
    SEND_DURATION "latchwork.send.duration" => "latchwork_send_duration_seconds",
        Histogram, "s", ["stage"], "Sending one batch until it is confirmed, retries included.";
    IN_FLIGHT "latchwork.in_flight" => "latchwork_in_flight",
        Gauge, "{record}", ["stage"], "Records taken and not settled yet.";
    LAG "latchwork.lag" => "latchwork_lag",
        Gauge, "{message}", ["stage", "partition"], "Messages of the source that wait for this stage.";
    LANES "latchwork.lanes" => "latchwork_lanes",
        Gauge, "{lane}", ["stage"], "Lanes that this replica owns.";
    SPANS_DROPPED "latchwork.spans.dropped" => "latchwork_spans_dropped_total",
        Counter, "{span}", ["reason"], "Spans that no collector got: queue_full or export_failed.";
    RULES_VERSION "latchwork.rules.version" => "latchwork_rules_version",
        Gauge, "", ["version"], "1 for the version of contracts, hooks and rules that is in force, 0 for those before.";
    RELOADS "latchwork.reloads" => "latchwork_reloads_total",
        Counter, "{reload}", ["outcome"], "Changes of the pipeline's files: taken or refused.";
    BUILD_INFO "latchwork.build_info" => "latchwork_build_info",
        Gauge, "", ["stage", "version"], "Always 1; says which build runs.";
    START_TIME "process.start_time" => "process_start_time_seconds",
        Gauge, "s", [], "When this process began, in seconds since 1970: a change is a restart.";
    CPU "process.cpu" => "process_cpu_seconds_total",
        Counter, "s", [], "User and system CPU time of this process.";
    RESIDENT_MEMORY "process.resident_memory" => "process_resident_memory_bytes",
        Gauge, "By", [], "Memory of this process that is in RAM.";
}
