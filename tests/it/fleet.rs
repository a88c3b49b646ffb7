//! Locks under load: each a client of its own with numbered states, that connects again by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchwork::mqtt_client::{
    ClientOptions, Publish, ReasonCode, ResumableClient, ResumableEvent, ResumableOptions,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::ledger::{Id, Ledger};
use crate::payloads::{broken_state, state, state_topic};
use crate::waiting::{DEADLINE, soon};

/// How the locks publish.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// How many locks. Every other one speaks MQTT 5.0.
    pub(crate) locks: u64,
    /// States of each, unless they are told to stop earlier.
    pub(crate) states: u64,
    /// From one state of a lock to its next.
    pub(crate) every: Duration,
    /// States of a lock that may be without PUBACK.
    pub(crate) window: usize,
    /// Further bytes of each state.
    pub(crate) padding: usize,
}

impl Load {
    /// 500 states a second, for forty seconds if nobody stops it.
    pub(crate) const MODEST: Self = Self {
        locks: 20,
        states: 1000,
        every: Duration::from_millis(40),
        window: 8,
        padding: 0,
    };

    /// The same for 200 seconds: for what takes its time.
    pub(crate) const LONG: Self = Self {
        states: 5000,
        ..Self::MODEST
    };

    pub(crate) fn total(&self) -> u64 {
        self.locks * self.states
    }

    /// States that all of them publish in a second.
    pub(crate) fn per_second(&self) -> u64 {
        self.locks * 1000 / u64::try_from(self.every.as_millis()).unwrap()
    }

    /// States that may be on their way at one moment.
    pub(crate) fn in_flight(&self) -> usize {
        usize::try_from(self.locks).unwrap() * self.window
    }
}

/// Every tenth state breaks its contract: it must end as a dead letter.
fn is_broken(number: u64) -> bool {
    number % 10 == 9
}

/// The locks at work.
pub(crate) struct Fleet {
    locks: JoinSet<()>,
    ledger: Arc<Mutex<Ledger>>,
    acknowledged: watch::Receiver<u64>,
    enough: Arc<AtomicBool>,
}

impl Fleet {
    /// Starts to publish. Client ids begin with `prefix`.
    pub(crate) fn start(mqtt: &str, prefix: &str, load: Load) -> Self {
        let ledger = Arc::<Mutex<Ledger>>::default();
        let (count, acknowledged) = watch::channel(0);
        let enough = Arc::<AtomicBool>::default();
        let mut locks = JoinSet::new();
        for index in 0..load.locks {
            let client_id = format!("{prefix}{index:03}");
            let client = ClientOptions::new(mqtt, client_id.as_str());
            let client = if index % 2 == 0 { client } else { client.v5() };
            let lock = Lock {
                client_id,
                ledger: Arc::clone(&ledger),
                count: count.clone(),
                enough: Arc::clone(&enough),
                load,
            };
            locks.spawn(lock.run(client));
        }
        Self {
            locks,
            ledger,
            acknowledged,
            enough,
        }
    }

    /// Waits until so many more states are acknowledged.
    pub(crate) async fn acknowledges(&mut self, more: u64) {
        let count = self.acknowledged_so_far() + more;
        let what = format!("{count} acknowledged states");
        soon(&what, self.acknowledged.wait_for(|now| *now >= count))
            .await
            .unwrap();
    }

    /// States that are acknowledged so far.
    pub(crate) fn acknowledged_so_far(&self) -> u64 {
        *self.acknowledged.borrow()
    }

    /// No more states than those that are published by now.
    pub(crate) fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Waits until every state is acknowledged, and gives the account.
    pub(crate) async fn finish(mut self) -> Ledger {
        while let Some(lock) = soon("the locks to finish", self.locks.join_next()).await {
            lock.unwrap();
        }
        std::mem::take(&mut self.ledger.lock().unwrap())
    }
}

struct Lock {
    client_id: String,
    ledger: Arc<Mutex<Ledger>>,
    count: watch::Sender<u64>,
    enough: Arc<AtomicBool>,
    load: Load,
}

impl Lock {
    async fn run(self, client: ClientOptions) {
        let window = self.load.window;
        let options = ResumableOptions {
            client,
            window,
            subscriptions: Vec::new(),
        };
        let (client, mut events) = ResumableClient::start(options);
        tokio::join!(self.publish(client), self.book(&mut events));
    }

    async fn publish(&self, client: ResumableClient) {
        let mut tick = interval(self.load.every);
        for number in 0..self.load.states {
            tick.tick().await;
            if self.enough.load(Ordering::Relaxed) {
                break;
            }
            let broken = is_broken(number);
            self.ledger
                .lock()
                .unwrap()
                .published(self.id(number), broken);
            let payload = if broken { broken_state } else { state }(&self.client_id, number);
            // White space behind a document belongs to its payload.
            let payload = payload + &" ".repeat(self.load.padding);
            let message = Publish::new(state_topic(&self.client_id), payload);
            client.publish(number, message).await.unwrap();
        }
        let left = client.finish(DEADLINE).await;
        assert!(
            left.is_empty(),
            "{}: no PUBACK for {left:?}",
            self.client_id
        );
    }

    async fn book(&self, events: &mut mpsc::Receiver<ResumableEvent>) {
        while let Some(event) = events.recv().await {
            let ResumableEvent::Acknowledged { sequence, ack } = event else {
                continue;
            };
            let told = ack.reason == ReasonCode::PAYLOAD_FORMAT_INVALID;
            let fine = ack.reason == ReasonCode::SUCCESS || (told && is_broken(sequence));
            assert!(fine, "{} number {sequence}: {}", self.client_id, ack.reason);
            self.ledger.lock().unwrap().acknowledged(&self.id(sequence));
            self.count.send_modify(|count| *count += 1);
        }
    }

    fn id(&self, number: u64) -> Id {
        (self.client_id.clone(), number)
    }
}
