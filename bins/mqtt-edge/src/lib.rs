//! The MQTT front: acknowledges a message when JetStream has it.

pub mod codec;
