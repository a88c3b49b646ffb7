//! A trace for people.

use std::io::{self, Write};

use ::rules::sql::{RuleEvent, point_at};
use ::rules::value::{Map, Value};
use ::rules::{ActionFailed, Effect, KafkaMessage, PartitionChoice, Publication, Rule};
use bytes::Bytes;

use super::super::Ending;
use super::trace::Trace;
use crate::text::{ellipsis, time, visible};

/// Characters of a field of the event.
const SHORT: usize = 100;
/// Members, results and what actions make of them: of each, so many are shown.
const MOST: usize = 20;

/// A name and what stands beside it.
type Row = (String, String);

/// Prints a trace.
pub(super) fn write(trace: &Trace, rule: &Rule, out: &mut impl Write) -> io::Result<()> {
    let short = |value: &Value| ellipsis(&shown(value), SHORT);
    let title = format!("event {}", trace.event.name());
    let read = trace.read.iter().filter(|(name, _)| *name != "event");
    block(
        &title,
        read.map(|(name, value)| (visible(name.as_bytes()), short(value))),
        out,
    )?;
    let from = trace
        .from
        .iter()
        .map(|(filter, matches)| (visible(filter.as_bytes()), yes_or_no(*matches).to_owned()));
    block("FROM", from, out)?;
    if let Some(selected) = &trace.selected {
        block("SELECT", fields(selected), out)?;
    }
    if let Some(members) = &trace.members {
        foreach(members, out)?;
    }
    if let Some(condition) = trace.condition {
        writeln!(out, "WHERE {condition}")?;
    }
    let Some(outcome) = &trace.outcome else {
        return end(trace, out);
    };
    // One result of SELECT has been shown.
    if trace.selected.is_none() {
        for result in outcome.results.iter().take(MOST) {
            block("result", fields(result), out)?;
        }
        more(outcome.results.len(), "results", out)?;
    }
    effects(&outcome.effects, rule, out)?;
    end(trace, out)
}

/// What the actions make; of what is left out, the first that fails is shown all the same.
fn effects(
    effects: &[Result<Effect, (usize, ActionFailed)>],
    rule: &Rule,
    out: &mut impl Write,
) -> io::Result<()> {
    let failed = effects.iter().skip(MOST).find(|effect| effect.is_err());
    for effect in effects.iter().take(MOST).chain(failed) {
        match effect {
            Ok(effect) => made(effect, out)?,
            Err((index, error)) => {
                let kind = rule.actions.get(*index);
                let kind = kind.map_or("action", |action| action.kind());
                let error = visible(error.to_string().as_bytes());
                writeln!(out, "{kind} FAILED: action {}: {error}", index + 1)?;
            }
        }
    }
    let shown = usize::from(failed.is_some());
    more(effects.len() - shown, "of what actions make", out)
}

/// Tells how many are left out.
fn more(count: usize, of_what: &str, out: &mut impl Write) -> io::Result<()> {
    match count.saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more {of_what}; --json has all"),
    }
}

/// Prints what may be meant otherwise, and what failed with its place.
pub(super) fn notes(trace: &Trace, rule: &Rule, notes: &mut impl Write) -> io::Result<()> {
    for warning in &trace.warnings {
        writeln!(notes, "warning: {}", visible(warning.as_bytes()))?;
    }
    match &trace.failed {
        Some(failed) => {
            let message = visible(failed.to_string().as_bytes());
            writeln!(
                notes,
                "error: {}",
                point_at(&rule.sql, failed.place, &message)
            )
        }
        None => Ok(()),
    }
}

/// A title, and rows whose second column begins at the same place.
fn block(title: &str, rows: impl Iterator<Item = Row>, out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<Row> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    writeln!(out, "{title}")?;
    for (name, value) in rows {
        writeln!(out, "  {name:<width$}  {value}")?;
    }
    Ok(())
}

fn foreach(members: &[(Value, bool)], out: &mut impl Write) -> io::Result<()> {
    let kept = members.iter().filter(|(_, kept)| *kept).count();
    let title = format!("FOREACH: {} of {} members are kept", kept, members.len());
    let rows = members
        .iter()
        .take(MOST)
        .map(|(member, kept)| (yes_or_no(*kept).to_owned(), ellipsis(&shown(member), SHORT)));
    block(&title, rows, out)?;
    more(members.len(), "members", out)
}

fn made(effect: &Effect, out: &mut impl Write) -> io::Result<()> {
    match effect {
        Effect::Kafka(message) => block("kafka", kafka(message).into_iter(), out),
        Effect::Republish(message) => block("republish", republish(message).into_iter(), out),
        Effect::Drop => writeln!(out, "drop: no hook and no later rule sees the message"),
        Effect::DeadLetter { detail } => {
            writeln!(out, "dead letter: {}", visible(detail.as_bytes()))
        }
    }
}

fn kafka(message: &KafkaMessage) -> Vec<Row> {
    let mut rows = vec![
        row("topic", &message.topic),
        match &message.key {
            Some(key) => row("key", key),
            None => ("key".into(), "none".into()),
        },
        row("value", &message.value),
    ];
    rows.extend(pairs("header", &message.headers));
    let time = match message.timestamp_ms {
        Some(ms) => format!("{ms} ({})", time(ms)),
        None => "that of the event".into(),
    };
    rows.push(("timestamp".into(), time));
    let partition = match message.partition {
        PartitionChoice::Key => "by the key".into(),
        PartitionChoice::Random => "at random".into(),
        PartitionChoice::Number(number) => number.to_string(),
    };
    rows.push(("partition".into(), partition));
    rows
}

fn republish(message: &Publication) -> Vec<Row> {
    let mut rows = vec![
        row("topic", &message.topic),
        row("payload", &message.payload),
        ("qos".into(), message.qos.to_string()),
        ("retain".into(), message.retain.to_string()),
    ];
    rows.extend(pairs("user property", &message.user_properties));
    rows
}

fn pairs(what: &str, pairs: &[(Bytes, Bytes)]) -> impl Iterator<Item = Row> {
    let pairs = pairs.iter();
    pairs.map(move |(name, value)| {
        (
            what.to_owned(),
            format!("{} = {}", visible(name), visible(value)),
        )
    })
}

fn row(name: &str, value: &[u8]) -> Row {
    (name.to_owned(), visible(value))
}

fn fields(map: &Map) -> impl Iterator<Item = Row> {
    map.iter()
        .map(|(name, value)| (visible(name.as_bytes()), shown(value)))
}

/// JSON, but for what JSON has no word for.
fn shown(value: &Value) -> String {
    match value {
        Value::Undefined => "undefined".into(),
        value => visible(&value.to_json()),
    }
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// The last line: how it ended, and where.
fn end(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    let results = trace
        .outcome
        .as_ref()
        .map_or(0, |outcome| outcome.results.len());
    let text = match trace.ending() {
        Ending::Yes if results == 1 => "matched: 1 result".to_owned(),
        Ending::Yes => format!("matched: {results} results"),
        Ending::Fault if trace.failed.is_some() => "error: the statement fails".to_owned(),
        Ending::Fault => "error: an action fails".to_owned(),
        Ending::No => format!("not matched: {}", why_not(trace)),
    };
    writeln!(out, "{text}")
}

fn why_not(trace: &Trace) -> &'static str {
    let in_from = trace.from.iter().any(|(_, matches)| *matches);
    let is_message = trace.event == RuleEvent::MessagePublish;
    match trace.condition {
        _ if !in_from && is_message => "FROM is about other topics",
        _ if !in_from => "FROM is about other events",
        Some(false) => "WHERE is not true",
        _ => "FOREACH has no members that are kept",
    }
}
