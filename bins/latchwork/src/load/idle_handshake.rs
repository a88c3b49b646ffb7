//! One idle connection: from nothing to CONNACK, and SUBACK if it subscribes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frame::{self, Frame};
use super::greeting::{connect_packet, subscribe_packet, subscribed, window};
use super::origin;
use super::settings::LoadSettings;

/// Client id of the first idle connection; the others follow. The load's clients are below.
const FIRST_IDLE: u64 = 21_000_000_000_000_000;

/// Keep-alive in seconds. Pings begin when all connections stand, which may take minutes.
pub(super) const KEEP_ALIVE: u16 = 300;

/// How long one attempt may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Largest answer in bytes: a CONNACK with all its properties is far smaller.
const LARGEST: usize = 16 * 1024;

/// A connection that stands.
#[derive(Debug)]
pub(super) struct Shaken {
    pub(super) stream: TcpStream,
    /// From CONNECT to CONNACK.
    pub(super) took: Duration,
}

/// Tries once.
pub(super) async fn shake_hands(
    settings: &LoadSettings,
    address: SocketAddr,
    number: usize,
) -> Result<Shaken, String> {
    let attempt = tokio::time::timeout(ANSWER, attempt(settings, address, number));
    let silent = |_| format!("{} does not answer", settings.mqtt);
    attempt.await.map_err(silent)?
}

async fn attempt(
    settings: &LoadSettings,
    address: SocketAddr,
    number: usize,
) -> Result<Shaken, String> {
    let unreachable = |error| format!("cannot reach MQTT at {address}: {error}");
    let client_id = FIRST_IDLE + number as u64;
    let mut options = settings.connection(client_id);
    options.keep_alive_secs = KEEP_ALIVE;
    let connect = connect_packet(settings, &options)?;
    let from = origin::of_idle(address, number);
    let mut stream = origin::connect(address, from).await.map_err(unreachable)?;

    let begin = Instant::now();
    let connack = |frame: Frame<'_>| window(settings, frame).map(drop);
    ask(&mut stream, &connect, connack).await?;
    let took = begin.elapsed();
    if settings.idle_subscribe {
        let filter = format!("devices/{client_id}/command");
        let subscribe = subscribe_packet(settings, filter)?;
        ask(&mut stream, &subscribe, |frame| subscribed(settings, frame)).await?;
    }
    Ok(Shaken { stream, took })
}

/// Writes a packet, and looks at the first that comes back.
async fn ask(
    stream: &mut TcpStream,
    packet: &[u8],
    check: impl Fn(Frame<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    stream.write_all(packet).await.map_err(told)?;
    let mut bytes = Vec::with_capacity(256);
    while bytes.len() < LARGEST {
        if stream.read_buf(&mut bytes).await.map_err(told)? == 0 {
            return Err("the server closed the connection".to_owned());
        }
        let malformed = |_| "the server sent a malformed packet".to_owned();
        if let Some(frame) = frame::take(&mut bytes.as_slice()).map_err(malformed)? {
            return check(frame);
        }
    }
    Err("an answer of the server is too long".to_owned())
}
