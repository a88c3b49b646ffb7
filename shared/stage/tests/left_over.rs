//! Messages that nats-server forgot to remove, on a real one.

use record::{FrameBuilder, Record};
use servers::{NatsOptions, NatsServer};
use stage::jetstream::{FramePublisher, JetStreamSource, StreamSettings, provision};
use stage::lease::Lease;
use stage::{NatsArgs, Source, jetstream_context};
use tokio_util::sync::CancellationToken;
use topology::{TRANSFORM, UP};

/// Scenario: a durable stands behind three frames that are in its queue, as after a kill of
/// nats-server that had recorded their acknowledgements and not their removal.
/// Guarantee: an idle lane gets them again, in order, and the queue is empty when they are settled.
#[tokio::test]
async fn what_was_not_removed_comes_again() {
    let data = tempfile::tempdir().unwrap();
    let server = NatsServer::start(NatsOptions::new(data.path()))
        .await
        .unwrap();
    let client = NatsArgs::at(&server.url()).connect("test").await.unwrap();
    let context = jetstream_context(&client);
    provision(&context, &StreamSettings::default())
        .await
        .unwrap();
    let publisher = FramePublisher::new(context.clone(), UP.name, UP.partition_subject(0));
    for number in 0..3 {
        let mut frame = FrameBuilder::default();
        frame.push(&Record {
            topic: number.to_string().into(),
            ..Record::default()
        });
        let id = number.to_string();
        publisher.publish(&id, frame.take(), None).await.unwrap();
    }
    let stream = context.get_stream(UP.name).await.unwrap();
    let durable = TRANSFORM.durable(0);
    stream.reset_consumer(&durable, Some(4)).await.unwrap();

    let stop = CancellationToken::new();
    let lease = Lease::unlimited();
    let mut source = JetStreamSource::<Record>::new(context.clone(), UP, durable, stop, lease);
    let mut topics = Vec::new();
    while topics.len() < 3 {
        let batch = source.next().await.unwrap();
        topics.extend(batch.items().map(|(_, record)| record.topic().to_owned()));
        let tokens = batch.deliveries.into_iter().map(|delivery| delivery.token);
        source.settle(tokens.collect()).await;
    }
    assert_eq!(topics, ["0", "1", "2"]);
    source.flush().await;
    let stream = context.get_stream(UP.name).await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 0);
}
