//! The simulation against a small server.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Breakage, MessageId, MessageKind, SimulationEvent, SimulationSettings, SimulationTally, run,
};
use crate::mqtt_client::stub::Stub;

fn settings(stub: &Stub) -> SimulationSettings {
    SimulationSettings {
        locks: 3,
        interval: Duration::from_millis(5),
        commands_per_second: 0.0,
        drain: Duration::from_secs(20),
        ..SimulationSettings::new(&stub.address)
    }
}

/// Runs until the events satisfy `enough`, and then to the end; gives all events.
async fn simulate(
    settings: SimulationSettings,
    mut enough: impl AsyncFnMut(&SimulationEvent, &SimulationTally) -> bool,
) -> (Vec<SimulationEvent>, usize) {
    let stop = CancellationToken::new();
    let (sender, mut events) = mpsc::channel(64);
    let simulation = tokio::spawn(run(settings, sender, stop.clone()));
    let (mut all, mut tally) = (Vec::new(), SimulationTally::new());
    let reading = async {
        while let Some(event) = events.recv().await {
            tally.count(&event);
            if enough(&event, &tally).await {
                stop.cancel();
            }
            all.push(event);
        }
    };
    tokio::time::timeout(Duration::from_secs(40), reading)
        .await
        .expect("it never ended");
    (all, simulation.await.unwrap())
}

fn process_id(payload: &[u8]) -> u64 {
    std::str::from_utf8(&payload[15..31])
        .unwrap()
        .parse()
        .unwrap()
}

/// Scenario: three locks publish, some of it broken, and the connections break twice.
/// Guarantee: every message that was told as published reached the server, with its process id
/// growing per lock, and was acknowledged exactly once.
#[tokio::test]
async fn every_state_is_accounted_for() {
    let stub = Stub::start().await;
    let settings = SimulationSettings {
        broken_share: 0.3,
        ..settings(&stub)
    };
    let mut breaks = 0;
    let (events, unacknowledged) = simulate(settings, async |_, tally| {
        if tally.acknowledged / 100 > breaks && breaks < 2 {
            breaks += 1;
            stub.break_connections();
        }
        tally.acknowledged >= 300
    })
    .await;

    assert_eq!(unacknowledged, 0);
    let (mut published, mut acknowledged) = (HashMap::new(), HashSet::new());
    let mut newest: HashMap<u64, u64> = HashMap::new();
    for event in events {
        match event {
            SimulationEvent::Published { id, kind, .. } => {
                assert!(
                    newest.insert(id.lock, id.process_id) < Some(id.process_id),
                    "{id}"
                );
                published.insert(id, kind);
            }
            SimulationEvent::Acknowledged { id, .. } => assert!(acknowledged.insert(id), "{id}"),
            _ => {}
        }
    }
    assert_eq!(published.len(), acknowledged.len());
    let seen: HashSet<MessageId> = stub.read(|state| {
        let id = |p: &crate::mqtt_client::stub::Seen| {
            assert_eq!(&*p.topic, format!("devices/{}/state", p.client_id));
            MessageId {
                lock: p.client_id.parse().unwrap(),
                process_id: process_id(&p.payload),
            }
        };
        state.published.iter().map(id).collect()
    });
    assert_eq!(seen, published.keys().copied().collect());
    for breakage in Breakage::ALL {
        let kind = MessageKind::Broken(breakage);
        assert!(
            published.values().any(|k| *k == kind),
            "{} never came",
            breakage.label()
        );
    }
}

/// Scenario: a lock gets a command, and the same command once more.
/// Guarantee: it acknowledges both, and publishes its new state at once, one time.
#[tokio::test]
async fn commands_are_answered_once() {
    let stub = Stub::start().await;
    let settings = SimulationSettings {
        locks: 1,
        interval: Duration::from_hours(1),
        ..settings(&stub)
    };
    let lock = settings.first_client_id.to_string();
    let topic = format!("devices/{lock}/command");
    let command = r#"{"process_id":"7802441525528958","action":"unlock","nonce_str":"u7u4p0n8","ts":1574744434,"sign":"e9f5af7deaa28563"}"#;
    let (events, _) = simulate(settings, async |event, tally| {
        if matches!(event, SimulationEvent::Acknowledged { .. }) && tally.acknowledged == 1 {
            stub.until("subscription", |s| {
                s.subscribed
                    .contains(&(lock.as_str().into(), topic.as_str().into()))
            })
            .await;
            stub.deliver(&lock, &topic, command).await;
            stub.deliver(&lock, &topic, command).await;
        }
        tally.commands_received == 2
    })
    .await;
    stub.until("both PUBACKs", |s| s.acked_by_clients.len() == 2)
        .await;
    let answered: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            SimulationEvent::CommandAnswered { command, state } => Some((*command, *state)),
            _ => None,
        })
        .collect();
    assert_eq!(answered.len(), 1);
    assert_eq!(answered[0].0.process_id, 7_802_441_525_528_958);
    let state = stub.read(|s| String::from_utf8(s.published[1].payload.to_vec()).unwrap());
    assert!(
        state.contains(r#""action":"unlock""#) && state.contains(r#""lock_state":1"#),
        "{state}"
    );
}

/// Scenario: the app sends commands.
/// Guarantee: each goes to the topic of a lock that listens, is told as a command, and is answered
/// before the simulation ends.
#[tokio::test]
async fn the_app_sends_commands() {
    let stub = Stub::start().await;
    let settings = SimulationSettings {
        commands_per_second: 200.0,
        ..settings(&stub)
    };
    let (events, _) = simulate(settings, async |_, tally| tally.commands >= 20).await;
    let mut told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            SimulationEvent::Published {
                id,
                kind: MessageKind::Command,
                ..
            } => Some(*id),
            _ => None,
        })
        .collect();
    let mut seen = stub.read(|state| {
        let commands = state
            .published
            .iter()
            .filter(|p| p.client_id.starts_with("simulate-app"));
        let id = |p: &crate::mqtt_client::stub::Seen| {
            let lock = p.topic.split('/').nth(1).unwrap();
            assert!(
                state.subscribed.contains(&(lock.into(), p.topic.clone())),
                "{}",
                p.topic
            );
            MessageId {
                lock: lock.parse().unwrap(),
                process_id: process_id(&p.payload),
            }
        };
        commands.map(id).collect::<Vec<_>>()
    });
    let mut answered: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            SimulationEvent::CommandAnswered { command, .. } => Some(*command),
            _ => None,
        })
        .collect();
    told.sort();
    seen.sort();
    answered.sort();
    assert_eq!(told, seen);
    assert_eq!(told, answered);
}

/// Scenario: nobody listens where the edge should be.
/// Guarantee: that is told once, and the end names what was not acknowledged.
#[tokio::test]
async fn an_absent_edge_is_told_once() {
    let stub = Stub::start().await;
    let settings = SimulationSettings {
        drain: Duration::from_millis(10),
        ..settings(&stub)
    };
    let address = stub.address.clone();
    drop(stub);
    let mut told = 0;
    let (events, unacknowledged) = simulate(settings, async |event, tally| {
        if let SimulationEvent::Unreachable { reason } = event {
            assert!(reason.contains(&address), "{reason}");
            told += 1;
        }
        tally.published() >= 6
    })
    .await;
    assert_eq!(told, 1);
    let published = events
        .iter()
        .filter(|e| matches!(e, SimulationEvent::Published { .. }))
        .count();
    assert_eq!(unacknowledged, published);
}
