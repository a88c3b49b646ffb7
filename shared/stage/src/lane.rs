//! The runner: one lane joins a source, a handler, a sink and the dead letters.
//!
//! It is the only place that retries, dead-letters, settles, traces and counts.

use std::time::{Duration, Instant};

use record::{DeadLetter, MAX_FRAME_BYTES, Origin, Original, StageItem};
use tokio::time::{Interval, sleep_until};
use tracing::warn;

use crate::clock::{now_ms, ticks};
use crate::dead_letters::Letters;
use crate::handler::Handler;
use crate::jetstream::PROGRESS_EVERY;
use crate::lease::Lease;
use crate::observe::{Clock, Observer};
use crate::outputs::Outputs;
use crate::retry::Backoff;
use crate::sink::{Refused, Sink, Unavailable};
use crate::source::{Batch, Source};

/// Smallest gap between two batches that follow each other.
///
/// Stored frames are what costs: without a gap a busy lane stores many small ones (measured at
/// 34,000 messages/s: 31.7 us of CPU per message without, 25.0 with 2 ms). An idle lane never waits.
pub const BATCH_GAP: Duration = Duration::from_millis(2);

/// One partition's road through a stage.
pub struct Lane<S, H, K, D> {
    /// Where items come from.
    pub source: S,
    /// What is done to each.
    pub handler: H,
    /// Where outputs go.
    pub sink: K,
    /// Where rejects go.
    pub dead_letters: D,
    /// Counts and traces.
    pub observer: Observer,
    /// The right to the partition.
    pub lease: Lease,
}

impl<S, H, K, D> Lane<S, H, K, D>
where
    S: Source,
    H: Handler<In = S::Item>,
    K: Sink<Item = H::Out>,
    D: Sink<Item = DeadLetter>,
{
    /// Runs until the source is drained.
    ///
    /// A batch is settled when every output is stored, or its reject is. Whatever is unavailable
    /// is tried again in place: that keeps the order, and the stall is the back-pressure.
    pub async fn run(mut self) {
        let mut outputs = Outputs::default();
        let mut ticks = H::TICK.map(ticks);
        loop {
            let next = tokio::select! {
                biased;
                () = next_tick(&mut ticks) => {
                    if self.source.is_live() {
                        self.tick(&mut outputs).await;
                    }
                    continue;
                }
                next = self.source.next() => next,
            };
            let Some(batch) = next else { break };
            let began = tokio::time::Instant::now();
            self.work(batch, &mut outputs).await;
            sleep_until(began + BATCH_GAP).await;
        }
        self.source.flush().await;
    }

    /// Lets the handler act on the time alone.
    async fn tick(&mut self, outputs: &mut Outputs<H::Out>) {
        let now = now_ms();
        outputs.clear();
        outputs.begin(0);
        self.handler.tick(now, outputs);
        let name = format!("{}:tick-{now}", self.source.stream());
        let attempt = Attempt {
            source: &self.source,
            tokens: &[],
            observer: &self.observer,
            lease: &self.lease,
        };
        let refused = attempt.insist(&mut self.sink, &name, outputs.items()).await;
        let mut letters = Letters::new(self.observer.stage(), self.source.stream());
        for Refused { index, reject } in refused {
            let original = outputs.items().get(index).map(StageItem::original);
            letters.push(Origin::default(), original, reject);
        }
        let letters_name = format!("{name}:dead");
        attempt
            .insist_on_all(&mut self.dead_letters, &letters_name, letters.as_slice())
            .await;
    }

    async fn work(&mut self, batch: Batch<S::Item, S::Token>, outputs: &mut Outputs<H::Out>) {
        let mut clock = Clock::start();
        let items = batch.len();
        let taken = self.observer.taken(items);
        let mut letters = Letters::new(self.observer.stage(), self.source.stream());
        let name = batch_name(self.source.stream(), &batch);
        outputs.clear();
        let mut stored = self.handle(&batch, &name, outputs, &mut letters).await;
        clock.handled();
        stored += self.store(&batch, &name, outputs, &mut letters).await;

        let tokens = batch.tokens();
        let attempt = Attempt {
            source: &self.source,
            tokens: &tokens,
            observer: &self.observer,
            lease: &self.lease,
        };
        let letters_name = format!("{name}:dead");
        attempt
            .insist_on_all(&mut self.dead_letters, &letters_name, letters.as_slice())
            .await;

        self.observer
            .stored(&clock, items, stored, &letters, self.source.lag());
        let tokens = batch
            .deliveries
            .into_iter()
            .map(|delivery| delivery.token)
            .collect();
        self.lease.hold().await;
        self.source.settle(tokens).await;
        taken.settle();
    }

    /// Stores outputs; those that are refused become letters. Returns how many are stored.
    async fn store(
        &mut self,
        batch: &Batch<S::Item, S::Token>,
        name: &str,
        outputs: &Outputs<H::Out>,
        letters: &mut Letters,
    ) -> usize {
        let tokens = batch.tokens();
        let attempt = Attempt {
            source: &self.source,
            tokens: &tokens,
            observer: &self.observer,
            lease: &self.lease,
        };
        let refused = attempt.insist(&mut self.sink, name, outputs.items()).await;
        let stored = outputs.items().len() - refused.len();
        for Refused { index, reject } in refused {
            let place = outputs.source_of(index).and_then(|item| batch.place(item));
            let original = original_of(batch, outputs, index);
            letters.push(place.unwrap_or_default(), original, reject);
        }
        stored
    }

    /// Handles every item; those that can't go on become letters. Returns how many outputs were stored
    /// meanwhile, because there were too many to wait for the last.
    ///
    /// Costly items take long: others have their turn in between, so that the lease is renewed, and the
    /// batch is told to be in progress.
    async fn handle(
        &mut self,
        batch: &Batch<S::Item, S::Token>,
        name: &str,
        outputs: &mut Outputs<H::Out>,
        letters: &mut Letters,
    ) -> usize {
        let mut stored = 0;
        self.handler.begin();
        self.observer.follows(self.handler.version());
        let mut pauses = Pauses::new();
        for (index, (place, item)) in batch.items().enumerate() {
            let mark = outputs.begin(index);
            match self.handler.handle(item, place, outputs) {
                Ok(()) => {
                    outputs.set_trace(mark, &self.observer.trace_of(item));
                    for reject in outputs.take_rejects() {
                        letters.push(place, Some(item.original()), reject);
                    }
                }
                Err(reject) => {
                    outputs.withdraw(mark);
                    self.handler.rejected(item, place, &reject, outputs);
                    outputs.set_trace(mark, item.trace());
                    letters.push(place, Some(item.original()), reject);
                    for reject in outputs.take_rejects() {
                        letters.push(place, Some(item.original()), reject);
                    }
                }
            }
            if outputs.is_large() {
                let part = format!("{name}+{index}");
                stored += self.store(batch, &part, outputs, letters).await;
                outputs.clear();
            }
            pauses.after_item(&self.source, batch).await;
        }
        self.handler.end();
        for (place, broken) in batch.broken() {
            letters.push_broken(place, broken);
        }
        stored
    }
}

/// When others have their turn while a batch is handled.
struct Pauses {
    paused: Instant,
    told: Instant,
}

impl Pauses {
    /// A lane that handles longer lets others wait: what is bounded by a lease of seconds, too.
    const AFTER: Duration = Duration::from_millis(20);

    fn new() -> Self {
        let now = Instant::now();
        Self {
            paused: now,
            told: now,
        }
    }

    async fn after_item<S: Source>(&mut self, source: &S, batch: &Batch<S::Item, S::Token>) {
        if self.paused.elapsed() < Self::AFTER {
            return;
        }
        tokio::task::yield_now().await;
        self.paused = Instant::now();
        if self.told.elapsed() >= PROGRESS_EVERY {
            self.told = self.paused;
            source.in_progress(&batch.tokens()).await;
        }
    }
}

async fn next_tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// What the dead letter of a refused output keeps: the output; or, when that is too large for a
/// letter, the item it was made from, which came through the same server and so fits.
fn original_of<T: StageItem, K, O: StageItem>(
    batch: &Batch<T, K>,
    outputs: &Outputs<O>,
    index: usize,
) -> Option<Original> {
    let output = outputs.items().get(index)?.original();
    if output.size() <= MAX_FRAME_BYTES {
        return Some(output);
    }
    let (_, item) = batch.items().nth(outputs.source_of(index)?)?;
    Some(item.original())
}

/// Names the batch for ids: the same deliveries have the same name.
fn batch_name<T, K>(stream: &str, batch: &Batch<T, K>) -> String {
    let sequence = |delivery: Option<&crate::Delivery<T, K>>| delivery.map_or(0, |d| d.sequence);
    let (first, last) = (
        sequence(batch.deliveries.first()),
        sequence(batch.deliveries.last()),
    );
    format!("{stream}:{first}-{last}")
}

/// What must be kept from being delivered again while something is tried.
struct Attempt<'a, S: Source> {
    source: &'a S,
    tokens: &'a [&'a S::Token],
    observer: &'a Observer,
    lease: &'a Lease,
}

impl<S: Source> Attempt<'_, S> {
    /// Sends until the other side has everything that it ever can, however long it takes.
    async fn insist<K: Sink>(&self, sink: &mut K, batch: &str, items: &[K::Item]) -> Vec<Refused> {
        if items.is_empty() {
            return Vec::new();
        }
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        let mut stall = Stall::default();
        loop {
            self.lease.hold().await;
            match self.while_in_progress(sink.send(batch, items)).await {
                Ok(refused) => {
                    stall.over();
                    return refused;
                }
                Err(error) => {
                    self.observer.retried();
                    stall.report(&error);
                    self.while_in_progress(backoff.wait()).await;
                }
            }
        }
    }

    /// Dead letters have nowhere else to go: one that is refused stalls the lane, loudly, until
    /// the operator makes room for it.
    async fn insist_on_all<K: Sink>(&self, sink: &mut K, batch: &str, items: &[K::Item]) {
        let mut backoff = Backoff::up_to(Duration::from_secs(10));
        let mut stall = Stall::default();
        while let Some(refused) = self.insist(sink, batch, items).await.into_iter().next() {
            stall.report(&Unavailable::new(
                "the dead-letter stream",
                refused.reject.detail,
            ));
            self.while_in_progress(backoff.wait()).await;
        }
    }

    /// Says that the batch is in progress for as long as the future hangs.
    async fn while_in_progress<T>(&self, future: impl Future<Output = T>) -> T {
        let mut tick = ticks(PROGRESS_EVERY);
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                result = &mut future => return result,
                _ = tick.tick() => self.source.in_progress(self.tokens).await,
            }
        }
    }
}

/// Tells people that a lane stands still: at first, and then every ten seconds.
#[derive(Default)]
struct Stall {
    since: Option<Instant>,
    told: Option<Instant>,
}

impl Stall {
    fn report(&mut self, error: &Unavailable) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self
            .told
            .is_none_or(|told| told.elapsed() >= Duration::from_secs(10))
        {
            self.told = Some(Instant::now());
            warn!(
                waiting_s = since.elapsed().as_secs(),
                "{error}; waiting, nothing is lost"
            );
        }
    }

    fn over(&self) {
        if let Some(since) = self.since {
            tracing::info!(waited_s = since.elapsed().as_secs(), "goes on");
        }
    }
}
