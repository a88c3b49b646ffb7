//! Scenarios over real processes: nats-server, Kafka, and every stage as a child process.
//!
//! Each test has a [`testbed::Testbed`] of its own: a nats-server, the stages, an MQTT port and a
//! data folder. One Kafka serves all tests that do not kill it ([`shared_kafka`]); it is the one
//! that `LATCHWORK_KAFKA` names, if any. Topics have a name of their own per test and run.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "in a test, a panic is a failure, and what is printed is shown with it"
)]

mod access;
mod audit;
mod audit_bed;
mod audit_crash;
mod audit_rules;
mod back_pressure;
mod bad_input;
mod clients;
mod collector;
mod commands;
mod compose;
mod compose_stack;
mod conformance;
mod crash;
mod dashboards;
mod dead_letters;
mod demo;
mod docs;
mod doctor;
mod events;
mod fleet;
mod foreign;
mod http_get;
mod image_programs;
mod jaeger;
mod kafka_log;
mod kafka_rules;
mod ledger;
mod metrics;
mod nats_line;
mod notify;
mod notify_crash;
mod notify_receivers;
mod payloads;
mod poison;
mod presence;
mod prometheus;
mod protocol;
mod protocol_ends;
mod protocol_faults;
mod raw_mqtt;
mod readiness;
mod replica;
mod replicas;
mod republish;
mod republish_bed;
mod republish_crash;
mod rules;
mod rules_bed;
mod rules_command;
mod rules_crash;
mod rules_events;
mod rules_failures;
mod rules_hostile;
mod rules_reload;
mod rules_reload_faults;
mod rules_republish;
mod run_command;
mod seed;
mod sessions_crash;
mod shared_kafka;
mod status;
mod status_rules;
mod takeover;
mod testbed;
mod topics;
mod trace_conventions;
mod trace_store;
mod traces;
mod up;
mod waiting;
