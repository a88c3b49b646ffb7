//! SMS through an HTTP gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use notification::{
    Channel, ChannelKind, Message, Scope, SendError, Sms, SmsBody, SmsOptions, SmsSuccess,
};
use serde_json::json;

use crate::http_receiver::{Answer, HttpReceiver};
use crate::message::message;
use crate::smtp_server::decode;

fn options(url: &str, body: SmsBody) -> SmsOptions {
    SmsOptions {
        url: url.to_owned(),
        method: "POST".to_owned(),
        headers: BTreeMap::new(),
        body,
        user: None,
        password_file: None,
        token_file: None,
        success: None,
        ca_file: None,
        timeout: Duration::from_secs(10),
    }
}

fn form<const N: usize>(fields: [(&str, &str); N]) -> SmsBody {
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    SmsBody::Form(fields.into())
}

fn sms() -> Message {
    message(ChannelKind::Sms, "+8613812345678")
}

/// Scenario: a gateway of Twilio's shape; the text tries to add a field.
/// Guarantee: login, fields and text arrive as Twilio wants them; the text stays one field.
#[tokio::test]
async fn twilio() {
    let taken = Answer::Text(201, r#"{"sid": "SM1", "error_code": null}"#.to_owned());
    let mut gateway = HttpReceiver::start([taken]).await;
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("token");
    std::fs::write(&password_file, "secret-token\n").unwrap();
    let fields = form([
        ("To", "{{ to }}"),
        ("From", "+15005550006"),
        ("Body", "{{ text }}"),
    ]);
    let sms_channel = Sms::open(&SmsOptions {
        user: Some("AC1".to_owned()),
        password_file: Some(password_file),
        success: Some(SmsSuccess {
            pointer: "/sid".to_owned(),
            equals: None,
        }),
        ..options(&gateway.url, fields)
    })
    .unwrap();
    let short = "Jammed & more=1&To=+1 \u{9501}".to_owned();
    sms_channel
        .send(&Message {
            short: short.clone(),
            ..sms()
        })
        .await
        .unwrap();

    let request = gateway.requests.recv().await.unwrap();
    assert_eq!(
        request.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    let login = request
        .header("authorization")
        .strip_prefix("Basic ")
        .unwrap();
    assert_eq!(decode(login), "AC1:secret-token");
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(&request.body).into_owned().collect();
    let wanted = [
        ("Body", short.as_str()),
        ("From", "+15005550006"),
        ("To", "+8613812345678"),
    ];
    assert_eq!(
        fields,
        wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

/// Scenario: a gateway that takes nested JSON, a token, an idempotency header; the text tries to end
/// its string.
/// Guarantee: each text is where its template stands, and only there.
#[tokio::test]
async fn json_gateway() {
    let mut gateway = HttpReceiver::start([]).await;
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "secret-token").unwrap();
    let body =
        json!({"messages": [{"to": "{{ to }}", "text": "{{ text }}"}], "flash": false, "n": 1});
    let headers = BTreeMap::from([("Idempotency-Key".to_owned(), "{{ id }}".to_owned())]);
    let channel = Sms::open(&SmsOptions {
        token_file: Some(token_file),
        headers,
        method: "PUT".to_owned(),
        ..options(&gateway.url, SmsBody::Json(body))
    })
    .unwrap();
    let short = r#"a", "to": "+1"}, {{ id }} \"#.to_owned();
    let sent = Message {
        short: short.clone(),
        ..sms()
    };
    channel.send(&sent).await.unwrap();
    let request = gateway.requests.recv().await.unwrap();
    assert_eq!(request.method, "PUT");
    assert_eq!(request.header("authorization"), "Bearer secret-token");
    assert_eq!(request.header("idempotency-key"), sent.id);
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let wanted =
        json!({"messages": [{"to": "+8613812345678", "text": short}], "flash": false, "n": 1});
    assert_eq!(body, wanted);
}

/// Scenario: the gateway is busy, broken, wants money, refuses the number; says no in a body of 200,
/// or says nothing that can be read.
/// Guarantee: what others suffer too is an outage; what is about this message is final.
#[tokio::test]
async fn answers_are_understood() {
    let text = |status, text: &str| Answer::Text(status, text.to_owned());
    let gateway = HttpReceiver::start([
        Answer::Headers(429, &[("retry-after", "30")]),
        Answer::Status(500),
        Answer::Status(402),
        text(400, "no such\r\nnumber"),
        Answer::Status(302),
        text(200, r#"{"status": "failed"}"#),
        text(200, "<html>"),
        Answer::Endless(200),
        text(200, r#"{"status": "queued"}"#),
    ])
    .await;
    let success = SmsSuccess {
        pointer: "/status".to_owned(),
        equals: Some(json!("queued")),
    };
    let channel = Sms::open(&SmsOptions {
        success: Some(success),
        ..options(&gateway.url, form([("to", "{{ to }}")]))
    })
    .unwrap();
    let mut faults = Vec::new();
    for _ in 0..9 {
        let result = channel.send(&sms()).await;
        if let Err(error) = &result {
            assert!(!error.reason.contains(char::is_control), "{error}");
        }
        faults.push(
            result
                .err()
                .map(|SendError { retry, scope, .. }| (retry, scope)),
        );
    }
    let outage = Some((true, Scope::Channel));
    let never = Some((false, Scope::Message));
    assert_eq!(
        faults,
        [
            outage, outage, outage, never, never, never, never, never, None
        ]
    );
}

/// Scenario: a gateway that hangs; a number that is none; settings that can't work.
/// Guarantee: an outage within the timeout; nothing is sent; each setting is refused at the start.
#[tokio::test]
async fn hangs_bad_numbers_and_bad_settings() {
    let mut gateway = HttpReceiver::start([Answer::Hang]).await;
    let base = options(&gateway.url, form([("to", "{{ to }}")]));
    let timeout = Duration::from_millis(300);
    let channel = Sms::open(&SmsOptions {
        timeout,
        ..base.clone()
    })
    .unwrap();
    let message = sms();
    let attempt = tokio::time::timeout(Duration::from_secs(5), channel.send(&message));
    let error = attempt.await.unwrap().unwrap_err();
    assert!(error.retry && error.scope == Scope::Channel, "{error:?}");
    gateway.requests.recv().await.unwrap();

    let nobody = Message {
        address: "12345\r\n".to_owned(),
        ..sms()
    };
    assert!(!channel.send(&nobody).await.unwrap_err().retry);
    assert!(gateway.requests.try_recv().is_err());

    let header = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let bad = [
        SmsOptions {
            url: "sms.example.com".to_owned(),
            ..base.clone()
        },
        SmsOptions {
            method: "P OST".to_owned(),
            ..base.clone()
        },
        SmsOptions {
            headers: header("Authorization", "Bearer a"),
            ..base.clone()
        },
        SmsOptions {
            headers: header("X", "a\nb"),
            ..base.clone()
        },
        SmsOptions {
            body: form([("to", "{{ too }}")]),
            ..base.clone()
        },
        SmsOptions {
            body: SmsBody::Json(json!({"to": "{{ to"})),
            ..base.clone()
        },
        SmsOptions {
            user: Some("a".to_owned()),
            ..base.clone()
        },
        SmsOptions {
            token_file: Some("/nowhere".into()),
            ..base
        },
    ];
    for options in bad {
        assert!(Sms::open(&options).is_err(), "{options:?}");
    }
}
