//! Retained messages.

use super::bed::ForeignBed;
use super::connection::same;

/// Scenario: at each `QoS` a message is retained, replaced, and cleared; somebody has subscribed
/// before, somebody subscribes behind each step.
/// Guarantee: who was there gets each without RETAIN; who comes later gets the last one with
/// RETAIN, and nothing when it is cleared.
#[tokio::test]
async fn the_last_message_is_kept_and_cleared() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        for qos in 0..=2 {
            let topic = client.own(&format!("kept/{qos}"));
            let mut early = bed.open(client, &format!("early-{qos}")).await?;
            let publisher = bed.open(client, &format!("publisher-{qos}")).await?;
            early.subscribe(&topic, 2).await?;
            for text in ["first", "second"] {
                publisher.retain(&topic, text, qos).await?;
                let live = early.expect(text).await?;
                same("RETAIN to who was there", &live.retain, &false)?;
            }
            // At QoS 0 nothing else tells that the edge has it.
            publisher.publish(&client.own("barrier"), "", 1).await?;

            let mut late = bed.open(client, &format!("late-{qos}")).await?;
            late.subscribe(&client.own("kept/+"), 1).await?;
            let kept = late.expect("second").await?;
            same("RETAIN to who comes later", &kept.retain, &true)?;
            same("its topic", &kept.topic, &topic)?;
            same("its QoS", &kept.qos, &qos.min(1))?;

            publisher.retain(&topic, "", qos).await?;
            early.expect("").await?;
            publisher.publish(&client.own("barrier"), "", 1).await?;
            let mut latest = bed.open(client, &format!("latest-{qos}")).await?;
            latest.subscribe(&topic, 1).await?;
            publisher.publish(&topic, "live", qos).await?;
            let live = latest.expect("live").await?;
            same("RETAIN of a live one", &live.retain, &false)?;
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: a message is retained at each `QoS`, one is retained and cleared; the edge is killed.
/// Guarantee: the edge that comes up has the same retained messages.
#[tokio::test]
async fn retained_messages_outlive_a_kill() {
    let bed = ForeignBed::start().await;
    let well = bed
        .every(async |client| {
            let publisher = bed.open(client, "publisher").await?;
            for qos in 0..=2 {
                let topic = client.own(&format!("kept/{qos}"));
                publisher
                    .retain(&topic, &format!("kept {qos}"), qos)
                    .await?;
            }
            let gone = client.own("kept/gone");
            publisher.retain(&gone, "gone", 1).await?;
            publisher.retain(&gone, "", 1).await?;
            publisher.publish(&client.own("barrier"), "", 1).await
        })
        .await;
    bed.bed.kill("mqtt-edge").await;
    bed.bed.ready().await;
    bed.those(well, async |client, ()| {
        let mut subscriber = bed.open(client, "subscriber").await?;
        subscriber.subscribe(&client.own("kept/+"), 2).await?;
        let mut got = Vec::new();
        for _ in 0..3 {
            let message = subscriber.next().await?;
            same("RETAIN", &message.retain, &true)?;
            got.push(String::from_utf8_lossy(&message.payload).into_owned());
        }
        got.sort();
        let expected = ["kept 0", "kept 1", "kept 2"].map(str::to_owned);
        same("kept", got.as_slice(), &expected)?;
        subscriber.publish(&client.own("kept/0"), "live", 1).await?;
        subscriber.expect("live").await.map(drop)
    })
    .await;
    bed.conclude();
}
