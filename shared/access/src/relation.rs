//! How topic filters relate: which topics two of them have in common.
//!
//! Filters here are valid (MQTT 5.0 section 4.7.1). A wildcard in the first level never stands for
//! a level that begins with `$` (MQTT-4.7.2-1), neither in a topic nor in another filter.

/// Whether every topic that `narrow` matches is matched by `wide`, too. A topic is a filter without
/// wildcards, so this also tells whether a filter matches a topic.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    if wide.starts_with(['+', '#']) && narrow.starts_with('$') {
        return false;
    }
    // Every topic has one level at least, so these two are the same.
    if wide == "+/#" && narrow == "#" {
        return true;
    }
    let (mut wide, mut narrow) = (wide.split('/'), narrow.split('/'));
    loop {
        match (wide.next(), narrow.next()) {
            // `a/#` covers its parent `a`, too.
            (Some("#"), _) | (None, None) => return true,
            // `#` stands for any number of levels, none included.
            (_, Some("#")) => return false,
            (Some("+"), Some(_)) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// Whether some topic is matched by both.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let hidden = |wild: &str, named: &str| wild.starts_with(['+', '#']) && named.starts_with('$');
    if hidden(one, other) || hidden(other, one) {
        return false;
    }
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// The filter by which a subscription is judged: for `$share/group/filter` (MQTT 5.0 section
/// 4.8.2) the filter behind the group. `None` when there is none.
pub(crate) fn judged(filter: &str) -> Option<&str> {
    match filter.strip_prefix("$share/") {
        Some(shared) => {
            let (group, filter) = shared.split_once('/')?;
            (!group.is_empty() && !group.contains(['+', '#']) && !filter.is_empty())
                .then_some(filter)
        }
        None if filter == "$share" => None,
        None => Some(filter),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use record::TopicFilter;

    use super::*;

    /// Scenario: pairs of filters, each way round.
    /// Guarantee: one covers the other, and they overlap, just as their topics say.
    #[test]
    fn filters_relate_as_their_topics_do() {
        for (wide, narrow, cover, common) in [
            ("a/b", "a/b", true, true),
            ("a/b", "a/c", false, false),
            ("a/+", "a/b", true, true),
            ("a/b", "a/+", false, true),
            ("a/#", "a", true, true),
            ("a", "a/#", false, true),
            ("a/#", "a/+/c", true, true),
            ("a/+/c", "a/#", false, true),
            ("a/+", "a/#", false, true),
            ("a/+/#", "a/#", false, true),
            ("a/#", "a/+/#", true, true),
            ("+/b", "a/+", false, true),
            ("+/+", "a/b/c", false, false),
            ("+/#", "#", true, true),
            ("#", "+/#", true, true),
            ("#", "a/+/b", true, true),
            ("+", "", true, true),
            ("/+", "+/a", false, true),
            ("a//b", "a/+/b", false, true),
            ("#", "$SYS/#", false, false),
            ("+/x", "$SYS/x", false, false),
            ("$SYS/#", "#", false, false),
            ("$SYS/#", "$SYS/broker/+", true, true),
            ("$SYS/+", "$SYS/#", false, true),
        ] {
            assert_eq!(covers(wide, narrow), cover, "{wide} covers {narrow}");
            assert_eq!(overlap(wide, narrow), common, "{wide} overlaps {narrow}");
            assert_eq!(overlap(narrow, wide), common, "{narrow} overlaps {wide}");
        }
    }

    /// Scenario: shared subscriptions, whole and broken.
    /// Guarantee: the filter behind the group is judged; a broken one has none.
    #[test]
    fn shared_subscriptions_are_judged_by_their_filter() {
        for (filter, expected) in [
            ("a/#", Some("a/#")),
            ("$share/g/a/#", Some("a/#")),
            ("$share/g/$SYS/#", Some("$SYS/#")),
            ("$share/g/", None),
            ("$share/g", None),
            ("$share//a", None),
            ("$share/+/a", None),
            ("$share", None),
            ("$shared/a", Some("$shared/a")),
        ] {
            assert_eq!(judged(filter), expected, "{filter}");
        }
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = prop_oneof![3 => "[ab]", 1 => Just("+".to_owned()), 1 => Just("$x".to_owned())];
        (proptest::collection::vec(level, 1..4), any::<bool>())
            .prop_map(|(levels, rest)| levels.join("/") + if rest { "/#" } else { "" })
    }

    fn topic() -> impl Strategy<Value = String> {
        let level = prop_oneof!["[abc]", Just("$x".to_owned())];
        proptest::collection::vec(level, 1..6).prop_map(|levels| levels.join("/"))
    }

    proptest! {
        /// Scenario: two filters and a topic.
        /// Guarantee: a topic of the narrow filter is one of the wide one, a topic of both shows
        /// that they overlap, and matching is that of MQTT.
        #[test]
        fn no_topic_contradicts(one in filter(), other in filter(), topic in topic()) {
            let matches = |filter: &str| filter.parse::<TopicFilter>().unwrap().matches(&topic);
            prop_assert_eq!(covers(&one, &topic), matches(&one));
            prop_assert!(!covers(&one, &other) || !matches(&other) || matches(&one));
            prop_assert!(!matches(&one) || !matches(&other) || overlap(&one, &other));
            prop_assert!(!covers(&one, &other) || overlap(&one, &other));
        }
    }
}
