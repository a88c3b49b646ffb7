//! The show: what the demo does with one lock, and waits to see.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::command::KeyRing;
use anyhow::{Context, ensure};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::account::Stream;
use super::mail_catcher::Mail;
use super::owned_lock::OwnedLock;
use crate::mqtt_client::{ClientOptions, MqttClient, PubAck, Publish, ReasonCode};
use crate::simulate::{Action, LockState, MessageId, command_payload, first_process_id};
use crate::text::visible;

/// How long a mail may take to come.
const MAIL: Duration = Duration::from_secs(10);

/// How long the edge may take to answer, and a lock to hear.
const ANSWER: Duration = Duration::from_secs(10);

/// No act begins later than this, however long the demo is.
const LAST: Duration = Duration::from_secs(20);

/// Lines of a mail's text that are shown.
const LINES: usize = 4;

/// What the show tells the demo.
#[derive(Debug)]
pub(super) enum ShowEvent {
    /// A label and a line.
    Line(&'static str, String),
    /// A message goes out, to be found in Kafka.
    Published(Stream, MessageId, Instant),
    /// The edge has taken it.
    Acknowledged(Stream, MessageId),
    /// The edge has refused a command, as it must.
    Refused,
    /// A mail was caught.
    Mail,
}

/// The show: an owner's app, the owner's lock, and the owner's mail.
pub(super) struct Show {
    pub(super) mqtt: String,
    pub(super) lock: u64,
    pub(super) keys: Arc<KeyRing>,
    pub(super) mails: mpsc::Receiver<Mail>,
    pub(super) events: mpsc::Sender<ShowEvent>,
}

impl Show {
    /// Plays it, spread over the demo's length. Fails with what did not happen. Told to stop, it
    /// ends after the act that it is in.
    pub(super) async fn run(self, length: Duration, stop: CancellationToken) -> anyhow::Result<()> {
        let pace = Pace {
            begin: Instant::now(),
            length: length.min(LAST),
            stop,
        };
        let mut acts = Acts::prepare(self).await?;
        let played = acts.play(&pace).await;
        acts.end().await;
        played
    }
}

/// When it is time for an act.
struct Pace {
    begin: Instant,
    length: Duration,
    stop: CancellationToken,
}

impl Pace {
    /// Waits until this share of the length is over; false when it is time to stop.
    async fn reaches(&self, share: f64) -> bool {
        let at = self.begin + self.length.mul_f64(share);
        tokio::select! {
            () = tokio::time::sleep_until(at.into()) => true,
            () = self.stop.cancelled() => false,
        }
    }
}

struct Acts {
    show: Show,
    app: MqttClient,
    lock: OwnedLock,
    process_id: u64,
}

impl Acts {
    async fn prepare(show: Show) -> anyhow::Result<Self> {
        // MQTT 5.0: 3.1.1 can't tell why a command was refused.
        let options = ClientOptions::new(&show.mqtt, "owners-app").v5();
        let (app, _) = MqttClient::connect(&options).await?;
        Ok(Self {
            app,
            lock: OwnedLock::connect(&show.mqtt, show.lock).await?,
            process_id: first_process_id(),
            show,
        })
    }

    /// One after the other, each when it is time for it.
    async fn play(&mut self, pace: &Pace) -> anyhow::Result<()> {
        if !pace.reaches(0.15).await {
            return Ok(());
        }
        let command = self.unlock().await?;
        if !pace.reaches(0.35).await {
            return Ok(());
        }
        self.battery().await?;
        if !pace.reaches(0.6).await {
            return Ok(());
        }
        self.tampered().await?;
        if !pace.reaches(0.8).await {
            return Ok(());
        }
        self.replayed(command).await
    }

    /// Says goodbye: a lock that only vanished would be a matter of its own.
    async fn end(&self) {
        drop(self.app.disconnect().await);
        self.lock.disconnect().await;
    }

    /// A command unlocks the door, and its owner gets a mail. Gives the command.
    async fn unlock(&mut self) -> anyhow::Result<Vec<u8>> {
        let id = self.next_id();
        self.tell(
            "unlock",
            format!("the owner's app sends a signed command to lock {}", id.lock),
        )
        .await;
        let payload = command_payload(id, Action::Unlock, Some(&self.show.keys));
        self.published(Stream::Command, id).await;
        let answer = self.send(&payload).await?;
        ensure!(
            !answer.reason.is_failure(),
            "a good command was refused: {}",
            answer.reason
        );
        self.acknowledged(Stream::Command, id).await;
        self.lock.heard(&payload, ANSWER).await?;
        // The lock reports under the command's process id: so its cause is known.
        self.report(id, Action::Unlock, 83.4).await?;
        self.mails(["unlocked by a command"], LINES).await?;
        Ok(payload)
    }

    /// The door is locked again, with a low battery: two mails.
    async fn battery(&mut self) -> anyhow::Result<()> {
        let id = self.next_id();
        self.tell(
            "low battery",
            "the lock locks itself, and reports a battery of 18.4 %".into(),
        )
        .await;
        self.report(id, Action::Lock, 18.4).await?;
        self.mails(["battery is low", "locked again"], 0).await
    }

    /// Somebody on the way makes another command of it.
    async fn tampered(&mut self) -> anyhow::Result<()> {
        let id = self.next_id();
        self.tell(
            "tampered",
            "a signed \"lock\" is made an \"unlock\" on its way".into(),
        )
        .await;
        let payload = command_payload(id, Action::Lock, Some(&self.show.keys));
        let payload = String::from_utf8(payload)?.replace("\"lock\"", "\"unlock\"");
        self.refused(payload.as_bytes(), "bad-signature").await
    }

    /// Somebody has listened, and sends it once more.
    async fn replayed(&mut self, command: Vec<u8>) -> anyhow::Result<()> {
        self.tell(
            "replayed",
            "the owner's unlock command is sent again, byte for byte".into(),
        )
        .await;
        self.refused(&command, "replayed").await
    }

    /// Sends a command that must be refused; the owner gets a mail about it, the lock hears nothing.
    async fn refused(&mut self, payload: &[u8], verdict: &str) -> anyhow::Result<()> {
        let answer = self.send(payload).await?;
        ensure!(
            answer.reason == ReasonCode::NOT_AUTHORIZED,
            "a {verdict} command was not refused; the edge answered {}",
            answer.reason
        );
        let words = answer.text.unwrap_or_default();
        let words = visible(words.as_bytes());
        self.tell(
            "refused",
            format!("by the edge: {}: {words}", answer.reason),
        )
        .await;
        self.event(ShowEvent::Refused).await;
        self.mails([verdict], 0).await?;
        self.lock.has_heard_nothing()
    }

    async fn send(&self, payload: &[u8]) -> anyhow::Result<PubAck> {
        let topic = format!("devices/{}/command", self.show.lock);
        let publish = Publish::new(topic, payload.to_vec());
        let answer = async { self.app.publish(publish).await?.await };
        let answer = tokio::time::timeout(ANSWER, answer).await;
        Ok(answer.with_context(|| format!("no PUBACK of a command within {ANSWER:?}"))??)
    }

    async fn report(&self, id: MessageId, action: Action, battery: f64) -> anyhow::Result<()> {
        let state = LockState { action, battery };
        self.published(Stream::State, id).await;
        let answer = tokio::time::timeout(ANSWER, self.lock.report(&state.payload(id))).await;
        let answer =
            answer.with_context(|| format!("no PUBACK of a state within {ANSWER:?}"))??;
        ensure!(
            !answer.reason.is_failure(),
            "a state was refused: {}",
            answer.reason
        );
        self.acknowledged(Stream::State, id).await;
        Ok(())
    }

    /// Waits until each of these words was in the subject of a mail, and shows what comes: the
    /// subject, and so many lines of the text.
    async fn mails<const N: usize>(
        &mut self,
        words: [&str; N],
        lines: usize,
    ) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + MAIL;
        let mut missing = words.to_vec();
        while let Some(first) = missing.first() {
            let mail = tokio::time::timeout_at(deadline, self.show.mails.recv()).await;
            let mail = mail.ok().flatten();
            let mail = mail.with_context(|| format!("no mail about {first:?} within {MAIL:?}"))?;
            missing.retain(|words| !mail.subject.contains(words));
            self.event(ShowEvent::Mail).await;
            self.tell("mail", visible(mail.subject.as_bytes())).await;
            let text = mail.body.iter().filter(|line| !line.is_empty());
            for line in text.take(lines) {
                self.tell("", visible(line.as_bytes())).await;
            }
        }
        Ok(())
    }

    fn next_id(&mut self) -> MessageId {
        self.process_id += 1;
        MessageId {
            lock: self.show.lock,
            process_id: self.process_id,
        }
    }

    async fn published(&self, stream: Stream, id: MessageId) {
        self.event(ShowEvent::Published(stream, id, Instant::now()))
            .await;
    }

    async fn acknowledged(&self, stream: Stream, id: MessageId) {
        self.event(ShowEvent::Acknowledged(stream, id)).await;
    }

    async fn tell(&self, label: &'static str, text: String) {
        self.event(ShowEvent::Line(label, text)).await;
    }

    async fn event(&self, event: ShowEvent) {
        // Without somebody who watches, the show goes on.
        drop(self.show.events.send(event).await);
    }
}
