//! Checks payloads against their contracts and makes the Kafka envelopes.

mod handler;
mod output;
mod split;
mod values;

use std::sync::Arc;

use settings::Pipeline;
use stage::jetstream::JetStreamSink;
use stage::{Runtime, StageArgs};
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
    let parts = (0..runtime.partitions).map(|partition| {
        let kafka = Split::new(JetStreamSink::new(runtime.publisher(&REC, partition)));
        let sink = match &audit {
            Some(audit) => {
                let events = runtime.publishers(&EV).map(JetStreamSink::new).collect();
                kafka.with_events(Arc::clone(audit), events)
            }
            None => kafka,
        };
        (handler.clone(), sink)
    });
    let lanes = runtime.lanes(&TRANSFORM, parts);
    let ended = runtime.run(lanes).await;
    Ok(ended?)
}
