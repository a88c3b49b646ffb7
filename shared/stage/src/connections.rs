//! A stage's connections to NATS, and what is made from them.

use async_nats::jetstream::context::Context;
use record::DeadLetter;
use topology::{DLQ, Flow, StreamSpec};

use crate::connect::{NatsArgs, jetstream_context};
use crate::error::ConnectError;
use crate::jetstream::{FramePublisher, JetStreamSink};

/// Connections of one process; clones share them.
#[derive(Clone, Debug)]
pub struct Connections {
    /// For acknowledgements, pulls and leases.
    pub consuming: Context,
    /// For publishing: another connection, so that a large frame never delays an acknowledgement.
    pub publishing: Context,
}

impl Connections {
    /// Connects; waits for a server that is away.
    pub(crate) async fn open(stage: &str, nats: &NatsArgs) -> Result<Self, ConnectError> {
        let consuming = nats.connect_when_ready(stage).await?;
        let publishing = nats.connect_when_ready(&format!("{stage}-publish")).await?;
        Ok(Self {
            consuming: jetstream_context(&consuming),
            publishing: jetstream_context(&publishing),
        })
    }

    /// Publishes frames into one partition of a stream.
    pub fn publisher(&self, stream: &StreamSpec, partition: u16) -> FramePublisher {
        let subject = stream.partition_subject(partition);
        FramePublisher::new(self.publishing.clone(), stream.name, subject)
    }

    /// Where a flow's dead letters go.
    pub fn dead_letters(&self, flow: &Flow) -> JetStreamSink<DeadLetter> {
        let publisher = FramePublisher::new(self.publishing.clone(), DLQ.name, flow.dead_letters());
        JetStreamSink::for_dead_letters(publisher)
    }
}
