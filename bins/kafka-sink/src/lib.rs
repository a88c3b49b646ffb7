//! Writes Kafka records in asynchronous batches.
