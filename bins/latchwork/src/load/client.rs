//! One client of the load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::{Registry, Token};

use super::flight::{Flight, Outcome};
use super::frame::{self, Frame};
use super::link::Link;
use super::message::Template;
use super::settings::LoadSettings;
use crate::mqtt_client::{ReasonCode, Received, Wire};

/// Between two attempts to connect, on average.
const RETRY: Duration = Duration::from_millis(200);

/// How long the server may take for a connection and its CONNACK.
const ANSWER: Duration = Duration::from_secs(10);

/// One client of the load.
#[derive(Debug)]
pub(super) struct Client {
    /// Number in the whole load.
    index: usize,
    state: State,
    template: Template,
    flight: Flight,
    /// So many messages are due.
    due: u64,
    window: u64,
}

#[derive(Debug)]
enum State {
    Down {
        retry_at: Instant,
    },
    /// CONNECT follows when TCP stands.
    Connecting {
        link: Link,
        since: Instant,
    },
    /// CONNECT is on its way.
    Greeting {
        link: Link,
        since: Instant,
    },
    Up {
        link: Link,
    },
}

impl Client {
    pub(super) fn new(settings: &LoadSettings, run: u64, index: usize) -> Self {
        Self {
            index,
            state: State::Down {
                retry_at: Instant::now(),
            },
            template: match &settings.commands {
                Some(keys) => Template::commands(settings.version, run, index, Arc::clone(keys)),
                None => Template::new(settings.version, run, index, settings.payload),
            },
            flight: Flight::default(),
            due: 0,
            window: settings.window.into(),
        }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
    }

    /// One more message is due.
    pub(super) fn owe_one(&mut self) {
        self.due += 1;
    }

    /// It is time to connect.
    pub(super) fn wants_to_connect(&self, now: Instant) -> bool {
        matches!(self.state, State::Down { retry_at } if retry_at <= now)
    }

    /// Connecting takes too long.
    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        match self.state {
            State::Connecting { since, .. } | State::Greeting { since, .. } => now - since > ANSWER,
            State::Down { .. } | State::Up { .. } => false,
        }
    }

    pub(super) fn connect(
        &mut self,
        address: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> Result<(), String> {
        let link = Link::open(address, registry, token)
            .map_err(|error| format!("cannot reach MQTT at {address}: {error}"))?;
        self.state = State::Connecting {
            link,
            since: Instant::now(),
        };
        Ok(())
    }

    /// Closes the connection; everything without PUBACK will be sent again.
    pub(super) fn disconnect(&mut self) {
        self.flight.rewind();
        self.state = State::Down {
            retry_at: Instant::now() + RETRY.mul_f64(0.5 + fastrand::f64()),
        };
    }

    /// Says good-bye.
    pub(super) fn leave(&mut self) {
        if let State::Up { link } = &mut self.state {
            // It ends either way.
            drop(link.write(&[frame::DISCONNECT, 0]));
        }
    }

    /// After a writable event. One comes with every readable event, too.
    pub(super) fn on_writable(&mut self, settings: &LoadSettings) -> Result<(), String> {
        match &mut self.state {
            State::Down { .. } => Ok(()),
            State::Connecting { .. } => self.greet(settings),
            State::Greeting { link, .. } | State::Up { link } => {
                link.write_unsent().map_err(|error| error.to_string())
            }
        }
    }

    /// Sends CONNECT if TCP stands.
    fn greet(&mut self, settings: &LoadSettings) -> Result<(), String> {
        let State::Connecting { mut link, since } = self.take_state() else {
            return Ok(());
        };
        let unreachable = |error| format!("cannot reach MQTT at {}: {error}", settings.mqtt);
        self.state = if link.is_connected().map_err(unreachable)? {
            let connect = connect_packet(settings, self.index)?;
            link.write(&connect).map_err(|error| error.to_string())?;
            State::Greeting { link, since }
        } else {
            State::Connecting { link, since }
        };
        Ok(())
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(
            &mut self.state,
            State::Down {
                retry_at: Instant::now(),
            },
        )
    }

    /// After a readable event: tells the sequence of each acknowledged message, and whether the
    /// server refused it.
    pub(super) fn on_readable(
        &mut self,
        settings: &LoadSettings,
        buffer: &mut [u8],
        mut acknowledged: impl FnMut(u64, bool),
    ) -> Result<(), String> {
        let mut connack = None;
        match &mut self.state {
            State::Up { link } => {
                let flight = &mut self.flight;
                link.read(buffer, |frame| {
                    if let Some((sequence, refused)) = puback(flight, frame)? {
                        acknowledged(sequence, refused);
                    }
                    Ok(())
                })?;
            }
            State::Greeting { link, .. } => link.read(buffer, |frame| {
                connack = Some(window(settings, frame)?);
                Ok(())
            })?,
            // An event of a connection that is no more.
            State::Down { .. } | State::Connecting { .. } => {}
        }
        if let Some(window) = connack {
            self.window = window.min(settings.window.into());
            self.state = match self.take_state() {
                State::Greeting { link, .. } => State::Up { link },
                other => other,
            };
        }
        Ok(())
    }

    /// Writes what is due and what the window has room for, in one go. Tells the sequence of each
    /// message that is sent for the first time.
    pub(super) fn send(
        &mut self,
        scratch: &mut Vec<u8>,
        mut sent: impl FnMut(u64),
    ) -> Result<(), String> {
        let State::Up { link } = &mut self.state else {
            return Ok(());
        };
        if link.is_blocked() {
            return Ok(());
        }
        scratch.clear();
        while let Some((sequence, again)) = self.flight.next(self.due, self.window) {
            self.template.write(sequence, again, scratch);
            if !again {
                sent(sequence);
            }
        }
        if scratch.is_empty() {
            return Ok(());
        }
        link.write(scratch).map_err(|error| error.to_string())
    }

    pub(super) fn into_outcome(self) -> (usize, Outcome) {
        (self.index, self.flight.into_outcome())
    }
}

/// The message that a PUBACK acknowledges, and whether it is refused.
fn puback(flight: &mut Flight, frame: Frame<'_>) -> Result<Option<(u64, bool)>, String> {
    match frame.first {
        frame::PUBACK => {
            let (id, reason) = frame::puback(frame.body).ok_or("a PUBACK without identifier")?;
            let refused = ReasonCode(reason).is_failure();
            let sequence = flight.acknowledge(id, refused);
            let sequence = sequence.ok_or("a PUBACK of a message that is not on its way")?;
            Ok(Some((sequence, refused)))
        }
        frame::PINGRESP => Ok(None),
        frame::DISCONNECT => {
            let reason = ReasonCode(frame.body.first().copied().unwrap_or_default());
            Err(format!("the server ended the connection: {reason}"))
        }
        other => Err(format!(
            "the server sent a packet of type {}, unasked",
            other >> 4
        )),
    }
}

fn connect_packet(settings: &LoadSettings, index: usize) -> Result<BytesMut, String> {
    let mut packet = BytesMut::new();
    let connect = Wire::new(settings.version).connect(&settings.client(index), &mut packet);
    connect.map_err(|error| error.to_string())?;
    Ok(packet)
}

/// The window that the server's CONNACK allows.
fn window(settings: &LoadSettings, frame: Frame<'_>) -> Result<u64, String> {
    if frame.first != frame::CONNACK {
        return Err(format!(
            "{} does not answer CONNECT as MQTT does",
            settings.mqtt
        ));
    }
    let received = Wire::new(settings.version).decode(&mut BytesMut::from(frame.whole));
    match received.map_err(|error| error.to_string())? {
        Some(Received::ConnAck(connack)) if !connack.reason.is_failure() => {
            Ok(connack.receive_maximum.into())
        }
        Some(Received::ConnAck(connack)) => Err(format!(
            "{} refuses the connection: {}",
            settings.mqtt, connack.reason
        )),
        _ => Err(format!(
            "{} does not answer CONNECT as MQTT does",
            settings.mqtt
        )),
    }
}
