//! A lane that this replica owns, and what all lanes of a flow are made of.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use record::FrameItem;
use telemetry::{Operation, SpanShape, StageMetrics, Tracer};
use tokio_util::sync::CancellationToken;
use topology::{Flow, StreamSpec, Token};

use crate::connections::Connections;
use crate::handler::Handler;
use crate::jetstream::{FramePublisher, JetStreamSource};
use crate::lane::Lane;
use crate::lease::{About, Counts, Identity, Lease};
use crate::observe::Observer;
use crate::sink::Sink;

/// A lane at work; it ends when it is drained.
pub type LaneRun = BoxFuture<'static, ()>;

/// Makes a lane at work of one that was taken. It may read first where the last owner stopped.
pub(crate) type OpenLane =
    Arc<dyn Fn(OwnedLane) -> BoxFuture<'static, anyhow::Result<LaneRun>> + Send + Sync>;

/// One lane of a flow, for as long as this replica owns it.
#[derive(Clone)]
pub struct OwnedLane {
    /// The flow it is a lane of.
    pub flow: &'static Flow,
    /// Which lane: the last token of its subject.
    pub token: String,
    /// The same as a number, where lanes are partitions; otherwise 0.
    pub partition: u16,
    /// To NATS.
    pub connections: Connections,
    /// What the flow counts, all lanes together.
    pub metrics: StageMetrics,
    /// Records spans.
    pub tracer: Tracer,
    /// Is cancelled when the lane must run dry: the stage stops, or another replica gets the lane.
    pub stop: CancellationToken,
    /// Nothing may be stored, sent or settled when it has run out.
    pub lease: Lease,
}

impl OwnedLane {
    /// Publishes into this lane's partition of a stream.
    pub fn publisher(&self, stream: &StreamSpec) -> FramePublisher {
        self.connections.publisher(stream, self.partition)
    }

    /// The spans of what this lane takes from its stream.
    pub fn process_shape(&self, source: &StreamSpec) -> SpanShape {
        let placeholder = match source.token {
            Token::Partition => "{partition}",
            Token::Word(_) => "{channel}",
            Token::Flow => "{flow}",
            Token::Client => "{client_id}",
        };
        let template = source.subject_of(placeholder);
        SpanShape::new(Operation::Process, "nats", &template)
            .at(source.subject_of(&self.token))
            .read_by(self.flow.durable(&self.token))
    }

    /// The lane with its handler and sink, reading its partition of the flow's stream.
    pub fn run<H, K>(self, handler: H, sink: K) -> LaneRun
    where
        H: Handler + 'static,
        H::In: FrameItem,
        K: Sink<Item = H::Out> + 'static,
    {
        let Some(source) = self.flow.source() else {
            // The table's flows without a stream to read have no lanes.
            return std::future::ready(()).boxed();
        };
        let shape = self.process_shape(&source);
        let lane = Lane {
            source: JetStreamSource::new(
                self.connections.consuming.clone(),
                source,
                self.flow.durable(&self.token),
                self.stop,
                self.lease.clone(),
            ),
            handler,
            sink,
            dead_letters: self.connections.dead_letters(self.flow),
            observer: Observer::new(
                self.flow.name,
                self.partition,
                self.metrics,
                self.tracer,
                shape,
            ),
            lease: self.lease,
        };
        lane.run().boxed()
    }
}

/// What all lanes of a flow are made of.
#[derive(Clone)]
pub(crate) struct Leased {
    pub(crate) flow: &'static Flow,
    pub(crate) connections: Connections,
    pub(crate) metrics: StageMetrics,
    pub(crate) tracer: Tracer,
    pub(crate) identity: Identity,
    /// Copies of each message in a NATS cluster.
    pub(crate) replicas: usize,
}

impl Leased {
    pub(crate) fn lane(&self, token: &str, lease: Lease, stop: CancellationToken) -> OwnedLane {
        OwnedLane {
            flow: self.flow,
            token: token.to_owned(),
            partition: token.parse().unwrap_or_default(),
            connections: self.connections.clone(),
            metrics: self.metrics.clone(),
            tracer: self.tracer.clone(),
            stop,
            lease,
        }
    }

    /// What this replica says of itself, as the value of its key.
    pub(crate) fn about(&self) -> Bytes {
        let about = About {
            counts: Counts {
                taken: self.metrics.records_taken.total(),
                stored: self.metrics.records_stored.total(),
                dead_letters: self.metrics.dead_letters_total(),
                retries: self.metrics.retries.total(),
                in_flight: u64::try_from(self.metrics.in_flight.value()).unwrap_or_default(),
            },
            ..self.identity.about.clone()
        };
        // It has text keys and numbers only: it can always be said in JSON.
        serde_json::to_vec(&about).unwrap_or_default().into()
    }
}
