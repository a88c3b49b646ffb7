//! What the tests of republished messages share: a writer of PUB, and a reader of what became of it.

use async_nats::jetstream::context::Context;
use bytes::Bytes;
use record::{Frame, FrameBuilder, Kind, Record};
use stage::jetstream::FramePublisher;
use topology::{PUB, UP};

use crate::raw_mqtt::{PUBLISH, RawClient, packet};
use crate::testbed::Testbed;
use crate::waiting::{soon, until};

/// Name of the rule that all of them come from.
pub(crate) const RULE: &str = "night-watch";

/// Puts frames into PUB, as transform does.
pub(crate) struct Queue {
    pub(crate) context: Context,
    frames: u64,
}

impl Queue {
    pub(crate) async fn of(bed: &Testbed) -> Self {
        Self {
            context: bed.jetstream().await,
            frames: 0,
        }
    }

    /// One frame, into one partition.
    pub(crate) async fn put(&mut self, partition: u16, records: &[Record]) {
        let subject = PUB.partition_subject(partition);
        let publisher = FramePublisher::new(self.context.clone(), PUB.name, subject);
        let mut frame = FrameBuilder::new();
        for record in records {
            frame.push(record);
        }
        self.frames += 1;
        let id = format!("test:{}", self.frames);
        let stored = publisher.publish(&id, frame.take(), None);
        soon("PUB to store a frame", stored).await.unwrap();
    }

    /// Waits until every message was taken and settled.
    pub(crate) async fn is_empty(&self) {
        until("PUB to run empty", async || {
            let stream = self.context.get_stream(PUB.name).await.unwrap();
            stream.cached_info().state.messages == 0
        })
        .await;
    }
}

/// A message as a rule makes it.
pub(crate) fn message(topic: &str, payload: impl Into<Bytes>) -> Record {
    let rule = Bytes::from_static(RULE.as_bytes());
    Record {
        kind: Kind::Publish.into(),
        client_id: rule.clone(),
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: payload.into(),
        qos: 1,
        republished_by: rule,
        republish_hops: 1,
        ..Record::default()
    }
}

/// Reads UP on, where no transform takes anything away.
pub(crate) struct Stored {
    context: Context,
    sequence: u64,
    /// What rules published, in order, with its partition.
    pub(crate) republished: Vec<(u16, Record)>,
}

impl Stored {
    pub(crate) async fn of(bed: &Testbed) -> Self {
        Self {
            context: bed.jetstream().await,
            sequence: 0,
            republished: Vec::new(),
        }
    }

    /// Takes what has come since.
    pub(crate) async fn read_on(&mut self) {
        let stream = self.context.get_stream(UP.name).await.unwrap();
        for sequence in self.sequence + 1..=stream.cached_info().state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            let partition = message.subject.rsplit('.').next().unwrap().parse().unwrap();
            let frame = Frame::<Record>::read(message.payload).unwrap();
            let republished = frame.items.into_iter();
            let republished = republished.filter(|record| !record.republished_by.is_empty());
            self.republished
                .extend(republished.map(|record| (partition, record)));
            self.sequence = sequence;
        }
    }

    /// Waits until UP has had so many of them.
    pub(crate) async fn has(&mut self, count: usize) {
        until(&format!("{count} republished messages in UP"), async || {
            self.read_on().await;
            self.republished.len() >= count
        })
        .await;
    }
}

/// A message as a subscriber of MQTT 3.1.1 gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Got {
    pub(crate) payload: String,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
}

/// The next message, acknowledged; none at the end of the connection.
pub(crate) async fn next_message(client: &mut RawClient) -> Option<Got> {
    loop {
        let received = client.next("a message").await?;
        if received.first & 0xF0 != PUBLISH {
            // PUBREL.
            let done = packet(0x70, &received.body);
            client.send_if_open(&done).await;
            continue;
        }
        let (qos, body) = (received.first >> 1 & 3, received.body);
        let topic = usize::from(u16::from_be_bytes([body[0], body[1]])) + 2;
        let payload = if qos == 0 {
            &body[topic..]
        } else {
            let answer = if qos == 1 { 0x40 } else { 0x50 };
            let answer = packet(answer, &body[topic..topic + 2]);
            client.send_if_open(&answer).await;
            &body[topic + 2..]
        };
        return Some(Got {
            payload: String::from_utf8(payload.to_vec()).unwrap(),
            qos,
            retain: received.first & 1 == 1,
        });
    }
}
