//! Tables of conversations, each with the statements that it holds the edge to.

use std::any::Any;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bed::Bed;
use super::conversation::Conversation;
use crate::raw_mqtt::LEVELS;

/// Conversations at a time: more than a machine has cores, since they mostly wait.
const AT_A_TIME: usize = 24;

/// A conversation, and the statements that say how it must go.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Statements or sections of 3.1.1; empty when it is not of this version.
    pub(super) v311: &'static str,
    /// The same of 5.0.
    pub(super) v5: &'static str,
    pub(super) what: &'static str,
    /// In the notation of `conversation.rs`.
    pub(super) script: &'static str,
}

/// Statements of 3.1.1, of 5.0, what it is, the conversation.
macro_rules! rows {
    ($($v311:literal $v5:literal $what:literal $script:literal;)+) => {
        &[$($crate::conformance::rows::Row { v311: $v311, v5: $v5, what: $what, script: $script }),+]
    };
}
pub(super) use rows;

/// Holds every conversation in each version that has it, and says how many there were. `table` is
/// a name that no other table has. All of them are held even when one fails.
pub(super) async fn check(bed: &Arc<Bed>, table: &str, rows: &[Row]) {
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut tasks = JoinSet::new();
    for (number, row) in rows.iter().enumerate() {
        for (level, statements) in LEVELS.into_iter().zip([row.v311, row.v5]) {
            if statements.is_empty() {
                continue;
            }
            let prefix = format!("{table}{number}v{}", level as u8);
            let conversation = Conversation::new(bed.mqtt(), level, prefix);
            let what = format!("{level:?} [{statements}] {}", row.what);
            let (turns, script) = (Arc::clone(&turns), row.script);
            tasks.spawn(async move {
                let _turn = turns.acquire_owned().await;
                conversation.hold(&what, script).await;
            });
        }
    }
    let count = tasks.len();
    let mut failures = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        failures.extend(ended.err().map(|error| message(&*error.into_panic())));
    }
    bed.assert_unhurt();
    let report = failures.join("\n\n");
    assert!(
        failures.is_empty(),
        "{} of {count} failed:\n\n{report}\n",
        failures.len()
    );
    eprintln!("{table}: {count} conversations");
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
