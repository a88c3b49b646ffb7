//! Many logins, right and wrong.

use std::sync::Arc;
use std::time::Duration;

use super::*;

/// Scenario: an attacker tries passwords, one after the other and many at once.
/// Guarantee: banned after ten failures, with few hashes computed beyond them, while a lock that
/// logged in before comes in as ever.
#[tokio::test]
async fn guessing_ends_in_a_ban() {
    let folder = Folder::new();
    let settings = AccessSettings {
        password_file: Some(folder.passwords()),
        ..AccessSettings::default()
    };
    let access = Arc::new(Access::open(settings).unwrap());
    let lock = connect("lock-7", Some("alice"), Some(PASSWORD));
    access.admit(&lock).await.unwrap();
    let guess = |access: Arc<Access>, number: u32| async move {
        let client = format!("guess-{number}");
        let who = connect(&client, Some("bob"), Some(b"guess"));
        access.admit(&who).await.unwrap_err()
    };
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        tasks.spawn(guess(Arc::clone(&access), number));
    }
    let refusals = tasks.join_all().await;
    let hashed = refusals
        .iter()
        .filter(|refusal| refusal.delay() > Duration::ZERO);
    // Those that were being computed when the tenth failed may end.
    assert!((10..=12).contains(&hashed.count()), "{refusals:?}");
    assert!(matches!(
        guess(Arc::clone(&access), 200).await,
        Refusal::Banned(_)
    ));
    access.admit(&lock).await.unwrap();
}

/// Scenario: more logins at once than may wait.
/// Guarantee: the excess is refused as busy, which counts for no ban; the others are let in.
#[tokio::test]
async fn a_full_queue_is_busy() {
    let folder = Folder::new();
    let lines: Vec<String> = (0..50)
        .map(|number| format!("user-{number}:{HASH}\n"))
        .collect();
    let settings = AccessSettings {
        password_file: Some(folder.write("passwords", &lines.concat())),
        hashing: HashLimits {
            at_once: 1,
            waiting: 4,
        },
        ..AccessSettings::default()
    };
    let access = Arc::new(Access::open(settings).unwrap());
    let login = |access: Arc<Access>, number: u32| async move {
        let user = format!("user-{number}");
        let admitted = access
            .admit(&connect("c", Some(&user), Some(PASSWORD)))
            .await;
        admitted.map(drop)
    };
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        tasks.spawn(login(Arc::clone(&access), number));
    }
    let came = tasks.join_all().await;
    let busy = came
        .iter()
        .filter(|came| **came == Err(Refusal::Busy))
        .count();
    let in_time = came.iter().filter(|came| came.is_ok()).count();
    assert!(busy > 0 && in_time >= 5 && busy + in_time == 50, "{came:?}");
    for number in 0..50 {
        login(Arc::clone(&access), number).await.unwrap();
    }
}
