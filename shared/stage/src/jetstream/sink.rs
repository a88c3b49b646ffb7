//! Frames of outputs into a stream.

use std::marker::PhantomData;

use record::{DeadLetter, FrameBuilder, FrameItem, TraceContext};

use crate::handler::Reject;
use crate::jetstream::publisher::FramePublisher;
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
    /// The last batch, and the fingerprints of its frames that are stored: a repeat goes on behind
    /// them, also when it comes because something else failed.
    batch: String,
    stored: Vec<u64>,
    item: PhantomData<fn(T)>,
}

impl<T> JetStreamSink<T> {
    /// Stores through a publisher.
    pub fn new(publisher: FramePublisher) -> Self {
        Self {
            publisher,
            room: OUTPUT_ROOM,
            batch: String::new(),
            stored: Vec::new(),
            item: PhantomData,
        }
    }
}

impl JetStreamSink<DeadLetter> {
    /// Stores dead letters, which are somewhat larger than what they hold.
    pub fn for_dead_letters(publisher: FramePublisher) -> Self {
        Self {
            publisher,
            room: LETTER_ROOM,
            batch: String::new(),
            stored: Vec::new(),
            item: PhantomData,
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
            self.stored.clear();
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
                self.store(batch, frames, &mut frame).await?;
                frames += 1;
            }
            frame.push(item);
        }
        if !frame.records.is_empty() {
            self.store(batch, frames, &mut frame).await?;
        }
        Ok(refused)
    }
}

impl<T> JetStreamSink<T> {
    /// The id depends on the batch, the place in it and the content: a repeat of the same frame is
    /// stored once, and what another version of a handler makes of the same batch is not taken for
    /// a repeat.
    async fn store(
        &mut self,
        batch: &str,
        number: usize,
        frame: &mut FillingFrame,
    ) -> Result<(), Unavailable> {
        let (records, trace) = (frame.records.take(), frame.trace.take());
        let fingerprint = record::fingerprint(&records);
        if self.stored.get(number) == Some(&fingerprint) {
            return Ok(());
        }
        let id = format!("{batch}:{number}:{fingerprint:x}");
        self.publisher.publish(&id, records, trace).await?;
        self.stored.truncate(number);
        self.stored.push(fingerprint);
        Ok(())
    }
}

/// A frame while it fills; it travels under the span of its first sampled item.
#[derive(Default)]
struct FillingFrame {
    records: FrameBuilder,
    trace: Option<TraceContext>,
}

impl FillingFrame {
    fn push(&mut self, item: &impl FrameItem) {
        self.records.push(item);
        self.trace = self.trace.or_else(|| item.sampled_trace());
    }
}

fn too_large(length: usize, limit: usize) -> Reject {
    Reject::new(
        "too-large",
        format!("the record has {length} bytes, the NATS server takes {limit}; raise max_payload"),
    )
}
