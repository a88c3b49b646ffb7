//! The queue with a real channel: what the two promise together.

use std::sync::Arc;
use std::time::Duration;

use notification::{
    Channel, ChannelKind, Delivery, Pushed, Queue, QueueOptions, Templates, Webhook, WebhookOptions,
};

use crate::http_receiver::{Answer, HttpReceiver};
use crate::message::{alert, delivery};

/// Scenario: a receiver that answers 500, then 429, then takes; beside it one that refuses for good.
/// Guarantee: the first gets its alert with the same key each time; the second goes to the dead letters.
#[tokio::test]
async fn retries_until_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "0123456789abcdef").unwrap();
    let timeout = Duration::from_secs(10);
    let webhook = Webhook::open(&WebhookOptions {
        secret_file,
        ca_file: None,
        timeout,
    })
    .unwrap();
    let mut flaky = HttpReceiver::start([
        Answer::Status(500),
        Answer::Headers(429, &[("retry-after", "9")]),
    ])
    .await;
    let gone = HttpReceiver::start([Answer::Status(410)]).await;

    let templates = Arc::new(Templates::shipped().unwrap());
    let mut queue = Queue::new(QueueOptions::default(), templates, 1);
    for (number, url) in [(1, &flaky.url), (2, &gone.url)] {
        let delivery = delivery(ChannelKind::Webhook, url, alert(number));
        assert_eq!(queue.push(delivery, number, 0), Pushed::Held);
    }
    // The time is the queue's own: no test waits for a pause.
    let (mut now_ms, mut settled, mut dead) = (0, Vec::new(), Vec::<(Delivery, u32)>::new());
    while let Some(wake_ms) = queue.next_wake(now_ms) {
        now_ms = wake_ms;
        let Some(outgoing) = queue.next(now_ms) else {
            continue;
        };
        match webhook.send(&outgoing.message).await {
            Ok(()) => settled.extend(queue.succeeded(outgoing, now_ms)),
            Err(error) => dead.extend(queue.failed(outgoing, &error, now_ms)),
        }
    }
    assert_eq!(settled, [1]);
    assert_eq!(
        dead.iter().map(|(_, token)| *token).collect::<Vec<_>>(),
        [2]
    );
    assert!(now_ms >= 9000, "{now_ms}");
    for _ in 0..3 {
        let request = flaky.requests.recv().await.unwrap();
        assert_eq!(request.header("idempotency-key"), format!("{:032x}", 1));
    }
}
