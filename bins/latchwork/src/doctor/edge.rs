//! Do the edge's files of users and rules hold, and is it as closed as it should be?

use std::path::PathBuf;

use access::{Access, AccessArgs, Algorithm};
use clap::Parser;
use mqtt_edge::listener::TlsArgs;

use super::finding::Finding;

const USERS: &str = "MQTT users";
const RULES: &str = "MQTT rules";

/// What of the edge's options names users, rules and secrets, as far as the environment says.
#[derive(Clone, Debug, Parser)]
pub(super) struct EdgeOptions {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    tls: TlsArgs,
}

impl EdgeOptions {
    /// Those of the environment, or the row that says what is wrong with it.
    pub(super) fn of_environment() -> Result<Self, Finding> {
        Self::try_parse_from(["mqtt-edge"]).map_err(|error| {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            let detail = line.trim_start_matches("error: ");
            Finding::failed(
                USERS,
                detail,
                "mend the edge's variables: it does not start",
            )
        })
    }

    /// The files that only the edge may read, with the settings that name them.
    pub(super) fn secrets(&self) -> Vec<(&'static str, PathBuf)> {
        let access = &self.access;
        // Other keys of tokens are public ones.
        let shared = access.jwt_algorithm == Some(Algorithm::Hs256);
        let token_key = access.jwt_key_file.as_ref().filter(|_| shared);
        [
            ("--password-file", access.password_file.as_ref()),
            ("--jwt-key-file", token_key),
            ("--tls-key", self.tls.tls_key.as_ref()),
        ]
        .into_iter()
        .filter_map(|(setting, file)| Some((setting, file?.clone())))
        .collect()
    }
}

/// Reads the files as the edge does: who is let in, and to what.
pub(super) fn examine(options: &EdgeOptions) -> Vec<Finding> {
    let args = &options.access;
    let settings = args.settings();
    let has_rules = settings.acl_file.is_some();
    let is_open = settings.allow_anonymous;
    let access = match Access::open(settings) {
        Ok(access) => access,
        Err(error) => {
            let fix = "mend the file; the edge goes on with what it read last, but does not start";
            return vec![Finding::failed_by(USERS, error, fix)];
        }
    };
    if !access.lets_anybody_in() && !has_rules {
        let detail = "the environment has no option of mqtt-edge, such as LATCHWORK_PASSWORD_FILE";
        let fix = "run it where the edge runs, with its environment";
        return vec![Finding::skipped(USERS, detail).with_fix(fix)];
    }
    vec![
        users(args, is_open, access.lets_anybody_in()),
        rules(args, has_rules),
    ]
}

fn users(args: &AccessArgs, is_open: bool, lets_anybody_in: bool) -> Finding {
    let ways = "--password-file, --jwt-key-file or --tls-identity";
    if !lets_anybody_in {
        return Finding::failed(USERS, "nobody can log in", format!("give {ways}"));
    }
    if is_open {
        let fix = format!("right where only this machine reaches the ports; elsewhere give {ways}");
        return Finding::warning(USERS, "anybody is let in (--allow-anonymous)", fix);
    }
    if args.login_failures == 0 {
        let fix = "take --login-failures 0 away";
        return Finding::warning(USERS, "passwords may be tried without an end", fix);
    }
    let ban = format!("{} failures in a minute ban", args.login_failures);
    Finding::ok(USERS, format!("credentials are asked for; {ban}"))
}

fn rules(args: &AccessArgs, has_rules: bool) -> Finding {
    match &args.acl_file {
        Some(file) if has_rules => Finding::ok(RULES, format!("those of {}", file.display())),
        _ => {
            let fix = "write rules that bind topics to the client id, e.g. `all allow publish \
                       devices/%c/state`, and name the file with --acl-file";
            Finding::warning(RULES, "who is let in may do everything", fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn edge(words: &[&str]) -> EdgeOptions {
        let words = std::iter::once(&"mqtt-edge").chain(words);
        EdgeOptions::try_parse_from(words).unwrap()
    }

    /// Scenario: an edge of which nothing is known; open to all; with passwords, with rules too, with
    /// bans switched off; with rules alone; with a damaged file.
    /// Guarantee: each has its verdict, and what is no fault of the edge is none here.
    #[test]
    fn openness_is_judged() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file.to_str().unwrap().to_owned()
        };
        let passwords = file("passwords", "# nobody yet\n");
        let rules = file("acl", "all allow publish devices/%c/state\n");
        let damaged = file("damaged", "all may publish a\n");
        let verdicts = |words: &[&str]| {
            let found = examine(&edge(words));
            found.iter().map(|row| row.verdict).collect::<Vec<_>>()
        };
        let with_passwords = ["--password-file", passwords.as_str()];
        let with_rules = ["--acl-file", rules.as_str()];
        assert_eq!(verdicts(&[]), [Verdict::Skipped]);
        let open = verdicts(&["--allow-anonymous"]);
        assert_eq!(open, [Verdict::Warning, Verdict::Warning]);
        let without_rules = verdicts(&with_passwords);
        assert_eq!(without_rules, [Verdict::Ok, Verdict::Warning]);
        let both = [with_passwords, with_rules].concat();
        assert_eq!(verdicts(&both), [Verdict::Ok, Verdict::Ok]);
        let unbanned = [&both[..], &["--login-failures", "0"]].concat();
        assert_eq!(verdicts(&unbanned), [Verdict::Warning, Verdict::Ok]);
        assert_eq!(verdicts(&with_rules), [Verdict::Failed, Verdict::Ok]);
        let found = examine(&edge(&["--acl-file", &damaged]));
        assert_eq!(found[0].verdict, Verdict::Failed);
        assert!(found[0].detail.contains("line 1"), "{found:?}");
    }

    /// Scenario: keys of tokens that are public, and a secret.
    /// Guarantee: only what must be kept is looked at as a secret.
    #[test]
    fn secrets_are_named() {
        let named = |words: &[&str]| {
            let secrets = edge(words).secrets().into_iter();
            secrets.map(|(setting, _)| setting).collect::<Vec<_>>()
        };
        let all = ["--password-file", "p", "--jwt-key-file", "k"];
        assert_eq!(named(&all), ["--password-file"]);
        let secret = [&all[..], &["--jwt-algorithm", "HS256"]].concat();
        assert_eq!(named(&secret), ["--password-file", "--jwt-key-file"]);
        let tls = ["--tls-cert", "c", "--tls-key", "k"];
        assert_eq!(named(&tls), ["--tls-key"]);
    }
}
