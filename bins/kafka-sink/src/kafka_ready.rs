//! How Kafka fares: readiness, and gauges for the alarm.

use kafka::KafkaProducer;
use telemetry::Telemetry;
use tracing::{info, warn};

/// The stage is ready once Kafka has answered; how it fares later is in its metrics.
pub(crate) fn watch(telemetry: &Telemetry, producer: KafkaProducer) {
    gauges(telemetry, &producer);
    let ready = telemetry.readiness().condition("kafka");
    tokio::spawn(async move {
        match producer.connected().await {
            Ok(()) => {
                info!("connected to Kafka");
                ready.set(true);
            }
            Err(error) => warn!("{error}"),
        }
    });
}

/// The oldest record in flight is the alarm of an outage, also of one without a word.
fn gauges(telemetry: &Telemetry, producer: &KafkaProducer) {
    let meter = telemetry.meter();
    let status = producer.clone();
    meter
        .f64_observable_gauge("latchwork.kafka.oldest_in_flight")
        .with_unit("s")
        .with_description("age of the oldest record that Kafka has not confirmed")
        .with_callback(move |gauge| {
            let oldest = status.status().oldest_in_flight.unwrap_or_default();
            gauge.observe(oldest.as_secs_f64(), &[]);
        })
        .build();
    let status = producer.clone();
    meter
        .u64_observable_gauge("latchwork.kafka.held_topics")
        .with_description("topics whose records wait because the topic is missing or denied")
        .with_callback(move |gauge| gauge.observe(status.status().held_topics.len() as u64, &[]))
        .build();
    let status = producer.clone();
    meter
        .u64_observable_gauge("latchwork.kafka.up")
        .with_description("1 while Kafka answers")
        .with_callback(move |gauge| gauge.observe(u64::from(status.status().up), &[]))
        .build();
}
