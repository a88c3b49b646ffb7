//! Checks signed commands before anybody gets them.

use std::time::{Duration, Instant};

use async_nats::jetstream::context::Context;
use command::{Claim, KeyRing, Limits, Nonces, SignDigits, Verified, Verifier};
use opentelemetry::metrics::Histogram;
use record::Verdict;
use settings::{CommandMode, CommandSettings};
use stage::Backoff;
use telemetry::metrics::edge::COMMAND_CHECK_DURATION;
use telemetry::{Failure, LabelledCounter, Meter};
use tracing::warn;

use crate::codec::{Answer, ReasonCode};
use crate::meters::command_checks;
use stage::now_ms;

/// Upper bounds of a check's duration: a signature takes 10 us, a claimed nonce a round trip to
/// NATS and its sync.
const SECONDS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.001_5, 0.002, 0.003, 0.005, 0.01, 0.025, 0.1, 1.0,
];

/// The check of every command topic.
#[derive(Debug)]
pub(crate) struct CommandCheck {
    settings: CommandSettings,
    verifier: Verifier,
    nonces: Nonces,
    checks: LabelledCounter,
    duration: Histogram<f64>,
}

/// What came of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Judgement {
    /// Travels in the record.
    pub(crate) verdict: Verdict,
    /// Whether the command must reach nobody.
    pub(crate) refused: bool,
}

impl CommandCheck {
    /// The check that the settings ask for, if they ask for one.
    pub(crate) async fn new(
        settings: &CommandSettings,
        context: Context,
        meter: &Meter,
    ) -> anyhow::Result<Option<Self>> {
        if !settings.any_checked() {
            return Ok(None);
        }
        let keys = KeyRing::configured(settings.keys_file.as_deref())?;
        let limits = Limits {
            window: Duration::from_secs(settings.window_s),
            future: Duration::from_secs(settings.future_s),
            sign_digits: SignDigits::from_digits(settings.sign_digits).unwrap_or_default(),
        };
        let nonces = Nonces::open(context, limits.nonce_ttl()).await?;
        Ok(Some(Self {
            settings: settings.clone(),
            verifier: Verifier::new(keys, limits),
            nonces,
            checks: command_checks(meter),
            duration: COMMAND_CHECK_DURATION.histogram_with(meter, &SECONDS),
        }))
    }

    /// Whether publishes to a topic are checked.
    pub(crate) fn checks(&self, topic: &str) -> bool {
        self.settings.lock_of(topic).is_some()
    }

    /// Checks the payload; waits as long as the nonces are out of reach, because a command can't be
    /// let through on trust.
    pub(crate) async fn judge(&self, topic: &str, payload: &[u8]) -> Judgement {
        let Some((lock, mode)) = self.settings.lock_of(topic) else {
            return Judgement::unchecked();
        };
        let began = Instant::now();
        let verdict = match self.verifier.verify(lock, payload, now_ms()) {
            Ok(verified) => self.claim(lock, &verified).await,
            Err(verdict) => verdict,
        };
        self.duration.record(began.elapsed().as_secs_f64(), &[]);
        self.checks.add([verdict.name()], 1);
        Judgement {
            verdict,
            refused: mode == CommandMode::Enforce && verdict != Verdict::Ok,
        }
    }

    async fn claim(&self, lock: &str, verified: &Verified<'_>) -> Verdict {
        let command = &verified.command;
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        let mut told = false;
        let mut claim = self.nonces.claim(lock, &command.nonce_str).await;
        loop {
            match claim {
                Ok(Claim::Replayed) => return Verdict::Replayed,
                // The wait for NATS may have made it too old.
                Ok(Claim::Claimed) if told => {
                    let age = self.verifier.limits().check_age(command.ts, now_ms());
                    return age.err().unwrap_or(Verdict::Ok);
                }
                Ok(Claim::Claimed) => return Verdict::Ok,
                Err(unavailable) => {
                    if !told {
                        warn!("{unavailable}; commands wait until it is back");
                        told = true;
                    }
                    backoff.wait().await;
                    claim = unavailable.retry().await;
                }
            }
        }
    }
}

impl Judgement {
    pub(crate) fn unchecked() -> Self {
        Self {
            verdict: Verdict::Unchecked,
            refused: false,
        }
    }

    /// Why a refused command is refused, for its span.
    pub(crate) fn failure(self) -> Option<Failure<'static>> {
        self.refused.then(|| Failure {
            kind: self.verdict.name(),
            text: self.answer().text,
        })
    }

    /// What the publisher is told of a refused command.
    pub(crate) fn answer(self) -> Answer {
        let text = match self.verdict {
            Verdict::Unchecked | Verdict::Ok => "",
            Verdict::BadSignature => "the signature does not match the command",
            Verdict::Stale => "the command is too old; sign it anew with the current time",
            Verdict::Future => "the command's time is ahead of the clock here",
            Verdict::Replayed => "the nonce was used before; sign each command with a new one",
            Verdict::Malformed => "not a command: see the schema lock-command",
        };
        Answer {
            reason: ReasonCode::NOT_AUTHORIZED,
            text,
        }
    }
}
