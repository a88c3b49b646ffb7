//! Watches locks and commands, keeps the audit log, and tells people.

pub mod audit;
mod audit_flow;
mod audit_sink;
mod bucket;
mod lock_states;
mod log_store;
mod notify;

pub use notify::{check as check_notification, email_options};

use anyhow::Context;
use settings::Pipeline;
use stage::{Runtime, StageArgs};
use topology::AUDIT_FLOW;

/// Watches locks and commands, keeps the tamper-evident log, and tells people.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "audit-notifier", version)]
pub struct Args {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Run this flow only; may be given more than once. Without it all run that the pipeline asks
    /// for.
    #[arg(
        long = "flow",
        env = "LATCHWORK_FLOW",
        value_name = "FLOW",
        value_delimiter = ','
    )]
    pub flows: Vec<FlowName>,
}

/// A flow of this stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum FlowName {
    /// Watches locks, keeps the log.
    Audit,
    /// Finds whom to tell, and sends.
    Notify,
}

/// Runs the stage until it is told to stop.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.stage.config.as_deref())?;
    let audit = pipeline
        .audit()
        .context("the pipeline has no [audit] table: there is nothing to do for audit-notifier")?;
    let wanted = |flow| args.flows.is_empty() || args.flows.contains(&flow);
    let runtime = Runtime::start(&AUDIT_FLOW, &args.stage, &pipeline).await?;
    let mut running = Vec::new();
    if wanted(FlowName::Audit) {
        running.push(audit_flow::lanes(
            &runtime,
            audit,
            pipeline.notify().is_some(),
        ));
    }
    if let Some(settings) = pipeline.notify().filter(|_| wanted(FlowName::Notify)) {
        running.extend(notify::flows(&runtime, settings).await?);
    }
    runtime.run(running).await
}
