//! Sessions that outlive their connections.

use super::bed::{ForeignBed, numbers};
use super::connection::{Connection, same};
use super::lineup::Client;
use super::orders::Fault;

/// While the subscriber is away, at each of `QoS` 1 and 2.
const WAITING: usize = 50;

/// Scenario: a client with a lasting session leaves, once with a goodbye, once cut off; messages of
/// `QoS` 1 and 2 come meanwhile. At last it connects with a clean session.
/// Guarantee: when it is back it has its session, and gets each message once and in order; then
/// live ones. A clean session has nothing of the former.
#[tokio::test]
async fn a_session_goes_on() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        let publisher = bed.open(client, "publisher").await?;
        let mut subscriber = client.connect(bed.lasting(client, "subscriber")).await?;
        same("session at first", &subscriber.session_present, &false)?;
        subscribe(client, &subscriber).await?;
        for says_goodbye in [true, false] {
            if says_goodbye {
                subscriber.disconnect().await?;
            } else {
                subscriber.cut().await?;
            }
            publish(client, &publisher).await?;
            subscriber = client.connect(bed.lasting(client, "subscriber")).await?;
            same("session present", &subscriber.session_present, &true)?;
            let [one, two] = by_topic(client, &mut subscriber, 2 * WAITING).await?;
            same("at QoS 1", &one, &texts(WAITING))?;
            same("at QoS 2", &two, &texts(WAITING))?;
            publisher.publish(&client.own("1"), "live", 1).await?;
            subscriber.expect("live").await?;
        }
        subscriber.disconnect().await?;
        publish(client, &publisher).await?;
        let clean = bed.open(client, "subscriber").await?;
        same("session of a clean start", &clean.session_present, &false)?;
        nothing_waits(client, clean).await
    })
    .await;
    bed.conclude();
}

/// Scenario: a session waits with messages; the edge is killed; more messages come; it is killed
/// again. Another session's client is connected all the while.
/// Guarantee: both go on with their session; the first gets each message once and in order, the
/// second what came when it was away.
#[tokio::test]
async fn sessions_outlive_kills() {
    let bed = ForeignBed::start().await;
    let well = bed
        .every(async |client| before_the_kills(&bed, client).await)
        .await;
    bed.bed.kill("mqtt-edge").await;
    bed.bed.ready().await;
    let well = bed
        .those(well, async |client, ()| {
            between_the_kills(&bed, client).await
        })
        .await;
    bed.bed.kill("mqtt-edge").await;
    bed.bed.ready().await;
    bed.those(well, async |client, ()| after_the_kills(&bed, client).await)
        .await;
    bed.conclude();
}

/// One session waits, one has its client; the first half of the messages at `QoS` 1.
async fn before_the_kills(bed: &ForeignBed, client: &Client) -> Result<(), Fault> {
    let subscriber = client.connect(bed.lasting(client, "subscriber")).await?;
    subscribe(client, &subscriber).await?;
    subscriber.disconnect().await?;
    let connected = client.connect(bed.lasting(client, "connected")).await?;
    subscribe(client, &connected).await?;
    // What it gets now would have nothing to do with the kill.
    connected.unsubscribe(&client.own("1")).await?;
    let publisher = bed.open(client, "publisher").await?;
    let payloads = numbers(WAITING);
    publisher.publish_all(&client.own("1"), &payloads, 1).await
}

/// The other half, and the messages at `QoS` 2.
async fn between_the_kills(bed: &ForeignBed, client: &Client) -> Result<(), Fault> {
    let publisher = bed.open(client, "publisher").await?;
    let payloads = numbers(WAITING);
    publisher
        .publish_all(&client.own("2"), &payloads, 2)
        .await?;
    let payloads = &numbers(2 * WAITING)[WAITING..];
    publisher.publish_all(&client.own("1"), payloads, 1).await
}

async fn after_the_kills(bed: &ForeignBed, client: &Client) -> Result<(), Fault> {
    let mut subscriber = client.connect(bed.lasting(client, "subscriber")).await?;
    same("session present", &subscriber.session_present, &true)?;
    let [one, two] = by_topic(client, &mut subscriber, 3 * WAITING).await?;
    same("at QoS 1", &one, &texts(2 * WAITING))?;
    same("at QoS 2", &two, &texts(WAITING))?;
    nothing_waits(client, subscriber).await?;

    let mut connected = client.connect(bed.lasting(client, "connected")).await?;
    same("session present", &connected.session_present, &true)?;
    let [one, two] = by_topic(client, &mut connected, WAITING).await?;
    same("of what it has unsubscribed", &one, &texts(0))?;
    same("at QoS 2", &two, &texts(WAITING))?;
    nothing_waits(client, connected).await
}

async fn subscribe(client: &Client, subscriber: &Connection) -> Result<(), Fault> {
    subscriber.subscribe(&client.own("1"), 1).await?;
    subscriber.subscribe(&client.own("2"), 2).await
}

async fn publish(client: &Client, publisher: &Connection) -> Result<(), Fault> {
    for qos in [1, 2] {
        let topic = client.own(&qos.to_string());
        publisher
            .publish_all(&topic, &numbers(WAITING), qos)
            .await?;
    }
    Ok(())
}

/// The texts of the next messages at `QoS` 1 and at `QoS` 2, in the order in which they come.
async fn by_topic(
    client: &Client,
    subscriber: &mut Connection,
    count: usize,
) -> Result<[Vec<String>; 2], Fault> {
    let mut got = [Vec::new(), Vec::new()];
    for _ in 0..count {
        let message = subscriber.next().await?;
        let of_qos_2 = message.topic == client.own("2");
        same("QoS", &message.qos, &(1 + u8::from(of_qos_2)))?;
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        got[usize::from(of_qos_2)].push(text);
    }
    Ok(got)
}

/// The next message is one that it publishes itself.
async fn nothing_waits(client: &Client, mut connection: Connection) -> Result<(), Fault> {
    let topic = client.own(&format!("own/{}", fastrand::u64(..)));
    connection.subscribe(&topic, 1).await?;
    connection.publish(&topic, "nothing waits", 1).await?;
    connection.expect("nothing waits").await?;
    connection.disconnect().await
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}
