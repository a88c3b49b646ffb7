//! Frames of outputs into a stream.

use std::marker::PhantomData;

use bytes::Bytes;
use record::{DeadLetter, FrameBuilder, FrameItem, TraceContext};

use crate::handler::Reject;
use crate::jetstream::publisher::{FramePublisher, is_full};
use crate::sink::{Refused, Sink, Unavailable};

/// Bytes of the server's largest message that outputs leave free: for headers, and so that what
/// is refused further on still fits into a dead letter with its cause.
const OUTPUT_ROOM: usize = 16 * 1024;

/// The same for dead letters: headers only.
const LETTER_ROOM: usize = 1024;

/// Stores the items of a batch as few, large frames, one in flight.
#[derive(Debug)]
pub struct JetStreamSink<T> {
    publisher: FramePublisher,
    room: usize,
    /// The code of what a full stream refuses; `None`: it is waited for.
    code_when_full: Option<&'static str>,
    /// The last batch, and its frames that are done with: a repeat goes on behind them, also when
    /// it comes because something else failed.
    batch: String,
    done: Vec<Done>,
    item: PhantomData<fn(T)>,
}

/// A frame that needs no further attempt.
#[derive(Clone, Copy, Debug)]
struct Done {
    fingerprint: u64,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Stored,
    /// For good: what is behind it may be stored by now.
    RefusedAsFull,
}

impl<T> JetStreamSink<T> {
    /// Stores through a publisher.
    pub fn new(publisher: FramePublisher) -> Self {
        Self {
            publisher,
            room: OUTPUT_ROOM,
            code_when_full: None,
            batch: String::new(),
            done: Vec::new(),
            item: PhantomData,
        }
    }

    /// Refuses what a full stream does not take, with this code, instead of waiting for room: for a
    /// stream that gets room only when the caller goes on.
    #[must_use]
    pub fn refusing_when_full(self, code: &'static str) -> Self {
        Self {
            code_when_full: Some(code),
            ..self
        }
    }
}

impl JetStreamSink<DeadLetter> {
    /// Stores dead letters, which are somewhat larger than what they hold.
    pub fn for_dead_letters(publisher: FramePublisher) -> Self {
        Self {
            room: LETTER_ROOM,
            ..Self::new(publisher)
        }
    }
}

impl<T: FrameItem> Sink for JetStreamSink<T> {
    type Item = T;

    async fn send(&mut self, batch: &str, items: &[T]) -> Result<Vec<Refused>, Unavailable> {
        self.send_some(batch, items.iter().enumerate()).await
    }
}

impl<T: FrameItem> JetStreamSink<T> {
    /// Stores some of a batch's items, each with its index in the batch.
    pub async fn send_some<'a>(
        &mut self,
        batch: &str,
        items: impl Iterator<Item = (usize, &'a T)> + Send,
    ) -> Result<Vec<Refused>, Unavailable> {
        let limit = self.publisher.max_payload().saturating_sub(self.room);
        if self.batch != batch {
            batch.clone_into(&mut self.batch);
            self.done.clear();
        }
        let mut refused = Vec::new();
        let mut frame = FillingFrame::default();
        let mut frames = 0;
        for (index, item) in items {
            let length = item.size();
            if length > limit {
                refused.push(Refused {
                    index,
                    reject: too_large(length, limit),
                });
                continue;
            }
            if !frame.records.has_room_for(item, limit) {
                refused.extend(self.store(batch, frames, &mut frame).await?);
                frames += 1;
            }
            frame.push(index, item);
        }
        if !frame.records.is_empty() {
            refused.extend(self.store(batch, frames, &mut frame).await?);
        }
        Ok(refused)
    }
}

impl<T> JetStreamSink<T> {
    /// Stores a frame; or returns all that is in it, refused.
    async fn store(
        &mut self,
        batch: &str,
        number: usize,
        frame: &mut FillingFrame,
    ) -> Result<Vec<Refused>, Unavailable> {
        let (records, trace) = (frame.records.take(), frame.trace.take());
        let indexes = std::mem::take(&mut frame.indexes);
        let fingerprint = record::fingerprint(&records);
        let known = self.done.get(number);
        let known = known.filter(|done| done.fingerprint == fingerprint);
        let fate = if let Some(done) = known {
            done.fate
        } else {
            let id = format!("{batch}:{number}:{fingerprint:x}");
            let fate = self.publish(&id, records, trace).await?;
            self.done.truncate(number);
            self.done.push(Done { fingerprint, fate });
            fate
        };
        match (fate, self.code_when_full) {
            (Fate::RefusedAsFull, Some(code)) => Ok(self.refuse(indexes, code)),
            (Fate::Stored | Fate::RefusedAsFull, _) => Ok(Vec::new()),
        }
    }

    /// The id depends on the batch, the place in it and the content: a repeat of the same frame is
    /// stored once, and what another version of a handler makes of the same batch is not taken for
    /// a repeat.
    async fn publish(
        &self,
        id: &str,
        records: Bytes,
        trace: Option<TraceContext>,
    ) -> Result<Fate, Unavailable> {
        match self.publisher.try_publish(id, records, trace).await {
            Ok(_sequence) => Ok(Fate::Stored),
            Err(error) if self.code_when_full.is_some() && is_full(&error) => {
                Ok(Fate::RefusedAsFull)
            }
            Err(error) => Err(self.publisher.unavailable(error)),
        }
    }

    fn refuse(&self, indexes: Vec<usize>, code: &'static str) -> Vec<Refused> {
        let stream = self.publisher.stream();
        let text = format!("the stream {stream} is full; make it larger, or find who fills it");
        let refused = indexes.into_iter().map(|index| Refused {
            index,
            reject: Reject::new(code, text.clone()),
        });
        refused.collect()
    }
}

/// A frame while it fills; it travels under the span of its first sampled item.
#[derive(Default)]
struct FillingFrame {
    records: FrameBuilder,
    trace: Option<TraceContext>,
    /// Of its items in the batch.
    indexes: Vec<usize>,
}

impl FillingFrame {
    fn push(&mut self, index: usize, item: &impl FrameItem) {
        self.records.push(item);
        self.indexes.push(index);
        self.trace = self.trace.or_else(|| item.sampled_trace());
    }
}

fn too_large(length: usize, limit: usize) -> Reject {
    Reject::new(
        "too-large",
        format!("the record has {length} bytes, the NATS server takes {limit}; raise max_payload"),
    )
}
