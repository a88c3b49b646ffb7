//! `latchwork check`: is the pipeline file right, and do the connections work?

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use kafka::{KafkaArgs, TopicState, connection_test};
use settings::Pipeline;
use stage::NatsArgs;

use crate::doctor::{self, Verdict};

/// How long each connection may take to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Checks a pipeline file without starting anything; with --connect also the keys and secrets that
/// it names, NATS and Kafka.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The pipeline file; the built-in door-lock pipeline without one.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Open keys, secrets and certificates as the stages do, connect to NATS and Kafka, and look for
    /// the topics.
    #[arg(long)]
    connect: bool,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
}

/// Runs the command.
pub(crate) async fn run(args: CheckArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.config.as_deref())?;
    writeln!(out, "{pipeline}")?;
    let connection = args.kafka.connection(pipeline.librdkafka())?;
    if !args.connect {
        return Ok(());
    }
    secrets(&pipeline, out)?;
    let client = args.nats.connect("check").await?;
    writeln!(
        out,
        "NATS   ok: nats-server {}",
        client.server_info().version
    )?;
    let topics = pipeline.kafka_topics();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let report = connection_test(&connection, &topics, WITHIN).await?;
    writeln!(out, "Kafka  ok: {}", report.brokers.join(", "))?;
    let mut faults = 0;
    for topic in report.topics {
        let verdict = match (doctor::topic_fault(topic.state), topic.state) {
            (Some((fault, fix)), _) => {
                faults += 1;
                format!("{fault}; {fix}")
            }
            (None, TopicState::Exists { partitions }) => format!("ok, {partitions} partitions"),
            (None, _) => "ok".to_owned(),
        };
        writeln!(out, "topic  {}: {verdict}", topic.topic)?;
    }
    anyhow::ensure!(
        faults == 0,
        "{faults} of the pipeline's topics can't be written to"
    );
    Ok(())
}

/// What the stages would not start without, or would leave out.
fn secrets(pipeline: &Pipeline, out: &mut impl Write) -> anyhow::Result<()> {
    for key in doctor::keys(pipeline) {
        if key.verdict == Verdict::Failed {
            anyhow::bail!("{}; {}", key.detail, key.fix.unwrap_or_default());
        }
        writeln!(out, "{} ok: {}", key.what, key.detail)?;
    }
    if let Some(notify) = pipeline.notify() {
        audit_notifier::check_notification(notify)?;
        writeln!(
            out,
            "notify ok: texts, secrets and certificates can be read"
        )?;
    }
    Ok(())
}
