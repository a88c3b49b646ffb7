//! `latchwork demo`: the whole pipeline at work on this machine, with the account at its end.

mod account;
mod course;
mod dead_letters;
mod home;
mod kafka_side;
mod mail_catcher;
mod operator;
mod owned_lock;
mod proof;
mod screen;
mod show;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;
use stage::stop_signal;

use crate::simulate::parse_duration;
use account::Figures;
use course::{Course, Outcome};
use home::DemoHome;
use mail_catcher::MailCatcher;
use screen::Screen;

/// Shows the whole pipeline at work on this machine: nats-server, Kafka (an in-memory stand-in
/// unless --kafka names a real one), every stage as a process of its own, and simulated locks with
/// signed commands. One lock has an owner, who gets mail: of an unlocking, of a low battery, of a
/// tampered and a replayed command, which the edge refuses. Ends with the audit log verified, and
/// the account of every message; exit code 1 if one was lost, or anything of this did not happen.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// How long the locks publish.
    #[arg(long = "for", value_name = "TIME", default_value = "20s", value_parser = parse_duration)]
    length: Duration,
    /// How many locks.
    #[arg(long, value_name = "N", default_value_t = 20)]
    locks: usize,
    /// A real Kafka to write to, instead of the in-memory stand-in.
    #[arg(long, env = "LATCHWORK_KAFKA", value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Print the account as one JSON object, as the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let stop = stop_signal();
    let mut screen = Screen::new(args.length);
    let (catcher, mails) = MailCatcher::start()
        .await
        .context("cannot listen for the demo's mail")?;
    let mut home = DemoHome::new(catcher.port())?;
    let started = tokio::select! {
        started = Course::start(&args, &home, &screen) => started,
        () = stop.cancelled() => return Ok(()),
    };
    let (mut course, stack) = match started {
        Ok(started) => started,
        Err(error) => {
            let logs = home.logs();
            home.keep();
            return Err(error.context(format!(
                "the demo could not start; its logs are in {}",
                logs.display()
            )));
        }
    };
    let watched = course.watch(&args, mails, &home, &mut screen, &stop).await;
    screen.finish();
    // Readers go before what they read from, and that goes before Kafka: nobody cries out.
    let kafka = course.close();
    stack.stop().await;
    drop((kafka, catcher));
    let outcome = watched?;
    tell(&args, &outcome)?;
    judge(&outcome, &mut home)
}

/// The result, on standard output.
fn tell(args: &DemoArgs, outcome: &Outcome) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&Account::of(outcome))?)?;
    } else {
        screen::account(outcome, &mut out)?;
    }
    Ok(())
}

/// The last line of `demo --json`.
#[derive(Serialize)]
struct Account {
    #[serde(flatten)]
    figures: Figures,
    audit_entries: u64,
    audit_intact: bool,
    mails: u64,
}

impl Account {
    fn of(outcome: &Outcome) -> Self {
        Self {
            figures: outcome.figures,
            audit_entries: outcome.audit.entries,
            audit_intact: outcome.audit.intact,
            mails: outcome.mails,
        }
    }
}

/// Fails with what was not as it should be, and leaves the logs.
fn judge(outcome: &Outcome, home: &mut DemoHome) -> anyhow::Result<()> {
    let lost = outcome.figures.lost;
    ensure!(lost == 0, "{lost} acknowledged messages were lost");
    if !outcome.faults.is_empty() {
        let logs = home.logs();
        home.keep();
        anyhow::bail!(
            "{}; the logs are in {}",
            outcome.faults.join("; "),
            logs.display()
        );
    }
    Ok(())
}
