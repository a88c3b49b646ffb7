//! One client of the load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Registry, Token};
use rmqtt_codec::types::QoS;

use super::answers::{self, Releases};
use super::flight::{Flight, Outcome};
use super::frame;
use super::greeting::{connect_packet, window};
use super::link::Link;
use super::message::packet_id;
use super::settings::LoadSettings;
use super::template::{Style, Template};

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
    qos: QoS,
    flight: Flight,
    releases: Releases,
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
        let style = Style {
            version: settings.version,
            qos: settings.qos,
        };
        Self {
            index,
            state: State::Down {
                retry_at: Instant::now(),
            },
            template: match &settings.commands {
                Some(keys) => Template::commands(style, run, index, Arc::clone(keys)),
                None => Template::states(style, run, index, settings.payload),
            },
            qos: settings.qos,
            flight: Flight::default(),
            releases: Releases::default(),
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

    /// Nothing waits to be written, and nothing for its PUBCOMP.
    pub(super) fn is_settled(&self) -> bool {
        match &self.state {
            State::Up { link } => !link.is_blocked() && self.releases.count() == 0,
            State::Down { .. } | State::Connecting { .. } | State::Greeting { .. } => true,
        }
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

    /// Closes the connection; everything without PUBACK or PUBREC will be sent again.
    pub(super) fn disconnect(&mut self) {
        self.flight.rewind();
        self.releases.clear();
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
            let connect = connect_packet(settings, &settings.client(self.index))?;
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
                let (qos, flight, releases) = (self.qos, &mut self.flight, &mut self.releases);
                link.read(buffer, |frame| {
                    let answer = answers::enter(qos, flight, releases, frame)?;
                    if let Some((sequence, refused)) = answer {
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
    /// message that is sent for the first time. With `QoS` 0 that is all there is to a message.
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
        self.releases.take_unsent(scratch);
        let window = self.window.saturating_sub(self.releases.count());
        while let Some((sequence, again)) = self.flight.next(self.due, window) {
            self.template.write(sequence, again, scratch);
            if self.qos == QoS::AtMostOnce {
                self.flight.acknowledge(packet_id(sequence), false);
            }
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
