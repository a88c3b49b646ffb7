//! The MQTT port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::bus::Bus;
use crate::connection;
use crate::edge::Edge;

/// Why the port can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for MQTT on {address}: {source}; {}", advice(.source))]
pub struct ListenError {
    address: String,
    source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program has the port: stop it, or choose another with --mqtt"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose another with --mqtt"
        }
        _ => "choose another address with --mqtt",
    }
}

/// Opens the port.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ListenError {
            address: address.to_owned(),
            source,
        })
}

/// Accepts connections until the edge stops, and then waits for the sessions to end.
pub(crate) async fn accept<B: Bus>(edge: Arc<Edge<B>>, listener: TcpListener, drain: Duration) {
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = edge.stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "the peer left at once");
                    continue;
                }
                sessions.spawn(connection::serve(Arc::clone(&edge), stream, shown(peer)));
            }
            Err(error) => {
                // Out of file descriptors, mostly: the open connections go on.
                warn!(%error, "cannot accept a connection; raise the limit of open files");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        // Ended sessions give their memory back.
        while sessions.try_join_next().is_some() {}
    }
    drop(listener);
    // A session that waits for room in a stalled store has nothing acknowledged to lose.
    let ended = async { while sessions.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, ended).await.is_err() {
        warn!(
            sessions = sessions.len(),
            "some sessions did not end in time"
        );
    }
}

fn shown(peer: SocketAddr) -> String {
    SocketAddr::new(peer.ip().to_canonical(), peer.port()).to_string()
}
