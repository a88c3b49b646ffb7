//! The ports: MQTT on TCP, TLS, WebSocket, and WebSocket on TLS.
//!
//! Each hands a [`crate::wire::Wire`] to the same connection. Who may connect is decided in
//! [`admission`], before anything is spent on a client.

mod accept;
mod address_table;
pub mod admission;
mod args;
mod certificates;
mod handshake;
mod meters;
mod open_files;
mod publish_rate;
#[cfg(test)]
mod tests;
mod tls;
mod token_bucket;
mod upgrade;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::wire::WireKind;
pub(crate) use accept::accept;
pub(crate) use admission::UserSeat;
use admission::{Admission, AdmissionLimits};
pub use args::{ClientCertificate, LimitArgs, ListenerArgs, PublishArgs, TlsArgs};
use certificates::Certificates;
pub use publish_rate::{PublishLimits, PublishRate, Taken};
pub use tls::TlsError;
use tls::TlsFiles;

/// The address of a port that is not opened.
const OFF: &str = "off";

/// Why the ports can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address can't be had.
    #[error("cannot listen for MQTT on {address}: {source}; {}", advice(.source, .option))]
    Bind {
        /// The option that says so.
        option: &'static str,
        /// What it says.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// TLS is wanted without certificates.
    #[error("{option} needs --tls-cert FILE and --tls-key FILE")]
    NoCertificate {
        /// The option that wants it.
        option: &'static str,
    },
    /// The certificates can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Nothing to listen on.
    #[error("no port is open: give --mqtt, --mqtts, --ws or --wss an address")]
    NoPort,
}

fn advice(error: &io::Error, option: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("another program has the port: stop it, or choose another with {option}")
        }
        io::ErrorKind::PermissionDenied => {
            format!("ports below 1024 need a privilege: choose another with {option}")
        }
        _ => format!("choose another address with {option}"),
    }
}

/// The open ports.
#[derive(Debug)]
pub struct Listeners {
    ports: Vec<Port>,
    certificates: Option<Arc<Certificates>>,
    admission: Arc<Admission>,
}

#[derive(Debug)]
struct Port {
    kind: WireKind,
    socket: TcpListener,
}

impl Listeners {
    /// Each port with the address that it has, for people and tests.
    pub fn addresses(&self) -> impl Iterator<Item = (WireKind, io::Result<SocketAddr>)> {
        self.ports
            .iter()
            .map(|port| (port.kind, port.socket.local_addr()))
    }

    /// Who counts connections; a connection asks it for its user.
    pub fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission)
    }
}

/// Opens the plain port.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    open(address, "--mqtt").await
}

/// Opens all ports, and reads the certificates.
pub async fn bind(args: &ListenerArgs) -> Result<Listeners, ListenError> {
    let certificates = TlsFiles::new(&args.tls)?
        .map(Certificates::load)
        .transpose()?;
    let mut ports = Vec::new();
    for (kind, option, address) in wanted(args) {
        if matches!(kind, WireKind::Mqtts | WireKind::Wss) && certificates.is_none() {
            return Err(ListenError::NoCertificate { option });
        }
        let socket = open(address, option).await?;
        ports.push(Port { kind, socket });
    }
    if ports.is_empty() {
        return Err(ListenError::NoPort);
    }
    let limits = AdmissionLimits::new(&args.limits, open_files::connections());
    Ok(Listeners {
        ports,
        certificates: certificates.map(Arc::new),
        admission: Admission::new(limits),
    })
}

fn wanted(args: &ListenerArgs) -> impl Iterator<Item = (WireKind, &'static str, &str)> {
    [
        (WireKind::Mqtt, "--mqtt", Some(args.mqtt.as_str())),
        (WireKind::Mqtts, "--mqtts", args.mqtts.as_deref()),
        (WireKind::Ws, "--ws", args.ws.as_deref()),
        (WireKind::Wss, "--wss", args.wss.as_deref()),
    ]
    .into_iter()
    .filter_map(|(kind, option, address)| Some((kind, option, address?)))
    .filter(|(_, _, address)| *address != OFF)
}

async fn open(address: &str, option: &'static str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ListenError::Bind {
            option,
            address: address.to_owned(),
            source,
        })
}
