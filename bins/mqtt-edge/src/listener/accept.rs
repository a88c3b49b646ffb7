//! Takes connections, whatever the port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use socket2::{SockRef, TcpKeepalive};
use telemetry::Meter;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::admission::{Admission, Refusal};
use super::certificates::Certificates;
use super::handshake::{HandshakeError, Terms, establish};
use super::meters::{CountedSocket, ListenerMeters};
use super::{Listeners, Port};
use crate::bus::Bus;
use crate::connection;
use crate::edge::Edge;
use crate::wire::{Wire, WireKind};

/// From the open socket to the whole CONNECT, with TLS and WebSocket before it.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Silence before TCP itself asks whether the peer is there; nine questions later, by default 11
/// minutes, it is not.
const TCP_KEEPALIVE: Duration = Duration::from_mins(2);

/// How often refusals are told in the log; the counter has them all.
const TELL: Duration = Duration::from_secs(10);

/// Accepts connections until the edge stops, and then waits for the sessions to end.
pub(crate) async fn accept<B: Bus>(
    edge: Arc<Edge<B>>,
    listeners: Listeners,
    meter: &Meter,
    drain: Duration,
) {
    let house = House {
        stop: edge.stop.clone(),
        drain,
        max_packet: edge.limits.max_packet_size,
        connect_deadline: CONNECT_DEADLINE,
    };
    let serve = move |wire| connection::serve(Arc::clone(&edge), wire);
    accept_with(listeners, meter, &house, serve).await;
}

/// What all ports have in common.
pub(super) struct House {
    pub(super) stop: CancellationToken,
    /// How long sessions may take to end.
    pub(super) drain: Duration,
    /// Bytes of the largest MQTT packet.
    pub(super) max_packet: u32,
    pub(super) connect_deadline: Duration,
}

/// The same for anything that serves a wire.
pub(super) async fn accept_with<S, F>(listeners: Listeners, meter: &Meter, house: &House, serve: S)
where
    S: Fn(Wire) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let Listeners {
        ports,
        certificates,
        admission,
    } = listeners;
    let meters = ListenerMeters::new(meter, ports.iter().map(|port| port.kind));
    let doors = ports.into_iter().map(|port| {
        let door = Door {
            kind: port.kind,
            certificates: certificates.clone(),
            admission: Arc::clone(&admission),
            meters: meters.clone(),
            told: None,
        };
        door.keep(port, house, serve.clone())
    });
    let watching = async {
        match &certificates {
            Some(certificates) => certificates.watch().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = join_all(doors) => {}
        () = watching => {}
    }
}

/// One port and what decides about its connections.
struct Door {
    kind: WireKind,
    certificates: Option<Arc<Certificates>>,
    admission: Arc<Admission>,
    meters: ListenerMeters,
    told: Option<Instant>,
}

impl Door {
    /// Accepts until the edge stops. Nothing here waits for a client: what takes time happens in
    /// the connection's own task.
    async fn keep<S, F>(mut self, port: Port, house: &House, serve: S)
    where
        S: Fn(Wire) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut sessions = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = port.socket.accept() => accepted,
                // Ended sessions give their memory back, also when nobody comes.
                Some(_) = sessions.join_next() => continue,
                () = house.stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(&mut sessions, stream, peer, house, &serve),
                Err(error) => cannot_accept(&error).await,
            }
            while sessions.try_join_next().is_some() {}
        }
        drop(port);
        end(sessions, house.drain).await;
    }

    fn admit<S, F>(
        &mut self,
        sessions: &mut JoinSet<()>,
        stream: TcpStream,
        peer: SocketAddr,
        house: &House,
        serve: &S,
    ) where
        S: Fn(Wire) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let now = Instant::now();
        let admitted = match self.admission.enter(peer.ip(), now) {
            Ok(admitted) => admitted,
            // The socket is closed at once.
            Err(refusal) => return self.refuse(refusal, peer, now),
        };
        // A client that asks for no keep-alive and vanishes would hold its place for ever.
        let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE);
        let set = stream
            .set_nodelay(true)
            .and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&keepalive));
        if let Err(error) = set {
            debug!(%error, "the peer left at once");
            return;
        }
        let terms = self.terms(house, now);
        let (meters, socket) = (self.meters.clone(), self.meters.socket(self.kind));
        let serve = serve.clone();
        let session = async move {
            let wire = establish(terms, stream, peer).await;
            if let Some(wire) = established(wire, &meters, &socket, peer) {
                serve(wire.with_half_open(admitted.half_open)).await;
            }
            drop((admitted.connection, socket));
        };
        sessions.spawn(session);
    }

    fn terms(&self, house: &House, now: Instant) -> Terms {
        let encrypted = matches!(self.kind, WireKind::Mqtts | WireKind::Wss);
        let certificates = self.certificates.as_ref().filter(|_| encrypted);
        Terms {
            kind: self.kind,
            tls: certificates.map(|certificates| certificates.current()),
            max_packet: house.max_packet,
            deadline: now + house.connect_deadline,
        }
    }

    fn refuse(&mut self, refusal: Refusal, peer: SocketAddr, now: Instant) {
        self.meters.refused(refusal);
        debug!(%peer, "connection refused: {refusal}");
        let told = self.told.map(|told| now.saturating_duration_since(told));
        if told.is_none_or(|ago| ago >= TELL) {
            self.told = Some(now);
            let listener = self.kind.name();
            warn!(%peer, listener, "connections are refused: {refusal}");
        }
    }
}

fn established(
    wire: Result<Wire, HandshakeError>,
    meters: &ListenerMeters,
    socket: &CountedSocket,
    peer: SocketAddr,
) -> Option<Wire> {
    wire.inspect_err(|error| {
        meters.handshake_failed(socket.kind(), error);
        debug!(%peer, %error, "no handshake");
    })
    .ok()
}

/// Out of file descriptors, mostly: the open connections go on.
async fn cannot_accept(error: &io::Error) {
    warn!(%error, "cannot accept a connection; raise the limit of open files");
    sleep(Duration::from_millis(100)).await;
}

/// A session that waits for room in a stalled store has nothing acknowledged to lose.
async fn end(mut sessions: JoinSet<()>, drain: Duration) {
    let ended = async { while sessions.join_next().await.is_some() {} };
    if timeout(drain, ended).await.is_err() {
        warn!(
            sessions = sessions.len(),
            "some sessions did not end in time"
        );
    }
}
