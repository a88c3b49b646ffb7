//! What librdkafka tells a producer, on its poll thread.

use std::sync::Arc;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError as NativeError;
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::watch;

use crate::client_log::{ClientLog, OncePerMinute};
use crate::delivery::{Lanes, Place};
use crate::reachability::Reachability;

/// Where the events of a process's producers meet; it outlives each of them.
pub(crate) struct Hub {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) reach: Reachability,
    pub(crate) alarms: OncePerMinute,
    pub(crate) fatal: watch::Sender<u64>,
    log: ClientLog,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Arc::new(Lanes::new()),
            reach: Reachability::default(),
            alarms: OncePerMinute::default(),
            fatal: watch::Sender::new(0),
            log: ClientLog::default(),
        }
    }
}

/// The callbacks of one producer.
pub(crate) struct Events(Arc<Hub>);

impl Events {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self(hub)
    }
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log.line(level, facility, text);
    }

    /// The state of the brokers, every five seconds: an outage of which nothing more is heard ends
    /// here even when there is nothing to send.
    fn stats(&self, statistics: Statistics) {
        if statistics
            .brokers
            .values()
            .any(|broker| broker.state == "UP")
        {
            self.0.reach.found();
        } else {
            self.0.reach.remind();
        }
    }

    fn error(&self, error: NativeError, reason: &str) {
        use RDKafkaErrorCode::{AllBrokersDown, Authentication, Fatal, Resolve, SSL};
        match error.rdkafka_error_code() {
            Some(Fatal) => self.0.fatal.send_modify(|count| *count += 1),
            Some(AllBrokersDown) => self.0.reach.lost(reason),
            Some(code @ (Authentication | SSL | Resolve)) => {
                self.0.reach.trouble(reason);
                if self.0.alarms.due(reason).is_some() {
                    tracing::error!(
                        "no connection to Kafka: {code}: {reason}; check --kafka and \
                         [kafka.librdkafka]"
                    );
                }
            }
            // librdkafka has written it to its log too.
            _ => self.0.reach.trouble(reason),
        }
    }
}

impl ProducerContext for Events {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let result = match result {
            Ok(record) => Ok(Place {
                partition: record.partition(),
                offset: record.offset(),
            }),
            Err((error, _)) => Err(error
                .rdkafka_error_code()
                .unwrap_or(RDKafkaErrorCode::Unknown)),
        };
        self.0.lanes.reported(opaque, result);
    }
}
