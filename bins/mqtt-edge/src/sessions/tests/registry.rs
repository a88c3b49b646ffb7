//! Seats and the sessions that wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::sessions::registry::{Registry, StillThere};
use crate::sessions::state::{Parked, SessionState};

const CLIENT: Bytes = Bytes::from_static(b"lock-1");

/// A session that is recognised by its filter.
fn parked(filter: &str, expires: Option<Instant>) -> Box<Parked> {
    let mut state = SessionState::default();
    let options = crate::bus::SubscriptionOptions::default();
    state.subscriptions.insert(filter.into(), options);
    Box::new(Parked {
        state,
        expires,
        will: None,
    })
}

fn filters(parked: Option<&Parked>) -> Vec<&str> {
    let filters = parked.map(|parked| parked.state.subscriptions.keys());
    filters
        .into_iter()
        .flatten()
        .map(|filter| &**filter)
        .collect()
}

/// Scenario: a client connects again while its first connection is open, which leaves its session.
/// Guarantee: the older connection is told, is waited for, and can't take the newer one's seat
/// away; the newer one has the session.
#[tokio::test]
async fn the_newest_connection_has_the_seat() {
    let registry = Arc::new(Registry::default());
    let (first, nothing) = registry.enter(&CLIENT).await.unwrap();
    assert!(nothing.is_none());
    let entering = tokio::spawn({
        let registry = Arc::clone(&registry);
        async move { registry.enter(&CLIENT).await.unwrap() }
    });
    first.taken_over().await;
    assert!(!entering.is_finished());
    registry.leave(&CLIENT, &first, Some(parked("a", None)));
    let (second, session) = entering.await.unwrap();
    assert!(second.epoch() > first.epoch());
    assert_eq!(filters(session.as_deref()), ["a"]);
    registry.leave(&CLIENT, &first, None);
    assert_eq!(registry.len(), 1);
    registry.leave(&CLIENT, &second, None);
    assert_eq!(registry.len(), 0);
}

/// Scenario: twenty connections of one client at once, each of which leaves the session that it
/// found, one filter richer.
/// Guarantee: one after the other they get the session of the one before, in the order of their
/// epochs.
#[tokio::test]
async fn a_storm_of_takeovers_keeps_the_order() {
    let registry = Arc::new(Registry::default());
    let connection = |registry: Arc<Registry>| async move {
        let (seat, session) = registry.enter(&CLIENT).await.unwrap();
        let mut session = session.unwrap_or_else(|| parked("first", None));
        let so_far = session.state.subscriptions.len();
        let options = crate::bus::SubscriptionOptions::default();
        let filter = format!("{so_far:02}").into();
        session.state.subscriptions.insert(filter, options);
        tokio::task::yield_now().await;
        registry.leave(&CLIENT, &seat, Some(session));
        (so_far, seat.epoch())
    };
    let all = (0..20).map(|_| tokio::spawn(connection(Arc::clone(&registry))));
    let mut epochs = Vec::new();
    for connection in all.collect::<Vec<_>>() {
        epochs.push(connection.await.unwrap());
    }
    epochs.sort_unstable();
    assert!(epochs.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1));
    assert_eq!(epochs.last().unwrap().0, 20);
}

/// Scenario: a connection does not end; a second one gives up waiting, and so does a third. Then
/// the first one ends, and a fourth comes.
/// Guarantee: the session is not lost on the way: the fourth has it at once.
#[tokio::test(start_paused = true)]
async fn a_connection_that_hangs_keeps_its_session() {
    let registry = Arc::new(Registry::default());
    let (first, _) = registry.enter(&CLIENT).await.unwrap();
    assert_eq!(registry.enter(&CLIENT).await.err(), Some(StillThere));
    assert_eq!(registry.enter(&CLIENT).await.err(), Some(StillThere));
    registry.leave(&CLIENT, &first, Some(parked("a", None)));
    let (_, session) = registry.enter(&CLIENT).await.unwrap();
    assert_eq!(filters(session.as_deref()), ["a"]);
}

/// Scenario: of two sessions that wait, the later one's deadline is the sooner; a connection takes
/// the first, and leaves it again with another deadline.
/// Guarantee: deadlines come in their order, none for a time that has passed with a connection, and
/// a deadline takes the seat: a connection that comes meanwhile waits for it.
#[tokio::test(start_paused = true)]
async fn deadlines_come_in_their_order() {
    let registry = Arc::new(Registry::default());
    let other = Bytes::from_static(b"lock-2");
    let at = |secs| Some(Instant::now() + Duration::from_secs(secs));
    registry.restore(&CLIENT, 1, parked("a", at(10)));
    registry.restore(&other, 1, parked("b", at(5)));
    let (seat, session) = registry.enter(&CLIENT).await.unwrap();
    let mut session = session.unwrap();
    session.expires = at(20);
    registry.leave(&CLIENT, &seat, Some(session));
    let began = Instant::now();
    assert_eq!(registry.deadlines.next().await, (other.clone(), 1));
    assert_eq!(began.elapsed().as_secs(), 5);
    let (client_id, epoch) = registry.deadlines.next().await;
    assert_eq!((began.elapsed().as_secs(), &client_id), (20, &CLIENT));
    let (seat, session) = registry.enter_parked(&client_id, epoch).unwrap();
    assert_eq!(filters(Some(&session)), ["a"]);
    let entering = tokio::spawn({
        let registry = Arc::clone(&registry);
        async move { registry.enter(&CLIENT).await.unwrap().1 }
    });
    seat.taken_over().await;
    registry.leave(&CLIENT, &seat, None);
    assert!(entering.await.unwrap().is_none(), "it has expired");
}
