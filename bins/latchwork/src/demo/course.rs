//! The demo's course: the pipeline, the locks, the show, and the account of every message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::command::KeyRing;
use kafka::{InMemoryKafka, KafkaConnection, KafkaReader};
use servers::free_port;
use settings::Pipeline;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::DemoArgs;
use super::account::{Account, Figures, Stream};
use super::dead_letters::{self, DeadLetters};
use super::home::DemoHome;
use super::kafka_side;
use super::mail_catcher::Mail;
use super::owned_lock::set_owner;
use super::proof::{self, AuditProof};
use super::screen::Screen;
use super::show::{Show, ShowEvent};
use crate::simulate::{FIRST_CLIENT_ID, SimulationEvent, SimulationSettings};
use crate::stack::{Stack, StackOptions};

/// How long the stages may take to start.
const START: Duration = Duration::from_mins(1);

/// How long what was acknowledged may take to arrive after the last message.
const ARRIVAL: Duration = Duration::from_secs(20);

/// The demo while it runs.
pub(super) struct Course {
    account: Account,
    kafka: KafkaReader,
    dead_letters: DeadLetters,
    mqtt: String,
    nats_url: String,
    keys: Arc<KeyRing>,
    mails: u64,
    /// What should have happened, and did not.
    faults: Vec<String>,
    /// Lives longer than the stages.
    in_memory: Option<InMemoryKafka>,
}

/// How it went.
pub(super) struct Outcome {
    pub(super) figures: Figures,
    pub(super) audit: AuditProof,
    pub(super) mails: u64,
    pub(super) faults: Vec<String>,
}

impl Course {
    /// Starts everything.
    pub(super) async fn start(
        args: &DemoArgs,
        home: &DemoHome,
        screen: &Screen,
    ) -> anyhow::Result<(Self, Stack)> {
        let pipeline = Pipeline::load(Some(&home.pipeline()))?;
        let (in_memory, kafka) = start_kafka(args, &pipeline, screen)?;
        let mqtt = format!("127.0.0.1:{}", free_port()?);
        let options = options(home, &pipeline, &mqtt, &kafka)?;
        screen
            .say("nats-server      the durable store, synced to disk before each acknowledgement");
        let stack = Stack::start(&options).await?;
        stack.ready(START).await?;
        for entry in stack.roster().entries() {
            screen.say(&format!("{:<16} pid {}", entry.name, entry.pid));
        }
        set_owner(stack.nats_url(), owned_lock(args)).await?;
        screen.say(&format!(
            "{} locks publish to {mqtt}; this is what arrives in Kafka:",
            args.locks
        ));
        let course = Self {
            account: Account::default(),
            kafka: kafka_side::open(&KafkaConnection::new(&kafka)?).await?,
            dead_letters: DeadLetters::open(stack.nats_url()).await?,
            mqtt,
            nats_url: stack.nats_url().to_owned(),
            keys: Arc::new(KeyRing::read(&home.command_keys())?),
            mails: 0,
            faults: Vec::new(),
            in_memory,
        };
        Ok((course, stack))
    }

    /// Plays the locks and the show, follows each message to its end, and verifies the audit log.
    pub(super) async fn watch(
        &mut self,
        args: &DemoArgs,
        mails: mpsc::Receiver<Mail>,
        home: &DemoHome,
        screen: &mut Screen,
        stop: &CancellationToken,
    ) -> anyhow::Result<Outcome> {
        self.play(args, mails, screen, stop).await?;
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
        screen.finish();
        let audit = self.prove(args, home, screen).await;
        Ok(Outcome {
            figures: self.account.figures(),
            audit,
            mails: self.mails,
            faults: std::mem::take(&mut self.faults),
        })
    }

    /// Until both the locks and the show have ended.
    async fn play(
        &mut self,
        args: &DemoArgs,
        mails: mpsc::Receiver<Mail>,
        screen: &mut Screen,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let (events, mut happened) = mpsc::channel(1024);
        let simulation = crate::simulate::run(self.settings(args), events, stop.clone());
        let simulation = tokio::spawn(simulation);
        let (events, mut shown) = mpsc::channel(64);
        let show = Show {
            mqtt: self.mqtt.clone(),
            lock: owned_lock(args),
            keys: Arc::clone(&self.keys),
            mails,
            events,
        };
        let show = tokio::spawn(show.run(args.length, stop.clone()));
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut is_simulated, mut is_shown) = (true, true);
        while is_simulated || is_shown {
            tokio::select! {
                event = happened.recv(), if is_simulated => match event {
                    Some(event) => self.book(event, screen),
                    None => is_simulated = false,
                },
                event = shown.recv(), if is_shown => match event {
                    Some(event) => self.book_show(event, screen),
                    None => is_shown = false,
                },
                arrived = self.arrival(screen) => arrived?,
                _ = tick.tick() => screen.tick(&self.account.figures(), ""),
            }
        }
        simulation.await?;
        if let Err(error) = show.await? {
            self.fault(&error, screen);
        }
        Ok(())
    }

    /// The audit log is intact, and a change in it would be found.
    async fn prove(&mut self, args: &DemoArgs, home: &DemoHome, screen: &mut Screen) -> AuditProof {
        let proof = match proof::verify(&self.nats_url, home, screen).await {
            Ok(proof) => proof,
            Err(error) => {
                self.fault(&error, screen);
                return AuditProof::default();
            }
        };
        if let Err(error) = proof::tamper(home, owned_lock(args), screen).await {
            self.fault(&error, screen);
        }
        proof
    }

    fn fault(&mut self, error: &anyhow::Error, screen: &mut Screen) {
        let fault = format!("{error:#}");
        screen.show("FAULT", &fault);
        self.faults.push(fault);
    }

    /// Gives back what must live longer than the stages.
    pub(super) fn close(self) -> Option<InMemoryKafka> {
        self.in_memory
    }

    fn settings(&self, args: &DemoArgs) -> SimulationSettings {
        SimulationSettings {
            locks: args.locks,
            duration: Some(args.length),
            commands_per_second: 2.0,
            keys: Some(Arc::clone(&self.keys)),
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

    fn book_show(&mut self, event: ShowEvent, screen: &mut Screen) {
        match event {
            ShowEvent::Line(label, text) => screen.show(label, &text),
            ShowEvent::Published(stream, id, at) => self.account.published(stream, id, at),
            ShowEvent::Acknowledged(stream, id) => self.account.acknowledged(stream, id),
            ShowEvent::Refused => self.account.refused(),
            ShowEvent::Mail => self.mails += 1,
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

/// The lock after the simulated ones.
fn owned_lock(args: &DemoArgs) -> u64 {
    FIRST_CLIENT_ID + args.locks as u64
}

fn options(
    home: &DemoHome,
    pipeline: &Pipeline,
    mqtt: &str,
    kafka: &str,
) -> std::io::Result<StackOptions> {
    let stages = topology::stages(|part| pipeline.has(part)).into_iter();
    Ok(StackOptions {
        allow_anonymous: true,
        config: Some(home.pipeline()),
        stages: stages.map(str::to_owned).collect(),
        logs: Some(home.logs()),
        environment: vec![("LATCHWORK_TRACE_SAMPLE".into(), "1".into())],
        ..StackOptions::new(home.path().to_owned(), mqtt.to_owned(), kafka.to_owned())?
    })
}

fn start_kafka(
    args: &DemoArgs,
    pipeline: &Pipeline,
    screen: &Screen,
) -> anyhow::Result<(Option<InMemoryKafka>, String)> {
    if let Some(address) = &args.kafka {
        screen.say(&format!("Kafka            {address}"));
        return Ok((None, address.clone()));
    }
    let kafka = InMemoryKafka::start()?;
    for topic in pipeline.kafka_topics() {
        kafka.create_topic(&topic, 4)?;
    }
    let address = kafka.address().to_owned();
    screen.say(&format!(
        "Kafka            {address}, an in-memory stand-in (librdkafka's mock cluster); --kafka names a real one"
    ));
    Ok((Some(kafka), address))
}
