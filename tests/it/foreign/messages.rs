//! Messages from connection to connection.

use tokio::time::Instant;

use super::bed::{ForeignBed, numbers};
use super::connection::{Connection, same};
use super::lineup::Client;
use super::orders::{Fault, Message};

/// 1 MiB, the largest payload that the edge takes unless told otherwise.
const LARGE: usize = 1024 * 1024;

/// Of each `QoS`.
const MANY: usize = 2000;

/// Scenario: a client connects, sends itself a message, says goodbye, and comes back, twice.
/// Guarantee: each CONNACK accepts and has no session; each message comes.
#[tokio::test]
async fn clients_come_and_go() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        for round in 0..3 {
            let mut connection = bed.open(client, "visitor").await?;
            same("session present", &connection.session_present, &false)?;
            let topic = client.own("visits");
            connection.subscribe(&topic, 1).await?;
            let text = format!("visit {round}");
            connection.publish(&topic, &text, 1).await?;
            connection.expect(&text).await?;
            connection.disconnect().await?;
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: messages of each `QoS` meet subscriptions of each `QoS`.
/// Guarantee: each comes once, with the smaller of both, and without RETAIN and DUP.
#[tokio::test]
async fn every_qos_both_ways() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        let mut subscriber = bed.open(client, "subscriber").await?;
        let publisher = bed.open(client, "publisher").await?;
        for qos in 0..=2 {
            let filter = client.own(&format!("+/{qos}"));
            subscriber.subscribe(&filter, qos).await?;
        }
        let expected = combinations(client);
        for (published, message) in &expected {
            let payloads = [message.payload.clone()];
            publisher
                .publish_all(&message.topic, &payloads, *published)
                .await?;
        }
        let mut got = Vec::new();
        for _ in &expected {
            got.push(subscriber.next().await?);
        }
        // Order is a promise per topic and QoS only.
        got.sort_by(|one, other| one.topic.cmp(&other.topic));
        let expected: Vec<Message> = expected.into_iter().map(|(_, message)| message).collect();
        same("messages", &got, &expected)?;
        // A second copy of any would come before this one.
        publisher.publish(&client.own("2/2"), "the end", 2).await?;
        subscriber.expect("the end").await?;
        publisher.disconnect().await?;
        subscriber.disconnect().await
    })
    .await;
    bed.conclude();
}

/// A message for each pair of `QoS`, as it must come, and the `QoS` to publish it at; by topic.
fn combinations(client: &Client) -> Vec<(u8, Message)> {
    let mut all = Vec::new();
    for published in 0..=2 {
        for subscribed in 0..=2 {
            let message = Message {
                topic: client.own(&format!("{published}/{subscribed}")),
                payload: format!("{published} to {subscribed}").into_bytes(),
                qos: published.min(subscribed),
                retain: false,
                dup: false,
            };
            all.push((published, message));
        }
    }
    all
}

/// Scenario: payloads of 1 MiB at each `QoS`.
/// Guarantee: every byte comes.
#[tokio::test]
async fn a_large_payload_arrives_whole() {
    let bed = ForeignBed::start().await;
    let large: Vec<u8> = (0..=250_u8).cycle().take(LARGE).collect();
    bed.every(async |client| {
        let mut subscriber = bed.open(client, "subscriber").await?;
        let publisher = bed.open(client, "publisher").await?;
        let topic = client.own("large");
        subscriber.subscribe(&topic, 2).await?;
        for qos in 0..=2 {
            let payloads = [large.clone()];
            publisher.publish_all(&topic, &payloads, qos).await?;
            let message = subscriber.next().await?;
            same("bytes", &message.payload.len(), &LARGE)?;
            // Not shown: too much to read.
            same("the same bytes", &(message.payload == large), &true)?;
            same("QoS", &message.qos, &qos)?;
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: 2,000 messages of each `QoS`, published as fast as the library does it.
/// Guarantee: all come, in order, each once.
#[tokio::test]
async fn many_messages_come_in_order() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        let mut subscriber = bed.open(client, "subscriber").await?;
        let publisher = bed.open(client, "publisher").await?;
        for qos in 0..=2 {
            let begun = Instant::now();
            let topic = client.own(&format!("many/{qos}"));
            subscriber.subscribe(&topic, qos).await?;
            let sent = numbers(MANY);
            let (published, got) = tokio::join!(
                publisher.publish_all(&topic, &sent, qos),
                numbers_of(&mut subscriber, MANY)
            );
            published?;
            let expected: Vec<usize> = (0..MANY).collect();
            same(&format!("messages at QoS {qos}"), &got?, &expected)?;
            eprintln!("{}: QoS {qos}: {:?}", client.name, begun.elapsed());
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: two members of a group share a subscription; 200 messages come.
/// Guarantee: each member gets some, and each message has one member, in order.
#[tokio::test]
async fn a_group_shares_its_messages() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        let publisher = bed.open(client, "publisher").await?;
        let one = member(&bed, client, "one").await?;
        let other = member(&bed, client, "other").await?;
        let sent = numbers(200);
        publisher
            .publish_all(&client.own("shared"), &sent, 1)
            .await?;
        // Members get it behind what they share.
        publisher.publish(&client.own("all"), "the end", 1).await?;
        let (one, other) = (until_the_end(one).await?, until_the_end(other).await?);
        if one.is_empty() || other.is_empty() {
            let (one, other) = (one.len(), other.len());
            return Err(format!("it is not shared: {one} to {other}"));
        }
        same("the order of one", &one.is_sorted(), &true)?;
        same("the order of the other", &other.is_sorted(), &true)?;
        let mut all = [one, other].concat();
        all.sort_unstable();
        let expected: Vec<usize> = (0..200).collect();
        same("messages", &all, &expected)
    })
    .await;
    bed.conclude();
}

async fn member(bed: &ForeignBed, client: &Client, name: &str) -> Result<Connection, Fault> {
    let member = bed.open(client, name).await?;
    let group = format!("$share/group/{}", client.own("shared"));
    member.subscribe(&group, 1).await?;
    member.subscribe(&client.own("all"), 1).await?;
    Ok(member)
}

async fn until_the_end(mut member: Connection) -> Result<Vec<usize>, Fault> {
    let mut got = Vec::new();
    loop {
        let message = member.next().await?;
        if message.payload == b"the end" {
            return Ok(got);
        }
        got.push(number(&message)?);
    }
}

async fn numbers_of(subscriber: &mut Connection, count: usize) -> Result<Vec<usize>, Fault> {
    let mut got = Vec::new();
    while got.len() < count {
        let next = subscriber.next().await;
        let message = next.map_err(|why| format!("{why} after {} of {count}", got.len()))?;
        got.push(number(&message)?);
    }
    Ok(got)
}

fn number(message: &Message) -> Result<usize, Fault> {
    let text = String::from_utf8_lossy(&message.payload);
    text.parse()
        .map_err(|_| format!("no number: {}", text.chars().take(40).collect::<String>()))
}
