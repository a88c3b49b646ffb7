//! How Kafka fares: readiness, latency, and gauges for the alarm.

use kafka::{KafkaProducer, KafkaStatus};
use telemetry::metrics::kafka::{HELD_TOPICS, IN_FLIGHT, LATENCY, OLDEST_IN_FLIGHT, RENEWALS, UP};
use telemetry::{Meter, Metric, Telemetry};
use topology::KAFKA_SINK;
use tracing::{info, warn};

/// The stage is ready once Kafka has answered; how it fares later is in its metrics.
pub(crate) fn watch(telemetry: &Telemetry, producer: KafkaProducer) {
    gauges(telemetry, &producer);
    producer.measure(telemetry.latency(&LATENCY, KAFKA_SINK.stage));
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
    gauge(&UP, &meter, producer, |status| u64::from(status.up));
    gauge(&IN_FLIGHT, &meter, producer, |status| {
        status.in_flight as u64
    });
    gauge(&HELD_TOPICS, &meter, producer, |status| {
        status.held_topics.len() as u64
    });
    let status = producer.clone();
    meter
        .u64_observable_counter(RENEWALS.name)
        .with_description(RENEWALS.meaning)
        .with_callback(move |counter| counter.observe(status.status().renewed, &[]))
        .build();
    let status = producer.clone();
    meter
        .f64_observable_gauge(OLDEST_IN_FLIGHT.name)
        .with_unit(OLDEST_IN_FLIGHT.unit)
        .with_description(OLDEST_IN_FLIGHT.meaning)
        .with_callback(move |gauge| {
            let oldest = status.status().oldest_in_flight.unwrap_or_default();
            gauge.observe(oldest.as_secs_f64(), &[]);
        })
        .build();
}

fn gauge(
    metric: &Metric,
    meter: &Meter,
    producer: &KafkaProducer,
    figure: impl Fn(&KafkaStatus) -> u64 + Send + Sync + 'static,
) {
    let producer = producer.clone();
    meter
        .u64_observable_gauge(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.meaning)
        .with_callback(move |gauge| gauge.observe(figure(&producer.status()), &[]))
        .build();
}
