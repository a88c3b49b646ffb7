//! Sources and sinks in memory, with faults on demand: for tests of handlers and of the runner.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use record::{FrameItem, StageItem};
use tokio::sync::Notify;

use crate::handler::Reject;
use crate::sink::{Refused, Sink, Unavailable};
use crate::source::{Batch, Delivery, NotAFrame, Source};

/// A stream in memory. Clones share it, so that a test sees what a lane does.
#[derive(Clone, Debug)]
pub struct MemoryStream<T> {
    state: Arc<Mutex<StreamState<T>>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct StreamState<T> {
    next_sequence: u64,
    waiting: VecDeque<(u64, Result<Vec<T>, bytes::Bytes>)>,
    delivered: VecDeque<(u64, Result<Vec<T>, bytes::Bytes>)>,
    settled: Vec<u64>,
    in_progress: usize,
    stopped: bool,
}

impl<T> Default for MemoryStream<T> {
    fn default() -> Self {
        let state = StreamState {
            next_sequence: 1,
            waiting: VecDeque::new(),
            delivered: VecDeque::new(),
            settled: Vec::new(),
            in_progress: 0,
            stopped: false,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            changed: Arc::default(),
        }
    }
}

impl<T: StageItem> MemoryStream<T> {
    /// Appends one frame; returns its sequence.
    pub fn append(&self, items: Vec<T>) -> u64 {
        self.append_message(Ok(items))
    }

    /// Appends a message that is no frame.
    pub fn append_broken(&self, bytes: impl Into<bytes::Bytes>) -> u64 {
        self.append_message(Err(bytes.into()))
    }

    fn append_message(&self, message: Result<Vec<T>, bytes::Bytes>) -> u64 {
        let mut state = self.state.lock();
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        state.waiting.push_back((sequence, message));
        self.changed.notify_waiters();
        sequence
    }

    /// Tells the sources to stop.
    pub fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_waiters();
    }

    /// What a restart does: everything delivered and not settled comes again, first.
    pub fn redeliver(&self) {
        let mut state = self.state.lock();
        state.stopped = false;
        while let Some(message) = state.delivered.pop_back() {
            state.waiting.push_front(message);
        }
        self.changed.notify_waiters();
    }

    /// Sequences that were settled, in order.
    pub fn settled(&self) -> Vec<u64> {
        self.state.lock().settled.clone()
    }

    /// How often something was said to be in progress.
    pub fn in_progress_count(&self) -> usize {
        self.state.lock().in_progress
    }

    /// A source that reads this stream.
    pub fn source(&self) -> MemorySource<T> {
        MemorySource {
            stream: self.clone(),
        }
    }
}

/// Reads a [`MemoryStream`].
#[derive(Clone, Debug)]
pub struct MemorySource<T> {
    stream: MemoryStream<T>,
}

impl<T: FrameItem + StageItem> Source for MemorySource<T> {
    type Item = T;
    type Token = u64;

    async fn next(&mut self) -> Option<Batch<T, u64>> {
        loop {
            let changed = self.stream.changed.notified();
            {
                let mut state = self.stream.state.lock();
                if state.stopped {
                    return None;
                }
                let messages: Vec<_> = state.waiting.drain(..).collect();
                if !messages.is_empty() {
                    state.delivered.extend(messages.iter().cloned());
                    return Some(Batch {
                        deliveries: messages.into_iter().map(delivery).collect(),
                    });
                }
            }
            changed.await;
        }
    }

    async fn in_progress(&self, tokens: &[&u64]) {
        self.stream.state.lock().in_progress += tokens.len();
    }

    async fn settle(&mut self, tokens: Vec<u64>) {
        let mut state = self.stream.state.lock();
        state
            .delivered
            .retain(|(sequence, _)| !tokens.contains(sequence));
        state.settled.extend(tokens);
    }

    async fn flush(&mut self) {}

    fn stream(&self) -> &'static str {
        "MEMORY"
    }
}

fn delivery<T: FrameItem>(message: (u64, Result<Vec<T>, bytes::Bytes>)) -> Delivery<T, u64> {
    let (sequence, items) = message;
    let items = items.map_err(|bytes| {
        let error = record::Frame::<T>::read(bytes.clone()).map(|_frame| ());
        let error = error.err().unwrap_or(record::FrameError::NotText {
            index: 0,
            field: "?",
        });
        NotAFrame { bytes, error }
    });
    Delivery {
        sequence,
        items,
        token: sequence,
    }
}

/// A sink in memory. Clones share it.
#[derive(Clone, Debug)]
pub struct MemorySink<T> {
    state: Arc<Mutex<SinkState<T>>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct SinkState<T> {
    stored: Vec<T>,
    batches: Vec<String>,
    failures: usize,
    partial: Option<usize>,
    hanging: bool,
    refuse: (&'static str, fn(&T) -> bool),
}

impl<T> Default for MemorySink<T> {
    fn default() -> Self {
        let state = SinkState {
            stored: Vec::new(),
            batches: Vec::new(),
            failures: 0,
            partial: None,
            hanging: false,
            refuse: ("refused", |_| false),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            changed: Arc::default(),
        }
    }
}

impl<T: Clone> MemorySink<T> {
    /// The next `count` sends fail and store nothing.
    pub fn fail_next(&self, count: usize) {
        self.state.lock().failures = count;
    }

    /// The next send stores its first `stored` items and then fails.
    pub fn fail_next_after(&self, stored: usize) {
        self.state.lock().partial = Some(stored);
    }

    /// Sends hang until [`go_on`](Self::go_on).
    pub fn hang(&self) {
        self.state.lock().hanging = true;
    }

    /// Ends the hanging.
    pub fn go_on(&self) {
        self.state.lock().hanging = false;
        self.changed.notify_waiters();
    }

    /// Items for which this is true are refused for ever, with this code.
    pub fn refuse_if(&self, code: &'static str, refuse: fn(&T) -> bool) {
        self.state.lock().refuse = (code, refuse);
    }

    /// Everything stored, in order.
    pub fn stored(&self) -> Vec<T> {
        self.state.lock().stored.clone()
    }

    /// Names of the batches that were stored, in order.
    pub fn batches(&self) -> Vec<String> {
        self.state.lock().batches.clone()
    }

    /// Waits until at least so many items are stored.
    pub async fn wait_for(&self, count: usize) {
        loop {
            let changed = self.changed.notified();
            if self.state.lock().stored.len() >= count {
                return;
            }
            changed.await;
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Sink for MemorySink<T> {
    type Item = T;

    async fn send(&mut self, batch: &str, items: &[T]) -> Result<Vec<Refused>, Unavailable> {
        loop {
            let changed = self.changed.notified();
            if !self.state.lock().hanging {
                break;
            }
            changed.await;
        }
        let mut state = self.state.lock();
        if state.failures > 0 {
            state.failures -= 1;
            return Err(Unavailable::new("memory", "told to fail"));
        }
        let partial = state.partial.take();
        let (code, refuse) = state.refuse;
        let mut refused = Vec::new();
        for (index, item) in items.iter().enumerate().take(partial.unwrap_or(usize::MAX)) {
            if refuse(item) {
                refused.push(Refused {
                    index,
                    reject: Reject::new(code, "told to refuse"),
                });
            } else {
                state.stored.push(item.clone());
            }
        }
        self.changed.notify_waiters();
        if partial.is_some() {
            return Err(Unavailable::new("memory", "told to fail in the middle"));
        }
        state.batches.push(batch.to_owned());
        Ok(refused)
    }
}
