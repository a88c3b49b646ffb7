//! One edge for many tests.
//!
//! It lives on a thread of its own, since the runtime of the test that asked first ends with that
//! test, and goes with the last test that holds it.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use tokio::sync::{Mutex, oneshot};

use crate::testbed::{Setup, Testbed};

/// What the edge of [`tight`] allows.
const TIGHT: [(&str, &str); 4] = [
    ("LATCHWORK_RECEIVE_MAXIMUM", "3"),
    ("LATCHWORK_MAX_PACKET", "2000"),
    ("LATCHWORK_MAX_SESSION_EXPIRY", "40"),
    ("LATCHWORK_MAX_KEEP_ALIVE", "30"),
];

/// An edge with its store.
pub(super) struct Bed {
    mqtt: String,
    /// Of the edge.
    pid: u32,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where the tests that run at a time find the same edge.
type Shared = Mutex<Weak<Bed>>;

/// An edge with every limit as it comes.
pub(super) async fn roomy() -> Arc<Bed> {
    static SHARED: Shared = Mutex::const_new(Weak::new());
    shared(&SHARED, || Setup::new().stages(&["mqtt-edge"])).await
}

/// An edge with limits that are easily met: Receive Maximum 3, packets of 2000 bytes, sessions of
/// 40 s and keep-alives of 30 s.
pub(super) async fn tight() -> Arc<Bed> {
    static SHARED: Shared = Mutex::const_new(Weak::new());
    let setup = || {
        let setup = Setup::new().stages(&["mqtt-edge"]);
        let limits = TIGHT.into_iter();
        limits.fold(setup, |setup, (key, value)| setup.env(key, value))
    };
    shared(&SHARED, setup).await
}

async fn shared(shared: &Shared, setup: impl FnOnce() -> Setup) -> Arc<Bed> {
    let mut shared = shared.lock().await;
    if let Some(bed) = shared.upgrade() {
        return bed;
    }
    let bed = Arc::new(Bed::start(setup()).await);
    *shared = Arc::downgrade(&bed);
    bed
}

impl Bed {
    async fn start(setup: Setup) -> Self {
        let (started, starting) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let bed: Testbed = setup.start().await;
                let told = started.send((bed.mqtt().to_owned(), bed.pid("mqtt-edge")));
                if told.is_ok() {
                    stopped.await.ok();
                }
            });
        });
        let (mqtt, pid) = starting.await.expect("the edge does not start: see above");
        Self {
            mqtt,
            pid,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(super) fn mqtt(&self) -> &str {
        &self.mqtt
    }

    /// Fails the test when the edge has died, or when one of its tasks has.
    pub(super) fn assert_unhurt(&self) {
        // Its standard error is its log.
        let log = std::fs::read(format!("/proc/{}/fd/2", self.pid)).expect("the edge died");
        let log = String::from_utf8_lossy(&log);
        let panics: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("panicked"))
            .collect();
        assert!(panics.is_empty(), "{panics:#?}");
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
