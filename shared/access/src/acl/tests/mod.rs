//! The rules of an ACL file at work.

mod generated;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::*;

fn acl(text: &str) -> Arc<Acl> {
    Arc::new(Acl::parse(Path::new("acl"), text.as_bytes()).unwrap())
}

fn session(client_id: &str, username: Option<&str>, ip: Option<&str>) -> Identity {
    Identity {
        client_id: client_id.to_owned(),
        username: username.map(str::to_owned),
        ip: ip.map(|ip| ip.parse::<IpAddr>().unwrap()),
    }
}

fn line(allowed: bool, line: u32) -> Decision {
    let by = By::Line(line);
    Decision { allowed, by }
}

const NO_RULE: Decision = Decision {
    allowed: false,
    by: By::NoRule,
};

const EXAMPLE: &str = "\
# who            may   what       topic filter
user alice       allow all        factory/#
client sensor-1  deny  subscribe  secret/#
all              allow publish    devices/%c/state

all              allow subscribe  devices/%c/command
ip 10.0.0.0/8    allow all        #
all              deny  all        #
";

/// Scenario: the example of the documentation, asked by several clients.
/// Guarantee: the first rule that decides, decides, and is named by its line.
#[test]
fn the_first_rule_decides() {
    let acl = acl(EXAMPLE);
    let may = |who: &Identity, action, topic: &str| {
        let mut permissions = acl.permissions(who.clone());
        match action {
            Action::Publish => permissions.publish(topic),
            Action::Subscribe => permissions.subscribe(topic),
        }
    };
    let alice = session("phone", Some("alice"), Some("192.0.2.1"));
    let sensor = session("sensor-1", None, Some("::ffff:10.1.2.3"));
    let other = session("lock-7", Some("bob"), Some("192.0.2.9"));
    for (who, action, topic, expected) in [
        (&alice, Action::Publish, "factory/a", line(true, 2)),
        (&alice, Action::Subscribe, "factory/#", line(true, 2)),
        (
            &alice,
            Action::Subscribe,
            "$share/g/factory/+",
            line(true, 2),
        ),
        (&alice, Action::Subscribe, "#", line(false, 8)),
        (&other, Action::Publish, "factory/a", line(false, 8)),
        (
            &other,
            Action::Publish,
            "devices/lock-7/state",
            line(true, 4),
        ),
        (
            &other,
            Action::Publish,
            "devices/lock-8/state",
            line(false, 8),
        ),
        (
            &other,
            Action::Publish,
            "devices/lock-7/command",
            line(false, 8),
        ),
        (
            &other,
            Action::Subscribe,
            "devices/lock-7/command",
            line(true, 6),
        ),
        (
            &other,
            Action::Subscribe,
            "devices/+/command",
            line(false, 8),
        ),
        (
            &other,
            Action::Subscribe,
            "$share/g/devices/+/command",
            line(false, 8),
        ),
        (&sensor, Action::Subscribe, "secret/x", line(false, 3)),
        (&sensor, Action::Subscribe, "#", line(false, 3)),
        (&sensor, Action::Subscribe, "+/x", line(false, 3)),
        (&sensor, Action::Subscribe, "public/#", line(true, 7)),
        (&sensor, Action::Publish, "secret/x", line(true, 7)),
        (&sensor, Action::Subscribe, "$SYS/#", NO_RULE),
        (&sensor, Action::Subscribe, "$share/g/$SYS/#", NO_RULE),
        (&sensor, Action::Publish, "$SYS/x", NO_RULE),
        (&sensor, Action::Publish, "public/#", NO_RULE),
        (&sensor, Action::Subscribe, "$share/g", NO_RULE),
    ] {
        let decision = may(who, action, topic);
        assert_eq!(decision, expected, "{who:?} {action:?} {topic}");
    }
    assert_eq!(
        acl.line(4),
        Some("all              allow publish    devices/%c/state")
    );
    assert_eq!((acl.line(0), acl.line(9)), (None, None));
}

/// Scenario: `$SYS` is named by a rule, and by one for all that comes before.
/// Guarantee: only the rule that names it opens it.
#[test]
fn dollar_topics_must_be_named() {
    let named = acl("all deny all #\nall allow subscribe $SYS/broker/#");
    let permissions = named.permissions(session("c", None, None));
    assert_eq!(permissions.subscribe("$SYS/broker/uptime"), line(true, 2));
    assert_eq!(permissions.subscribe("$SYS/#"), NO_RULE);
    assert_eq!(permissions.subscribe("+/broker/#"), line(false, 1));
}

/// Scenario: names with `/`, `+`, `#`, `$`, `%u`, and none, in rules that allow.
/// Guarantee: none of them opens a topic but its own.
#[test]
fn names_inject_nothing() {
    let acl = acl("all allow all devices/%c/#\nall allow all %u/#\nall allow all id-%c/of/%u");
    for (client, user, filter, expected) in [
        ("lock-7", None, "devices/lock-7/state", line(true, 1)),
        ("+", None, "devices/+/state", NO_RULE),
        ("+", None, "devices/lock-7/state", NO_RULE),
        ("#", None, "devices/#", NO_RULE),
        ("a/b", None, "devices/a/b/c", NO_RULE),
        ("", None, "devices//c", NO_RULE),
        ("c", Some("bob"), "bob/x", line(true, 2)),
        ("c", Some("$SYS"), "$SYS/x", NO_RULE),
        ("c", Some("+"), "bob/x", NO_RULE),
        ("c", Some(""), "/x", NO_RULE),
        ("c", None, "/x", NO_RULE),
        ("%u", Some("bob"), "id-%u/of/bob", line(true, 3)),
        ("%u", Some("bob"), "id-bob/of/bob", NO_RULE),
        ("c", Some("bob"), "id-c/of/bob", line(true, 3)),
    ] {
        let permissions = acl.permissions(session(client, user, None));
        assert_eq!(
            permissions.subscribe(filter),
            expected,
            "{client:?} {user:?} {filter}"
        );
    }
}

/// Scenario: the same kind of names in a rule that denies, above one that allows everything.
/// Guarantee: no name is a way around the rule.
#[test]
fn names_evade_nothing() {
    let acl = acl("all deny all secret/%c/#\nall allow all #");
    for (client, topic, expected) in [
        ("a", "secret/a/x", line(false, 1)),
        ("a/b", "secret/a/b/x", line(false, 1)),
        ("+", "secret/a/x", line(false, 1)),
        ("a", "secret/b/x", line(true, 2)),
    ] {
        let mut permissions = acl.permissions(session(client, None, None));
        assert_eq!(permissions.publish(topic), expected, "{client} {topic}");
    }
}

/// Scenario: `eq` rules, with and without wildcards.
/// Guarantee: with wildcards they decide about that very subscription and nothing else; without,
/// they are rules like others.
#[test]
fn eq_compares_text() {
    let text =
        "all deny subscribe eq #\nall deny all eq a/b\nall allow all eq x/+\nall allow all a/#";
    let mut permissions = acl(text).permissions(session("c", None, None));
    for (filter, expected) in [
        ("#", line(false, 1)),
        ("$share/g/#", line(false, 1)),
        ("a/#", line(false, 2)),
        ("a/c", line(true, 4)),
        ("x/+", line(true, 3)),
        ("x/y", NO_RULE),
    ] {
        assert_eq!(permissions.subscribe(filter), expected, "{filter}");
    }
    assert_eq!(permissions.publish("a/b"), line(false, 2));
    assert_eq!(permissions.publish("a/c"), line(true, 4));
    assert_eq!(permissions.publish("x/y"), NO_RULE);
}

/// Scenario: lines with each fault.
/// Guarantee: the error names file, line and what is wrong.
#[test]
fn faults_are_told_by_line() {
    for (text, told) in [
        ("alice allow all a", "names nobody"),
        ("user alice may all a", "neither `allow` nor `deny`"),
        ("user alice allow read a", "none of `publish`"),
        ("user alice allow all", "a word is missing"),
        ("all allow", "a word is missing"),
        ("all allow all a b", "\"b\" follows"),
        ("all allow all eq a b", "\"b\" follows"),
        ("ip 10.0.0.0/33 allow all a", "is no address"),
        ("user \"alice allow all a", "double quote"),
        ("all allow all a/#/b", "`#` must be"),
        ("all allow all a%c+", "`+` must be"),
        ("all allow all $share/g/a", "shared subscription"),
        ("all allow all d/${clientid}", "%c for the client id"),
    ] {
        let file = Path::new("dir/rules");
        let error = Acl::parse(file, format!("# rules\n\n{text}\n").as_bytes()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("dir/rules, line 3: "), "{error}");
        assert!(error.contains(told), "{text}: {error}");
    }
    let error = Acl::parse(Path::new("rules"), b"\xff").unwrap_err();
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

/// Scenario: names and filters with spaces, in quotes; single addresses; `eq` as a topic.
/// Guarantee: they are read as they are meant.
#[test]
fn words_may_have_spaces() {
    let text = "user \"alice \\\"a\\\" smith\" allow all \"a b/#\"\nip 192.0.2.7 allow all eq\n\
                ip fd00::/8 allow all eq \"x y/+\"";
    let acl = acl(text);
    let alice = acl.permissions(session("c", Some("alice \"a\" smith"), None));
    assert_eq!(alice.subscribe("a b/c"), line(true, 1));
    let v4 = acl.permissions(session("c", None, Some("192.0.2.7")));
    assert_eq!(v4.subscribe("eq"), line(true, 2));
    let v6 = acl.permissions(session("c", None, Some("fd12::1")));
    assert_eq!(v6.subscribe("x y/+"), line(true, 3));
    assert_eq!(v6.subscribe("eq"), NO_RULE);
}

/// Scenario: there is no ACL file; then there is one without rules.
/// Guarantee: everything is allowed but to speak for the broker; then nothing is.
#[test]
fn without_rules() {
    let mut all = Arc::new(Acl::allow_all()).permissions(session("c", None, None));
    for topic in ["a", "$odd/topic"] {
        assert!(all.publish(topic).allowed && all.subscribe(topic).allowed);
    }
    assert!(all.subscribe("#").allowed && all.subscribe("$SYS/#").allowed);
    assert!(!all.publish("$SYS/broker/version").allowed);
    let mut none = acl("# nothing\n").permissions(session("c", None, None));
    assert_eq!((none.publish("a"), none.subscribe("a")), (NO_RULE, NO_RULE));
}

/// Scenario: a session publishes to more topics than it remembers, long ones among them, each twice.
/// Guarantee: every answer is the same as the first time.
#[test]
fn remembered_answers_are_right() {
    let mut permissions = acl("all allow publish +/even\n").permissions(session("c", None, None));
    let long = "x".repeat(5_000);
    for _ in 0..2 {
        for number in 0..50 {
            assert!(permissions.publish(&format!("{number}/even")).allowed);
            assert!(!permissions.publish(&format!("{number}/odd")).allowed);
        }
        assert!(permissions.publish(&format!("{long}/even")).allowed);
        permissions.forget();
    }
}
