//! `latchwork rules test`: the test cases of the rules.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use ::rules::{Case, Difference, Rule};
use serde_json::json;
use settings::Pipeline;

use super::{Ending, RulesError, answer};
use crate::text::visible;

/// Runs the test cases of the rules.
///
/// A rule with `enabled = false` is not tested: nothing but its syntax is checked. One with
/// `shadow = true` is.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
  latchwork rules test --config pipeline.toml
  latchwork rules test --config pipeline.toml --rule temperature --json")]
pub(super) struct TestArgs {
    /// The pipeline file; rules/*.toml beside it are read as well. Without one there is nothing to
    /// test: the built-in pipeline has no rules.
    #[arg(long, env = "LATCHWORK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this rule; may be given several times.
    #[arg(long = "rule", value_name = "NAME")]
    rules: Vec<String>,
    /// As a JSON object with `passed`, `failed`, `without_tests` and `cases`, each with `rule`,
    /// `case`, `passed` and `differences`.
    #[arg(long)]
    json: bool,
}

/// How one case did.
struct Ran<'r> {
    rule: &'r Rule,
    case: &'r Case,
    differences: Vec<Difference>,
}

/// Runs the command.
pub(super) fn run(args: &TestArgs, out: &mut impl Write, colours: bool) -> anyhow::Result<Ending> {
    let pipeline = Pipeline::load(args.config.as_deref())?;
    let rules = named(&pipeline, &args.rules)?;
    let cases = rules.iter().flat_map(|rule| {
        rule.cases.iter().map(|case| Ran {
            rule,
            case,
            differences: case.check(rule),
        })
    });
    let cases: Vec<Ran<'_>> = cases.collect();
    let untested = rules.iter().filter(|rule| rule.cases.is_empty());
    let untested: Vec<&str> = untested.map(|rule| &*rule.name).collect();
    let failed = cases.iter().filter(|ran| !ran.differences.is_empty());
    let failed = failed.count();
    if args.json {
        let report = json!({
            "passed": cases.len() - failed,
            "failed": failed,
            "without_tests": untested,
            "cases": cases.iter().map(Ran::json).collect::<Vec<_>>(),
        });
        writeln!(out, "{report}")?;
    } else if rules.is_empty() {
        writeln!(out, "{}", nothing(args))?;
    } else {
        table(&cases, &untested, colours, out)?;
        writeln!(out, "{}", sum(cases.len() - failed, failed, untested.len()))?;
    }
    Ok(answer(failed == 0))
}

fn nothing(args: &TestArgs) -> &'static str {
    match args.config {
        Some(_) => "nothing to test: the pipeline has no rules that are enabled",
        None => {
            "nothing to test: the built-in pipeline has no rules; name a file with --config FILE"
        }
    }
}

/// The rules of these names, or all.
fn named(pipeline: &Pipeline, names: &[String]) -> Result<Vec<Arc<Rule>>, RulesError> {
    if names.is_empty() {
        return Ok(pipeline.rules().to_vec());
    }
    let find = |name: &String| find(pipeline, name);
    names.iter().map(find).collect()
}

/// The rule of a name.
pub(super) fn find(pipeline: &Pipeline, name: &str) -> Result<Arc<Rule>, RulesError> {
    let rules = pipeline.rules();
    let found = rules.iter().find(|rule| rule.name == name).cloned();
    found.ok_or_else(|| {
        let names: Vec<&str> = rules.iter().map(|rule| &*rule.name).collect();
        let known = match &names[..] {
            [] => "no rule is enabled in the pipeline; check --config".to_owned(),
            names => format!("the rules that are enabled are {}", names.join(", ")),
        };
        let name = name.to_owned();
        RulesError::NoRule { name, known }
    })
}

fn table(
    cases: &[Ran<'_>],
    untested: &[&str],
    colours: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let width = |text: &str| text.chars().count();
    let names = cases.iter().map(|ran| width(&ran.rule.name));
    let names = names.chain(untested.iter().map(|name| width(name)));
    let names = names.max().unwrap_or(0).max("rule".len());
    let titles = cases
        .iter()
        .map(|ran| width(&visible(ran.case.name.as_bytes())));
    let titles = titles.max().unwrap_or(0).max("no tests".len());
    writeln!(out, "{:<names$}  {:<titles$}  result", "rule", "case")?;
    for ran in cases {
        let title = visible(ran.case.name.as_bytes());
        let verdict = verdict(ran.differences.is_empty(), colours);
        writeln!(
            out,
            "{:<names$}  {title:<titles$}  {verdict}",
            ran.rule.name
        )?;
        for Difference {
            what,
            expected,
            got,
        } in &ran.differences
        {
            writeln!(out, "  {what} expected: {}", visible(expected.as_bytes()))?;
            writeln!(
                out,
                "  {:what$} got:      {}",
                "",
                visible(got.as_bytes()),
                what = what.len()
            )?;
        }
    }
    for name in untested {
        writeln!(out, "{name:<names$}  {:<titles$}  -", "no tests")?;
    }
    writeln!(out)
}

fn verdict(passed: bool, colours: bool) -> &'static str {
    match (passed, colours) {
        (true, false) => "ok",
        (true, true) => "\x1b[32mok\x1b[0m",
        (false, false) => "FAILED",
        (false, true) => "\x1b[1;31mFAILED\x1b[0m",
    }
}

fn sum(passed: usize, failed: usize, untested: usize) -> String {
    let untested = match untested {
        0 => String::new(),
        1 => ", 1 rule has no tests".to_owned(),
        more => format!(", {more} rules have no tests"),
    };
    format!("{passed} passed, {failed} failed{untested}")
}

impl Ran<'_> {
    fn json(&self) -> serde_json::Value {
        let differences = self
            .differences
            .iter()
            .map(|one| json!({ "what": one.what, "expected": one.expected, "got": one.got }));
        json!({
            "rule": self.rule.name,
            "case": self.case.name,
            "passed": self.differences.is_empty(),
            "differences": differences.collect::<Vec<_>>(),
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
        args: TestArgs,
    }

    const RULES: &str = r##"
[[rule]]
name = "temperature"
sql = '''SELECT payload.t AS t FROM "t/#"'''
[[rule.action]]
kafka = { topic = "k", value = "${t}" }
[[rule.test]]
name = "warm"
input = { topic = "t/1", payload = { t = 21 } }
records = [ { topic = "k", value = "21" } ]
[[rule.test]]
name = "cold"
input = { topic = "t/1", payload = { t = 1 } }
expect = { t = 2 }
[[rule]]
name = "bare"
sql = 'SELECT * FROM "#"'
[[rule.action]]
drop = {}
"##;

    fn tested(text: &str, options: &[&str]) -> (String, anyhow::Result<Ending>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.toml");
        std::fs::write(&file, text).unwrap();
        let words = [&["test", "--config", file.to_str().unwrap()], options].concat();
        let line = Line::try_parse_from(words).unwrap();
        let mut out = Vec::new();
        let ending = run(&line.args, &mut out, false);
        (String::from_utf8(out).unwrap(), ending)
    }

    /// Scenario: a rule with a case that passes and one that fails, and a rule without cases.
    /// Guarantee: each case has its row, the failed one what was expected and what came; the sum
    /// counts all, and the answer is no.
    #[test]
    fn cases_have_rows() {
        let (text, ending) = tested(RULES, &[]);
        let expected = "rule         case      result
temperature  warm      ok
temperature  cold      FAILED
  result expected: {\"t\":2}
         got:      {\"t\":1}
bare         no tests  -

1 passed, 1 failed, 1 rule has no tests
";
        assert_eq!(text, expected);
        assert_eq!(ending.unwrap(), Ending::No);
        let (text, ending) = tested(RULES, &["--rule", "bare"]);
        assert!(
            text.ends_with("\n0 passed, 0 failed, 1 rule has no tests\n"),
            "{text}"
        );
        assert_eq!(ending.unwrap(), Ending::Yes);
        let (text, _) = tested(RULES, &["--json"]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["cases"][1]["differences"][0]["got"], "{\"t\":1}");
        assert_eq!(json["without_tests"], json!(["bare"]));
    }

    /// Scenario: a name that no rule has, a statement and a case that are wrong, a file without rules.
    /// Guarantee: the first three have no answer but the reason; the last says that there is nothing.
    #[test]
    fn what_can_not_be_tested() {
        let error = |text: &str, options: &[&str]| tested(text, options).1.unwrap_err().to_string();
        let unknown = error(RULES, &["--rule", "cold"]);
        assert!(unknown.contains("temperature, bare"), "{unknown}");
        let wrong = error(&RULES.replace("SELECT *", "SELEC *"), &[]);
        assert!(
            wrong.contains("line 17, column 7") && wrong.contains("expected SELECT"),
            "{wrong}"
        );
        let part = error(
            &RULES.replace("{ topic = \"k\", value = \"21\" }", "{ topc = \"k\" }"),
            &[],
        );
        assert!(
            part.contains("line 10, column")
                && part.contains("unknown key `topc`; did you mean `topic`?"),
            "{part}"
        );
        let (text, ending) = tested("", &[]);
        assert!(text.starts_with("nothing to test"), "{text}");
        assert_eq!(ending.unwrap(), Ending::Yes);
    }
}
