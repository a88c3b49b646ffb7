//! Publishers whose library brings their messages through a break.

use std::collections::BTreeMap;

use tokio::sync::Barrier;

use super::bed::{ForeignBed, numbers};
use super::connection::{Connection, same};
use super::lineup::Client;
use super::orders::{Connect, Fault, Transport};
use crate::nats_line::NatsLine;

/// Messages of each publisher: seconds of work for each library.
const SENT: usize = 1000;
/// How many of them have come when the connection breaks.
const BREAK_AT: usize = 200;

/// Scenario: while a client publishes at `QoS` 1 and 2, its connections break; its library connects
/// again and goes on.
/// Guarantee: everything comes; at `QoS` 2 each message once.
#[tokio::test]
async fn publishers_ride_through_a_cut() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        for qos in [1, 2] {
            let line = NatsLine::to(bed.port(Transport::Tcp)).await;
            let (_, port) = line.url().rsplit_once(':').unwrap();
            let port = port.parse().unwrap();
            let publisher = Connect {
                port,
                reconnect: true,
                ..bed.lasting(client, &format!("publisher-{qos}"))
            };
            let publisher = client.connect(publisher).await?;
            let mut progress = listen(&bed, client, qos).await?;
            let sent = numbers(SENT);
            let topic = client.own(&format!("ride/{qos}"));
            let breaking = async {
                for _ in 0..BREAK_AT {
                    progress.next().await?;
                }
                line.cut();
                Ok::<(), Fault>(())
            };
            let (published, broken) =
                tokio::join!(publisher.publish_all(&topic, &sent, qos), breaking);
            broken?;
            published.map_err(|why| format!("QoS {qos}: {why}"))?;
            all_came(&bed, client, qos, qos == 2).await?;
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: while every client publishes at `QoS` 1 and then at `QoS` 2, the edge is killed; the
/// libraries connect to the one that comes up, and go on.
/// Guarantee: everything comes.
#[tokio::test]
async fn publishers_ride_through_a_kill() {
    let bed = ForeignBed::start().await;
    for qos in [1, 2] {
        let ready = bed
            .every(async |client| {
                let publisher = Connect {
                    reconnect: true,
                    ..bed.lasting(client, &format!("publisher-{qos}"))
                };
                let publisher = client.connect(publisher).await?;
                Ok((publisher, listen(&bed, client, qos).await?))
            })
            .await;
        // The slowest one is under way when the edge is killed.
        let under_way = Barrier::new(ready.len() + 1);
        let publishing = bed.those(ready, async |client, (publisher, progress)| {
            publish_all(client, qos, &publisher, progress, &under_way).await
        });
        let killing = async {
            under_way.wait().await;
            bed.bed.kill("mqtt-edge").await;
            bed.bed.ready().await;
        };
        let (well, ()) = tokio::join!(publishing, killing);
        bed.those(well, async |client, ()| {
            all_came(&bed, client, qos, false).await
        })
        .await;
    }
    bed.conclude();
}

/// Publishes everything; tells when the first message has come.
async fn publish_all(
    client: &Client,
    qos: u8,
    publisher: &Connection,
    mut progress: Connection,
    under_way: &Barrier,
) -> Result<(), Fault> {
    let sent = numbers(SENT);
    let topic = client.own(&format!("ride/{qos}"));
    let watching = async {
        let got = progress.next().await;
        under_way.wait().await;
        got.map(drop)
    };
    let (published, begun) = tokio::join!(publisher.publish_all(&topic, &sent, qos), watching);
    begun?;
    published.map_err(|why| format!("QoS {qos}: {why}"))
}

/// A session that takes note of everything, but is not connected, and a connection that shows how
/// far the publisher is.
async fn listen(bed: &ForeignBed, client: &Client, qos: u8) -> Result<Connection, Fault> {
    let topic = client.own(&format!("ride/{qos}"));
    let notes = bed.lasting(client, &format!("notes-{qos}"));
    let notes = client.connect(notes).await?;
    notes.subscribe(&topic, 2).await?;
    notes.disconnect().await?;
    let progress = bed.open(client, &format!("progress-{qos}")).await?;
    progress.subscribe(&topic, 0).await?;
    Ok(progress)
}

/// What the session has taken note of: all, and `once`, if so, each one once.
async fn all_came(bed: &ForeignBed, client: &Client, qos: u8, once: bool) -> Result<(), Fault> {
    let notes = bed.lasting(client, &format!("notes-{qos}"));
    let mut notes = client.connect(notes).await?;
    same("session present", &notes.session_present, &true)?;
    let publisher = bed.open(client, "last").await?;
    let topic = client.own(&format!("ride/{qos}"));
    publisher.publish(&topic, "the end", 2).await?;
    let mut times: BTreeMap<usize, usize> = BTreeMap::new();
    loop {
        let payload = notes.next().await?.payload;
        let text = String::from_utf8_lossy(&payload).into_owned();
        if text == "the end" {
            break;
        }
        let number = text.parse().map_err(|_| format!("no number: {text}"))?;
        *times.entry(number).or_default() += 1;
    }
    let missing: Vec<usize> = (0..SENT).filter(|n| !times.contains_key(n)).collect();
    same(&format!("missing at QoS {qos}"), &missing, &Vec::new())?;
    let twice: Vec<usize> = times
        .iter()
        .filter(|&(_, &count)| count > 1)
        .map(|(&number, _)| number)
        .collect();
    if !once {
        let count = twice.len();
        eprintln!("{}: {count} came twice at QoS {qos}", client.name);
        return Ok(());
    }
    same(&format!("twice at QoS {qos}"), &twice, &Vec::new())
}
