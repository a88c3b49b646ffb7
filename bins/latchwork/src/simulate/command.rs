//! The command line of `latchwork simulate`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::command::KeyRing;
use anyhow::Context;
use tokio::sync::mpsc;

use super::duration::parse_duration;
use super::event::SimulationEvent;
use super::run::run;
use super::settings::{FIRST_CLIENT_ID, SimulationSettings};
use super::tally::SimulationTally;
use crate::mqtt_client::Version;

/// Events that may wait for the screen.
const EVENTS: usize = 1024;

/// Plays locks that publish their states and answer commands, and an app that sends commands.
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArgs {
    /// Where the edge listens.
    #[arg(
        long,
        env = "LATCHWORK_MQTT",
        value_name = "ADDR",
        default_value = "127.0.0.1:1883"
    )]
    mqtt: String,
    /// Number of locks.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    locks: u32,
    /// Time between two states of a lock.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    interval: Duration,
    /// How long to publish; until Ctrl-C without it.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Commands that the app sends each second, to locks by chance.
    #[arg(long, value_name = "RATE", default_value_t = 1.0, value_parser = parse_rate)]
    commands: f64,
    /// File of root keys that sign the commands; without it their signatures are random digits.
    #[arg(long, env = ::command::KEYS_FILE_ENV, value_name = "FILE")]
    keys_file: Option<PathBuf>,
    /// Share of the states that are broken: cut short, a wrong type, a missing field, broken UTF-8.
    #[arg(long, value_name = "0..1", default_value_t = 0.0, value_parser = parse_share)]
    broken: f64,
    /// Client id of the first lock; the others follow.
    #[arg(long, value_name = "DIGITS", default_value_t = FIRST_CLIENT_ID, value_parser = clap::value_parser!(u64).range(..1 << 63))]
    first_client_id: u64,
    /// Speak MQTT 5.0 instead of 3.1.1.
    #[arg(long)]
    v5: bool,
    /// User name of every client.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with the password of every client.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{text:?} is not a share from 0 to 1"))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text
        .parse()
        .ok()
        .filter(|rate| *rate == 0.0 || (0.001..=1e6).contains(rate));
    rate.ok_or_else(|| format!("{text:?} is not a rate per second: 0, or 0.001 to 1000000"))
}

impl SimulateArgs {
    fn settings(&self) -> anyhow::Result<SimulationSettings> {
        let password = self.password_file.as_ref().map(|file| {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the password file {}", file.display()))?;
            anyhow::Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        });
        let keys = self.keys_file.as_deref().map(KeyRing::read).transpose()?;
        Ok(SimulationSettings {
            keys: keys.map(Arc::new),
            version: if self.v5 { Version::V5 } else { Version::V311 },
            username: self.username.clone(),
            password: password.transpose()?,
            locks: self.locks as usize,
            first_client_id: self.first_client_id,
            interval: self.interval,
            duration: self.duration,
            commands_per_second: self.commands,
            broken_share: self.broken,
            ..SimulationSettings::new(&self.mqtt)
        })
    }
}

/// Runs the command: a line of figures each second, and one at the end. Fails when messages are
/// left without PUBACK.
pub async fn run_command(args: SimulateArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = args.settings()?;
    let (sender, mut events) = mpsc::channel(EVENTS);
    let simulation = tokio::spawn(run(settings, sender, stage::stop_signal()));
    let mut tally = SimulationTally::new();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.tick().await;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(SimulationEvent::Unreachable { reason }) => {
                    writeln!(out, "{reason}; trying again")?;
                }
                Some(SimulationEvent::Reachable) => writeln!(out, "all connected")?,
                Some(event) => tally.count(&event),
                None => break,
            },
            _ = second.tick() => writeln!(out, "{tally}")?,
        }
    }
    let unacknowledged = simulation.await?;
    writeln!(out, "end: {tally}")?;
    anyhow::ensure!(
        unacknowledged == 0,
        "{unacknowledged} messages were not acknowledged: each may be in Kafka or not"
    );
    Ok(())
}
