//! Which lanes a replica should have: arithmetic, no I/O.

use std::collections::BTreeSet;

/// How many of `lanes` a replica should have: as many as any other, or one more.
///
/// The first ones in order of their names get one more, so that all replicas come to the same
/// answer without a word.
pub(super) fn quota(lanes: usize, replicas: &BTreeSet<&str>, me: &str) -> usize {
    let before_me = replicas.iter().filter(|other| **other < me).count();
    // A replica that does not see itself yet counts all the same.
    let count = replicas.len() + usize::from(!replicas.contains(me));
    lanes / count + usize::from(before_me < lanes % count)
}

/// What a replica should do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Lanes to take.
    pub(super) take: Vec<String>,
    /// Lanes to drain and give back.
    pub(super) give_back: Vec<String>,
}

/// From what it has and what is free, both in order.
pub(super) fn plan<'a>(
    quota: usize,
    owned: impl DoubleEndedIterator<Item = &'a str> + ExactSizeIterator,
    free: impl Iterator<Item = &'a str>,
) -> Plan {
    let have = owned.len();
    let texts = |lanes: Vec<&str>| lanes.into_iter().map(str::to_owned).collect();
    Plan {
        take: texts(free.take(quota.saturating_sub(have)).collect()),
        give_back: texts(owned.rev().take(have.saturating_sub(quota)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: any number of replicas shares any number of lanes.
    /// Guarantee: the quotas add up to the lanes, and differ by one at most.
    #[test]
    fn quotas_are_even_and_complete() {
        let names: Vec<String> = (0..20).map(|number| format!("r{number:02}")).collect();
        for lanes in 0..40 {
            for count in 1..=names.len() {
                let replicas: BTreeSet<&str> =
                    names.iter().take(count).map(String::as_str).collect();
                let quotas: Vec<usize> = replicas
                    .iter()
                    .map(|me| quota(lanes, &replicas, me))
                    .collect();
                assert_eq!(quotas.iter().sum::<usize>(), lanes);
                let (least, most) = (quotas.iter().min(), quotas.iter().max());
                assert!(most.unwrap_or(&0) - least.unwrap_or(&0) <= 1, "{quotas:?}");
            }
        }
        assert_eq!(quota(8, &BTreeSet::new(), "alone"), 8);
    }

    /// Scenario: a replica has too few lanes, enough, and too many.
    /// Guarantee: it takes free ones, nothing changes, it gives the last ones back.
    #[test]
    fn a_plan_brings_a_replica_to_its_quota() {
        let free = || ["3", "4", "5"].into_iter();
        let short = plan(3, ["1"].into_iter(), free());
        assert_eq!(
            (short.take.join(" "), short.give_back.len()),
            ("3 4".to_owned(), 0)
        );
        assert_eq!(plan(2, ["0", "1"].into_iter(), free()), Plan::default());
        let over = plan(1, ["0", "1", "2"].into_iter(), free());
        assert_eq!(
            (over.take.len(), over.give_back.join(" ")),
            (0, "2 1".to_owned())
        );
    }
}
