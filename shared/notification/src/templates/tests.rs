use serde_json::json;

use super::check::sample;
use super::*;

fn changes() -> [Change; 3] {
    [Change::Raised, Change::Repeated, Change::Cleared]
}

fn message(delivery: &Delivery) -> Message {
    Templates::shipped().unwrap().message(&[delivery]).unwrap()
}

/// Scenario: an alert of each kind, change and language.
/// Guarantee: subject, mail and SMS are there, name the lock, speak the language, and fit.
#[test]
fn every_kind_change_and_language_has_texts() {
    let templates = Templates::shipped().unwrap();
    for language in Language::ALL {
        let mut subjects = HashSet::new();
        for kind in AlertKind::ALL {
            for change in changes() {
                let delivery = sample(language, *kind, change);
                templates.single(&delivery).unwrap();
                let message = templates.message(&[&delivery]).unwrap();
                let Message {
                    subject,
                    body,
                    short,
                    ..
                } = message;
                for text in [&subject, &body, &short] {
                    assert!(text.contains(&delivery.alert.lock), "{text}");
                    assert_eq!(text.is_ascii(), language == Language::En, "{text}");
                    assert!(!text.contains("{{") && !text.contains("{%"), "{text}");
                }
                assert!(!subject.contains('\n') && !short.contains('\n'));
                let limit = if language == Language::En { 160 } else { 70 };
                assert!(short.chars().count() <= limit, "{short}");
                let was_cut = short.ends_with("...") || short.ends_with('\u{2026}');
                assert!(!was_cut, "a shipped text must fit: {short}");
                subjects.insert((subject, *kind));
            }
        }
        assert!(subjects.len() > 2 * AlertKind::ALL.len());
    }
}

/// Scenario: three alerts of two locks and two kinds, in each language; then more than a digest lists.
/// Guarantee: one message tells the counts and each line, is as severe as the worst, and says what it left out.
#[test]
fn a_digest_sums_up() {
    let templates = Templates::shipped().unwrap();
    for language in Language::ALL {
        let mut jammed = sample(language, AlertKind::Jammed, Change::Raised);
        jammed.id = "a".to_owned();
        jammed.alert.lock = "other".to_owned();
        let offline = sample(language, AlertKind::Offline, Change::Raised);
        let message = templates.message(&[&offline, &jammed, &offline]).unwrap();
        let worst = templates.word(language, Severity::Critical).unwrap();
        assert!(message.subject.contains(&worst) && message.subject.contains('3'));
        assert_eq!(message.body.matches("other").count(), 1);
        assert_eq!(message.body.matches(&offline.alert.lock).count(), 2);
        assert_eq!(message.alerts.len(), 3);
        assert_eq!(message.id.len(), 32);

        let many = vec![&offline; 73];
        let message = templates.message(&many).unwrap();
        assert!(message.body.contains("23"), "{}", message.body);
        assert_eq!(
            message.body.matches(&offline.alert.lock).count(),
            DIGEST_LINES
        );
    }
}

/// Scenario: every text that comes from outside tries to add headers, lines, escapes and templates.
/// Guarantee: the subject and SMS stay one line, the mail gets no line of its own, and nothing is evaluated.
#[test]
fn values_can_not_break_out() {
    let evil = "x\r\nBcc: all@example.com\u{1b}[2J\u{202e}\u{0}\u{85}{{ 7 * 191 }}<b>";
    for language in Language::ALL {
        for kind in AlertKind::ALL {
            let mut delivery = sample(language, *kind, Change::Raised);
            evil.clone_into(&mut delivery.alert.lock);
            evil.clone_into(&mut delivery.alert.message);
            evil.clone_into(&mut delivery.name);
            for key in ["battery", "by", "verdict", evil] {
                delivery.alert.details.insert(key.to_owned(), json!(evil));
            }
            let message = message(&delivery);
            for text in [&message.subject, &message.short] {
                assert!(!text.contains(char::is_control), "{text:?}");
            }
            let harmful = |character: char| {
                (character.is_control() && character != '\n') || character == '\u{202e}'
            };
            assert!(!message.body.contains(harmful), "{:?}", message.body);
            assert!(message.body.lines().all(|line| !line.starts_with("Bcc")));
            assert!(!message.body.contains("1337"));
        }
    }
}

/// Scenario: an operator's folder replaces two texts of one language.
/// Guarantee: those are used, all others stay.
#[test]
fn own_texts_replace_single_entries() {
    let folder = tempfile::tempdir().unwrap();
    let own = "[alert.jammed]\nraised = \"Stuck: {{ lock }}\"\n[words]\ncritical = \"!!\"\n";
    std::fs::write(folder.path().join("en.toml"), own).unwrap();
    let templates = Templates::with_own(folder.path()).unwrap();
    let jammed = sample(Language::En, AlertKind::Jammed, Change::Raised);
    let subject = templates.message(&[&jammed]).unwrap().subject;
    assert_eq!(
        subject,
        "[!!] Stuck: 10083618796833171: lock 10083618796833171"
    );
    let offline = sample(Language::En, AlertKind::Offline, Change::Raised);
    assert_eq!(
        templates.message(&[&offline]),
        Templates::shipped().unwrap().message(&[&offline])
    );
}

/// Scenario: own texts with a wrong entry, a broken template, one that fails or never ends; no folder.
/// Guarantee: each is refused when it is read, with the place.
#[test]
fn bad_own_texts_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fault = |text: &str| {
        std::fs::write(folder.path().join("ja.toml"), text).unwrap();
        Templates::with_own(folder.path()).unwrap_err().to_string()
    };
    assert!(fault("[alert.jamed]\nraised = \"a\"\n").contains("jamed"));
    assert!(fault("[frame]\nfooter = \"a\"\n").contains("footer"));
    let broken = fault("[alert.jammed]\nraised = \"{{ lock\"\n");
    assert!(broken.contains("ja/alert.jammed.raised"), "{broken}");
    let failing = fault("[frame]\nsms = \"{{ lock.a.b }}\"\n");
    assert!(failing.contains("ja/frame.sms"), "{failing}");
    let endless = "[frame]\nmail = \"{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}\"\n";
    assert!(fault(endless).contains("ja/frame.mail"));
    let nowhere = folder.path().join("nowhere");
    assert!(
        Templates::with_own(&nowhere)
            .unwrap_err()
            .to_string()
            .contains("nowhere")
    );
}

/// Scenario: an own text that works on the sample but not on what an alert holds.
/// Guarantee: people still get a message with the alert's own words.
#[test]
fn a_text_that_fails_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let own = "[frame]\nmail = \"{{ 90 // details.battery }}\"\n";
    std::fs::write(folder.path().join("en.toml"), own).unwrap();
    let templates = Templates::with_own(folder.path()).unwrap();
    let mut delivery = sample(Language::En, AlertKind::Jammed, Change::Raised);
    assert_eq!(templates.message(&[&delivery]).unwrap().body, "10\n");
    delivery
        .alert
        .details
        .insert("battery".to_owned(), json!("none"));
    let message = templates.message(&[&delivery]).unwrap();
    assert!(
        message
            .body
            .contains("jammed (critical), lock 10083618796833171: A sample.")
    );
}
