//! What the NATS user may do, as far as the server tells.

use std::time::Duration;

use async_nats::Client;
use serde::Deserialize;
use topology::{STREAMS, StreamSpec};

use super::finding::Finding;

/// Where the server tells who we are (nats-server 2.10 and newer).
const USER_INFO: &str = "$SYS.REQ.USER.INFO";

/// What the stages publish to, besides the streams' own subjects: JetStream's API, acknowledgements,
/// buckets, and the addresses at which replicas of a stage find each other.
const API: [&str; 4] = ["$JS.API.>", "$JS.ACK.>", "$KV.>", "latchwork.replica.*"];

/// Where every answer comes.
const ANSWERS: &str = "_INBOX.>";

#[derive(Deserialize)]
struct Answer {
    data: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default, rename = "user")]
    name: String,
    #[serde(default)]
    account: String,
    permissions: Option<Permissions>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    publish: Rules,
    subscribe: Rules,
}

/// Subjects; nothing allowed by name means that everything is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Rules {
    allow: Vec<String>,
    deny: Vec<String>,
}

/// Compares what the user may do with what the stages do.
pub(super) async fn examine(client: Client) -> Vec<Finding> {
    let what = "NATS permissions";
    let asked = client.request(USER_INFO, "".into());
    let answered = tokio::time::timeout(Duration::from_secs(2), asked).await;
    let answer = answered.ok().and_then(Result::ok);
    let answer: Option<Answer> =
        answer.and_then(|message| serde_json::from_slice(&message.payload).ok());
    let Some(Answer { data }) = answer else {
        let unseen =
            "the server does not tell who we are; a missing right shows as a failure below";
        return vec![Finding::skipped(what, unseen)];
    };
    vec![judge(what, &data)]
}

fn judge(what: &str, user: &User) -> Finding {
    let name = if user.name.is_empty() {
        "nobody in particular"
    } else {
        &user.name
    };
    let who = format!("{name} in account {}", user.account);
    let Some(permissions) = &user.permissions else {
        return Finding::ok(what, format!("{who} may use every subject"));
    };
    let refused = refused(permissions);
    if refused.is_empty() {
        return Finding::ok(what, format!("{who} may use what the stages need"));
    }
    Finding::failed(
        what,
        format!("{who} may not use {}", refused.join(", ")),
        format!(
            "allow publishing and subscribing to these subjects for {name} in nats-server's configuration"
        ),
    )
}

/// Of what the stages use, that which the user may not.
fn refused(permissions: &Permissions) -> Vec<String> {
    let streams = STREAMS.iter().map(StreamSpec::subjects);
    let published = streams.chain(API.map(str::to_owned));
    let mut refused: Vec<String> = published
        .filter(|subject| !permissions.publish.allows(subject))
        .collect();
    if !permissions.subscribe.allows(ANSWERS) {
        refused.push(ANSWERS.to_owned());
    }
    refused
}

impl Rules {
    fn allows(&self, subjects: &str) -> bool {
        let allowed = self.allow.is_empty() || self.allow.iter().any(|rule| covers(rule, subjects));
        allowed && !self.deny.iter().any(|rule| meet(rule, subjects))
    }
}

/// Whether a pattern matches everything that another one matches. A rule may name a queue behind its
/// subject.
fn covers(rule: &str, subjects: &str) -> bool {
    let mut wanted = subjects.split('.');
    for token in subject(rule).split('.') {
        match (token, wanted.next()) {
            (">", Some(_)) => return true,
            ("*", Some(other)) if other != ">" => {}
            (token, Some(other)) if token == other => {}
            _ => return false,
        }
    }
    wanted.next().is_none()
}

/// Whether some subject matches both patterns.
fn meet(rule: &str, subjects: &str) -> bool {
    let mut wanted = subjects.split('.');
    for token in subject(rule).split('.') {
        match (token, wanted.next()) {
            (">", Some(_)) | (_, Some(">")) => return true,
            ("*", Some(_)) | (_, Some("*")) => {}
            (token, Some(other)) if token == other => {}
            _ => return false,
        }
    }
    wanted.next().is_none()
}

fn subject(rule: &str) -> &str {
    rule.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: rules and subjects with and without wildcards.
    /// Guarantee: a rule covers what lies wholly inside it, and meets what it shares a subject with.
    #[test]
    fn patterns_are_compared() {
        for (rule, subjects, covered, met) in [
            (">", "up.*", true, true),
            ("up.>", "up.*", true, true),
            ("up.*", "up.*", true, true),
            ("up.0", "up.*", false, true),
            ("up", "up.*", false, false),
            ("up.*.x", "up.*", false, false),
            ("*.*", "$JS.API.>", false, false),
            ("*.*.x", "$JS.API.>", false, true),
            ("$JS.API.INFO", "$JS.API.>", false, true),
            ("$JS.>", "$JS.API.>", true, true),
            ("up.> edges", "up.*", true, true),
            ("rec.*", "up.*", false, false),
        ] {
            assert_eq!(covers(rule, subjects), covered, "{rule} covers {subjects}");
            assert_eq!(meet(rule, subjects), met, "{rule} meets {subjects}");
        }
    }

    /// Scenario: users as the server describes them: with no rules, with enough, with one forgotten,
    /// with one denied.
    /// Guarantee: only what is really refused is named.
    #[test]
    fn what_is_refused_is_named() {
        let judged = |permissions: &str| {
            let json = format!("{{\"user\":\"edge\",\"account\":\"$G\"{permissions}}}");
            judge("permissions", &serde_json::from_str(&json).unwrap())
        };
        assert!(judged("").detail.contains("every subject"));
        let all =
            r#","permissions":{"publish":{"allow":[">"]},"subscribe":{"allow":["_INBOX.>"]}}"#;
        assert_eq!(judged(all).fix, None);
        let some = r#","permissions":{"publish":{"allow":[">"],"deny":["dlq.>"]},"subscribe":{"allow":["up.*"]}}"#;
        let refused = judged(some);
        assert!(
            refused.detail.ends_with("may not use dlq.*, _INBOX.>"),
            "{refused:?}"
        );
        assert!(refused.fix.is_some());
    }
}
