//! Telling people: mail, SMS and webhook, over channels that work, fail and hang.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use async_nats::jetstream::kv::Store;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use latchwork::mqtt_client::MqttClient;
use notification::Contacts;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use topology::{LOCK_BUCKET, escape};

use crate::audit_bed::{ROAD, Topics, count_alerts, door, empty, logged, logged_until};
use crate::clients::{connect, publish};
use crate::dead_letters::await_dead_letters;
use crate::notify_crash::assert_unique;
use crate::notify_receivers::{Behaviour, HttpReceiver, Mail, Request, SmtpServer};
use crate::payloads::state_topic;
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

pub(crate) const LOCK: &str = "10083618796833171";
/// Far less than the mail server makes its own mails wait.
const AT_ONCE: Duration = Duration::from_millis(1500);

const SECRET: &str = "a secret of twenty-six byte";

/// A mail server, an HTTP receiver, and the settings that name them.
pub(crate) struct Receivers {
    pub(crate) smtp: SmtpServer,
    http: HttpReceiver,
    folder: TempDir,
}

impl Receivers {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self {
            smtp: SmtpServer::start().await,
            http: HttpReceiver::start().await,
            folder,
        }
    }

    /// Every channel, fast enough for a test.
    pub(crate) fn pipeline(&self) -> String {
        let (port, sms) = (self.smtp.port(), self.http.url("/sms"));
        let secret = self.folder.path().join("secret");
        Topics::new().pipeline(&format!(
            "[notify]\ndigest_over = 100000\n\
             [notify.email]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
             from = \"locks@example.com\"\ntimeout_s = 2\n\
             per_minute = 60000\naddress_per_minute = 60000\n\
             [notify.sms]\nurl = \"{sms}\"\njson = {{ to = \"{{{{ to }}}}\", text = \"{{{{ text }}}}\" }}\n\
             timeout_s = 2\nper_minute = 60000\naddress_per_minute = 60000\n\
             [notify.webhook]\nsecret_file = \"{}\"\ntimeout_s = 2\n",
            secret.display()
        ))
    }

    async fn bed(&self) -> Testbed {
        let stages = [ROAD[0], ROAD[1], "audit-notifier"];
        let setup = Setup::new().stages(&stages).pipeline(self.pipeline());
        setup.start().await
    }

    /// A bed with a lock whose owner has mail and a webhook.
    async fn mail_and_webhook(&self) -> (Testbed, MqttClient) {
        let bed = self.bed().await;
        let url = self.http.url("/hook");
        let channels = [("email", "mei@example.com"), ("webhook", &url)];
        set_contact(&bed, LOCK, &channels).await;
        let lock = lock(&bed).await;
        (bed, lock)
    }
}

async fn contacts_bucket(bed: &Testbed) -> Store {
    let context = bed.jetstream().await;
    context.get_key_value(LOCK_BUCKET).await.unwrap()
}

/// Writes a lock's contact with these channels: pairs of channel and address.
pub(crate) async fn set_contact(bed: &Testbed, lock: &str, channels: &[(&str, &str)]) {
    let channels: Vec<Value> = channels
        .iter()
        .map(|(channel, address)| json!({"channel": channel, "address": address, "severity": "info"}))
        .collect();
    let contacts = json!({"contacts": [{"name": "Mei", "channels": channels}]}).to_string();
    let contacts = Contacts::read(contacts.as_bytes()).unwrap();
    let bucket = contacts_bucket(bed).await;
    let key = format!("contact.{}", escape(lock));
    bucket.put(key, contacts.to_json().into()).await.unwrap();
}

pub(crate) async fn lock(bed: &Testbed) -> MqttClient {
    let (lock, _) = connect(&bed.client(LOCK)).await;
    lock
}

pub(crate) async fn move_door(lock: &MqttClient, number: u64) {
    publish(lock, state_topic(LOCK), door(LOCK, number)).await;
}

/// The body of a webhook, whose signature must be right.
fn alerts(request: &Request) -> Vec<Value> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(request.headers["x-latchwork-timestamp"].as_bytes());
    mac.update(b".");
    mac.update(&request.body);
    let signature = HEXLOWER.encode(&mac.finalize().into_bytes());
    assert_eq!(
        request.headers["x-latchwork-signature"],
        format!("v1={signature}")
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(request.headers["idempotency-key"], body["id"]);
    body["alerts"].as_array().unwrap().clone()
}

/// Scenario: a door is unlocked, with a process id that has line ends, a mail header, markup and
/// control characters in it; the owner has mail, SMS and a webhook.
/// Guarantee: each gets the unlock once; the mail has the headers it should have and no other, and
/// nothing of the payload but text in its body; the webhook's signature is right; the SMS is one line.
#[tokio::test]
async fn an_unlock_reaches_its_owner() {
    let receivers = Receivers::start().await;
    let bed = receivers.bed().await;
    let url = receivers.http.url("/hook");
    let channels = [
        ("email", "mei@example.com"),
        ("sms", "+8613800000000"),
        ("webhook", &url),
    ];
    set_contact(&bed, LOCK, &channels).await;
    let lock = lock(&bed).await;
    move_door(&lock, 2).await;
    let hostile = r"7\r\nBcc: evil@example.com\r\n\r\n.\r\n<b>{{ x }}\u0000\u001b[2J";
    let state = door(LOCK, 7).replacen("\"7\"", &format!("\"{hostile}\""), 1);
    publish(&lock, state_topic(LOCK), state).await;

    // That nobody is known to have sent a command is an alert of its own.
    let mails = receivers.smtp.mails(2).await;
    let unlocked: Vec<&Mail> = mails
        .iter()
        .filter(|mail| mail.header("Subject").starts_with("[Info]"))
        .collect();
    let [mail] = unlocked[..] else {
        panic!("{mails:#?}")
    };
    assert_eq!(mail.to, "mei@example.com");
    assert_eq!(
        mail.header("Subject"),
        format!("[Info] The door was unlocked: lock {LOCK}")
    );
    let mut names: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "Message-ID",
        "Subject",
        "To",
    ];
    let names: Vec<&str> = names
        .into_iter()
        .filter(|name| *name != "MIME-Version")
        .collect();
    assert_eq!(names, expected, "{mail:#?}");
    assert!(
        mail.body.contains("Dear Mei") && mail.body.contains(LOCK),
        "{mail:#?}"
    );
    assert!(
        !mail.body.contains('\u{1b}') && !mail.body.contains('\0'),
        "{mail:#?}"
    );
    assert!(
        !mail.body.lines().any(|line| line.starts_with("Bcc")),
        "{mail:#?}"
    );

    let requests = receivers.http.requests(4).await;
    let hooks: Vec<Vec<Value>> = requests
        .iter()
        .filter(|request| request.path == "/hook")
        .map(alerts)
        .collect();
    let kinds: HashSet<&str> = hooks
        .iter()
        .flatten()
        .map(|alert| alert["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, HashSet::from(["unlocked", "unlock-without-command"]));
    for sms in requests.iter().filter(|request| request.path == "/sms") {
        let sms: Value = serde_json::from_slice(&sms.body).unwrap();
        assert_eq!(sms["to"], "+8613800000000");
        let text = sms["text"].as_str().unwrap();
        assert!(
            !text.contains(char::is_control) && text.contains(LOCK),
            "{text}"
        );
    }
    empty(&bed, &["EV", "ALERT", "NOTIFY"]).await;
    assert_eq!(receivers.smtp.so_far().len(), 2);
    assert_eq!(receivers.http.requests(4).await.len(), 4);
}

/// Scenario: a door moves while the mail server hangs, while it refuses for now, and while nobody
/// listens there; then it is back.
/// Guarantee: the webhook gets each alert at once, the log goes on; then every mail comes, once.
#[tokio::test]
async fn a_dead_mail_server_delays_nobody_else() {
    let mut receivers = Receivers::start().await;
    let (bed, lock) = receivers.mail_and_webhook().await;
    move_door(&lock, 2).await;
    let mut hooks = 0;
    for (number, behaviour) in [
        (3, Some(Behaviour::Hangs)),
        (5, Some(Behaviour::Refuses(451))),
        (7, None),
    ] {
        match behaviour {
            Some(behaviour) => receivers.smtp.now(behaviour),
            None => receivers.smtp.die(),
        }
        if number > 3 {
            move_door(&lock, number - 1).await;
            // That it is locked again.
            hooks += 1;
        }
        let asked = Instant::now();
        move_door(&lock, number).await;
        hooks += 2;
        receivers.http.requests(hooks).await;
        let took = asked.elapsed();
        eprintln!("webhook after {took:?}, mail server {behaviour:?}");
        assert!(took < AT_ONCE);
        if behaviour.is_some() {
            receivers.smtp.is_tried().await;
        }
    }
    let entries = logged(&bed).await;
    assert_eq!(count_alerts(&entries, LOCK, "unlocked raised"), 3);
    assert!(receivers.smtp.so_far().is_empty());
    receivers.smtp.now(Behaviour::Takes);
    receivers.smtp.revive().await;
    receivers.smtp.mails(hooks).await;
    empty(&bed, &["NOTIFY"]).await;
    let mails = receivers.smtp.so_far();
    assert_eq!(mails.len(), hooks);
    assert_unique(&mails);
}

/// Scenario: a webhook receiver answers 500, then hangs, then works; at the same time mails go out;
/// it answers 404 to another alert.
/// Guarantee: the mails come at once, the webhook's alert when it works; the 404 is a dead letter.
#[tokio::test]
async fn a_broken_receiver_is_tried_again() {
    let receivers = Receivers::start().await;
    let (bed, lock) = receivers.mail_and_webhook().await;
    receivers.http.now(Behaviour::Refuses(500));
    move_door(&lock, 3).await;
    assert_eq!(receivers.smtp.mails(1).await.len(), 1);
    receivers.http.is_tried().await;
    receivers.http.now(Behaviour::Hangs);
    receivers.http.is_tried().await;
    receivers.http.now(Behaviour::Takes);
    let requests = receivers.http.requests(1).await;
    assert_eq!(alerts(&requests[0])[0]["kind"], "unlocked");
    receivers.http.now(Behaviour::Refuses(404));
    move_door(&lock, 4).await;
    receivers.smtp.mails(2).await;
    let letters = await_dead_letters(&bed, "send", 1).await;
    assert_eq!(letters[0].code, "refused", "{letters:#?}");
}

/// Scenario: a contact is written while everything runs; then its address is changed; then it is
/// taken away.
/// Guarantee: each alert goes to who is the contact then.
#[tokio::test]
async fn a_changed_contact_takes_effect() {
    let receivers = Receivers::start().await;
    let bed = receivers.bed().await;
    let lock = lock(&bed).await;
    let mut doors = Doors {
        bed: &bed,
        lock: &lock,
        number: 0,
    };
    let bucket = contacts_bucket(&bed).await;
    for address in [Some("old@example.com"), Some("new@example.com"), None] {
        match address {
            Some(address) => set_contact(&bed, LOCK, &[("email", address)]).await,
            None => bucket.delete(format!("contact.{LOCK}")).await.unwrap(),
        }
        // The change travels beside the alerts: doors move until one is told so.
        let what = format!("alerts to go to {address:?}");
        let mut before = receivers.smtp.so_far().len();
        until(&what, async || {
            doors.open_once().await;
            let mails = receivers.smtp.so_far();
            let new = &mails[before..];
            before = mails.len();
            match address {
                Some(address) => !new.is_empty() && new.iter().all(|mail| mail.to == address),
                None => new.is_empty(),
            }
        })
        .await;
        let before = receivers.smtp.so_far().len();
        doors.open_once().await;
        let mails = receivers.smtp.so_far();
        assert!(
            mails[before..]
                .iter()
                .all(|mail| Some(mail.to.as_str()) == address)
        );
        assert_eq!(mails.len() > before, address.is_some());
    }
}

/// A door that moves, and waits until everybody is told.
struct Doors<'a> {
    bed: &'a Testbed,
    lock: &'a MqttClient,
    number: u64,
}

impl Doors<'_> {
    /// An unlock is an alert, whatever was before.
    async fn open_once(&mut self) {
        self.number += 2;
        let alerts = self.number.div_ceil(2);
        move_door(self.lock, self.number - 1).await;
        logged_until(self.bed, "the unlock", |entries| {
            count_alerts(entries, LOCK, "unlocked raised") as u64 >= alerts
        })
        .await;
        empty(self.bed, &["EV", "ALERT", "NOTIFY"]).await;
    }
}
