//! Readiness: Kafka has answered.

use kafka::KafkaProducer;
use telemetry::Telemetry;
use tracing::{info, warn};

/// The stage is ready once Kafka has answered; how it fares later is in its metrics.
pub(crate) fn watch(telemetry: &Telemetry, producer: KafkaProducer) {
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
