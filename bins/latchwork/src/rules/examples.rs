//! The shipped examples: `docs/examples/rules`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: RulesArgs,
}

fn tested(file: &Path) -> (String, anyhow::Result<Ending>) {
    let words = ["rules", "test", "--config", file.to_str().unwrap()];
    let line = Line::try_parse_from(words).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let ending = run(&line.args, &mut out, &mut notes, false);
    (String::from_utf8(out).unwrap(), ending)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/rules")
}

/// Scenario: a reader copies an example.
/// Guarantee: the tests of every example pass, and no rule of one is without tests; nothing is in force
/// that is not in its files.
#[test]
fn every_example_passes_its_tests() {
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path().join("pipeline.toml");
        let (text, ending) = tested(&file);
        assert_eq!(ending.unwrap(), Ending::Yes, "{}:\n{text}", file.display());
        let sum = text.lines().last().unwrap();
        assert!(sum.ends_with(" passed, 0 failed"), "{text}");
        let pipeline = settings::Pipeline::load(Some(&file)).unwrap();
        assert!(pipeline.hooks().is_empty() && pipeline.contracts().iter().next().is_none());
        count += 1;
    }
    assert_eq!(count, 4);
}

/// Scenario: each record that the plugin's example expects has a wrong key.
/// Guarantee: the tests of the example fail: they compare what is rendered.
#[test]
fn an_example_can_fail() {
    let text = fs::read_to_string(folder().join("plugin/pipeline.toml")).unwrap();
    let wrong = text.replace("kafka.key = \"${topic}\"", "kafka.key = \"${clientid}\"");
    assert_ne!(text, wrong);
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("pipeline.toml");
    fs::write(&file, wrong).unwrap();
    let (text, ending) = tested(&file);
    assert_eq!(ending.unwrap(), Ending::No);
    assert!(
        text.contains("records expected") && text.contains(", 4 failed"),
        "{text}"
    );
}
