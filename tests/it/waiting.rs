//! Waiting with a deadline, and one clear line when it passes.

use std::io::Write;
use std::time::Duration;

/// Far above what anything here takes: a test that meets it has found a fault.
pub(crate) const DEADLINE: Duration = Duration::from_secs(45);

/// The result of a future that must come soon.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_elapsed| panic!("waited {DEADLINE:?} in vain for {what}"))
}

/// Looks at a condition until it is true.
pub(crate) async fn until(what: &str, condition: impl AsyncFnMut() -> bool) {
    if let Err(late) = servers::wait_until(DEADLINE, what, condition).await {
        panic!("{late}");
    }
}

/// Says why a test asserts nothing on this machine: straight to standard error, past what the test
/// framework keeps to itself.
pub(crate) fn skipped(why: &str) {
    writeln!(std::io::stderr(), "skipped: {why}").ok();
}
