//! The stream AUDIT: the log's next frame behind the last one, or none.

use async_nats::HeaderMap;
use async_nats::jetstream::context::{Context, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use bytes::Bytes;
use record::{Frame, FrameBuilder, KafkaRecord};
use stage::Unavailable;
use tokio_util::sync::CancellationToken;
use topology::AUDIT;
use tracing::warn;

/// One partition's subject of the stream AUDIT.
///
/// Every frame is stored only right behind the last one that this store knows of. A second
/// instance that writes the same chain is refused by the server, or this one is: then it is fenced,
/// and must end. Two heads of one chain can't come to be.
#[derive(Debug)]
pub(crate) struct LogStore {
    context: Context,
    stream: Stream,
    subject: String,
    last: Option<StoredFrame>,
    fenced: CancellationToken,
}

/// The last frame of the log.
#[derive(Clone, Debug)]
pub(crate) struct StoredFrame {
    /// Its sequence in the stream.
    pub(crate) sequence: u64,
    /// Its entries.
    pub(crate) frame: Bytes,
}

impl StoredFrame {
    /// Its entries, read.
    pub(crate) fn entries(&self) -> Result<Vec<KafkaRecord>, record::FrameError> {
        Ok(Frame::read(self.frame.clone())?.items)
    }
}

impl LogStore {
    /// The store of a partition, with the last frame it has. `fenced` is cancelled when another
    /// instance writes the same chain.
    pub(crate) async fn open(
        context: Context,
        partition: u16,
        fenced: CancellationToken,
    ) -> anyhow::Result<Self> {
        let stream = context.get_stream(AUDIT.name).await?;
        let mut store = Self {
            context,
            stream,
            subject: AUDIT.partition_subject(partition),
            last: None,
            fenced,
        };
        store.last = store.read_last().await?;
        Ok(store)
    }

    /// The last frame.
    pub(crate) fn last(&self) -> Option<&StoredFrame> {
        self.last.as_ref()
    }

    /// Stores the entries as frames behind the last one, telling of each before the next.
    ///
    /// After an error nobody knows whether the frame is stored: call again with the same entries;
    /// a frame that is the last one already is not stored again.
    pub(crate) async fn append(&mut self, frame: Bytes) -> Result<StoredFrame, Unavailable> {
        if let Some(last) = self.last.as_ref().filter(|last| last.frame == frame) {
            return Ok(last.clone());
        }
        let expected = self.last.as_ref().map_or(0, |last| last.sequence);
        let stored = match self.publish(frame.clone(), expected).await {
            Ok(sequence) => StoredFrame { sequence, frame },
            Err(Failure::Moved) => self.ours_or_fenced(frame).await?,
            Err(Failure::Unavailable(error)) => return Err(error),
        };
        self.last = Some(stored.clone());
        Ok(stored)
    }

    async fn publish(&self, frame: Bytes, expected: u64) -> Result<u64, Failure> {
        let mut headers = HeaderMap::new();
        let id = format!(
            "{}:{expected}:{:x}",
            self.subject,
            record::fingerprint(&frame)
        );
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id.as_str());
        let message = PublishMessage::build()
            .payload(frame)
            .headers(headers)
            .expected_last_subject_sequence(expected);
        let sent = self.context.send_publish(self.subject.clone(), message);
        let stored = match sent.await {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(answer) => Ok(answer.sequence),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                Err(Failure::Moved)
            }
            Err(error) => Err(Failure::Unavailable(unavailable(error))),
        }
    }

    /// The log has moved on: by our own frame whose answer was lost, or by somebody else's.
    async fn ours_or_fenced(&self, frame: Bytes) -> Result<StoredFrame, Unavailable> {
        let last = self.read_last().await.map_err(unavailable)?;
        if let Some(last) = last.filter(|last| last.frame == frame) {
            return Ok(last);
        }
        warn!(
            subject = self.subject,
            "another audit-notifier has written this log: the lane is opened anew behind it"
        );
        self.fenced.cancel();
        Err(unavailable("another instance writes this log"))
    }

    async fn read_last(&self) -> anyhow::Result<Option<StoredFrame>> {
        let found = self.stream.get_last_raw_message_by_subject(&self.subject);
        match found.await {
            Ok(message) => Ok(Some(StoredFrame {
                sequence: message.sequence,
                frame: message.payload,
            })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The largest prefix of entries that fits into one frame, as bytes, and how many they are.
pub(crate) fn next_frame<'a>(
    entries: impl Iterator<Item = &'a KafkaRecord>,
    limit: usize,
) -> (Bytes, usize) {
    let mut frame = FrameBuilder::default();
    let mut count = 0;
    for entry in entries {
        if !frame.has_room_for(entry, limit) {
            break;
        }
        frame.push(entry);
        count += 1;
    }
    (frame.take(), count)
}

enum Failure {
    /// The last sequence is not the expected one.
    Moved,
    Unavailable(Unavailable),
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Unavailable {
    Unavailable::new(format!("stream {}", AUDIT.name), cause)
}
