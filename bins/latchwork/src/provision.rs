//! `latchwork provision`: makes the streams and durables.

use std::io::Write;
use std::path::PathBuf;

use settings::Pipeline;
use stage::jetstream::provision;
use stage::{NatsArgs, jetstream_context};
use topology::STREAMS;

/// Makes every stream and durable that the stages need; idempotent. Every stage does the same at
/// its start, so this is for people who want to see or to prepare.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ProvisionArgs {
    #[command(flatten)]
    nats: NatsArgs,
    /// The pipeline file; its [streams] table sets sizes and partitions.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: ProvisionArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.config.as_deref())?;
    let context = jetstream_context(&args.nats.connect("provision").await?);
    let durables = provision(&context, &(&pipeline).into()).await?;
    writeln!(
        out,
        "{:<6} {:<10} {:>10} {:>12}  HOLDS",
        "STREAM", "SUBJECTS", "MESSAGES", "BYTES"
    )?;
    for spec in STREAMS.iter().filter(|spec| pipeline.has(spec.part)) {
        let stream = context.get_stream(spec.name).await?;
        let state = &stream.cached_info().state;
        writeln!(
            out,
            "{:<6} {:<10} {:>10} {:>12}  {}",
            spec.name,
            spec.subjects(),
            state.messages,
            state.bytes,
            spec.holds,
        )?;
    }
    writeln!(
        out,
        "{} partitions; durables: {}",
        durables.partitions,
        durables.names.join(", ")
    )?;
    Ok(())
}
