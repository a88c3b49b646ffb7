//! What the way into Kafka counts besides.

metrics! {
    UP "latchwork.kafka.up" => "latchwork_kafka_up",
        Gauge, "", [], "1 while Kafka answers.";
    IN_FLIGHT "latchwork.kafka.in_flight" => "latchwork_kafka_in_flight",
        Gauge, "{record}", [], "Records that were given to Kafka and are not confirmed.";
    OLDEST_IN_FLIGHT "latchwork.kafka.oldest_in_flight" => "latchwork_kafka_oldest_in_flight_seconds",
        Gauge, "s", [], "Age of the oldest flight of records that Kafka has not confirmed.";
    HELD_TOPICS "latchwork.kafka.held_topics" => "latchwork_kafka_held_topics",
        Gauge, "{topic}", [], "Topics whose records wait because the topic is missing or denied.";
    RENEWALS "latchwork.kafka.renewals" => "latchwork_kafka_renewals_total",
        Counter, "{producer}", [], "Producers that a fatal error made necessary.";
    LATENCY "latchwork.kafka.latency" => "latchwork_kafka_latency_seconds",
        Histogram, "s", ["stage"], "From the edge's reading a PUBLISH to Kafka's confirmation of its batch, every record.";
}
