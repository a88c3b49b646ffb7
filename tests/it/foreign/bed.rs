//! One edge for one scenario, and every client.

use std::sync::Mutex;

use futures::future::join_all;
use servers::free_port;
use tempfile::TempDir;

use super::certificates::Certificates;
use super::connection::Connection;
use super::lineup::{Client, lineup};
use super::orders::{Connect, Fault, Transport, Will, base64};
use crate::testbed::{Setup, Testbed};

/// Where the edge listens.
const HOST: &str = "127.0.0.1";

/// Seconds. No session ends by itself within a test that does not want it.
pub(super) const LONG: u32 = 600;

/// An edge with its ports, every client, and what went wrong so far.
pub(super) struct ForeignBed {
    pub(super) bed: Testbed,
    pub(super) clients: Vec<Client>,
    pub(super) certificates: Certificates,
    ports: [(Transport, u16); 4],
    faults: Mutex<Vec<(&'static str, Fault)>>,
    _folder: TempDir,
}

impl ForeignBed {
    /// Anybody may connect.
    pub(super) async fn start() -> Self {
        Self::start_with(|setup, _| setup).await
    }

    pub(super) async fn start_with(more: impl FnOnce(Setup, &Certificates) -> Setup) -> Self {
        let clients = Box::pin(lineup()).await;
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::write(folder.path());
        let [tls, ws, wss] = std::array::from_fn(|_| free_port().unwrap());
        let setup = Setup::new()
            .stages(&["mqtt-edge"])
            // Why connections end.
            .env("RUST_LOG", "info,mqtt_edge=debug")
            .env("LATCHWORK_MQTTS", format!("{HOST}:{tls}"))
            .env("LATCHWORK_WS", format!("{HOST}:{ws}"))
            .env("LATCHWORK_WSS", format!("{HOST}:{wss}"))
            .env("LATCHWORK_TLS_CERT", &certificates.server.certificate)
            .env("LATCHWORK_TLS_KEY", &certificates.server.key);
        let bed = Box::pin(more(setup, &certificates).start()).await;
        let (_, tcp) = bed.mqtt().rsplit_once(':').unwrap();
        let ports = [
            (Transport::Tcp, tcp.parse().unwrap()),
            (Transport::Tls, tls),
            (Transport::Ws, ws),
            (Transport::Wss, wss),
        ];
        Self {
            bed,
            clients,
            certificates,
            ports,
            faults: Mutex::default(),
            _folder: folder,
        }
    }

    /// A clean session over TCP.
    pub(super) fn options(&self, client: &Client, name: &str) -> Connect {
        Connect {
            host: HOST.to_owned(),
            port: self.port(Transport::Tcp),
            transport: Transport::Tcp,
            version: client.version,
            client_id: client.own(name),
            clean: true,
            expiry: 0,
            reconnect: false,
            will: None,
            user: None,
            password: None,
            ca: None,
            certificate: None,
            key: None,
        }
    }

    /// A session that outlives its connection, or goes on.
    pub(super) fn lasting(&self, client: &Client, name: &str) -> Connect {
        Connect {
            clean: false,
            expiry: LONG,
            ..self.options(client, name)
        }
    }

    /// Connects with a clean session over TCP.
    pub(super) async fn open(&self, client: &Client, name: &str) -> Result<Connection, Fault> {
        client.connect(self.options(client, name)).await
    }

    pub(super) fn port(&self, transport: Transport) -> u16 {
        let found = self.ports.iter().find(|(kind, _)| *kind == transport);
        found.unwrap().1
    }

    /// Runs a part of the scenario with every client at once. Who fails is noted, and has no part
    /// in what comes next; who does not comes back with what the part gives.
    pub(super) async fn every<T>(
        &self,
        part: impl AsyncFn(&Client) -> Result<T, Fault>,
    ) -> Vec<(&Client, T)> {
        let all: Vec<(&Client, ())> = self.clients.iter().map(|client| (client, ())).collect();
        self.those(all, async |client, ()| part(client).await).await
    }

    /// The same with some clients, each with what it has from an earlier part.
    pub(super) async fn those<'a, S, T>(
        &'a self,
        some: Vec<(&'a Client, S)>,
        part: impl AsyncFn(&Client, S) -> Result<T, Fault>,
    ) -> Vec<(&'a Client, T)> {
        let part = &part;
        let running = some
            .into_iter()
            .map(|(client, state)| async move { (client, Box::pin(part(client, state)).await) });
        let mut well = Vec::new();
        for (client, outcome) in join_all(running).await {
            match outcome {
                Ok(value) => well.push((client, value)),
                Err(fault) => self.faults.lock().unwrap().push((client.name, fault)),
            }
        }
        well
    }

    /// Fails the test when any client has met a fault, and tells which.
    pub(super) fn conclude(self) {
        let faults = self.faults.lock().unwrap();
        if faults.is_empty() {
            return;
        }
        let mut lines = Vec::new();
        for client in &self.clients {
            let met = faults.iter().find(|(name, _)| *name == client.name);
            lines.push(match met {
                None => format!("  {}: well", client.name),
                Some((name, fault)) => {
                    format!("  {name}: FAILED: {fault}\n{}", client.complaints())
                }
            });
        }
        let table = lines.join("\n");
        panic!("{} clients failed:\n{table}", faults.len());
    }
}

/// A will without a delay.
pub(super) fn will(topic: String, payload: &str, qos: u8) -> Will {
    Will {
        topic,
        payload: base64(payload.as_bytes()),
        qos,
        retain: false,
        delay: 0,
    }
}

/// Payloads `0`, `1` and so on.
pub(super) fn numbers(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| n.to_string().into_bytes()).collect()
}
