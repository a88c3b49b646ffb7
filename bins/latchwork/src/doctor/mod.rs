//! `latchwork doctor`: does everything that the pipeline needs work?

mod buckets;
mod clock;
mod edge;
mod examine;
mod finding;
mod http;
mod kafka;
mod kafka_write;
mod limits;
mod monitor;
mod nats;
mod otlp;
mod people;
mod permissions;
mod report;
mod room;
mod secrets;
mod storing;
mod streams;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use ::kafka::{KafkaArgs, KafkaConnection};
use settings::Pipeline;
use stage::NatsArgs;

use crate::simulate::parse_duration;
use edge::EdgeOptions;
use examine::{Examination, examine};
use report::Report;

pub(crate) use finding::{Finding, Verdict};
pub(crate) use kafka::topic_fault;
pub(crate) use secrets::keys;

/// Tests everything that the pipeline needs: what is wrong, and what to do.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
It looks at NATS (login, permissions, room, speed, sync, streams, durables and buckets), Kafka
(login, topics and their copies), the mail server, the SMS gateway, the webhooks' secret, the
OpenTelemetry collector, clocks, file limits, the edge's users and rules, keys and the files of
secrets.
It sends nobody anything and changes nothing: nine messages go into a stream of its own, which is
removed at the end, and with --kafka-probe one record goes into that topic.
Each row is ok, warning, failed or skipped, with what to do below it.
Exit code: 0 when nothing failed, 1 when something did.
Run it where the stages run, with their pipeline file, addresses and environment:
  latchwork doctor --config pipeline.toml --nats nats://nats:4222 --kafka kafka:9092
With everything that it can look at:
  latchwork doctor --nats-monitor http://127.0.0.1:8222 --kafka-probe scratch \\
    --otlp-endpoint http://127.0.0.1:4318")]
pub(crate) struct DoctorArgs {
    /// The pipeline file; the built-in door-lock pipeline without one.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where nats-server's monitoring listens, e.g. `http://127.0.0.1:8222`: only there can be seen
    /// whether JetStream syncs every write.
    #[arg(long, env = "LATCHWORK_NATS_MONITOR", value_name = "URL")]
    nats_monitor: Option<String>,
    /// A Kafka topic that nobody reads: one record is written there as kafka-sink writes them.
    #[arg(long, value_name = "TOPIC")]
    kafka_probe: Option<String>,
    /// Where an OpenTelemetry collector listens, e.g. `http://127.0.0.1:4318`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// MQTT connections that one edge is to hold.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    connections: u64,
    /// How long each test may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    within: Duration,
    /// One JSON object: the worst verdict, and every row.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
}

/// Runs the command. An error means that something failed.
pub(crate) async fn run(args: DoctorArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.config.as_deref())?;
    let mut examinations = on_nats(&args, &pipeline);
    examinations.extend(on_kafka(&args, &pipeline));
    examinations.extend(on_people(&args, &pipeline));
    examinations.extend(here(&args, &pipeline));
    let report = Report::new(examine(examinations, args.within).await);
    if args.json {
        report.json(out)?;
    } else {
        let is_terminal = std::io::stdout().is_terminal();
        report.text(out, is_terminal && std::env::var_os("NO_COLOR").is_none())?;
    }
    match report.count(Verdict::Failed) {
        0 => Ok(()),
        1 => anyhow::bail!("one test failed: its row says what to do"),
        failed => anyhow::bail!("{failed} tests failed: their rows say what to do"),
    }
}

fn on_nats(args: &DoctorArgs, pipeline: &Pipeline) -> Vec<Examination> {
    let connected = nats::connect(args.nats.clone());
    let within = args.within;
    // Each test outlives this call.
    let [for_room, for_write, for_sync, for_streams] = [(); 4].map(|()| pipeline.clone());
    let sync = "JetStream sync";
    vec![
        Examination::new("NATS", nats::reachable(connected.clone())),
        nats::over(&connected, "NATS permissions", permissions::examine),
        nats::over(&connected, "JetStream room", |client| {
            room::examine(client, for_room)
        }),
        nats::over(&connected, "JetStream write", move |client| {
            storing::examine(client, for_write, within)
        }),
        match args.nats_monitor.clone() {
            Some(url) => nats::over(&connected, sync, |client| {
                monitor::examine(client, url, for_sync)
            }),
            None => Examination::at_once(sync, vec![monitor::unseen()]),
        },
        nats::over(&connected, "streams", |client| {
            streams::examine(client, for_streams)
        }),
        nats::over(&connected, "buckets", buckets::examine),
    ]
}

fn on_kafka(args: &DoctorArgs, pipeline: &Pipeline) -> Vec<Examination> {
    let connection = match args.kafka.connection(pipeline.librdkafka()) {
        Ok(connection) => connection,
        Err(error) => {
            let failed = Finding::failed_by("Kafka", error, "check --kafka");
            return vec![Examination::at_once("Kafka", vec![failed])];
        }
    };
    // What builds on the first look needs its time, too.
    let half = args.within / 2;
    let looked = kafka::look(connection.clone(), pipeline.kafka_topics(), half);
    let topics = kafka::examine(looked.clone(), connection.clone(), half);
    vec![
        Examination::new("Kafka", topics),
        kafka_write(args, pipeline, looked, connection),
    ]
}

fn kafka_write(
    args: &DoctorArgs,
    pipeline: &Pipeline,
    looked: kafka::Looked,
    connection: KafkaConnection,
) -> Examination {
    let name = "Kafka write";
    match args.kafka_probe.clone() {
        None => Examination::at_once(name, vec![kafka_write::untried()]),
        Some(topic) => {
            let limits = (args.within / 2, clock::allowed(pipeline));
            Examination::new(
                name,
                kafka_write::examine(looked, connection, topic, limits),
            )
        }
    }
}

fn on_people(args: &DoctorArgs, pipeline: &Pipeline) -> Vec<Examination> {
    let notify = || pipeline.notify().cloned();
    vec![
        Examination::new("mail (SMTP)", people::mail(notify())),
        Examination::new("SMS gateway", people::sms(notify())),
        Examination::at_once("webhook", people::webhook(pipeline)),
        Examination::new("OTLP", otlp::examine(args.otlp_endpoint.clone())),
    ]
}

/// What is on this machine.
fn here(args: &DoctorArgs, pipeline: &Pipeline) -> Vec<Examination> {
    let edge = EdgeOptions::of_environment();
    let (users, edges) = match &edge {
        Ok(edge) => (edge::examine(edge), edge.secrets()),
        Err(fault) => (vec![fault.clone()], Vec::new()),
    };
    vec![
        Examination::at_once("file limit", vec![limits::examine(args.connections)]),
        Examination::at_once("edge", users),
        Examination::at_once("keys", secrets::keys(pipeline)),
        Examination::at_once(
            "secret files",
            secrets::files(pipeline, &args.nats, &args.kafka, edges),
        ),
    ]
}
