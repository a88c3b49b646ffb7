//! The conformance suite over the doubles in memory and over a real JetStream.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use async_nats::jetstream::context::Context;
use bytes::Bytes;
use record::{Frame, FrameBuilder, KafkaRecord};
use servers::{NatsOptions, NatsServer};
use stage::conformance::{self, SinkFixture, SourceFixture};
use stage::jetstream::{FramePublisher, JetStreamSink, JetStreamSource, StreamSettings, provision};
use stage::lease::Lease;
use stage::memory::{MemorySink, MemorySource, MemoryStream};
use stage::{NatsArgs, jetstream_context};
use tokio_util::sync::CancellationToken;
use topology::{KAFKA_SINK, REC};

struct MemorySourceFixture(MemoryStream<KafkaRecord>);

impl SourceFixture for MemorySourceFixture {
    type Source = MemorySource<KafkaRecord>;

    async fn append(&mut self, items: Vec<KafkaRecord>) {
        self.0.append(items);
    }

    async fn open(&mut self) -> Self::Source {
        self.0.redeliver();
        self.0.source()
    }

    async fn stop(&mut self) {
        self.0.stop();
    }
}

struct MemorySinkFixture(MemorySink<KafkaRecord>);

impl SinkFixture for MemorySinkFixture {
    type Sink = MemorySink<KafkaRecord>;

    async fn open(&mut self) -> Self::Sink {
        self.0.clone()
    }

    async fn stored(&mut self, count: usize) -> Vec<KafkaRecord> {
        self.0.wait_for(count).await;
        self.0.stored()
    }

    fn topic(&self) -> Bytes {
        Bytes::from_static(b"topic")
    }

    fn too_large(&self) -> usize {
        1_000_000
    }
}

/// Guarantee: the doubles keep the contract of the real ones.
#[tokio::test]
async fn the_doubles_conform() {
    conformance::source(async || MemorySourceFixture(MemoryStream::default())).await;
    conformance::sink(async || {
        let sink = MemorySink::default();
        sink.refuse_if("too-large", |record: &KafkaRecord| {
            record.value.len() >= 1_000_000
        });
        MemorySinkFixture(sink)
    })
    .await;
}

/// A nats-server of its own, with the streams made.
struct JetStream {
    _server: NatsServer,
    _data: tempfile::TempDir,
    context: Context,
    stop: CancellationToken,
}

impl JetStream {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = NatsServer::start(NatsOptions::new(data.path()))
            .await
            .unwrap();
        let args = NatsArgs::at(&server.url());
        let context = jetstream_context(&args.connect("test").await.unwrap());
        provision(&context, &StreamSettings::default())
            .await
            .unwrap();
        Self {
            _server: server,
            _data: data,
            context,
            stop: CancellationToken::new(),
        }
    }

    fn publisher(&self) -> FramePublisher {
        FramePublisher::new(self.context.clone(), REC.name, REC.partition_subject(0))
    }
}

impl SourceFixture for JetStream {
    type Source = JetStreamSource<KafkaRecord>;

    async fn append(&mut self, items: Vec<KafkaRecord>) {
        let mut frame = FrameBuilder::new();
        for item in &items {
            frame.push(item);
        }
        let id = format!("{:x}", fastrand::u128(..));
        self.publisher()
            .publish(&id, frame.take(), None)
            .await
            .unwrap();
    }

    async fn open(&mut self) -> Self::Source {
        self.stop = CancellationToken::new();
        JetStreamSource::new(
            self.context.clone(),
            REC,
            KAFKA_SINK.durable(0),
            self.stop.clone(),
            Lease::unlimited(),
        )
    }

    async fn stop(&mut self) {
        self.stop.cancel();
    }
}

impl SinkFixture for JetStream {
    type Sink = JetStreamSink<KafkaRecord>;

    async fn open(&mut self) -> Self::Sink {
        JetStreamSink::new(self.publisher())
    }

    async fn stored(&mut self, count: usize) -> Vec<KafkaRecord> {
        let stream = self.context.get_stream(REC.name).await.unwrap();
        let mut records = Vec::new();
        for sequence in 1..=stream.cached_info().state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            records.extend(Frame::<KafkaRecord>::read(message.payload).unwrap().items);
        }
        assert!(
            records.len() >= count,
            "{} of {count} are stored",
            records.len()
        );
        records
    }

    fn topic(&self) -> Bytes {
        Bytes::from_static(b"topic")
    }

    fn too_large(&self) -> usize {
        self.publisher().max_payload()
    }
}

/// Guarantee: a JetStream source keeps the contract, on a real server.
#[tokio::test]
async fn the_jetstream_source_conforms() {
    conformance::source(async || JetStream::start().await).await;
}

/// Guarantee: a JetStream sink keeps the contract, on a real server.
#[tokio::test]
async fn the_jetstream_sink_conforms() {
    conformance::sink(async || JetStream::start().await).await;
}
