//! A new version of the pipeline's file, and clients that are connected before and after.

use record::{Kind, Record};

use crate::bed::{Bed, field, kinds, only, rule, until};
use crate::client::Client;

const TOPIC: &str = "rooms/1/state";

/// Publishes until the edge answers with this reason code.
async fn until_answered(client: &mut Client, code: u8) {
    let client = tokio::sync::Mutex::new(client);
    until("another answer", async || {
        client.lock().await.publish(TOPIC, "{", &[]).await == code
    })
    .await;
}

fn is_checked(record: &Record) -> bool {
    record.kind() == Kind::AccessChecked
}

/// Scenario: no rule; then a rule about all events is written to the file while a client is
/// connected, another client comes and goes, and the rule is taken out again.
/// Guarantee: without the rule only messages are stored; with it also the events of the client that
/// was there before, and all of the other's; afterwards only messages again. Nothing is started anew.
#[tokio::test]
async fn a_rule_about_events_makes_the_edge_store_them() {
    let bed = Bed::start("", "", &["--allow-anonymous"]).await;
    let mut early = Client::connect(bed.mqtt, "early", &[]).await;
    assert_eq!(early.publish(TOPIC, "1", &[]).await, 0);
    assert_eq!(kinds(&bed.stored().await), [Kind::Publish]);
    bed.write(&rule("$events/#"));
    let publisher = tokio::sync::Mutex::new(&mut early);
    until("the rule to be followed", async || {
        publisher.lock().await.publish(TOPIC, "2", &[]).await;
        bed.stored().await.iter().any(is_checked)
    })
    .await;
    let late = Client::connect(bed.mqtt, "late", &[]).await;
    late.disconnect(&[]).await;
    let stored = bed
        .stored_of("late", |record| record.kind() == Kind::Disconnected)
        .await;
    let expected = [
        Kind::LoggedIn,
        Kind::Connack,
        Kind::Connected,
        Kind::Disconnected,
    ];
    assert_eq!(kinds(&stored), expected);
    bed.write("");
    until("the rule to be forgotten", async || {
        let before = bed.stored().await.len();
        publisher.lock().await.publish(TOPIC, "3", &[]).await;
        kinds(&bed.stored().await[before..]) == [Kind::Publish]
    })
    .await;
    bed.write(&rule("$events/client/disconnected"));
    until("the new rule to be followed", async || {
        Client::connect(bed.mqtt, "again", &[])
            .await
            .disconnect(&[])
            .await;
        let stored = bed.stored().await;
        let mut told = stored.iter().filter(|record| record.client_id() == "again");
        told.any(|record| record.kind() == Kind::Disconnected)
    })
    .await;
    early.disconnect(&[]).await;
    let stored = bed
        .stored_of("early", |record| record.kind() == Kind::Disconnected)
        .await;
    let end = only(&stored, Kind::Disconnected);
    let local = format!("\"{}\"", bed.mqtt);
    assert_eq!(field(end, "sockname"), local);
}

/// Scenario: a contract comes, and goes, while an MQTT 5 client publishes what breaks it.
/// Guarantee: the client is told that its payload is wrong exactly while the contract is in force.
#[tokio::test]
async fn contracts_follow_the_file() {
    let bed = Bed::start("", "", &["--allow-anonymous"]).await;
    let mut client = Client::connect(bed.mqtt, "a", &[]).await;
    assert_eq!(client.publish(TOPIC, "{", &[]).await, 0);
    let contract = "[[contract]]\nfilter = \"rooms/+/state\"\nschema = \"lock-state\"\n";
    bed.write(contract);
    until_answered(&mut client, 0x99).await;
    assert_eq!(client.publish("other", "{", &[]).await, 0);
    bed.write("[[contract]\n");
    bed.write(&format!("# with a comment\n{contract}"));
    assert_eq!(client.publish(TOPIC, "{", &[]).await, 0x99);
    bed.write("");
    until_answered(&mut client, 0).await;
}
