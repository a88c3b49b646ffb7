//! Everything over rdkafka: the producer sink, topics, the in-memory stand-in.
