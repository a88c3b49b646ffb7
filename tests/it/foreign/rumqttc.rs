//! Connections of rumqttc, in this very process. Its two protocol versions have types of their own:
//! `rumqttc_v4` and `rumqttc_v5` make them one.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{TlsConfiguration, Transport as Carrier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::connection::BACKLOG;
use super::orders::{Asked, Connect, Done, Fault, Message, Order, Transport};
use super::{rumqttc_v4, rumqttc_v5};

/// Largest packet in bytes; the library's own limit is 10 KB.
pub(super) const MAX_PACKET: u32 = 2 * 1024 * 1024;

/// Between two attempts of a library that connects again.
const PAUSE: Duration = Duration::from_millis(200);

/// What happens on a connection, in either version.
pub(super) enum Seen {
    Connected {
        code: u8,
        session_present: bool,
    },
    /// A message's flow is complete; with the code of its acknowledgement.
    Published(u8),
    Subscribed(u8),
    Unsubscribed,
    Disconnected,
    Message(Message),
    Nothing,
}

/// The library's event loop.
pub(super) trait Events: Send + 'static {
    fn poll(&mut self) -> impl Future<Output = Result<Seen, Fault>> + Send;
}

/// The library's client.
pub(super) trait Requests: Send + 'static {
    /// `order` is neither a CONNECT nor a cut.
    fn request(&self, order: &Order) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The way to a new connection, and what that gets.
pub(super) fn line() -> (mpsc::Sender<Asked>, mpsc::Receiver<Message>) {
    let (orders, asked) = mpsc::channel(BACKLOG);
    let (to, messages) = mpsc::channel(BACKLOG);
    tokio::spawn(obey(asked, to));
    (orders, messages)
}

async fn obey(mut asked: mpsc::Receiver<Asked>, messages: mpsc::Sender<Message>) {
    let Some(Asked { order, answer, .. }) = asked.recv().await else {
        return;
    };
    let Order::Connect(connect) = order else {
        panic!("the first order is not CONNECT but {order:?}");
    };
    if connect.version == 5 {
        let (client, events) = rumqttc_v5::open(&connect);
        Session::start(client, events, &connect, messages)
            .serve(answer, asked)
            .await;
    } else {
        let (client, events) = rumqttc_v4::open(&connect);
        Session::start(client, events, &connect, messages)
            .serve(answer, asked)
            .await;
    }
}

struct Session<R> {
    requests: R,
    seen: mpsc::Receiver<Result<Seen, Fault>>,
    polling: JoinHandle<()>,
}

impl<R: Requests> Session<R> {
    fn start<E: Events>(
        requests: R,
        events: E,
        connect: &Connect,
        messages: mpsc::Sender<Message>,
    ) -> Self {
        let (to, seen) = mpsc::channel(BACKLOG);
        let polling = tokio::spawn(poll(events, connect.reconnect, messages, to));
        Self {
            requests,
            seen,
            polling,
        }
    }

    async fn serve(
        mut self,
        connected: oneshot::Sender<Result<Done, Fault>>,
        mut asked: mpsc::Receiver<Asked>,
    ) {
        let done = self.await_one().await.map(|seen| match seen {
            Seen::Connected {
                code,
                session_present,
            } => Done {
                code,
                session_present,
            },
            _ => Done::default(),
        });
        connected.send(done).ok();
        while let Some(Asked { order, answer, .. }) = asked.recv().await {
            let done = self.obey(&order).await;
            answer.send(done).ok();
        }
        self.polling.abort();
    }

    async fn obey(&mut self, order: &Order) -> Result<Done, Fault> {
        if let Order::Cut = order {
            // With the event loop its socket goes.
            self.polling.abort();
            return Ok(Done::default());
        }
        self.requests.request(order).await?;
        let expected = match order {
            Order::Publish { payloads, .. } => payloads.len(),
            _ => 1,
        };
        let mut done = Done::default();
        for _ in 0..expected {
            match self.await_one().await? {
                Seen::Published(code) | Seen::Subscribed(code) => done.code = done.code.max(code),
                _ => {}
            }
        }
        if let Order::Disconnect = order {
            self.polling.abort();
        }
        Ok(done)
    }

    async fn await_one(&mut self) -> Result<Seen, Fault> {
        let seen = self.seen.recv().await;
        seen.unwrap_or_else(|| Err("the event loop has ended".to_owned()))
    }
}

async fn poll<E: Events>(
    mut events: E,
    reconnect: bool,
    messages: mpsc::Sender<Message>,
    to: mpsc::Sender<Result<Seen, Fault>>,
) {
    let mut has_connected = false;
    loop {
        let seen = match events.poll().await {
            Ok(Seen::Nothing) => continue,
            // What comes after the first one is the library's own reconnecting.
            Ok(Seen::Connected { .. }) if has_connected => continue,
            Ok(Seen::Message(message)) => {
                messages.send(message).await.ok();
                continue;
            }
            Err(why) if reconnect && has_connected => {
                eprintln!("rumqttc connects again: {why}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            seen => seen,
        };
        has_connected = true;
        let is_over = seen.is_err();
        if to.send(seen).await.is_err() || is_over {
            return;
        }
    }
}

/// Host or URL, as the library takes it.
pub(super) fn address(connect: &Connect) -> String {
    let Connect { host, port, .. } = connect;
    match connect.transport {
        Transport::Tcp | Transport::Tls => host.clone(),
        Transport::Ws => format!("ws://{host}:{port}/mqtt"),
        Transport::Wss => format!("wss://{host}:{port}/mqtt"),
    }
}

pub(super) fn carrier(connect: &Connect) -> Carrier {
    match connect.transport {
        Transport::Tcp => Carrier::Tcp,
        Transport::Ws => Carrier::Ws,
        Transport::Tls => Carrier::Tls(tls(connect)),
        Transport::Wss => Carrier::Wss(tls(connect)),
    }
}

fn tls(connect: &Connect) -> TlsConfiguration {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(connect.ca.as_ref().unwrap()).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match (&connect.certificate, &connect.key) {
        (Some(certificate), Some(key)) => {
            let certificate = CertificateDer::from_pem_file(certificate).unwrap();
            let key = PrivateKeyDer::from_pem_file(key).unwrap();
            config
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        }
        _ => config.with_no_client_auth(),
    };
    TlsConfiguration::Rustls(Arc::new(config))
}
