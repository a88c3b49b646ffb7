//! What the edge counts besides its records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::metrics::Counter;
use parking_lot::Mutex;
use record::Verdict;
use telemetry::metrics::edge;
use telemetry::{KeyValue, LabelledCounter, Level, Meter};

use crate::codec::ReasonCode;

/// What the edge counts besides its records. Meanings: [`telemetry::metrics::edge`].
#[derive(Debug)]
pub(crate) struct Meters {
    /// Sessions that are open.
    pub(crate) connections: Level,
    connects: LabelledCounter,
    disconnects: LabelledCounter,
    publishes: Arc<Publishes>,
    /// `QoS` 0 messages that a stalled store had no room for.
    pub(crate) qos0_dropped: Counter<u64>,
    /// Messages that a subscriber does not get: it was too slow, had announced them to be too large,
    /// came too late for them, or too many waited for it.
    pub(crate) deliveries_dropped: LabelledCounter,
}

impl Meters {
    /// Every series that there is in a healthy edge begins at zero.
    pub(crate) fn new(meter: &Meter) -> Self {
        let meters = Self {
            connections: Level::new(&edge::CONNECTIONS, meter),
            connects: LabelledCounter::new(&edge::CONNECTS, meter),
            disconnects: LabelledCounter::new(&edge::DISCONNECTS, meter),
            publishes: Publishes::shown(meter),
            qos0_dropped: edge::QOS0_DROPPED.counter(meter),
            deliveries_dropped: LabelledCounter::new(&edge::DELIVERIES_DROPPED, meter),
        };
        meters.connections.add(0);
        meters.connects.add([ReasonCode::SUCCESS.name()], 0);
        meters.connects.add([ReasonCode::NOT_AUTHORIZED.name()], 0);
        meters.disconnects.add(["normal"], 0);
        meters.qos0_dropped.add(0, &[]);
        for reason in [
            "too_slow",
            "too_large",
            "expired",
            "queue_full",
            "not_allowed",
        ] {
            meters.deliveries_dropped.add([reason], 0);
        }
        meters
    }

    /// A CONNECT was accepted.
    pub(crate) fn connected(&self) {
        self.connects.add([ReasonCode::SUCCESS.name()], 1);
        self.connections.add(1);
    }

    /// A connection ended before its CONNECT was accepted.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.connects.add([reason], 1);
    }

    /// An accepted connection ended.
    pub(crate) fn disconnected(&self, reason: &'static str) {
        self.disconnects.add([reason], 1);
        self.connections.add(-1);
    }

    /// Publishes that were accepted.
    pub(crate) fn received(&self) -> u64 {
        self.publishes.accepted.load(Ordering::Relaxed)
    }

    /// The publishes of one read, by what their senders are told.
    pub(crate) fn published(&self, reasons: impl Iterator<Item = ReasonCode>) {
        let mut accepted = 0;
        for reason in reasons {
            if reason == ReasonCode::SUCCESS {
                accepted += 1;
            } else {
                *self
                    .publishes
                    .others
                    .lock()
                    .entry(reason.name())
                    .or_default() += 1;
            }
        }
        self.publishes
            .accepted
            .fetch_add(accepted, Ordering::Relaxed);
    }
}

/// Publishes by reason. A read brings few, often one: an instrument's addition for each (0.1 us)
/// would show in the cost of a message, so these are added up here and read when somebody asks.
#[derive(Debug)]
struct Publishes {
    accepted: AtomicU64,
    others: Mutex<BTreeMap<&'static str, u64>>,
}

impl Publishes {
    fn shown(meter: &Meter) -> Arc<Self> {
        let usual = [
            ReasonCode::PAYLOAD_FORMAT_INVALID,
            ReasonCode::NOT_AUTHORIZED,
        ];
        let this = Arc::new(Self {
            accepted: AtomicU64::new(0),
            others: Mutex::new(usual.map(|reason| (reason.name(), 0)).into()),
        });
        let shown = Arc::clone(&this);
        meter
            .u64_observable_counter(edge::PUBLISHES.name)
            .with_unit(edge::PUBLISHES.unit)
            .with_description(edge::PUBLISHES.meaning)
            .with_callback(move |counter| {
                let show =
                    |reason, count| counter.observe(count, &[KeyValue::new("reason", reason)]);
                show(
                    ReasonCode::SUCCESS.name(),
                    shown.accepted.load(Ordering::Relaxed),
                );
                for (reason, count) in shown.others.lock().iter() {
                    show(reason, *count);
                }
            })
            .build();
        this
    }
}

/// What a check can find.
const VERDICTS: [Verdict; 6] = [
    Verdict::Ok,
    Verdict::BadSignature,
    Verdict::Stale,
    Verdict::Future,
    Verdict::Replayed,
    Verdict::Malformed,
];

/// Counts checked commands; each verdict begins at zero.
pub(crate) fn command_checks(meter: &Meter) -> LabelledCounter {
    let checks = LabelledCounter::new(&edge::COMMAND_CHECKS, meter);
    for verdict in VERDICTS {
        checks.add([verdict.name()], 0);
    }
    checks
}
