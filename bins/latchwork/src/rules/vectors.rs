//! `latchwork rules vectors`: a file of vectors, each passed or failed.

use std::io::Write;
use std::path::{Path, PathBuf};

use ::rules::{Vector, Verdict};
use serde_json::json;

use super::{Ending, RulesError, answer, input};
use crate::text::visible;

/// Runs a file of vectors.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A vector is a JSON object in one line:
  {\"id\":\"v1\",\"kind\":\"sql\",\"sql\":\"SELECT a+1 as b FROM t\",\"input\":{\"topic\":\"t\",\"a\":1},\"expect\":{\"b\":2}}
  {\"id\":\"v2\",\"kind\":\"template\",\"template\":\"${a}\",\"data\":{\"a\":1},\"mode\":\"plain\",\"expect\":\"1\"}
expect is a result, an array of results, null for none, \"error\" or \"parse_error\"; more fields than
those may come out unless \"exact\" is true.
  latchwork rules vectors vectors.jsonl --failed-only")]
pub(super) struct VectorsArgs {
    /// The file, one vector a line; `-` is standard input. Blank lines do not count.
    file: PathBuf,
    /// Leaves out what passed.
    #[arg(long)]
    failed_only: bool,
    /// As a JSON object with `passed`, `failed`, `total` and `vectors`, each with `id`, `passed`,
    /// `text`, `expected` and `got`.
    #[arg(long)]
    json: bool,
}

/// How one vector did.
struct Ran {
    vector: Vector,
    verdict: Verdict,
}

/// Runs the command. A line that is no vector is an error, before anything is run.
pub(super) fn run(args: &VectorsArgs, out: &mut impl Write) -> anyhow::Result<Ending> {
    let vectors = read(&args.file)?;
    let total = vectors.len();
    let mut failed = 0;
    let mut shown = Vec::new();
    for vector in vectors {
        let verdict = vector.run();
        failed += usize::from(!verdict.passed);
        if verdict.passed && args.failed_only {
            continue;
        }
        let ran = Ran { vector, verdict };
        if args.json {
            shown.push(ran.json());
        } else {
            ran.text(out)?;
        }
    }
    let passed = total - failed;
    if args.json {
        let report = json!({
            "passed": passed, "failed": failed, "total": total, "vectors": shown,
        });
        writeln!(out, "{report}")?;
    } else {
        writeln!(out, "passed {passed}, failed {failed}, total {total}")?;
    }
    Ok(answer(failed == 0))
}

fn read(file: &Path) -> Result<Vec<Vector>, RulesError> {
    let name = file.display().to_string();
    let text = input::as_text(&name, input::read(file)?)?;
    let lines = text.lines().enumerate();
    let vectors: Vec<Vector> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            Vector::from_json(line).map_err(|error| no_vector(&name, index + 1, &error))
        })
        .collect::<Result<_, _>>()?;
    // What compared nothing must not look like what passed.
    if vectors.is_empty() {
        return Err(RulesError::NoVectors(name));
    }
    Ok(vectors)
}

/// The place that the error names is in the line.
fn no_vector(file: &str, line: usize, error: &serde_json::Error) -> RulesError {
    let text = error.to_string();
    let (problem, place) = match text.rsplit_once(" at line ") {
        Some((problem, _)) => {
            let column = error.column();
            (problem, format!("{file}, line {line}, column {column}"))
        }
        None => (&*text, format!("{file}, line {line}")),
    };
    RulesError::Vector {
        place,
        problem: problem.to_owned(),
    }
}

impl Ran {
    fn text(&self, out: &mut impl Write) -> std::io::Result<()> {
        let shown = |text: &str| visible(text.as_bytes());
        let (id, verdict) = (shown(&self.vector.id), &self.verdict);
        if verdict.passed {
            return writeln!(out, "passed {id}");
        }
        let (expected, got) = (shown(&verdict.expected), shown(&verdict.got));
        writeln!(out, "failed {id}: expected {expected}, got {got}")?;
        writeln!(out, "  of {}", shown(self.vector.text()))
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "id": self.vector.id,
            "passed": self.verdict.passed,
            "text": self.vector.text(),
            "expected": self.verdict.expected,
            "got": self.verdict.got,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: VectorsArgs,
    }

    fn vectors(text: &str, options: &[&str]) -> (String, anyhow::Result<Ending>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v.jsonl");
        std::fs::write(&file, text).unwrap();
        let words = [&["vectors", file.to_str().unwrap()], options].concat();
        let line = Line::try_parse_from(words).unwrap();
        let mut out = Vec::new();
        let ending = run(&line.args, &mut out);
        (String::from_utf8(out).unwrap(), ending)
    }

    const GOOD: &str = r#"{"id":"a","kind":"sql","sql":"SELECT n FROM t","input":{"topic":"t","n":1},"expect":{"n":1}}"#;
    const BAD: &str = r#"{"id":"b","kind":"template","template":"${n}","data":{"n":1},"mode":"plain","expect":"2"}"#;

    /// Scenario: a file with a vector that passes and one that fails, with blank lines and a byte
    /// order mark.
    /// Guarantee: one line for each, what was expected and what came, and the sum at the end.
    #[test]
    fn each_is_told() {
        let both = format!("\u{feff}{GOOD}\n\n  \n{BAD}\r\n");
        let (text, ending) = vectors(&both, &[]);
        assert_eq!(
            text,
            "passed a\nfailed b: expected \"2\", got \"1\"\n  of ${n}\npassed 1, failed 1, total 2\n"
        );
        assert_eq!(ending.unwrap(), Ending::No);
        let (text, _) = vectors(&both, &["--failed-only"]);
        assert!(text.starts_with("failed b") && text.contains("\npassed 1, failed 1"));
        let (text, ending) = vectors(GOOD, &["--failed-only"]);
        assert_eq!(text, "passed 1, failed 0, total 1\n");
        assert_eq!(ending.unwrap(), Ending::Yes);
        let (text, _) = vectors(&both, &["--json"]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["vectors"][1]["got"], "\"1\"");
        assert_eq!((&json["passed"], &json["failed"]), (&json!(1), &json!(1)));
    }

    /// Scenario: a file that is empty, and one of blank lines.
    /// Guarantee: there is no answer, and why is told.
    #[test]
    fn a_file_without_vectors_is_refused() {
        for text in ["", "\n  \n"] {
            let (text, ending) = vectors(text, &["--json"]);
            let error = ending.unwrap_err().to_string();
            assert!(error.contains("v.jsonl has no vectors"), "{error}");
            assert_eq!(text, "");
        }
    }

    /// Scenario: lines that are no JSON, and none of a vector.
    /// Guarantee: each is refused with its line, and nothing is run.
    #[test]
    fn what_is_no_vector_is_refused() {
        for (line, expected) in [
            ("{", "line 3, column 1: this is no vector: EOF"),
            ("{}", "line 3, column 2: this is no vector: missing field"),
            (r#"{"id":"x","kind":"other"}"#, "unknown variant"),
        ] {
            let (text, ending) = vectors(&format!("{GOOD}\n\n{line}\n"), &[]);
            let error = ending.unwrap_err().to_string();
            assert!(error.contains(expected) && text.is_empty(), "{error}");
        }
    }
}
