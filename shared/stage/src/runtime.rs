//! What every stage's `run` begins and ends with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use settings::Pipeline;
use telemetry::{ReadyFlag, StageMetrics, Telemetry, TelemetryArgs};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topology::Flow;
use tracing::{info, warn};

use crate::answering;
use crate::connect::NatsArgs;
use crate::connections::Connections;
use crate::error::{LaneDied, StartError};
use crate::jetstream::provision;
use crate::lease::{Identity, Leaseholder};
use crate::owned_lane::{LaneRun, Leased, OpenLane, OwnedLane};
use crate::stop::{outlive_hangup, stop_signal};

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

/// Something that runs until the stage stops, such as the lanes of a flow.
pub type Running = BoxFuture<'static, anyhow::Result<()>>;

/// A stage that is connected, with its streams and durables made.
pub struct Runtime {
    /// Which flow this is.
    pub flow: &'static Flow,
    /// Traces, metrics, health and logs.
    pub telemetry: Telemetry,
    /// To NATS.
    pub connections: Connections,
    /// Partitions of every stream.
    pub partitions: u16,
    /// Is cancelled when the stage is told to stop.
    pub stop: CancellationToken,
    /// To be set when the stage does its work: a condition of `/readyz` from the very start, so
    /// that a stage is not ready for a moment between two steps of its start.
    pub working: ReadyFlag,
    identity: Identity,
    replicas: usize,
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
        outlive_hangup();
        let telemetry = Telemetry::start(flow.stage, &args.telemetry)?;
        let stop = stop_signal();
        let ready = telemetry.readiness().condition("nats");
        let working = telemetry.readiness().condition("working");
        let connections = tokio::select! {
            connected = Connections::open(flow.stage, &args.nats) => connected?,
            () = stop.cancelled() => return Err(StartError::Stopped),
        };
        let durables = provision(&connections.consuming, &pipeline.into()).await?;
        let identity = Identity::new();
        identity.answer(&connections.consuming.client()).await?;
        identity.answer(&connections.publishing.client()).await?;
        ready.set(true);
        info!(
            stage = flow.stage,
            partitions = durables.partitions,
            replica = identity.id,
            "connected to NATS"
        );
        Ok(Self {
            flow,
            telemetry,
            connections,
            partitions: durables.partitions,
            stop,
            working,
            identity,
            replicas: pipeline.streams().replicas.unwrap_or(1),
            drain: args.drain_deadline(),
        })
    }

    /// This process' name among the replicas.
    pub fn replica(&self) -> &str {
        &self.identity.id
    }

    /// Answers every request at a core NATS subject until this process ends. Each process that does
    /// the same answers for itself. `answer` is given the most bytes that an answer may have.
    ///
    /// Fails only when the connection is closed.
    pub async fn answer(
        &self,
        subject: &'static str,
        answer: impl Fn(usize) -> Bytes + Send + 'static,
    ) -> Result<(), StartError> {
        // Not the connection of acknowledgements: a large answer would delay them.
        let client = self.connections.publishing.client();
        Ok(answering::answer(client, subject, answer).await?)
    }

    /// The lanes of a flow, one for each durable of its stream, shared with the other replicas of
    /// the flow. `open` makes a lane at work of each that this replica gets. They do nothing until
    /// [`run`](Self::run).
    pub fn leased<F>(
        &self,
        flow: &'static Flow,
        open: impl Fn(OwnedLane) -> F + Send + Sync + 'static,
    ) -> Running
    where
        F: Future<Output = anyhow::Result<LaneRun>> + Send + 'static,
    {
        let source = flow.source();
        let tokens = source.map(|source| source.token.all(self.partitions));
        self.leased_of(flow, tokens.unwrap_or_default(), open)
    }

    /// The same for some of the flow's lanes only, named by the last token of their subjects.
    pub fn leased_of<F>(
        &self,
        flow: &'static Flow,
        tokens: Vec<String>,
        open: impl Fn(OwnedLane) -> F + Send + Sync + 'static,
    ) -> Running
    where
        F: Future<Output = anyhow::Result<LaneRun>> + Send + 'static,
    {
        let open: OpenLane = Arc::new(move |lane| open(lane).boxed());
        let metrics = self.telemetry.stage_metrics(flow.name);
        self.leaseholder(flow, tokens, metrics, open).run().boxed()
    }

    /// Lets the others know that this replica is there, and how it fares, where it has no lanes to
    /// share. It counts what goes through `metrics`.
    pub fn announced(&self, flow: &'static Flow, metrics: StageMetrics) -> Running {
        let open: OpenLane = Arc::new(|lane| {
            let done: LaneRun = std::future::ready(()).boxed();
            drop(lane);
            std::future::ready(Ok(done)).boxed()
        });
        self.leaseholder(flow, Vec::new(), metrics, open)
            .run()
            .boxed()
    }

    fn leaseholder(
        &self,
        flow: &'static Flow,
        tokens: Vec<String>,
        metrics: StageMetrics,
        open: OpenLane,
    ) -> Leaseholder {
        Leaseholder {
            leased: Leased {
                flow,
                connections: self.connections.clone(),
                metrics,
                tracer: self.telemetry.tracer(),
                identity: self.identity.clone(),
                replicas: self.replicas,
            },
            tokens,
            open,
            stop: self.stop.clone(),
            joined: self
                .telemetry
                .readiness()
                .condition(&format!("leases of {}", flow.name)),
        }
    }

    /// Runs flows until the stage is told to stop and they are drained.
    ///
    /// A lane that dies of a defect ends the stage: its supervisor starts it again, and its
    /// partition does not stand still.
    pub async fn run(self, running: impl IntoIterator<Item = Running>) -> anyhow::Result<()> {
        let mut flows: JoinSet<anyhow::Result<()>> = running.into_iter().collect();
        self.working.set(true);
        let died = || LaneDied {
            stage: self.flow.stage,
        };
        let ended = tokio::select! {
            biased;
            Some(ended) = flows.join_next() => match ended {
                Ok(Err(error)) => Err(error),
                Ok(Ok(())) if self.stop.is_cancelled() => Ok(()),
                Ok(Ok(())) | Err(_) => Err(died().into()),
            },
            () = self.stop.cancelled() => Ok(()),
        };
        self.working.set(false);
        self.stop.cancel();
        drain(flows, self.drain).await;
        self.telemetry.shutdown();
        ended
    }
}

/// Lets the lanes run dry, and cuts those that do not within the deadline.
async fn drain(mut flows: JoinSet<anyhow::Result<()>>, deadline: Duration) {
    let dry = async { while flows.join_next().await.is_some() {} };
    if tokio::time::timeout(deadline, dry).await.is_err() {
        warn!(
            flows = flows.len(),
            "not drained within {} s; what is left goes on at the next start",
            deadline.as_secs()
        );
        flows.shutdown().await;
    }
}
