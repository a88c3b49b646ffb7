//! The one command that shows everything.

use serde_json::Value;

use crate::run_command::latchwork;

/// Scenario: `latchwork demo --for 3s --json` on a machine with nothing else.
/// Guarantee: it ends well; the last line of its output is the account, with all its keys: nothing
/// lost, repeated or out of order.
#[tokio::test]
async fn the_demo_proves_itself() {
    let outcome = latchwork(&["demo", "--for", "3s", "--json"]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let last = outcome.stdout.lines().last().unwrap_or_default();
    let account: Value =
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"));
    let figure = |name: &str| {
        account[name]
            .as_f64()
            .unwrap_or_else(|| panic!("no {name}: {last}"))
    };
    for name in ["lost", "duplicates", "out_of_order"] {
        assert!(figure(name) == 0.0, "{name}: {last}");
    }
    assert!(figure("dead_letters") >= 0.0);
    for name in ["published", "acked", "in_kafka", "p50_ms", "p99_ms"] {
        assert!(figure(name) > 0.0, "{name}: {last}");
    }
    assert_eq!(
        account.as_object().map(serde_json::Map::len),
        Some(9),
        "{last}"
    );
}
