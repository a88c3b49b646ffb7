//! How many connections the limit of open files leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::debug;

/// Files besides connections: ports, NATS, logs, certificates that are read.
const OTHERS: u64 = 200;

/// More connections than this have not been tried.
const MOST: u32 = 1_000_000;

/// Connections that this process has files for. Raises its own limit as far as it may: a
/// connection is a file, and the usual 1,024 are meant for programs of another kind.
pub(super) fn connections() -> u32 {
    let limits = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    let current = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limits.maximum,
        Err(error) => {
            debug!(%error, "the limit of open files stays as it is");
            limits.current
        }
    };
    left(current)
}

/// `None` is no limit.
fn left(files: Option<u64>) -> u32 {
    let connections = files.map_or(u64::MAX, |files| files.saturating_sub(OTHERS).max(1));
    u32::try_from(connections).unwrap_or(MOST).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: processes with no, a small, a usual and a huge limit of open files.
    /// Guarantee: there is always room for the edge's other files, and for at least one connection.
    #[test]
    fn connections_leave_files_for_the_rest() {
        assert_eq!(left(None), MOST);
        assert_eq!(left(Some(100)), 1);
        assert_eq!(left(Some(1024)), 824);
        assert_eq!(left(Some(u64::MAX)), MOST);
    }
}
