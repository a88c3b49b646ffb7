//! `latchwork status`: how the pipeline fares now, from NATS alone.

mod alerts;
mod cells;
mod json;
mod observation;
mod observer;
mod remarks;
mod rule_cells;
mod rules;
mod rules_answers;
mod screen;
mod screen_rules;
mod table;
mod view;
mod watch;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use stage::{NatsArgs, jetstream_context};

use observer::Observer;
use view::View;

/// Between the two looks that rates are made of: replicas tell their counts every 0.75 s.
const BETWEEN: Duration = Duration::from_millis(1500);

/// Shows how the pipeline fares: replicas, owners of lanes, lag, rates, dead letters, alerts.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
It needs NATS alone, and changes nothing. The first line is the verdict: healthy, or
what most needs somebody.
A lane is one partition of a flow's stream (of `send`: a channel); one replica owns it at a time.
What waits is counted in frames: a frame holds up to 1024 records. Rates are records a second;
dead letters are those of a replica since its start. Counts of rules are sums over the replicas
of transform, each since its start.
  latchwork status               once, as a table
  latchwork status --watch       on a terminal, anew each second; q, Esc or Ctrl-C leaves
  latchwork status --json | jq '.lanes[] | select(.owner == null)'
  latchwork status --json | jq '.rules[] | {name, matched, passed, failed}'
Exit code: 0 when NATS could be asked, whatever it told.")]
pub(crate) struct StatusArgs {
    /// Shows it anew each second on a terminal, until q, Esc or Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// One JSON object with everything.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nats: NatsArgs,
}

impl StatusArgs {
    /// Whether it draws on the whole terminal, where a line of a log would only disturb.
    pub(crate) fn fills_the_terminal(&self) -> bool {
        self.watch
    }
}

/// Runs the command.
pub(crate) async fn run(args: StatusArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let is_terminal = std::io::stdout().is_terminal();
    anyhow::ensure!(
        is_terminal || !args.watch,
        "--watch needs a terminal; leave it out, or use --json, where there is none"
    );
    let context = jetstream_context(&args.nats.connect("status").await?);
    let mut observer = Observer::new(context);
    if args.watch {
        return watch::run(observer).await;
    }
    let before = observer.observe().await?;
    tokio::time::sleep(BETWEEN).await;
    let now = observer.observe().await?;
    let view = View::new(&now, Some(&before));
    if args.json {
        writeln!(out, "{}", json::of(&view))?;
    } else {
        let colours = is_terminal && std::env::var_os("NO_COLOR").is_none();
        table::write(&view, out, colours)?;
    }
    Ok(())
}
