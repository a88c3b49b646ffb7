//! Who is connected: one session per client id.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use stage::now_ms;
use tokio_util::sync::CancellationToken;

/// How long a new connection waits for the old one of the same client to end.
const TAKEOVER_DEADLINE: Duration = Duration::from_secs(5);

/// The sessions of this edge, by client id.
#[derive(Debug, Default)]
pub struct Registry {
    seats: Mutex<HashMap<Bytes, Seat>>,
}

/// One session's place. Clones share it.
#[derive(Clone, Debug)]
pub struct Seat {
    epoch: u64,
    taken_over: CancellationToken,
    left: CancellationToken,
}

impl Seat {
    /// Grows with each connection of the same client id, across restarts of the edge too: it
    /// starts from the clock.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Waits until another connection takes this client id.
    pub async fn taken_over(&self) {
        self.taken_over.cancelled().await;
    }
}

impl Registry {
    /// Takes the seat of a client. A session that has it is told to end, and is waited for: its
    /// last records must be in front of ours.
    pub async fn enter(&self, client_id: &Bytes) -> Seat {
        let (seat, previous) = self.replace(client_id);
        if let Some(previous) = previous {
            previous.taken_over.cancel();
            // A session that hangs for seconds in a stalled store is not waited for any longer.
            let ended = tokio::time::timeout(TAKEOVER_DEADLINE, previous.left.cancelled()).await;
            if ended.is_err() {
                tracing::warn!("a session that was taken over has not ended yet");
            }
        }
        seat
    }

    /// Gives the seat up, unless another session has it already.
    pub fn leave(&self, client_id: &Bytes, seat: &Seat) {
        seat.left.cancel();
        let mut seats = self.seats.lock();
        if seats
            .get(client_id)
            .is_some_and(|current| current.epoch == seat.epoch)
        {
            seats.remove(client_id);
        }
    }

    /// Sessions now.
    pub fn len(&self) -> usize {
        self.seats.lock().len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn replace(&self, client_id: &Bytes) -> (Seat, Option<Seat>) {
        let mut seats = self.seats.lock();
        let before = seats.get(client_id).map_or(0, |seat| seat.epoch);
        let seat = Seat {
            epoch: now_ms().max(before + 1),
            taken_over: CancellationToken::new(),
            left: CancellationToken::new(),
        };
        let previous = seats.insert(client_id.clone(), seat.clone());
        (seat, previous)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Scenario: a client connects again while its first connection is open, twice.
    /// Guarantee: each older session is told, is waited for, and can't take the newer one's seat away.
    #[tokio::test]
    async fn the_newest_connection_has_the_seat() {
        let registry = Arc::new(Registry::default());
        let client = Bytes::from_static(b"lock-1");
        let first = registry.enter(&client).await;
        let entering = tokio::spawn({
            let (registry, client) = (Arc::clone(&registry), client.clone());
            async move { registry.enter(&client).await }
        });
        first.taken_over().await;
        assert!(!entering.is_finished());
        registry.leave(&client, &first);
        let second = entering.await.unwrap();
        assert!(second.epoch() > first.epoch());
        registry.leave(&client, &first);
        assert_eq!(registry.len(), 1);
        registry.leave(&client, &second);
        assert!(registry.is_empty());
    }
}
