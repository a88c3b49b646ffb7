//! Writes Kafka records in asynchronous batches.

mod check_value;
mod kafka_ready;
mod topics;

use std::time::Duration;

use kafka::{KafkaArgs, KafkaProducer, UnknownTopic};
use settings::Pipeline;
use stage::{Runtime, StageArgs};
use topology::KAFKA_SINK;

pub use check_value::CheckValue;

/// What is not confirmed by then is sent again at the next start.
const FLUSH_DEADLINE: Duration = Duration::from_secs(5);

/// A topic that was just made is not known to every broker at once.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

/// Writes what the pipeline made to Kafka: in batches, in order per lock, acknowledged by every
/// in-sync replica before it is forgotten here.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "kafka-sink", version)]
pub struct Args {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// The Kafka connection.
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// Make the pipeline's topics that do not exist yet, before anything is written, and those that
    /// come with a new version of its files.
    #[arg(long, env = "LATCHWORK_ENSURE_TOPICS")]
    pub ensure_topics: bool,
}

/// Runs the stage until it is told to stop.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.stage.config.as_deref())?;
    let connection = args
        .kafka
        .connection(pipeline.librdkafka())?
        .with_client_id(KAFKA_SINK.stage, &std::process::id().to_string());
    let producer = KafkaProducer::new(&connection, unknown_topic(&pipeline))?;
    let runtime = Runtime::start(&KAFKA_SINK, &args.stage, &pipeline).await?;
    kafka_ready::watch(&runtime.telemetry, producer.clone());
    if args.ensure_topics {
        let made = topics::ensure(&connection, &pipeline);
        tokio::select! {
            made = made => made?,
            () = runtime.stop.cancelled() => return Ok(()),
        }
    }
    let pipelines = stage::follow(args.stage.config, pipeline, &runtime.telemetry.meter());
    if args.ensure_topics {
        tokio::spawn(topics::keep_ensured(connection, pipelines.clone()));
    }
    producer.expect_topics(pipelines.borrow().kafka_topics());
    tokio::spawn(topics::keep_expected(producer.clone(), pipelines.clone()));
    let handler = CheckValue::following(pipelines);
    let sinks = producer.clone();
    let lanes = runtime.leased(&KAFKA_SINK, move |lane| {
        let sink = sinks.sink();
        let traced = sink.map(|sink| sink.traced_by(lane.tracer.clone()));
        std::future::ready(
            traced
                .map(|sink| lane.run(handler.clone(), sink))
                .map_err(Into::into),
        )
    });
    let ended = runtime.run([lanes]).await;
    // Lanes that were cut leave records behind whose fate is worth waiting for: fewer repeats.
    if let Err(error) = producer.flush(FLUSH_DEADLINE).await {
        tracing::warn!("{error}; what is not confirmed is sent again at the next start");
    }
    ended
}

fn unknown_topic(pipeline: &Pipeline) -> UnknownTopic {
    match pipeline.unknown_topic() {
        settings::UnknownTopic::Wait => UnknownTopic::Wait,
        settings::UnknownTopic::DeadLetter => UnknownTopic::DeadLetter { after: UNKNOWN_FOR },
    }
}
