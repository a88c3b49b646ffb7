//! May a process open as many files as there are connections?

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;

/// Files that a process needs besides one per connection: listeners, NATS, Kafka, logs.
const OTHERS: u64 = 200;

const WHAT: &str = "file limit";

/// Looks at the limits of this process: the edge's are those of whatever starts it.
pub(super) fn examine(connections: u64) -> Finding {
    let limits = getrlimit(Resource::Nofile);
    judge(limits.current, limits.maximum, connections)
}

/// `None` is no limit.
fn judge(soft: Option<u64>, hard: Option<u64>, connections: u64) -> Finding {
    let shown = |limit: Option<u64>| limit.map_or_else(|| "none".to_owned(), |l| l.to_string());
    let needed = connections.saturating_add(OTHERS);
    let detail = format!(
        "here {} (at most {}); {connections} connections need {needed}; mqtt-edge has the limit of \
         what starts it",
        shown(soft),
        shown(hard),
    );
    if soft.is_none_or(|soft| soft >= needed) {
        return Finding::ok(WHAT, detail);
    }
    let fix = format!(
        "start mqtt-edge with `ulimit -n {needed}`, LimitNOFILE={needed} (systemd) or ulimits: \
         nofile (compose)"
    );
    Finding::warning(WHAT, detail, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: 10,000 connections under the usual limit, under a raised one, and under none.
    /// Guarantee: only the first is a warning, and its fix names the number.
    #[test]
    fn connections_need_files() {
        let usual = judge(Some(1024), Some(524_288), 10_000);
        assert!(usual.fix.unwrap().contains("ulimit -n 10200"));
        assert_eq!(judge(Some(10_200), None, 10_000).fix, None);
        assert_eq!(judge(None, None, 10_000).fix, None);
    }
}
