//! `latchwork rules` as people run it: exit codes, and what is written where.

use std::path::{Path, PathBuf};

use crate::run_command::latchwork;
use crate::waiting::soon;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn path(file: &Path) -> &str {
    file.to_str().unwrap()
}

/// Scenario: the vectors that lie in the repository, of which one is answered otherwise on purpose; the
/// others alone; a file that has none.
/// Guarantee: one line for each, one line with the sum at the end, and an exit code for each case.
#[tokio::test]
async fn vectors_are_summed_up() {
    let file = repository().join("shared/rules/vectors/emqx.jsonl");
    let all = latchwork(&["rules", "vectors", path(&file)]).await;
    assert_eq!(all.code, Some(1), "{all:#?}");
    assert!(
        all.stdout.ends_with("\npassed 429, failed 1, total 430\n"),
        "{all:#?}"
    );
    let begins = |word: &str| {
        all.stdout
            .lines()
            .filter(|line| line.starts_with(word))
            .count()
    };
    assert_eq!((begins("passed "), begins("failed ")), (430, 1));

    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.contains("template-488481a301"));
    std::fs::write(&good, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let passed = latchwork(&["rules", "vectors", "--failed-only", path(&good)]).await;
    assert_eq!(passed.code, Some(0), "{passed:#?}");
    assert_eq!(passed.stdout, "passed 429, failed 0, total 429\n");

    let manifest = repository().join("Cargo.toml");
    let none = latchwork(&["rules", "vectors", path(&manifest)]).await;
    assert_eq!(none.code, Some(2), "{none:#?}");
    none.is_one_clear_line(&["Cargo.toml, line 1", "this is no vector"]);
    assert_eq!(none.stdout, "");

    std::fs::write(&good, "\n").unwrap();
    let empty = latchwork(&["rules", "vectors", path(&good)]).await;
    assert_eq!((empty.code, &*empty.stdout), (Some(2), ""), "{empty:#?}");
    empty.is_one_clear_line(&["good.jsonl has no vectors"]);
}

/// Scenario: the tests of every shipped example, of a file with a fault, and of no file.
/// Guarantee: exit code 0 when all pass and when there is nothing, 2 with the place of the fault.
#[tokio::test]
async fn examples_are_tested() {
    let examples = repository().join("docs/examples/rules");
    for entry in std::fs::read_dir(&examples).unwrap() {
        let file = entry.unwrap().path().join("pipeline.toml");
        let tested = latchwork(&["rules", "test", "--config", path(&file)]).await;
        assert_eq!((tested.code, &*tested.stderr), (Some(0), ""), "{tested:#?}");
        assert!(
            tested.stdout.ends_with(" passed, 0 failed\n"),
            "{tested:#?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.toml");
    let text = std::fs::read_to_string(examples.join("guide/pipeline.toml")).unwrap();
    std::fs::write(&file, text.replace("FROM", "FRM")).unwrap();
    let fault = latchwork(&["rules", "test", "--config", path(&file)]).await;
    assert_eq!(fault.code, Some(2), "{fault:#?}");
    fault.is_one_clear_line(&["pipeline.toml, line 9", "line 2, column 1", "expected"]);
    std::fs::write(&file, text.replace("27.5, ", "27.6, ")).unwrap();
    let failed = latchwork(&["rules", "test", "--config", path(&file)]).await;
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    assert!(failed.stdout.contains("records expected:"), "{failed:#?}");
    for (wrong, told) in [
        (
            "records = [\n  { topc = ",
            "unknown key `topc`; did you mean `topic`?",
        ),
        (
            "records = [\n  { reply = ",
            "unknown key `reply`; known are topic, key, value",
        ),
    ] {
        std::fs::write(&file, text.replace("records = [\n  { topic = ", wrong)).unwrap();
        let unknown = latchwork(&["rules", "test", "--config", path(&file)]).await;
        assert_eq!(unknown.code, Some(2), "{unknown:#?}");
        unknown.is_one_clear_line(&["pipeline.toml, line ", told]);
    }
    let nothing = latchwork(&["rules", "test"]).await;
    assert_eq!(nothing.code, Some(0), "{nothing:#?}");
    assert!(
        nothing.stdout.starts_with("nothing to test"),
        "{nothing:#?}"
    );
}

/// Scenario: a statement that matches, one that does not, one that can't be read, one that fails.
/// Guarantee: the exit codes tell them apart, and faults come with a caret on standard error.
#[tokio::test]
async fn a_try_has_an_exit_code() {
    for (sql, code, words) in [
        ("SELECT * FROM \"a/#\"", 0, ""),
        ("SELECT * FROM \"b/#\"", 1, ""),
        ("SELECT * FROM \"a/#\" WHERE qos = 1", 1, ""),
        ("SELECT nope(1) FROM \"a/#\"", 2, "         ^^^^\n"),
        ("SELECT 1 + payload.x.y AS n FROM \"a/#\"", 2, "^\n"),
    ] {
        let tried = latchwork(&["rules", "try", "--sql", sql, "--topic", "a/b"]).await;
        assert_eq!(tried.code, Some(code), "{sql}: {tried:#?}");
        assert!(tried.stderr.ends_with(words), "{sql}: {tried:#?}");
        assert_eq!(
            tried.stderr.is_empty(),
            words.is_empty(),
            "{sql}: {tried:#?}"
        );
    }
    let wrong = latchwork(&["rules", "try", "--sql", "SELECT 1 FROM t"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:#?}");
    wrong.is_one_clear_line(&["--topic is missing"]);
}

/// Scenario: a list of 9,999 members; a longer one; one whose every member has the message looked at;
/// one whose every member makes a long record.
/// Guarantee: the first 20 are shown; each of the others fails on a bound that the page tells.
#[tokio::test]
async fn bounds_are_those_of_the_page() {
    let page = std::fs::read_to_string(repository().join("docs/rules.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tried = async |sql: &str, members: usize, value: &str| {
        let file = folder.path().join("payload");
        let list: Vec<String> = (0..members).map(|n| n.to_string()).collect();
        std::fs::write(&file, format!("[{}]", list.join(","))).unwrap();
        let payload = format!("@{}", path(&file));
        let action = format!("kafka = {{ topic = \"k\", value = \"{value}\" }}");
        let words = [
            "rules", "try", "--sql", sql, "--topic", "t", "--action", &action,
        ];
        latchwork(&[&words[..], &["--payload", &payload]].concat()).await
    };
    let plain = "FOREACH payload AS m DO m AS p FROM t";
    let all = tried(plain, 9999, "${p}").await;
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    assert!(all.stdout.lines().count() < 300, "{}", all.stdout);
    assert!(
        all.stdout
            .contains("\nand 9979 more results; --json has all\n")
    );
    let mebi = |stderr: &str| {
        let number = stderr.split(' ').find_map(|word| word.parse::<u64>().ok());
        number.unwrap() / 1024 / 1024
    };
    let long = tried(plain, 10_001, "${p}").await;
    assert!(
        long.stderr.contains("10000 are the most"),
        "{}",
        long.stderr
    );
    assert!(page.contains("a FOREACH 10,000 members"));
    let large = "x".repeat(5000);
    for (sql, value, told, bound) in [
        (
            "FOREACH payload AS m DO m AS p INCASE strlen(payload) > 0 FROM t",
            "${p}",
            " steps for this message",
            "a statement takes {} Mi\nsteps",
        ),
        (
            plain,
            &*large,
            " bytes of one message",
            "what a rule makes of one message has {} MiB",
        ),
    ] {
        let refused = tried(sql, 9000, value).await;
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        let line = refused.stderr.lines().find(|line| line.contains(told));
        let line = line.unwrap_or_else(|| panic!("{}", refused.stderr));
        let more_than = line.split("more than").nth(1).unwrap();
        let bound = bound.replace("{}", &mebi(more_than).to_string());
        assert!(page.contains(&bound), "{bound}");
    }
}

/// Scenario: a reader of the page about rules writes its files and gives its commands.
/// Guarantee: each prints what the page shows below it.
#[tokio::test]
async fn the_page_shows_what_is_printed() {
    let page = std::fs::read_to_string(repository().join("docs/rules.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_latchwork-under-test");
    std::os::unix::fs::symlink(program, folder.path().join("latchwork")).unwrap();
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    let mut count = 0;
    for pair in blocks.windows(2) {
        if let Some(file) = pair[0].strip_prefix("text file=") {
            let (name, text) = file.split_once('\n').unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let shown = (pair[0].strip_prefix("sh\n"), pair[1].strip_prefix("text\n"));
        let (Some(line), Some(shown)) = shown else {
            continue;
        };
        let mut shell = tokio::process::Command::new("sh");
        shell.args([
            "-c",
            &format!("./{} 2>&1", line.split("  #").next().unwrap().trim_end()),
        ]);
        shell.current_dir(folder.path()).kill_on_drop(true);
        let output = soon(line, shell.output()).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown, "{line}");
        count += 1;
    }
    assert_eq!(count, 4);
}
