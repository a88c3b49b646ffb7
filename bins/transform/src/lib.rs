//! Checks payloads against their contracts and makes the Kafka envelopes.

mod handler;
mod output;
mod split;
mod values;

use std::sync::Arc;

use settings::{AuditSettings, Pipeline};
use stage::jetstream::JetStreamSink;
use stage::{OwnedLane, Runtime, StageArgs};
use topology::{EV, REC, TRANSFORM};

pub use handler::TransformHandler;
pub use output::Output;
pub use split::Split;

/// Checks every payload against its contract and makes the Kafka records that the hooks ask for.
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
    let handler = TransformHandler::new(&pipeline);
    let runtime = Runtime::start(&TRANSFORM, &args.stage, &pipeline).await?;
    let audit = pipeline.audit().cloned().map(Arc::new);
    let partitions = runtime.partitions;
    let lanes = runtime.leased(&TRANSFORM, move |lane| {
        let sink = sink(&lane, audit.as_ref(), partitions);
        std::future::ready(Ok(lane.run(handler.clone(), sink)))
    });
    runtime.run([lanes]).await
}

/// Where a lane's outputs go: all of them to its own partition, but for the records of locks that
/// others speak for.
fn sink(lane: &OwnedLane, audit: Option<&Arc<AuditSettings>>, partitions: u16) -> Split {
    let kafka = Split::new(JetStreamSink::new(lane.publisher(&REC)));
    let Some(audit) = audit else { return kafka };
    let events = (0..partitions).map(|partition| lane.connections.publisher(&EV, partition));
    kafka.with_events(Arc::clone(audit), events.map(JetStreamSink::new).collect())
}
