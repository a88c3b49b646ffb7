//! The product's own command lines.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use clap::CommandFactory;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;

use super::bed::DocsBed;
use super::lines::{Command, Line, lines, mentions};
use super::pages::repository;
use crate::clients::{connect, publish};
use crate::dead_letters::await_dead_letters;
use crate::payloads::{broken_state, state_topic};
use crate::testbed::send_signal;
use crate::waiting::soon;

/// Lines that are parsed here and run elsewhere, by how they begin, and where.
const RUN_ELSEWHERE: &[(&[&str], &str)] = &[
    (&["demo"], "tests/it/demo.rs"),
    (&["up"], "tests/it/up.rs"),
    // It needs a terminal.
    (&["status", "--watch"], "bins/latchwork/src/status/tests.rs"),
    // It measures for as long as it says.
    (&["load"], "bins/latchwork/src/load/tests.rs"),
];

/// Lines of cargo, and the file that runs them: a test that runs cargo would wait for itself.
const CARGO: &[(&str, &str, &str)] = &[
    (
        "cargo test --workspace",
        ".ci/run",
        "cargo test --workspace",
    ),
    // The images' build, under another profile.
    (
        "cargo build --release",
        "compose/Dockerfile",
        "cargo build --locked --profile dist",
    ),
    // They are built with all targets.
    (
        "cargo bench --workspace",
        ".ci/run",
        "cargo clippy --workspace --all-targets",
    ),
];

/// What never ends by itself, and what it says once it works.
const ENDLESS: (&str, &str) = ("stage", "connected to NATS");

/// Scenario: an option or a subcommand was renamed, and a page still names the old one.
/// Guarantee: every line of the pages is of a kind that is known here, and the product's own are
/// right; what is run elsewhere is run there, and no exception is kept without need.
#[test]
fn every_line_is_known() {
    let lines = lines();
    for line in &lines {
        if let Some(arguments) = line.latchwork() {
            let words = std::iter::once("latchwork").chain(arguments.iter().map(String::as_str));
            let parsed = in_the_environment(latchwork::Cli::command()).try_get_matches_from(words);
            if let Err(error) = parsed {
                panic!("{}\n{error}", line.shown());
            }
        }
        match &line.command {
            Command::Cargo(text) => {
                let known = CARGO.iter().any(|(known, ..)| known == text);
                assert!(known, "{}: who runs this?", line.shown());
            }
            Command::Other => panic!("{}: no test knows what this is", line.shown()),
            Command::Latchwork(_)
            | Command::Compose(..)
            | Command::Export
            | Command::Openssl(_)
            | Command::File(..) => {}
        }
    }
    for (beginning, place) in RUN_ELSEWHERE {
        let used = lines
            .iter()
            .filter_map(Line::latchwork)
            .any(|line| begins(line, beginning));
        assert!(
            used && repository().join(place).exists(),
            "{beginning:?} in {place}"
        );
    }
    for (text, place, runs) in CARGO {
        let file = std::fs::read_to_string(repository().join(place)).unwrap();
        assert!(
            file.contains(runs),
            "{place} does not run {text:?} any more"
        );
    }
}

/// Scenario: a subcommand or an option was renamed, and a page mentions the old one in its text.
/// Guarantee: every `latchwork ...` in the text names subcommands and options that there are.
#[test]
fn every_mention_is_right() {
    let cli = latchwork::Cli::command();
    let mentions = mentions();
    for (page, words) in &mentions {
        if let Err(wrong) = names_what_there_is(&cli, words) {
            panic!(
                "{}: latchwork {}: no {wrong}",
                page.display(),
                words.join(" ")
            );
        }
    }
    assert!(mentions.len() > 20, "only {} were found", mentions.len());
}

/// The word that there is not.
fn names_what_there_is<'w>(cli: &clap::Command, words: &'w [String]) -> Result<(), &'w str> {
    // Options of a command may stand behind its subcommands, too.
    let mut path = vec![cli];
    for word in words {
        let command = path[path.len() - 1];
        if let Some(option) = word.strip_prefix("--") {
            let mut options = path.iter().flat_map(|command| command.get_arguments());
            if !options.any(|known| known.get_long() == Some(option)) {
                return Err(word);
            }
        } else if let Some(below) = command.find_subcommand(word) {
            path.push(below);
        } else if command.has_subcommands() && word.chars().all(|c| c.is_ascii_lowercase()) {
            return Err(word);
        }
    }
    Ok(())
}

/// What a variable can give is not missing.
fn in_the_environment(command: clap::Command) -> clap::Command {
    let given = |option: clap::Arg| match option.get_env() {
        Some(_) => option.required(false),
        None => option,
    };
    command.mut_args(given).mut_subcommands(in_the_environment)
}

fn begins(arguments: &[String], beginning: &[&str]) -> bool {
    arguments.len() >= beginning.len() && arguments.iter().zip(beginning).all(|(is, of)| is == of)
}

/// Scenario: a reader gives the pages' commands, one after the other, where every stage runs and
/// one dead letter is there.
/// Guarantee: each does what it should: its exit code is 0, or the one that the page shows.
#[tokio::test]
async fn every_line_runs() {
    let docs = DocsBed::start("").await;
    let (lock, _incoming) = connect(&docs.bed.client("1")).await;
    publish(&lock, state_topic("1"), broken_state("1", 1)).await;
    await_dead_letters(&docs.bed, "transform", 1).await;
    let mut done = BTreeSet::new();
    let mut folder = (Path::new("").to_owned(), tempfile::tempdir().unwrap());
    for line in lines() {
        // A page's files are its own.
        if folder.0 != line.page {
            folder = (line.page.clone(), tempfile::tempdir().unwrap());
        }
        let folder = folder.1.path();
        match &line.command {
            Command::File(name, text) => std::fs::write(folder.join(name), text).unwrap(),
            Command::Openssl(text) => openssl(&line, text, folder).await,
            _ => {}
        }
        let Some(arguments) = line.latchwork() else {
            continue;
        };
        let elsewhere = RUN_ELSEWHERE
            .iter()
            .any(|(beginning, _)| begins(arguments, beginning));
        if elsewhere || !done.insert(arguments.to_vec()) {
            continue;
        }
        run(&docs, &line, arguments, folder).await;
    }
    assert!(done.len() > 20, "only {} lines were found", done.len());
}

/// It makes the files of the lines behind it.
async fn openssl(line: &Line, text: &str, folder: &Path) {
    let mut shell = tokio::process::Command::new("sh");
    shell
        .args(["-c", text])
        .current_dir(folder)
        .kill_on_drop(true);
    let output = soon(&line.shown(), shell.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}", line.shown());
}

/// Runs a line as the reader does, but that addresses and secrets are those of this test.
async fn run(docs: &DocsBed, line: &Line, arguments: &[String], folder: &Path) {
    let (secrets, root) = (docs.secrets().display(), repository());
    let arguments = arguments.iter().map(|word| {
        let word = word.replace("/run/secrets", &secrets.to_string());
        match word.strip_prefix("compose/") {
            Some(file) => root.join("compose").join(file).display().to_string(),
            None => word,
        }
    });
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_latchwork-under-test"))
        .args(arguments.collect::<Vec<_>>())
        .current_dir(folder)
        .env("LATCHWORK_NATS", docs.bed.nats_url())
        .env("LATCHWORK_KAFKA", docs.bed.kafka().brokers())
        .env("LATCHWORK_MQTT", docs.bed.mqtt())
        .env("LATCHWORK_CONFIG", &docs.pipeline)
        .env(
            "LATCHWORK_COMMAND_KEYS_FILE",
            docs.secrets().join("command/keys"),
        )
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = String::new();
    if line
        .latchwork()
        .is_some_and(|arguments| arguments[0] == ENDLESS.0)
    {
        said = stopped_when_it_works(&mut child).await;
    }
    let output = soon(&line.shown(), child.wait_with_output()).await.unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(
        output.status.code(),
        Some(line.exit_code),
        "{}\n{}\n{stdout}\n{said}{stderr}",
        line.shown(),
        output.status
    );
}

/// Ctrl-C, once it has said that it works.
async fn stopped_when_it_works(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(ENDLESS.1) {
        let read = soon(ENDLESS.1, lines.read_line(&mut said)).await.unwrap();
        assert!(read > 0, "it ended: {said}");
    }
    send_signal(child.id().unwrap(), Signal::INT);
    soon("its last words", lines.read_to_string(&mut said))
        .await
        .unwrap();
    said
}
