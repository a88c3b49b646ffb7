//! The command as people run it: a process with an exit code and two streams of text.

use std::process::Stdio;

use crate::waiting::soon;

/// How it ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `latchwork` to its end, in surroundings where a panic or a backtrace would be seen.
pub(crate) async fn latchwork(arguments: &[&str]) -> Outcome {
    let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_latchwork-under-test"))
        .args(arguments)
        .env("RUST_BACKTRACE", "1")
        .env_remove("LATCHWORK_KAFKA")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let what = format!("`latchwork {}` to end", arguments.join(" "));
    let output = soon(&what, child.wait_with_output()).await.unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Outcome {
    /// It must have failed with one line that has all these words in it.
    pub(crate) fn is_one_clear_line(&self, words: &[&str]) {
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "not one line: {self:#?}");
        self.has_failed_saying(words);
    }

    /// It must have failed; its last words must have all these in them.
    pub(crate) fn has_failed_saying(&self, words: &[&str]) {
        assert!(
            self.code.is_some_and(|code| code != 0),
            "no failure: {self:#?}"
        );
        let line = self
            .stderr
            .lines()
            .rfind(|line| line.starts_with("error: "));
        let line = line.unwrap_or_else(|| panic!("no line with the error: {self:#?}"));
        for word in words {
            assert!(line.contains(word), "{word:?} is not in it: {self:#?}");
        }
        for noise in ["panicked", "backtrace", "Error {", "Err(", "Some("] {
            assert!(
                !self.stderr.contains(noise),
                "{noise:?} is in it: {self:#?}"
            );
        }
    }
}
