//! Who was there when: the order of a client's own events.

use futures::future::join_all;
use record::{Frame, Kind, Record};
use topology::UP;

use crate::raw_mqtt::{Level, RawClient, RawConnect};
use crate::testbed::{Setup, Testbed};
use crate::waiting::soon;

const PRESENCE: &str = "
[[hook]]
event = \"client.connected\"
kafka_topic = \"presence\"
[[hook]]
event = \"client.disconnected\"
kafka_topic = \"presence\"
";

/// Connections that fight for one client id at a time.
const RIVALS: usize = 12;
const ROUNDS: usize = 10;

/// Scenario: again and again twelve connections with the same client id open at once, some of
/// which break off, while others hold on until they are taken over; the last one says goodbye.
/// Guarantee: the stream has for each that was accepted one connected and one disconnected record,
/// in one partition, never two connected ones in a row, with the epoch growing by each connection:
/// whoever reads on knows at each place whether the client is there.
#[tokio::test]
async fn takeovers_keep_the_order_of_presence() {
    let bed = Setup::new()
        .pipeline(PRESENCE)
        .stages(&["mqtt-edge"])
        .start()
        .await;
    for round in 0..ROUNDS {
        join_all((0..RIVALS).map(|rival| rival_for(&bed, round * RIVALS + rival))).await;
    }
    let mut last = RawClient::connected(bed.mqtt(), Level::V5, "lock").await;
    last.send(&[0xE0, 0]).await;
    last.closed().await;

    let records = stored(&bed).await;
    let mut epoch = 0;
    for pair in records.chunks(2) {
        let kinds: Vec<_> = pair.iter().map(Record::kind).collect();
        assert_eq!(kinds, [Kind::Connected, Kind::Disconnected]);
        assert!(pair[0].session_epoch > epoch);
        epoch = pair[0].session_epoch;
        assert_eq!(pair[1].session_epoch, epoch);
    }
    assert_eq!(records.len(), 2 * (ROUNDS * RIVALS + 1));
    let reasons = records.iter().skip(1).step_by(2);
    let taken_over = reasons
        .filter(|record| record.reason == "takenover")
        .count();
    assert!(taken_over >= ROUNDS * RIVALS / 2, "{taken_over}");
}

/// One in four breaks off as soon as it is in; the others hold on.
async fn rival_for(bed: &Testbed, number: usize) {
    let connect = RawConnect::new(Level::V5, "lock");
    let (client, connack) = RawClient::connect(bed.mqtt(), &connect).await;
    assert_eq!(connack.body[1], 0, "{connack:?}");
    if !number.is_multiple_of(4) && number % RIVALS != RIVALS - 1 {
        tokio::spawn(client.closed());
    }
}

/// Every record in UP, when the last connection's end is there.
async fn stored(bed: &Testbed) -> Vec<Record> {
    let jetstream = bed.jetstream().await;
    let stream = jetstream.get_stream(UP.name).await.unwrap();
    let mut records = Vec::new();
    let mut sequence = 1;
    let is_last = |record: &Record| record.reason == "normal";
    soon("the last end", async {
        while !records.last().is_some_and(is_last) {
            match stream.get_raw_message(sequence).await {
                Ok(message) => {
                    assert_eq!(message.subject.as_str(), UP.partition_subject(0));
                    let frame = Frame::<Record>::read(message.payload).unwrap();
                    records.extend(frame.items);
                    sequence += 1;
                }
                Err(_not_yet) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    records
}
