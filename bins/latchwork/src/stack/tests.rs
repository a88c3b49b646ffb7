use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// Notes each SIGHUP in a file, and that it listens to it in another.
const STAGE: &str = "#!/bin/sh
cd \"$(dirname \"$0\")\" || exit 1
trap 'echo SIGHUP >> heard' HUP
trap 'exit 0' TERM
: > listens
while :; do sleep 0.02; done
";

/// Waits until a file holds this text.
async fn holds(file: &Path, text: &str) {
    let look = async {
        while fs::read_to_string(file).ok().as_deref() != Some(text) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), look).await;
    seen.unwrap_or_else(|_| panic!("{} does not hold {text:?}", file.display()));
}

/// Scenario: a stack is told of SIGHUP twice while its stage runs.
/// Guarantee: the stage hears of each, and is the same process throughout.
#[tokio::test]
async fn a_hangup_reaches_the_stages() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("stage"), STAGE).unwrap();
    fs::set_permissions(file("stage"), fs::Permissions::from_mode(0o755)).unwrap();
    let options = StackOptions {
        program: file("stage"),
        nats: Some("nats://127.0.0.1:1".to_owned()),
        stages: vec!["transform".to_owned()],
        logs: Some(folder.path().to_owned()),
        ..StackOptions::new(file("data"), "off".to_owned(), "127.0.0.1:1".to_owned()).unwrap()
    };
    let stack = Stack::start(&options).await.unwrap();
    holds(&file("listens"), "").await;
    let pid = stack.roster().pid("transform");
    assert!(pid.is_some());
    stack.hang_up();
    holds(&file("heard"), "SIGHUP\n").await;
    stack.hang_up();
    holds(&file("heard"), "SIGHUP\nSIGHUP\n").await;
    assert_eq!(stack.roster().pid("transform"), pid);
    stack.stop().await;
}
