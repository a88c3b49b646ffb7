//! What nearly every test does with the product's own MQTT client.

use latchwork::mqtt_client::{ClientOptions, IncomingMessages, MqttClient, Publish, ReasonCode};

use crate::waiting::soon;

/// Connects, or fails the test.
pub(crate) async fn connect(options: &ClientOptions) -> (MqttClient, IncomingMessages) {
    soon("CONNACK", MqttClient::connect(options))
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Publishes at `QoS` 1 and waits for the PUBACK's reason.
pub(crate) async fn publish(
    client: &MqttClient,
    topic: impl Into<String>,
    payload: impl Into<bytes::Bytes>,
) -> ReasonCode {
    let topic = topic.into();
    let what = format!("PUBACK of a message to {topic:?}");
    let acknowledgement = client.publish(Publish::new(topic, payload)).await.unwrap();
    soon(&what, acknowledgement)
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"))
        .reason
}
