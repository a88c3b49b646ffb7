//! Random conversations of several clients, all of them legal.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::bed::{Bed, roomy};
use super::bystander::Bystander;
use super::peer::Peer;
use crate::raw_mqtt::Level;
use crate::waiting::until;

/// Conversations; `PROPTEST_CASES` asks for more.
const CASES: u32 = 48;

/// Version and Receive Maximum of each client.
const PEERS: [(Level, u16); 4] = [
    (Level::V5, 1),
    (Level::V311, u16::MAX),
    (Level::V5, 3),
    (Level::V5, u16::MAX),
];

/// Topics to publish to, of one conversation.
const TOPICS: [&str; 4] = ["a", "a/b", "a/b/c", "d"];

/// Filters over these.
const FILTERS: [&str; 7] = ["a", "a/b", "#", "+", "a/#", "+/b/+", "$share/g/a/+"];

/// What a client does.
#[derive(Clone, Debug)]
enum Step {
    Publish {
        topic: usize,
        qos: u8,
        retain: bool,
    },
    Release,
    Subscribe {
        filter: usize,
        qos: u8,
    },
    Unsubscribe {
        filter: usize,
    },
    /// Answers nothing from now on.
    Rest,
    AnswerAll,
    Settle,
    Reconnect {
        says_so: bool,
        keep: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..TOPICS.len(), 0..3_u8, prop::bool::weighted(0.2))
            .prop_map(|(topic, qos, retain)| Step::Publish { topic, qos, retain }),
        1 => Just(Step::Release),
        4 => (0..FILTERS.len(), 0..3_u8).prop_map(|(filter, qos)| Step::Subscribe { filter, qos }),
        1 => (0..FILTERS.len()).prop_map(|filter| Step::Unsubscribe { filter }),
        1 => Just(Step::Rest),
        1 => Just(Step::AnswerAll),
        2 => Just(Step::Settle),
        2 => (any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(says_so, keep)| Step::Reconnect { says_so, keep }),
    ]
}

/// Scenario: several clients of both versions publish, subscribe, unsubscribe, leave messages
/// without an answer, break off and come back, in random order.
/// Guarantee: every message of `QoS` 1 and 2 gets its answer, in order; no client has more
/// messages under way than it allows, none under an identifier that is in use, and none of `QoS` 2
/// twice; a bystander notices nothing, and nothing panics.
#[test]
fn random_conversations() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let bed = runtime.block_on(roomy());
    let bystander = runtime.block_on(async { Bystander::of(&bed) });
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        // Each of them talks to a real edge.
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let conversation = prop::collection::vec((0..PEERS.len(), step()), 1..60);
    let held = runner.run(&conversation, |steps| {
        runtime.block_on(hold(&bed, steps));
        Ok(())
    });
    if let Err(failure) = held {
        panic!("{failure}");
    }
    let exchanges = runtime.block_on(bystander.unhurt());
    bed.assert_unhurt();
    eprintln!("{cases} conversations; {exchanges} exchanges of a bystander meanwhile");
}

async fn hold(bed: &Arc<Bed>, steps: Vec<(usize, Step)>) {
    // A conversation has topics and clients of its own.
    let own = format!("fuzz{:x}", fastrand::u64(..));
    let mut peers = Vec::new();
    for (number, (level, receive_maximum)) in PEERS.into_iter().enumerate() {
        let name = format!("{own}-{number}");
        let mut peer = Peer::new(bed.mqtt(), name, level, receive_maximum);
        peer.connect(false).await;
        peers.push(peer);
    }
    for (number, (who, step)) in steps.into_iter().enumerate() {
        take(&mut peers[who], &own, number, &step).await;
    }
    finish(&mut peers).await;
}

async fn take(peer: &mut Peer, own: &str, number: usize, step: &Step) {
    match *step {
        Step::Publish { topic, qos, retain } => {
            let topic = format!("{own}/{}", TOPICS[topic]);
            peer.publish(&topic, &format!("{number}"), qos, retain)
                .await;
        }
        Step::Release => peer.release().await,
        Step::Subscribe { filter, qos } => {
            let filter = of(own, filter);
            // A copy comes by the shared subscription, and another by others: those are at QoS 2.
            let most = if filter.starts_with("$share") { 1 } else { 2 };
            peer.subscribe(&filter, qos.min(most)).await;
        }
        Step::Unsubscribe { filter } => peer.unsubscribe(&of(own, filter)).await,
        Step::Rest => peer.lazy = true,
        Step::AnswerAll => peer.answer_all().await,
        Step::Settle => peer.settle().await,
        Step::Reconnect { says_so, keep } => {
            peer.leave(says_so).await;
            peer.connect(keep).await;
        }
    }
}

/// A filter within the topics of one conversation.
fn of(own: &str, filter: usize) -> String {
    let filter = FILTERS[filter];
    match filter.strip_prefix("$share/g/") {
        Some(shared) => format!("$share/g/{own}/{shared}"),
        None => format!("{own}/{filter}"),
    }
}

/// Every exchange comes to its end, and every client can still leave with a word.
async fn finish(peers: &mut [Peer]) {
    let mut done = 0;
    until("every exchange to come to its end", async || {
        done = 0;
        for peer in peers.iter_mut() {
            peer.settle().await;
            peer.answer_all().await;
            peer.release().await;
            done += usize::from(peer.is_done());
        }
        done == peers.len()
    })
    .await;
    for peer in peers {
        peer.leave(true).await;
        // Its session ends with this.
        peer.connect(false).await;
        peer.leave(true).await;
    }
}
