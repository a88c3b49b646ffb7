//! The pipeline file: contracts, hooks and Kafka settings, checked before anything starts.
