//! What every stage's `run` begins and ends with.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::Context;
use futures::FutureExt;
use futures::future::BoxFuture;
use record::{DeadLetter, FrameItem};
use settings::Pipeline;
use telemetry::{Operation, ReadyFlag, SpanShape, Telemetry, TelemetryArgs};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topology::{DLQ, Flow, StreamSpec};
use tracing::{info, warn};

use crate::connect::{NatsArgs, jetstream_context};
use crate::error::{LaneDied, StartError};
use crate::handler::Handler;
use crate::jetstream::{FramePublisher, JetStreamSink, JetStreamSource, provision};
use crate::lane::Lane;
use crate::observe::Observer;
use crate::sink::Sink;
use crate::stop::stop_signal;

/// Options that every stage takes.
#[derive(Clone, Debug, clap::Args)]
pub struct StageArgs {
    /// The NATS connection.
    #[command(flatten)]
    pub nats: NatsArgs,
    /// Traces, metrics, health and logs.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    /// The pipeline file (contracts, hooks, streams, Kafka settings). Without one the built-in
    /// door-lock pipeline is in force.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seconds to finish what is in flight after SIGTERM or Ctrl-C. What is not finished then
    /// stays in its stream and goes on at the next start.
    #[arg(
        long,
        env = "LATCHWORK_DRAIN",
        value_name = "SECONDS",
        default_value_t = 10
    )]
    pub drain: u64,
}

/// Something that runs until the stage stops, such as a lane.
pub type Running = BoxFuture<'static, ()>;

/// A stage that is connected, with its streams and durables made.
pub struct Runtime {
    /// Which flow this is.
    pub flow: &'static Flow,
    /// Traces, metrics, health and logs.
    pub telemetry: Telemetry,
    /// For acknowledgements and pulls.
    pub consuming: Context,
    /// For publishing: another connection, so that a large frame never delays an acknowledgement.
    pub publishing: Context,
    /// Partitions of every stream.
    pub partitions: u16,
    /// Is cancelled when the stage is told to stop.
    pub stop: CancellationToken,
    /// To be set when the stage does its work: a condition of `/readyz` from the very start, so
    /// that a stage is not ready for a moment between two steps of its start.
    pub working: ReadyFlag,
    drain: Duration,
}

impl StageArgs {
    /// Time to finish what is in flight.
    pub fn drain_deadline(&self) -> Duration {
        Duration::from_secs(self.drain)
    }
}

impl Runtime {
    /// Starts telemetry, connects, and makes the streams and durables.
    ///
    /// Waits for a NATS server that is away, and says so; it fails on what waiting can't mend.
    /// Ends early with [`StartError::Stopped`] when it is told to stop meanwhile.
    pub async fn start(
        flow: &'static Flow,
        args: &StageArgs,
        pipeline: &Pipeline,
    ) -> Result<Self, StartError> {
        let telemetry = Telemetry::start(flow.stage, &args.telemetry)?;
        let stop = stop_signal();
        let ready = telemetry.readiness().condition("nats");
        let working = telemetry.readiness().condition("working");
        let connected = tokio::select! {
            connected = connect(flow.stage, &args.nats) => connected?,
            () = stop.cancelled() => return Err(StartError::Stopped),
        };
        let (consuming, publishing) = connected;
        let durables = provision(&consuming, &pipeline.into()).await?;
        ready.set(true);
        info!(
            stage = flow.stage,
            partitions = durables.partitions,
            "connected to NATS"
        );
        let drain = args.drain_deadline();
        let partitions = durables.partitions;
        Ok(Self {
            flow,
            telemetry,
            consuming,
            publishing,
            partitions,
            stop,
            working,
            drain,
        })
    }

    /// Publishes frames into one partition of a stream.
    pub fn publisher(&self, stream: &StreamSpec, partition: u16) -> FramePublisher {
        let subject = stream.partition_subject(partition);
        FramePublisher::new(self.publishing.clone(), stream.name, subject)
    }

    /// A publisher for each partition of a stream.
    pub fn publishers(&self, stream: &StreamSpec) -> impl Iterator<Item = FramePublisher> {
        (0..self.partitions).map(|partition| self.publisher(stream, partition))
    }

    /// The lanes of a flow that reads a stream: one per partition. `parts` are the handler and the
    /// sink of each, in order. They do nothing until [`run`](Self::run).
    pub fn lanes<H, K>(
        &self,
        flow: &'static Flow,
        parts: impl IntoIterator<Item = (H, K)>,
    ) -> Vec<Running>
    where
        H: Handler + 'static,
        H::In: FrameItem,
        K: Sink<Item = H::Out> + 'static,
    {
        (0..self.partitions)
            .zip(parts)
            .map(|(partition, (handler, sink))| self.lane_of(flow, partition, handler, sink))
            .collect()
    }

    /// The lane of one partition of a flow that reads a stream.
    pub fn lane_of<H, K>(&self, flow: &'static Flow, partition: u16, handler: H, sink: K) -> Running
    where
        H: Handler + 'static,
        H::In: FrameItem,
        K: Sink<Item = H::Out> + 'static,
    {
        match flow.source() {
            Some(source) => self
                .lane(flow, source, partition, handler, sink)
                .run()
                .boxed(),
            // The table's flows without a stream to read have no lanes.
            None => std::future::ready(()).boxed(),
        }
    }

    /// Runs lanes until the stage is told to stop and they are drained.
    ///
    /// A lane that dies of a defect ends the stage: its supervisor starts it again, and its
    /// partition does not stand still.
    pub async fn run(self, running: impl IntoIterator<Item = Running>) -> Result<(), LaneDied> {
        let mut lanes: JoinSet<()> = running.into_iter().collect();
        self.working.set(true);
        let ended = tokio::select! {
            () = self.stop.cancelled() => Ok(()),
            Some(_) = lanes.join_next() => Err(LaneDied { stage: self.flow.stage }),
        };
        self.working.set(false);
        self.stop.cancel();
        drain(lanes, self.drain).await;
        self.telemetry.shutdown();
        ended
    }

    fn lane<H: Handler, K>(
        &self,
        flow: &'static Flow,
        source: StreamSpec,
        partition: u16,
        handler: H,
        sink: K,
    ) -> Lane<JetStreamSource<H::In>, H, K, JetStreamSink<DeadLetter>>
    where
        H::In: FrameItem,
    {
        let shape = SpanShape::new(
            Operation::Process,
            "nats",
            &format!("{}.{{partition}}", source.subject),
        );
        Lane {
            source: JetStreamSource::new(
                self.consuming.clone(),
                source,
                flow.durable(partition),
                self.stop.child_token(),
            ),
            handler,
            sink,
            dead_letters: self.dead_letters(flow),
            observer: Observer::new(
                flow.name,
                partition,
                self.telemetry.stage_metrics(flow.name),
                self.telemetry.tracer(),
                shape,
            ),
        }
    }

    /// Where a flow's dead letters go.
    pub fn dead_letters(&self, flow: &Flow) -> JetStreamSink<DeadLetter> {
        let publisher = FramePublisher::new(self.publishing.clone(), DLQ.name, flow.dead_letters());
        JetStreamSink::for_dead_letters(publisher)
    }
}

async fn connect(stage: &str, nats: &NatsArgs) -> Result<(Context, Context), StartError> {
    let consuming: Client = nats.connect_when_ready(stage).await?;
    let publishing = nats.connect_when_ready(&format!("{stage}-publish")).await?;
    Ok((
        jetstream_context(&consuming),
        jetstream_context(&publishing),
    ))
}

/// Lets the lanes run dry, and cuts those that do not within the deadline.
async fn drain(mut lanes: JoinSet<()>, deadline: Duration) {
    let dry = async { while lanes.join_next().await.is_some() {} };
    if tokio::time::timeout(deadline, dry).await.is_err() {
        warn!(
            lanes = lanes.len(),
            "not drained within {} s; what is left goes on at the next start",
            deadline.as_secs()
        );
        lanes.abort_all();
    }
}
