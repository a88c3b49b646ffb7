//! `pipeline.md`: the pipeline file, with every key.

use std::path::Path;

use record::EventKind;
use settings::{AuditSettings, CommandSettings, NotifySettings, Pipeline};

use super::super::pages::repository;
use super::markdown::{MADE, codes};
use super::pipeline_keys::{accepted, shown};

/// The commented file that shows every key.
fn example() -> String {
    std::fs::read_to_string(repository().join("compose/pipeline.toml")).unwrap()
}

pub(super) fn page() -> String {
    let events = codes(EventKind::ALL.into_iter().map(EventKind::name));
    format!(
        "# The pipeline file\n\n{MADE}\n\n\
         `--config FILE` of every stage and command, or `LATCHWORK_CONFIG`. Without a file the built-in \
         pipeline of the door locks is in force; a file without contracts and hooks keeps the built-in \
         ones. Unknown keys are refused, with their place. Check a file before it is used:\n\n\
         ```sh\nlatchwork check --config compose/pipeline.toml\n```\n\n\
         Events of a hook: {events}. Kinds for `[audit.rules.KIND]`: [alerts](alerts.md). Built-in \
         schemas: [schemas](schemas.md). Sizes are bytes, or text with KiB, MiB, GiB or TiB. Times ending \
         in `_s` are seconds. Passwords and keys are never in this file, only the names of theirs.\n\n\
         ## Every key\n\n\
         This is `compose/pipeline.toml`; copy what you change.\n\n\
         ```toml\n{}```\n",
        example()
    )
}

/// Scenario: a key was added to the settings, or renamed, and the commented file was not changed.
/// Guarantee: the file shows every key that is accepted, and no other.
#[test]
fn the_file_shows_every_key() {
    let (accepted, shown) = (accepted(), shown(&example()));
    let free: Vec<_> = accepted.iter().filter(|key| key.ends_with(".*")).collect();
    let is_shown = |key: &String| match key.strip_suffix('*') {
        Some(table) => shown.iter().any(|key| key.starts_with(table)),
        None => shown.contains(key),
    };
    let missing: Vec<_> = accepted.iter().filter(|key| !is_shown(key)).collect();
    assert!(
        missing.is_empty(),
        "compose/pipeline.toml does not show {missing:?}"
    );
    let is_free = |key: &str| {
        free.iter()
            .any(|free| key.starts_with(free.trim_end_matches('*')))
    };
    let unknown: Vec<_> = shown
        .iter()
        .filter(|key| !accepted.contains(*key) && !is_free(key))
        .collect();
    assert!(
        unknown.is_empty(),
        "compose/pipeline.toml shows what there is not: {unknown:?}"
    );
    assert!(
        accepted.len() > 80,
        "the search for keys finds too few: {accepted:?}"
    );
}

/// The example with everything switched on: as if its reader had taken the comment signs off.
fn switched_on() -> Pipeline {
    let example = example();
    let lines = example.lines().map(|line| match line.strip_prefix("# ") {
        Some(key) if key.starts_with('[') || key.contains(" = ") => key,
        _ => line,
    });
    let text: Vec<&str> = lines.collect();
    Pipeline::read(
        &repository().join("compose/pipeline.toml"),
        &text.join("\n"),
    )
    .unwrap()
}

/// Scenario: a default was changed, and the commented file was not.
/// Guarantee: what the file shows as a default of the audit, the commands, the notification and the
/// streams' sizes is the default.
#[test]
fn the_file_shows_the_defaults() {
    let shown = switched_on();
    let audit = shown.audit().unwrap();
    let defaults = AuditSettings {
        checkpoint_key_file: audit.checkpoint_key_file.clone(),
        rules: audit.rules.clone(),
        ..AuditSettings::default()
    };
    assert_eq!(*audit, defaults);
    let commands = shown.commands();
    let defaults = CommandSettings {
        filters: commands.filters.clone(),
        keys_file: commands.keys_file.clone(),
        ..CommandSettings::default()
    };
    assert_eq!(*commands, defaults);
    let streams = shown.streams();
    for (bytes, stream) in [
        (streams.up_max_bytes, topology::UP),
        (streams.rec_max_bytes, topology::REC),
        (streams.dlq_max_bytes, topology::DLQ),
        (streams.ev_max_bytes, topology::EV),
    ] {
        assert_eq!(bytes, Some(stream.max_bytes), "{}", stream.name);
    }
    the_channels_defaults(shown.notify().unwrap());
}

fn the_channels_defaults(shown: &NotifySettings) {
    let shortest = "[audit]\n[notify.email]\nhost = \"a\"\nfrom = \"a@example.com\"\n\
                    [notify.sms]\nurl = \"http://a\"\njson = {}\n\
                    [notify.webhook]\nsecret_file = \"a\"\n";
    let shortest = Pipeline::read(Path::new("pipeline.toml"), shortest).unwrap();
    let rates = |notify: &NotifySettings| {
        let (email, sms) = (notify.email.clone().unwrap(), notify.sms.clone().unwrap());
        let webhook = notify.webhook.clone().unwrap();
        let of_email = (email.security, email.timeout_s, email.connections);
        let of_sms = (
            sms.method,
            sms.timeout_s,
            sms.per_minute,
            sms.address_per_minute,
        );
        let of_webhook = (
            webhook.timeout_s,
            webhook.per_minute,
            webhook.address_per_minute,
        );
        let of_all = (email.per_minute, email.address_per_minute, notify.language);
        let of_alerts = (
            notify.dedupe_window_s,
            notify.deadline_s,
            notify.digest_over,
        );
        (of_email, of_sms, of_webhook, of_all, of_alerts)
    };
    assert_eq!(rates(shown), rates(shortest.notify().unwrap()));
}
