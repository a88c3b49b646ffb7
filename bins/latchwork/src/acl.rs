//! `latchwork acl`: an ACL file tried before a client meets it.

use std::cell::Cell;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use access::{Acl, Action, By, Decision, Identity};
use anyhow::Context as _;
use record::TopicFilter;
use serde_json::json;

use crate::text::visible;

/// Tries an ACL file.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
An ACL file has one rule a line; the first one that decides, decides, and what none allows is denied:
  # who         may    what       topic filter
  user alice    allow  all        factory/#
  all           allow  publish    devices/%c/state
  all           allow  subscribe  devices/%c/command
May lock-7 see the commands of every lock?
  latchwork acl test --file acl --client lock-7 --action subscribe --topic 'devices/+/command'")]
pub(crate) struct AclArgs {
    #[command(subcommand)]
    action: AclAction,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum AclAction {
    /// Says whether a client may publish or subscribe, and which line decides. Exit code 0: it may,
    /// 1: it may not, 2: the file or the question is wrong.
    Test(TestArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct TestArgs {
    /// The ACL file.
    #[arg(long, env = "LATCHWORK_ACL_FILE", value_name = "FILE")]
    file: PathBuf,
    /// The client's user name, as proven at its login; none when it is left out.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The client id.
    #[arg(long, value_name = "ID")]
    client: String,
    /// The client's address, for rules by address.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// The topic; to subscribe, a topic filter.
    #[arg(long)]
    topic: String,
    /// What the client wants.
    #[arg(long, default_value = "publish")]
    action: Wanted,
    /// As a JSON object with `allowed`, `line`, `rule` and the question.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Wanted {
    /// To publish to the topic.
    Publish,
    /// To subscribe to the topic filter.
    Subscribe,
}

impl Wanted {
    fn action(self) -> Action {
        match self {
            Self::Publish => Action::Publish,
            Self::Subscribe => Action::Subscribe,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }
}

/// Runs the command: exit code 0 for yes, 1 for no, 2 when there is no answer.
pub(crate) fn main(args: &AclArgs) -> ExitCode {
    let answer = Cell::new(None);
    // It tells an error; its own code for it is that of a no here.
    stage::main(|| async {
        let mut out = std::io::stdout();
        answer.set(Some(run(args, &mut out)?));
        Ok(out.flush()?)
    });
    match answer.get() {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::from(1),
        None => ExitCode::from(2),
    }
}

/// Runs the command; whether the client may. An error means that there is no answer.
pub(crate) fn run(args: &AclArgs, out: &mut impl Write) -> anyhow::Result<bool> {
    let AclAction::Test(args) = &args.action;
    let acl = Arc::new(Acl::from_file(&args.file)?);
    check_topic(args.action, &args.topic)?;
    let mut permissions = acl.permissions(Identity {
        client_id: args.client.clone(),
        username: args.user.clone(),
        ip: args.ip,
    });
    let decision = match args.action.action() {
        Action::Publish => permissions.publish(&args.topic),
        Action::Subscribe => permissions.subscribe(&args.topic),
    };
    let line = match decision.by {
        By::Line(line) => Some(line),
        _ => None,
    };
    let rule = line.and_then(|line| acl.line(line));
    if args.json {
        let answer = json!({
            "allowed": decision.allowed,
            "line": line,
            "rule": rule,
            "action": args.action.name(),
            "topic": args.topic,
            "client": args.client,
            "user": args.user,
        });
        writeln!(out, "{answer}")?;
    } else {
        writeln!(out, "{}", in_words(args, decision, line.zip(rule)))?;
    }
    Ok(decision.allowed)
}

fn in_words(args: &TestArgs, decision: Decision, rule: Option<(u32, &str)>) -> String {
    let answer = if decision.allowed { "allow" } else { "deny" };
    match rule {
        Some((line, rule)) => {
            let file = args.file.display();
            format!(
                "{answer}: {file}, line {line}: {}",
                visible(rule.as_bytes())
            )
        }
        None => format!("{answer}: no rule decides about it, so it is denied"),
    }
}

/// A question that no client can ask has no answer.
fn check_topic(wanted: Wanted, topic: &str) -> anyhow::Result<()> {
    let filter: TopicFilter = topic.parse().context("--topic")?;
    let wild = filter.as_str().contains(['+', '#']);
    anyhow::ensure!(
        !wild || matches!(wanted, Wanted::Subscribe),
        "--topic: a topic to publish to has no wildcards; add --action subscribe for a topic filter"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: AclArgs,
    }

    fn ask(file: &std::path::Path, words: &[&str]) -> (String, anyhow::Result<bool>) {
        let begin = ["acl", "test", "--file", file.to_str().unwrap()];
        let line = Line::try_parse_from(begin.iter().chain(words)).unwrap();
        let mut out = Vec::new();
        let answer = run(&line.args, &mut out);
        (String::from_utf8(out).unwrap(), answer)
    }

    /// Scenario: questions that a rule allows, that one denies, that none decides, and wrong ones.
    /// Guarantee: the answer names the deciding line; a wrong question or file has no answer.
    #[test]
    fn questions_are_answered_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("acl");
        let rules = "# rules\nuser bob deny all devices/#\nall allow publish devices/%c/state\n";
        std::fs::write(&file, rules).unwrap();
        let topic = ["--client", "lock-7", "--topic", "devices/lock-7/state"];
        let (text, answer) = ask(&file, &topic);
        assert!(answer.unwrap() && text.starts_with("allow: "), "{text}");
        assert!(
            text.contains("line 3: all allow publish devices/%c/state"),
            "{text}"
        );

        let (text, answer) = ask(&file, &[&topic[..], &["--user", "bob", "--json"]].concat());
        let json: Value = serde_json::from_str(&text).unwrap();
        assert!(
            !answer.unwrap() && json["allowed"] == false && json["line"] == 2,
            "{json}"
        );

        let (text, answer) = ask(&file, &[&topic[..], &["--action", "subscribe"]].concat());
        assert!(!answer.unwrap() && text.contains("no rule"), "{text}");

        for topic in ["devices/#", "", "a/#/b"] {
            let (_, answer) = ask(&file, &["--client", "c", "--topic", topic]);
            assert!(
                answer.unwrap_err().to_string().contains("--topic"),
                "{topic}"
            );
        }
        std::fs::write(&file, "all may publish a\n").unwrap();
        let (_, answer) = ask(&file, &topic);
        assert!(answer.unwrap_err().to_string().contains("line 1"));
    }
}
