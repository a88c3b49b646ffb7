//! What the edge follows of the pipeline's files: contracts, classes of topics, and which events are
//! stored.

use std::sync::Arc;

use bytes::Bytes;
use record::{Kind, TopicFilter};
use rules::rule_event;
use schema::Contracts;
use settings::{AuditSettings, Pipeline, WantedEvents};
use tokio::sync::watch;

use crate::topics::Topics;

/// One version of the pipeline, as far as the edge follows it.
///
/// Each connection keeps the one in force and looks for another once in a step of its own, so that
/// whatever one read has brought is judged by one version, and no message pays for the look.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) contracts: Contracts,
    pub(crate) topics: Topics,
    wanted: WantedEvents,
    /// The audit as it was at the start: it does not follow the files in any stage.
    audit: Option<Arc<AuditSettings>>,
    /// Events that some rule is about: one bit each.
    of_rules: u32,
}

impl InForce {
    /// The version at the start of the edge.
    pub(crate) fn first(pipeline: &Pipeline) -> Self {
        Self::new(pipeline, pipeline.audit().cloned().map(Arc::new))
    }

    fn new(pipeline: &Pipeline, audit: Option<Arc<AuditSettings>>) -> Self {
        let selectors = pipeline.rules().iter().map(|rule| rule.selector());
        let events = selectors.flat_map(|selector| selector.events);
        Self {
            contracts: pipeline.contracts().clone(),
            topics: Topics::new(topic_classes(pipeline)),
            wanted: pipeline.wanted_events(),
            audit,
            of_rules: events.fold(0, |bits, (event, _)| bits | 1 << event as u32),
        }
    }

    /// Whether a hook, a rule or the audit wants this event: others are not stored.
    pub(crate) fn wants(&self, kind: Kind, topic: &Bytes) -> bool {
        let topic = std::str::from_utf8(topic).unwrap_or_default();
        let audit = self.audit.as_ref();
        self.wanted.wants(kind, topic) || audit.is_some_and(|audit| audit.wants(kind, topic))
    }

    /// Whether a rule is about events of this kind. Their further fields, and events that only rules
    /// see, cost nothing where none is.
    pub(crate) fn rules_want(&self, kind: Kind) -> bool {
        rule_event(kind).is_some_and(|event| self.of_rules & (1 << event as u32) != 0)
    }
}

/// Commands are always traced; what else has a contract gets its own span name.
fn topic_classes(pipeline: &Pipeline) -> Vec<(TopicFilter, bool)> {
    let class = |contract: &schema::Contract| {
        (
            contract.filter().clone(),
            contract.schema().name() == "lock-command",
        )
    };
    pipeline.contracts().iter().map(class).collect()
}

/// Takes each version over, once for all connections.
pub(crate) fn follow(
    mut pipelines: watch::Receiver<Arc<Pipeline>>,
) -> watch::Receiver<Arc<InForce>> {
    let first = Arc::new(InForce::first(&pipelines.borrow_and_update()));
    let audit = first.audit.clone();
    let (sender, receiver) = watch::channel(first);
    tokio::spawn(async move {
        // An error means that nobody will change it any more.
        while pipelines.changed().await.is_ok() {
            let pipeline = Arc::clone(&pipelines.borrow_and_update());
            sender.send_replace(Arc::new(InForce::new(&pipeline, audit.clone())));
        }
    });
    receiver
}

/// The version that one connection goes by.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    versions: watch::Receiver<Arc<InForce>>,
    pub(crate) in_force: Arc<InForce>,
}

impl Following {
    pub(crate) fn new(mut versions: watch::Receiver<Arc<InForce>>) -> Self {
        let in_force = Arc::clone(&versions.borrow_and_update());
        Self { versions, in_force }
    }

    /// Goes by the newest version from now on. One look at an atomic number where it is the same.
    pub(crate) fn refresh(&mut self) {
        if self.versions.has_changed().unwrap_or(false) {
            self.in_force = Arc::clone(&self.versions.borrow_and_update());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn pipeline(text: &str) -> Arc<Pipeline> {
        Arc::new(Pipeline::read(Path::new("pipeline.toml"), text).unwrap())
    }

    fn rule_about(from: &str) -> String {
        format!(
            "[[rule]]\nname = \"r\"\nsql = '''SELECT * FROM \"{from}\"'''\n[[rule.action]]\nkafka = {{ topic = \"t\" }}\n"
        )
    }

    const STATE: &str = "rooms/1/state";

    /// Scenario: a rule about connections and a contract come with a new version of the files, and
    /// then the rule goes again.
    /// Guarantee: who follows sees nothing of it before it looks, and all of it when it has looked; a
    /// second look changes nothing.
    #[tokio::test]
    async fn a_new_version_holds_when_it_is_looked_for() {
        let (files, pipelines) = watch::channel(pipeline(""));
        let versions = follow(pipelines);
        let mut following = Following::new(versions.clone());
        let mut seen = versions.clone();
        let contract = "[[contract]]\nfilter = \"rooms/+/state\"\nschema = \"lock-state\"\n";
        let text = rule_about("$events/client/connected") + contract;
        files.send_replace(pipeline(&text));
        seen.changed().await.unwrap();
        let none = Bytes::new();
        assert!(!following.in_force.wants(Kind::Connected, &none));
        assert!(following.in_force.contracts.check(STATE, b"{").is_ok());
        following.refresh();
        following.refresh();
        assert!(following.in_force.wants(Kind::Connected, &none));
        assert!(following.in_force.rules_want(Kind::Connected));
        assert!(!following.in_force.rules_want(Kind::Disconnected));
        assert!(following.in_force.contracts.check(STATE, b"{").is_err());
        files.send_replace(pipeline(contract));
        seen.changed().await.unwrap();
        following.refresh();
        assert!(!following.in_force.wants(Kind::Connected, &none));
        drop(files);
        following.refresh();
        assert!(following.in_force.contracts.check(STATE, b"{").is_err());
    }

    /// Scenario: rules about one event, about all events, and about messages; none at all.
    /// Guarantee: exactly the events that they are about are wanted for rules.
    #[test]
    fn what_rules_are_about() {
        let wanted = |text: &str| {
            let in_force = InForce::first(&pipeline(text));
            [
                Kind::Publish,
                Kind::Connack,
                Kind::LoggedIn,
                Kind::LoginFailed,
                Kind::AccessChecked,
                Kind::Unrouted,
                Kind::Acked,
            ]
            .map(|kind| in_force.rules_want(kind))
        };
        assert_eq!(wanted(""), [false; 7]);
        let about = |from| wanted(&rule_about(from));
        let messages = [true, false, false, false, false, false, false];
        assert_eq!(about("#"), messages);
        let logins = [false, false, true, true, false, false, false];
        assert_eq!(about("$events/auth/check_authn_complete"), logins);
        let unrouted = [false, false, false, false, false, true, false];
        assert_eq!(about("$events/message_dropped"), unrouted);
        assert_eq!(
            about("$events/#"),
            [false, true, true, true, true, true, true]
        );
    }

    /// Scenario: the audit is taken out of the file while the edge runs, and a rule comes.
    /// Guarantee: its events are stored on until the restart, as the other stages still audit them.
    #[tokio::test]
    async fn the_audit_stays_as_it_was() {
        let (files, pipelines) = watch::channel(pipeline("[audit]\n"));
        let versions = follow(pipelines);
        let mut seen = versions.clone();
        files.send_replace(pipeline(&rule_about("#")));
        seen.changed().await.unwrap();
        let in_force = Following::new(versions).in_force;
        assert!(in_force.wants(Kind::LoginFailed, &Bytes::new()));
        assert!(!in_force.wants(Kind::Subscribed, &Bytes::from_static(b"a")));
    }
}
