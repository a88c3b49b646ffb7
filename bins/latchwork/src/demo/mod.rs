//! `latchwork demo`: the whole pipeline at work on this machine, with the account at its end.

mod account;
mod dead_letters;
mod kafka_side;
mod screen;

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kafka::{InMemoryKafka, KafkaConnection, KafkaReader};
use servers::free_port;
use stage::stop_signal;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::simulate::{SimulationEvent, SimulationSettings, parse_duration};
use crate::stack::{Stack, StackOptions};
use account::{Account, Stream};
use dead_letters::DeadLetters;
use screen::Screen;

/// How long the stages may take to start.
const START: Duration = Duration::from_mins(1);

/// How long what was acknowledged may take to arrive after the last message.
const ARRIVAL: Duration = Duration::from_secs(20);

/// Shows the whole pipeline at work on this machine: nats-server, Kafka (an in-memory stand-in
/// unless --kafka names a real one), every stage as a process of its own, and simulated locks.
/// Ends with the account of every message; exit code 1 if one was lost.
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
    let mut home = DemoHome::new()?;
    let started = tokio::select! {
        started = Demo::start(&args, &home, &screen) => started,
        () = stop.cancelled() => return Ok(()),
    };
    let (mut demo, stack) = match started {
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
    let watched = demo.watch(&args, &mut screen, &stop).await;
    screen.finish();
    let figures = demo.account.figures();
    // Readers go before what they read from, and that goes before Kafka: nobody cries out.
    let kafka = demo.close();
    stack.stop().await;
    drop(kafka);
    watched?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&figures)?)?;
    } else {
        screen::account(&figures, &mut out)?;
    }
    ensure!(
        figures.lost == 0,
        "{} acknowledged messages were lost",
        figures.lost
    );
    Ok(())
}

/// The demo's folder; gone when it ends well.
struct DemoHome(PathBuf);

/// The demo's pipeline: the built-in one, in streams that fit on any disk.
const PIPELINE: &str = r#"[streams]
up_max_bytes = "128MiB"
rec_max_bytes = "128MiB"
dlq_max_bytes = "32MiB"
"#;

impl DemoHome {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("latchwork-demo-{}", std::process::id()));
        std::fs::create_dir_all(path.join("logs"))
            .and_then(|()| std::fs::write(path.join("pipeline.toml"), PIPELINE))
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Leaves the folder where it is: somebody will want to read the logs.
    fn keep(&mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for DemoHome {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "could not remove the demo's folder");
        }
    }
}

struct Demo {
    account: Account,
    kafka: KafkaReader,
    dead_letters: DeadLetters,
    mqtt: String,
    /// Lives longer than the stages.
    in_memory: Option<InMemoryKafka>,
}

impl Demo {
    async fn start(
        args: &DemoArgs,
        home: &DemoHome,
        screen: &Screen,
    ) -> anyhow::Result<(Self, Stack)> {
        let (in_memory, kafka) = start_kafka(args, screen)?;
        let mqtt = format!("127.0.0.1:{}", free_port()?);
        let mut options = StackOptions::new(home.0.clone(), mqtt.clone(), kafka.clone())?;
        options.allow_anonymous = true;
        options.config = Some(home.0.join("pipeline.toml"));
        options.logs = Some(home.logs());
        options.environment = vec![("LATCHWORK_TRACE_SAMPLE".into(), "1".into())];
        screen
            .say("nats-server      the durable store, synced to disk before each acknowledgement");
        let stack = Stack::start(&options).await?;
        stack.ready(START).await?;
        for entry in stack.roster().entries() {
            screen.say(&format!("{:<16} pid {}", entry.name, entry.pid));
        }
        screen.say(&format!(
            "{} locks publish to {mqtt}; this is what arrives in Kafka:",
            args.locks
        ));
        let demo = Self {
            account: Account::default(),
            kafka: kafka_side::open(&KafkaConnection::new(&kafka)?).await?,
            dead_letters: DeadLetters::open(stack.nats_url()).await?,
            mqtt,
            in_memory,
        };
        Ok((demo, stack))
    }

    /// Plays the locks, and follows each message to its end.
    async fn watch(
        &mut self,
        args: &DemoArgs,
        screen: &mut Screen,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let (events, mut happened) = mpsc::channel(1024);
        let simulation = tokio::spawn(crate::simulate::run(
            self.settings(args),
            events,
            stop.clone(),
        ));
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = happened.recv() => match event {
                    Some(event) => self.book(event, screen),
                    None => break,
                },
                arrived = self.arrival(screen) => arrived?,
                _ = tick.tick() => screen.tick(&self.account.figures(), ""),
            }
        }
        simulation.await?;
        let arrived = async {
            while self.account.missing() > 0 {
                self.arrival(screen).await?;
            }
            anyhow::Ok(())
        };
        // What has not arrived by then is what the account calls lost.
        if let Ok(arrived) = timeout(ARRIVAL, arrived).await {
            arrived?;
        }
        screen.tick(&self.account.figures(), "done");
        Ok(())
    }

    fn close(self) -> Option<InMemoryKafka> {
        self.in_memory
    }

    fn settings(&self, args: &DemoArgs) -> SimulationSettings {
        SimulationSettings {
            locks: args.locks,
            duration: Some(args.length),
            commands_per_second: 2.0,
            broken_share: 0.02,
            ..SimulationSettings::new(&self.mqtt)
        }
    }

    fn book(&mut self, event: SimulationEvent, screen: &Screen) {
        match event {
            SimulationEvent::Published { id, kind, due } => {
                self.account.published(kind.into(), id, due);
            }
            SimulationEvent::Acknowledged {
                id, kind, reason, ..
            } if !reason.is_failure() => {
                self.account.acknowledged(kind.into(), id);
            }
            SimulationEvent::Unreachable { reason } => screen.say(&reason),
            _ => {}
        }
    }

    /// Waits for the next thing to arrive, in Kafka or among the dead letters. Cancel-safe.
    async fn arrival(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        tokio::select! {
            records = self.kafka.next() => {
                let now = Instant::now();
                for record in &records? {
                    let line = kafka_side::book(&mut self.account, record, now);
                    screen.message(&line);
                }
            }
            letters = self.dead_letters.next() => {
                for letter in &letters? {
                    if let Some(id) = dead_letters::identity(letter) {
                        self.account.dead_letter(Stream::State, id);
                    }
                    screen.message(&dead_letters::to_text(letter));
                }
            }
        }
        Ok(())
    }
}

fn start_kafka(
    args: &DemoArgs,
    screen: &Screen,
) -> anyhow::Result<(Option<InMemoryKafka>, String)> {
    if let Some(address) = &args.kafka {
        screen.say(&format!("Kafka            {address}"));
        return Ok((None, address.clone()));
    }
    let kafka = InMemoryKafka::start()?;
    for (topic, _) in kafka_side::TOPICS {
        kafka.create_topic(topic, 4)?;
    }
    let address = kafka.address().to_owned();
    screen.say(&format!(
        "Kafka            {address}, an in-memory stand-in (librdkafka's mock cluster); --kafka names a real one"
    ));
    Ok((Some(kafka), address))
}
