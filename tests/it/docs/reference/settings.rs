//! `settings.md`: every option of every binary, as clap knows it.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::builder::PossibleValue;
use clap::{Arg, Args, Command, CommandFactory};
use kafka::KafkaArgs;
use stage::{NatsArgs, StageArgs};
use telemetry::TelemetryArgs;

use super::markdown::{MADE, code, codes, one_line, table};

/// Options that several commands share: told once.
struct Group {
    title: &'static str,
    options: Command,
}

impl Group {
    fn of<A: Args>(title: &'static str) -> Self {
        let options = A::augment_args(Command::new(title));
        Self { title, options }
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.options
            .get_arguments()
            .map(|option| option.get_id().as_str())
            .collect()
    }

    /// Whether the command takes all of them.
    fn is_in(&self, command: &Command) -> bool {
        let has = |id: &str| command.get_arguments().any(|option| option.get_id() == id);
        self.ids().into_iter().all(has)
    }
}

/// A group comes before those that it is a part of.
fn groups() -> [Group; 4] {
    [
        Group::of::<NatsArgs>("NATS"),
        Group::of::<KafkaArgs>("Kafka"),
        Group::of::<TelemetryArgs>("Logs, traces, metrics, health"),
        Group::of::<StageArgs>("Every stage"),
    ]
}

pub(super) fn page() -> String {
    let cli = latchwork::Cli::command();
    let groups = groups();
    let mut page = format!(
        "# Settings\n\n{MADE}\n\n\
         Each option is also an environment variable where one is named; the option wins. What the \
         pipeline does is in the [pipeline file](pipeline.md). `--help` says the same.\n\n\
         ## Shared options\n"
    );
    for (number, group) in groups.iter().enumerate() {
        let own = options(&group.options, &groups[..number]);
        write!(page, "\n### {}\n\n{own}", group.title).unwrap();
    }
    page.push_str("\n## The stages\n\nAs binaries of their own, and as `latchwork stage NAME`.\n");
    let stage = cli.find_subcommand("stage").unwrap();
    for command in stage.get_subcommands() {
        page.push_str(&section(command.get_name(), command, &groups));
    }
    page.push_str(
        "\nEach binary has a subcommand `health`: exit code 0 when `/readyz` of this machine's stage \
         answers (`--health ADDR`, `LATCHWORK_HEALTH`), else 1 with what is missing. It is the health check \
         of a container.\n\n## The command latchwork\n",
    );
    let others = cli
        .get_subcommands()
        .filter(|one| one.get_name() != "stage");
    for command in others {
        let name = format!("latchwork {}", command.get_name());
        subcommands(&name, command, &groups, &mut page);
    }
    page
}

/// A command, and those below it.
fn subcommands(name: &str, command: &Command, groups: &[Group], page: &mut String) {
    page.push_str(&section(name, command, groups));
    for below in command.get_subcommands() {
        subcommands(&format!("{name} {}", below.get_name()), below, groups, page);
    }
}

fn section(name: &str, command: &Command, groups: &[Group]) -> String {
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let shared: Vec<&Group> = groups.iter().filter(|group| group.is_in(command)).collect();
    let mut text = format!("\n### {name}\n\n{}\n", one_line(&about));
    // StageArgs has NATS and telemetry in it.
    let is_stage = shared.iter().any(|group| group.title == "Every stage");
    let told = shared
        .iter()
        .filter(|group| !is_stage || matches!(group.title, "Every stage" | "Kafka"));
    let told: Vec<String> = told
        .map(|group| format!("[{}](#{})", group.title, fragment(group.title)))
        .collect();
    if !told.is_empty() {
        write!(text, "\nAlso the options of: {}.\n", told.join(", ")).unwrap();
    }
    let own = options(command, shared);
    if !own.is_empty() {
        write!(text, "\n{own}").unwrap();
    }
    text
}

/// What links to a heading.
fn fragment(title: &str) -> String {
    title.to_lowercase().replace(' ', "-").replace(',', "")
}

/// The options of a command that are in none of these groups; nothing when there are none.
fn options<'g>(command: &Command, told: impl IntoIterator<Item = &'g Group>) -> String {
    let told: BTreeSet<&str> = told.into_iter().flat_map(Group::ids).collect();
    let own = command
        .get_arguments()
        .filter(|option| !option.is_hide_set() && !told.contains(option.get_id().as_str()));
    let rows: Vec<Vec<String>> = own.map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    table(&["Option", "Variable", "Default", "Meaning"], rows)
}

fn row(option: &Arg) -> Vec<String> {
    let values = option.get_value_names().unwrap_or_default().join(" ");
    let takes_values = option.get_action().takes_values();
    let shown = match option.get_long() {
        Some(long) if takes_values => format!("--{long} {values}"),
        Some(long) => format!("--{long}"),
        None => values,
    };
    let variable = option
        .get_env()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let help = option.get_long_help().or(option.get_help());
    let mut help = one_line(&help.map(ToString::to_string).unwrap_or_default());
    let words = option.get_possible_values();
    if takes_values && !words.is_empty() {
        write!(
            help,
            " One of {}.",
            codes(words.iter().map(PossibleValue::get_name))
        )
        .unwrap();
    }
    let defaults = option
        .get_default_values()
        .iter()
        .filter_map(|value| value.to_str());
    let default = match codes(defaults) {
        none if none.is_empty() && option.is_required_set() => "required".to_owned(),
        // What is false by itself needs no word.
        default if takes_values => default,
        _ => String::new(),
    };
    vec![code(shown), code(variable), default, help]
}
