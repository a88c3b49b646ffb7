//! Checks payloads against their contracts and makes the Kafka envelopes.
