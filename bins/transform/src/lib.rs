//! Checks payloads against their contracts and makes the Kafka envelopes.

mod handler;
mod values;

use settings::Pipeline;
use stage::jetstream::JetStreamSink;
use stage::{Runtime, StageArgs};
use topology::{REC, TRANSFORM, UP};

pub use handler::TransformHandler;

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
    let sinks: Vec<_> = runtime.publishers(&REC).map(JetStreamSink::new).collect();
    let ended = runtime
        .run_lanes(UP, sinks.into_iter().map(|sink| (handler.clone(), sink)))
        .await;
    Ok(ended?)
}
