//! A stream that is full, on a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use async_nats::jetstream::context::Context;
use bytes::Bytes;
use record::{Frame, Record};
use servers::{NatsOptions, NatsServer};
use stage::jetstream::{FramePublisher, JetStreamSink, StreamSettings, provision};
use stage::{NatsArgs, Sink, jetstream_context};
use tempfile::TempDir;
use topology::PUB;

/// Room for one frame of [`LARGE`] records, and not for two.
const LIMIT: i64 = 700_000;

/// Two of these fill a frame: it takes nothing more beyond 512 KiB.
const LARGE: usize = 300_000;

const CODE: &str = "publish-queue-full";

/// A nats-server whose PUB has little room.
struct Small {
    context: Context,
    _server: NatsServer,
    _data: TempDir,
}

impl Small {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = NatsServer::start(NatsOptions::new(data.path()))
            .await
            .unwrap();
        let client = NatsArgs::at(&server.url()).connect("test").await.unwrap();
        let context = jetstream_context(&client);
        let settings = StreamSettings {
            max_bytes: vec![(PUB.name, LIMIT)],
            ..StreamSettings::default()
        };
        provision(&context, &settings).await.unwrap();
        Self {
            context,
            _server: server,
            _data: data,
        }
    }

    fn sink(&self) -> JetStreamSink<Record> {
        let subject = PUB.partition_subject(0);
        JetStreamSink::new(FramePublisher::new(self.context.clone(), PUB.name, subject))
    }

    /// Topics of what is stored, in order.
    async fn stored(&self) -> Vec<String> {
        let stream = self.context.get_stream(PUB.name).await.unwrap();
        let state = &stream.cached_info().state;
        let mut topics = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            let frame = Frame::<Record>::read(message.payload).unwrap();
            topics.extend(frame.items.iter().map(|record| record.topic().to_owned()));
        }
        topics
    }

    async fn purge(&self) {
        let stream = self.context.get_stream(PUB.name).await.unwrap();
        stream.purge().await.unwrap();
    }
}

fn records(topics: &[&'static str]) -> Vec<Record> {
    let record = |topic: &&'static str| Record {
        topic: Bytes::from_static(topic.as_bytes()),
        payload: vec![b'x'; LARGE].into(),
        ..Record::default()
    };
    topics.iter().map(record).collect()
}

/// Scenario: a batch that is larger than the room of the stream goes into a sink that refuses when
/// it is full; the batch comes once more when there is room; then comes another.
/// Guarantee: what has no room is refused, by its place in the batch, with the given code, and the
/// rest is stored; the repeat of the batch ends the same way; the next one is stored.
#[tokio::test]
async fn a_full_stream_refuses() {
    let small = Small::start().await;
    let mut sink = small.sink().refusing_when_full(CODE);
    let batch = records(&["a", "b", "c", "d"]);
    let first = sink.send("batch", &batch).await.unwrap();
    let indexes: Vec<_> = first.iter().map(|refused| refused.index).collect();
    assert_eq!(indexes, [2, 3]);
    for refused in &first {
        assert_eq!(refused.reject.code, CODE);
        assert!(refused.reject.detail.contains("PUB is full"));
    }
    assert_eq!(small.stored().await, ["a", "b"]);

    small.purge().await;
    assert_eq!(sink.send("batch", &batch).await.unwrap(), first);
    assert!(small.stored().await.is_empty());
    let next = sink.send("next", &records(&["e", "f"])).await.unwrap();
    assert!(next.is_empty());
    assert_eq!(small.stored().await, ["e", "f"]);
}

/// Scenario: the same with a sink that was not told so; and with one that was, on a stream that is
/// not there at all.
/// Guarantee: both say that the stream is unavailable: whoever calls waits.
#[tokio::test]
async fn what_may_pass_is_waited_for() {
    let small = Small::start().await;
    let batch = records(&["a", "b", "c", "d"]);
    let error = small.sink().send("batch", &batch).await.unwrap_err();
    assert_eq!(error.what, "stream PUB is full");

    small.context.delete_stream(PUB.name).await.unwrap();
    let mut sink = small.sink().refusing_when_full(CODE);
    let error = sink.send("batch", &batch).await.unwrap_err();
    assert_eq!(error.what, "stream PUB");
}
