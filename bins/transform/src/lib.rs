//! Checks payloads against their contracts, follows rules, and makes the Kafka envelopes.

mod applying;
mod counters;
mod handler;
mod output;
mod program;
mod report;
mod split;
mod values;

use std::sync::Arc;

use settings::{AuditSettings, Pipeline};
use stage::jetstream::JetStreamSink;
use stage::{OwnedLane, Runtime, StageArgs};
use topology::{EV, PUB, REC, TRANSFORM};

pub use counters::{ActionReport, RuleReport, RulesBoard, RulesReport};
pub use handler::TransformHandler;
pub use output::Output;
pub use report::RULES_ADDRESS;
pub use split::Split;

/// Checks every payload against its contract and makes the Kafka records that hooks and rules ask for.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "transform", version)]
pub struct Args {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
}

/// Runs the stage until it is told to stop.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.stage.config.as_deref())?;
    let runtime = Runtime::start(&TRANSFORM, &args.stage, &pipeline).await?;
    let audit = pipeline.audit().cloned().map(Arc::new);
    let meter = runtime.telemetry.meter();
    let pipelines = stage::follow(args.stage.config, pipeline, &meter);
    let board = RulesBoard::new(meter);
    report::answer_for(&runtime, &pipelines, &board).await?;
    let partitions = runtime.partitions;
    let lanes = runtime.leased(&TRANSFORM, move |lane| {
        let sink = sink(&lane, audit.as_ref(), partitions);
        let handler = TransformHandler::following(pipelines.clone(), board.clone());
        std::future::ready(Ok(lane.run(handler, sink)))
    });
    runtime.run([lanes]).await
}

/// Where a lane's outputs go: all of them to its own partition, but for the records of locks that
/// others speak for.
fn sink(lane: &OwnedLane, audit: Option<&Arc<AuditSettings>>, partitions: u16) -> Split {
    let publications = JetStreamSink::new(lane.publisher(&PUB));
    let split = Split::new(JetStreamSink::new(lane.publisher(&REC)), publications);
    let Some(audit) = audit else { return split };
    let events = (0..partitions).map(|partition| lane.connections.publisher(&EV, partition));
    split.with_events(Arc::clone(audit), events.map(JetStreamSink::new).collect())
}
