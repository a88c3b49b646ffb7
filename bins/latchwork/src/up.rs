//! `latchwork up`: the whole pipeline on one machine, for real use.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use access::Access;
use anyhow::bail;
use settings::Pipeline;
use stage::stop_signal;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::stack::{EdgeOptions, Stack, StackOptions, default_data_dir};

/// Runs the whole pipeline on this machine: nats-server (unless one is given) and every stage as a
/// child process that is started again when it dies. SIGTERM and Ctrl-C drain it; at SIGHUP the
/// stages read their files again.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// The pipeline file; the built-in door-lock pipeline without one.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Kafka's bootstrap servers.
    #[arg(long, env = "LATCHWORK_KAFKA", value_name = "HOST:PORT")]
    kafka: String,
    /// A NATS server that runs already. Without it one is started with its data in --data-dir.
    #[arg(long, env = "LATCHWORK_NATS", value_name = "URL")]
    nats: Option<String>,
    /// Port of the NATS server that is started, where the other commands look for it.
    #[arg(
        long,
        env = "LATCHWORK_NATS_PORT",
        value_name = "PORT",
        default_value_t = 4222
    )]
    nats_port: u16,
    /// Everything durable lives here, and stages.json. Default: ~/.local/share/latchwork.
    #[arg(long, env = "LATCHWORK_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Run only these stages, e.g. transform,kafka-sink.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    stages: Vec<String>,
    #[command(flatten)]
    edge: EdgeOptions,
}

/// Runs the command.
pub(crate) async fn run(args: UpArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let edge = args.edge.clone();
    let options = options(args)?;
    if options
        .stages
        .iter()
        .any(|stage| stage == topology::MQTT_EDGE.stage)
    {
        // A port in use, or a file with a fault, is told once, here, and not at each start of the
        // edge.
        drop(mqtt_edge::listener::bind(&edge.listeners).await?);
        drop(Access::open(edge.access.settings())?);
    }
    let stop = stop_signal();
    // From here on it ends nothing.
    let hangups = signal(SignalKind::hangup())?;
    let stack = tokio::select! {
        stack = Stack::start(&options) => stack?,
        () = stop.cancelled() => return Ok(()),
    };
    tokio::select! {
        ready = stack.ready(Duration::from_secs(30)) => match ready {
            Ok(()) => writeln!(
                out,
                "latchwork is up: MQTT {} -> NATS {} -> Kafka {}, data in {} (Ctrl-C drains and stops)",
                edge.ports(),
                stack.nats_url(),
                options.kafka, options.data_dir.display(),
            )?,
            // A Kafka that is away is no reason to stop: the streams hold what comes.
            Err(error) => tracing::warn!("{error}; still trying"),
        },
        () = stop.cancelled() => {}
    }
    out.flush()?;
    tokio::select! {
        () = pass_on(hangups, &stack) => {}
        () = stop.cancelled() => {}
    }
    stack.stop().await;
    Ok(())
}

/// One that came while the stages started is passed on when they are ready for it.
async fn pass_on(mut hangups: Signal, stack: &Stack) {
    while hangups.recv().await.is_some() {
        stack.hang_up();
    }
    std::future::pending::<()>().await;
}

fn options(args: UpArgs) -> anyhow::Result<StackOptions> {
    let data_dir = args.data_dir.unwrap_or_else(default_data_dir);
    let mut options = StackOptions::new(data_dir, args.edge.listeners.mqtt.clone(), args.kafka)?;
    options.config = args.config.map(std::path::absolute).transpose()?;
    options.nats = args.nats;
    options.nats_port = Some(args.nats_port);
    options.allow_anonymous = args.edge.access.allow_anonymous;
    options.edge_arguments = args.edge.arguments().to_vec();
    let all = topology::stages(|_| true);
    if let Some(unknown) = args
        .stages
        .iter()
        .find(|stage| !all.contains(&stage.as_str()))
    {
        bail!(
            "there is no stage {unknown:?}; the stages are {}",
            all.join(", ")
        );
    }
    let pipeline = Pipeline::load(options.config.as_deref())?;
    options.stages = topology::stages(|part| pipeline.has(part))
        .into_iter()
        .map(str::to_owned)
        .collect();
    if !args.stages.is_empty() {
        options.stages.retain(|stage| args.stages.contains(stage));
    }
    Ok(options)
}
