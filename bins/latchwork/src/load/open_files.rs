//! The limit of open files: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::LoadError;

/// Files besides connections: Kafka, polling, standard streams.
const OTHERS: u64 = 100;

/// Raises this process's limit as far as so many connections need it, or says what to do.
pub(super) fn make_room(connections: usize) -> Result<(), LoadError> {
    let needed = connections as u64 + OTHERS;
    let limits = getrlimit(Resource::Nofile);
    if enough(limits.current, needed) {
        return Ok(());
    }
    let maximum = if enough(limits.maximum, needed) {
        limits.maximum
    } else {
        // Only root may do this.
        Some(needed)
    };
    let wanted = Rlimit {
        current: Some(needed),
        maximum,
    };
    setrlimit(Resource::Nofile, wanted).map_err(|_| LoadError::OpenFiles {
        needed,
        limit: limits.maximum.unwrap_or(u64::MAX),
    })
}

/// `None` is no limit.
fn enough(limit: Option<u64>, needed: u64) -> bool {
    limit.is_none_or(|limit| limit >= needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: connections that the limit has room for, and more than any system allows.
    /// Guarantee: the limit is there afterwards, or the error says how high it should be.
    #[test]
    fn the_limit_is_raised_or_told() {
        let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let connections = usize::try_from(most.min(1_500) - OTHERS).unwrap();
        make_room(connections).unwrap();
        let current = getrlimit(Resource::Nofile).current;
        assert!(enough(current, connections as u64 + OTHERS));
        let error = make_room(usize::MAX / 4).unwrap_err().to_string();
        assert!(error.contains("ulimit -n"), "{error}");
    }
}
