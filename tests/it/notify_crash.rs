//! kill -9 while mails are sent, and two notifiers at once.

use std::collections::HashSet;

use audit::EntryKind;
use notification::Delivery;
use record::{DeadLetter, Original};

use crate::audit_bed::{Moments, ROAD, empty, logged, notifier, notifier_of};
use crate::crash::ONE_AT_A_TIME;
use crate::dead_letters::dead_letters;
use crate::notify::{LOCK, Receivers, lock, move_door, set_contact};
use crate::notify_receivers::Mail;
use crate::testbed::{Setup, Testbed};

const KILLS: u64 = 12;

/// Addresses that each alert goes to, side by side.
const ADDRESSES: usize = 4;

async fn set_addresses(bed: &Testbed) -> Vec<String> {
    let addresses: Vec<String> = (0..ADDRESSES)
        .map(|index| format!("mei{index}@example.com"))
        .collect();
    let channels: Vec<(&str, &str)> = addresses
        .iter()
        .map(|address| ("email", address.as_str()))
        .collect();
    set_contact(bed, LOCK, &channels).await;
    addresses
}

/// Scenario: doors move, with four mails for each alert, while audit-notifier is killed again and
/// again.
/// Guarantee: no mail is sent twice; every alert has a mail to each address, or a dead letter that
/// says that it may have been sent; of those there are at most as many as were under way.
#[tokio::test]
async fn no_mail_is_sent_twice() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let receivers = Receivers::start().await;
    let pipeline = receivers.pipeline();
    let bed = Setup::new()
        .stages(&ROAD)
        .pipeline(&*pipeline)
        .start()
        .await;
    let addresses = set_addresses(&bed).await;
    let mut notifier = notifier(&bed, &pipeline);
    let lock = lock(&bed).await;
    let mut moments = Moments::seeded();
    let mut number = 0;
    for _ in 0..KILLS {
        for _ in 0..12 {
            number += 1;
            move_door(&lock, number).await;
        }
        moments.next(&notifier).await;
        notifier.kill().await;
    }
    notifier.ready().await;
    empty(&bed, &["UP", "EV", "ALERT", "NOTIFY"]).await;
    notifier.end().await;

    let letters = assert_all_told(&bed, &receivers, &addresses).await;
    eprintln!("{KILLS} kills, {letters} uncertain");
    // One at a time to each address, and by default four connections.
    let under_way = usize::try_from(KILLS).unwrap() * ADDRESSES;
    assert!(letters <= under_way, "{letters} letters");
}

/// Every alert is a mail to each address, sent once, or a dead letter that says that it may have
/// been sent. Gives how many of those there are.
async fn assert_all_told(bed: &Testbed, receivers: &Receivers, addresses: &[String]) -> usize {
    let mails = receivers.smtp.so_far();
    assert_unique(&mails);
    let letters = uncertain(bed).await;
    let entries = logged(bed).await;
    let alerts = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Alert)
        .count();
    eprintln!("{alerts} alerts, {} mails", mails.len());
    for address in addresses {
        let sent = mails.iter().filter(|mail| mail.to == *address);
        let sent = sent.map(|mail| mail.header("Message-ID").to_owned());
        let unsure = letters
            .iter()
            .filter(|letter| letter.address == *address)
            .map(|letter| format!("<{}@example.com>", letter.id));
        let either: HashSet<String> = sent.chain(unsure).collect();
        assert_eq!(either.len(), alerts, "{address}");
    }
    letters.len()
}

/// Deliveries that may have been sent. There are no other dead letters.
async fn uncertain(bed: &Testbed) -> Vec<Delivery> {
    let letters = dead_letters(&bed.jetstream().await, "send").await;
    let read = |letter: &DeadLetter| {
        assert_eq!(letter.code, "uncertain", "{letter:#?}");
        match &letter.original {
            Some(Original::Bytes(json)) => Delivery::read(json).unwrap(),
            other => panic!("no delivery: {other:?}"),
        }
    };
    letters.iter().map(read).collect()
}

/// Scenario: while mails are sent, a second notifier is started, as at an update, and the first one
/// is killed; and again with the second one.
/// Guarantee: no mail is sent twice; every alert has a mail to each address, or a dead letter that
/// says that it may have been sent.
#[tokio::test]
async fn two_notifiers_send_nothing_twice() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let receivers = Receivers::start().await;
    let pipeline = receivers.pipeline();
    let bed = Setup::new()
        .stages(&[ROAD[0], ROAD[1], "audit-notifier"])
        .env("LATCHWORK_FLOW", "audit")
        .pipeline(&*pipeline)
        .start()
        .await;
    let addresses = set_addresses(&bed).await;
    let lock = lock(&bed).await;
    let mut older = notifier_of(&bed, &pipeline, "notify");
    let mut number = 0;
    for _ in 0..2 {
        let younger = notifier_of(&bed, &pipeline, "notify");
        for _ in 0..40 {
            number += 1;
            move_door(&lock, number).await;
        }
        younger.ready().await;
        let before = receivers.smtp.so_far().len();
        receivers.smtp.mails(before + 20).await;
        older.end().await;
        older = younger;
    }
    // What the dead one had in its hands comes again when it is missed.
    older.kill().await;
    empty(&bed, &["UP", "EV", "ALERT", "NOTIFY"]).await;
    let letters = assert_all_told(&bed, &receivers, &addresses).await;
    eprintln!("two notifiers, {letters} uncertain");
}

/// Message-ID is the delivery's id.
pub(crate) fn assert_unique(mails: &[Mail]) {
    let mut seen = HashSet::new();
    for mail in mails {
        assert!(
            seen.insert(mail.header("Message-ID")),
            "sent twice: {mail:#?}"
        );
    }
}
