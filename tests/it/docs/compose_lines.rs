//! The lines of docker compose.

use std::collections::BTreeSet;

use serde_json::Value;

use super::lines::{Command, Line, lines};
use super::pages::repository;
use crate::compose_stack::{compose_config, docker, tell};

/// Options before the subcommand that have a value.
const WITH_VALUE: &[&str] = &["--profile", "-f", "--file"];

/// A line, taken apart.
struct Call<'l> {
    /// Options before the subcommand, with their values.
    global: Vec<(&'l str, &'l str)>,
    subcommand: &'l str,
    rest: &'l [String],
}

impl<'l> Call<'l> {
    fn of(words: &'l [String]) -> Self {
        let (mut global, mut at) = (Vec::new(), 0);
        while WITH_VALUE.contains(&words[at].as_str()) {
            global.push((words[at].as_str(), words[at + 1].as_str()));
            at += 2;
        }
        Self {
            global,
            subcommand: &words[at],
            rest: &words[at + 1..],
        }
    }

    /// Services that it names.
    fn services(&self) -> Vec<&'l str> {
        let scaled = self.rest.iter().filter_map(|word| word.split_once('='));
        let run = self.rest.iter().find(|word| !word.starts_with('-'));
        let run = run.filter(|_| self.subcommand == "run");
        scaled
            .map(|(service, _)| service)
            .chain(run.map(String::as_str))
            .collect()
    }

    /// Its options, without those that the product's own command gets.
    fn options(&self) -> impl Iterator<Item = &'l str> {
        let words = self.rest.iter().map(String::as_str);
        words
            .take_while(|word| *word != "latchwork")
            .filter(|word| word.starts_with('-'))
    }
}

/// Scenario: a service, profile, variable or option was renamed, and a page still names the old one.
/// Guarantee: every docker line of the pages names what compose.yaml and docker know. Without docker
/// it is skipped, with the reason. That the stack comes up and scales is proven in `compose.rs`.
#[tokio::test]
async fn every_docker_line_names_what_there_is() {
    let config = match compose_config().await {
        Ok(config) => config,
        Err(why) => return tell(&format!("skipped: {why}")),
    };
    let file = |name| std::fs::read_to_string(repository().join("compose").join(name)).unwrap();
    let text = ["compose.yaml", "secured.yaml"].map(file).concat();
    for line in lines() {
        let Command::Compose(variables, words) = &line.command else {
            continue;
        };
        let call = Call::of(words);
        names_are_known(&line, &call, &config);
        for variable in variables {
            let name = variable.split('=').next().unwrap_or_default();
            assert!(
                text.contains(&format!("${{{name}")),
                "{}: no {name}",
                line.shown()
            );
        }
        let help = docker(&["compose", call.subcommand, "--help"]).await;
        let help = help.unwrap_or_else(|why| panic!("{}: {why}", line.shown()));
        for option in call.options() {
            let known = help.split([' ', ',', '\n']).any(|word| word == option);
            assert!(known, "{}: docker has no {option}", line.shown());
        }
    }
}

fn names_are_known(line: &Line, call: &Call<'_>, config: &Value) {
    let services = config["services"].as_object().unwrap();
    for service in call.services() {
        assert!(
            services.contains_key(service),
            "{}: no service {service}",
            line.shown()
        );
    }
    let profiles = services
        .values()
        .filter_map(|service| service["profiles"].as_array());
    let profiles: BTreeSet<&str> = profiles.flatten().filter_map(Value::as_str).collect();
    for (option, value) in &call.global {
        match *option {
            "--profile" => {
                let known = *value == "*" || profiles.contains(value);
                assert!(known, "{}: no profile {value}", line.shown());
            }
            _ => assert!(
                repository().join(value).exists(),
                "{}: no {value}",
                line.shown()
            ),
        }
    }
}
