//! Signed requests.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use notification::{Channel, ChannelKind, Message, Scope, SendError, Webhook, WebhookOptions};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http_receiver::{Answer, HttpReceiver};
use crate::message::{alert, message};
use crate::tls::TestTls;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn options(folder: &Path) -> WebhookOptions {
    let secret_file = folder.join("secret");
    std::fs::write(&secret_file, format!("{SECRET}\n")).unwrap();
    WebhookOptions {
        secret_file,
        ca_file: None,
        timeout: Duration::from_secs(10),
    }
}

fn webhook() -> Webhook {
    let folder = tempfile::tempdir().unwrap();
    Webhook::open(&options(folder.path())).unwrap()
}

fn to(url: &str) -> Message {
    message(ChannelKind::Webhook, url)
}

/// Scenario: an alert goes to a receiver that checks the signature as the documentation says.
/// Guarantee: it fits the bytes that came, the time is now, the alert is the alert.
#[tokio::test]
async fn a_request_is_signed() {
    let mut receiver = HttpReceiver::start([]).await;
    let sent = to(&receiver.url);
    webhook().send(&sent).await.unwrap();
    let request = receiver.requests.recv().await.unwrap();
    assert_eq!(
        (request.method.as_str(), request.uri.to_string().as_str()),
        ("POST", "/alerts?site=7")
    );
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("idempotency-key"), sent.id);

    let timestamp = request.header("x-latchwork-timestamp");
    let age = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        - timestamp.parse::<u64>().unwrap();
    assert!(age < 60);
    let signature = request
        .header("x-latchwork-signature")
        .strip_prefix("v1=")
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(&request.body);
    mac.verify_slice(&HEXLOWER.decode(signature.as_bytes()).unwrap())
        .unwrap();

    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["id"], sent.id);
    assert_eq!(body["alerts"], serde_json::json!([alert(7)]));
}

/// Scenario: the receiver answers with statuses of all sorts, one of them a redirect to itself.
/// Guarantee: 2xx is success; 408, 425, 429 and 5xx are tried again, after as long as asked; all else is
/// final; a redirect is not followed.
#[tokio::test]
async fn statuses_are_understood() {
    let redirect = Answer::Headers(302, &[("location", "/elsewhere")]);
    let busy = Answer::Headers(429, &[("retry-after", "17")]);
    let statuses = [204, 400, 401, 404, 410, 408, 425, 500, 503].map(Answer::Status);
    let mut receiver = HttpReceiver::start([redirect, busy].into_iter().chain(statuses)).await;
    let webhook = webhook();
    let mut faults = Vec::new();
    for _ in 0..11 {
        let result = webhook.send(&to(&receiver.url)).await;
        assert!(
            result
                .as_ref()
                .err()
                .is_none_or(|error| error.scope == Scope::Message)
        );
        faults.push(result.err().map(
            |SendError {
                 retry, retry_after, ..
             }| (retry, retry_after),
        ));
    }
    let (never, later) = (Some((false, None)), Some((true, None)));
    let asked = Some((true, Some(Duration::from_secs(17))));
    assert_eq!(
        faults,
        [
            never, asked, None, never, never, never, never, later, later, later, later
        ]
    );
    let mut count = 0;
    while let Ok(request) = receiver.requests.try_recv() {
        assert_eq!(request.uri.path(), "/alerts");
        count += 1;
    }
    assert_eq!(count, 11);
}

/// Scenario: the receiver never answers, is not there, or answers without end.
/// Guarantee: the first two are tried again, within the timeout; the third is a success: its status counts.
#[tokio::test]
async fn slow_absent_and_endless_receivers() {
    let folder = tempfile::tempdir().unwrap();
    let timeout = Duration::from_millis(300);
    let webhook = Webhook::open(&WebhookOptions {
        timeout,
        ..options(folder.path())
    })
    .unwrap();
    let answers = [Answer::Hang, Answer::Endless(200), Answer::Endless(404)];
    let receiver = HttpReceiver::start(answers).await;
    let send = async |url: &str| {
        let message = to(url);
        let attempt = tokio::time::timeout(Duration::from_secs(5), webhook.send(&message));
        attempt.await.unwrap()
    };
    assert!(send(&receiver.url).await.unwrap_err().retry);
    send(&receiver.url).await.unwrap();
    let error = send(&receiver.url).await.unwrap_err();
    assert!(!error.retry && error.reason.len() < 400, "{error}");
    let error = send("http://127.0.0.1:1/token-in-the-path")
        .await
        .unwrap_err();
    assert!(error.retry && !error.reason.contains("token"), "{error}");
}

/// Scenario: an https receiver whose certificate only the given file vouches for.
/// Guarantee: it is called with the file and not without it.
#[tokio::test]
async fn https_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TestTls::new(folder.path());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let acceptor = tls.acceptor.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else {
                continue;
            };
            let mut request = vec![0; 64 * 1024];
            drop(socket.read(&mut request).await);
            drop(socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await);
        }
    });
    let options = options(folder.path());
    let error = Webhook::open(&options)
        .unwrap()
        .send(&to(&url))
        .await
        .unwrap_err();
    assert!(
        error.retry && error.reason.contains("certificate"),
        "{error}"
    );
    let ca_file = Some(tls.ca_file.clone());
    let webhook = Webhook::open(&WebhookOptions { ca_file, ..options }).unwrap();
    webhook.send(&to(&url)).await.unwrap();
}

/// Scenario: a bad URL slipped past the contacts; a secret that is missing, short or of two lines.
/// Guarantee: nothing is called; the channel does not open, and says why without the secret.
#[tokio::test]
async fn bad_addresses_and_secrets_are_refused() {
    for url in [
        "http://a/\r\nX: y",
        "ftp://a/",
        "http://user:password@a/",
        "",
    ] {
        let error = webhook().send(&to(url)).await.unwrap_err();
        assert!(
            !error.retry && !error.reason.contains("password@"),
            "{error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    for secret in ["", "short", "0123456789abcdef\n0123456789abcdef"] {
        std::fs::write(&options.secret_file, secret).unwrap();
        let Err(error) = Webhook::open(&options) else {
            panic!("{secret}")
        };
        let error = error.to_string();
        assert!(
            error.contains("secret") && !error.contains("0123"),
            "{error}"
        );
    }
    std::fs::remove_file(&options.secret_file).unwrap();
    assert!(Webhook::open(&options).is_err());
}
