//! Wills.

use std::time::Duration;

use tokio::time::Instant;

use super::bed::{ForeignBed, LONG, will};
use super::connection::same;
use super::lineup::Client;
use super::orders::{Connect, Fault, Will};

/// Clocks of two processes.
const TOLERANCE: Duration = Duration::from_millis(100);

/// Scenario: clients with wills of each `QoS` are cut off, one says goodbye.
/// Guarantee: the wills of the former come, that of the latter does not.
#[tokio::test]
async fn who_is_cut_off_leaves_a_will() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        let topic = client.own("wills");
        let mut watcher = bed.open(client, "watcher").await?;
        watcher.subscribe(&topic, 2).await?;
        for qos in 0..=2 {
            let text = format!("gone {qos}");
            let victim = client.connect(Connect {
                will: Some(will(topic.clone(), &text, qos)),
                ..bed.options(client, &format!("victim-{qos}"))
            });
            victim.await?.cut().await?;
            let told = watcher.expect(&text).await?;
            same("the will's QoS", &told.qos, &qos)?;
        }
        let polite = client.connect(Connect {
            will: Some(will(topic.clone(), "said goodbye", 1)),
            ..bed.options(client, "polite")
        });
        polite.await?.disconnect().await?;
        // Once the same client is there again, its former connection is over.
        let polite = bed.open(client, "polite").await?;
        polite.publish(&topic, "still here", 1).await?;
        watcher.expect("still here").await.map(drop)
    })
    .await;
    bed.conclude();
}

/// Scenario: a client whose will is to be retained is cut off; then somebody subscribes.
/// Guarantee: the will comes, with RETAIN.
#[tokio::test]
async fn a_will_can_be_retained() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        let topic = client.own("status");
        let mut watcher = bed.open(client, "watcher").await?;
        watcher.subscribe(&topic, 1).await?;
        let last = Will {
            retain: true,
            ..will(topic.clone(), "offline", 1)
        };
        let victim = client.connect(Connect {
            will: Some(last),
            ..bed.options(client, "victim")
        });
        let victim = victim.await?;
        victim.retain(&topic, "online", 1).await?;
        watcher.expect("online").await?;
        victim.cut().await?;
        watcher.expect("offline").await?;
        let mut late = bed.open(client, "late").await?;
        late.subscribe(&topic, 1).await?;
        let kept = late.expect("offline").await?;
        same("RETAIN", &kept.retain, &true)
    })
    .await;
    bed.conclude();
}

/// Scenario: MQTT 5 clients whose wills have a delay are cut off: one comes back in time, one does
/// not, the session of one ends before its will's delay.
/// Guarantee: the first will never comes, the second not before its delay, the third with the end
/// of the session.
#[tokio::test]
async fn a_delayed_will_waits_for_its_client() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        if client.version != 5 {
            return Ok(());
        }
        let topic = client.own("delayed");
        let mut watcher = bed.open(client, "watcher").await?;
        watcher.subscribe(&topic, 1).await?;

        let back = delayed(&bed, client, "back", 1, LONG);
        client.connect(back.clone()).await?.cut().await?;
        let back = client.connect(Connect { will: None, ..back }).await?;
        same("session present", &back.session_present, &true)?;

        let cut = Instant::now();
        let gone = delayed(&bed, client, "gone", 3, LONG);
        client.connect(gone).await?.cut().await?;
        let ended = delayed(&bed, client, "ended", LONG, 2);
        client.connect(ended).await?.cut().await?;

        watcher.expect("ended").await?;
        not_before(cut, Duration::from_secs(2))?;
        watcher.expect("gone").await?;
        not_before(cut, Duration::from_secs(3))?;
        back.publish(&topic, "I am back", 1).await?;
        watcher.expect("I am back").await.map(drop)
    })
    .await;
    bed.conclude();
}

fn delayed(bed: &ForeignBed, client: &Client, name: &str, delay: u32, expiry: u32) -> Connect {
    Connect {
        expiry,
        will: Some(Will {
            delay,
            ..will(client.own("delayed"), name, 1)
        }),
        ..bed.lasting(client, name)
    }
}

fn not_before(cut: Instant, delay: Duration) -> Result<(), Fault> {
    let came = cut.elapsed();
    if came + TOLERANCE < delay {
        return Err(format!("the will came after {came:?}, not {delay:?}"));
    }
    Ok(())
}
