//! Any rules, any subscription.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{acl, session};

fn level() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]", 2 => Just("+".to_owned()), 1 => Just("$x".to_owned())]
}

fn filter() -> impl Strategy<Value = String> {
    (vec(level(), 0..4), any::<bool>()).prop_map(|(mut levels, rest)| {
        if rest || levels.is_empty() {
            levels.push("#".to_owned());
        }
        levels.join("/")
    })
}

fn rules() -> impl Strategy<Value = String> {
    let rule = (any::<bool>(), any::<bool>(), filter()).prop_map(|(allow, eq, filter)| {
        // A rule that allows one subscription by its text says nothing about its topics.
        let eq = if eq && (!allow || !filter.contains(['+', '#'])) {
            "eq "
        } else {
            ""
        };
        format!(
            "all {} subscribe {eq}{filter}\n",
            if allow { "allow" } else { "deny" }
        )
    });
    vec(rule, 1..6).prop_map(|rules| rules.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    /// Scenario: any rules, any filter that is subscribed to, and any topic that it matches.
    /// Guarantee: what the subscription is allowed to see, each topic alone would be allowed, too.
    #[test]
    fn no_subscription_shows_a_denied_topic(
        rules in rules(),
        filter in filter(),
        topics in vec(vec("[abc]|\\$x", 1..5), 1..20),
        shared in any::<bool>(),
    ) {
        let permissions = acl(&rules).permissions(session("c", None, None));
        let wanted = if shared { format!("$share/g/{filter}") } else { filter.clone() };
        if permissions.subscribe(&wanted).allowed {
            let filter: record::TopicFilter = filter.parse().unwrap();
            for topic in topics.iter().map(|levels| levels.join("/")) {
                let decision = permissions.subscribe(&topic);
                prop_assert!(!filter.matches(&topic) || decision.allowed, "{topic}: {decision:?}");
            }
        }
    }
}
