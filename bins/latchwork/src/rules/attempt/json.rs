//! A trace for programs.

use std::io::{self, Write};

use ::rules::sql::{SqlError, position};
use ::rules::value::{Map, Value};
use ::rules::{ActionFailed, Effect, KafkaMessage, PartitionChoice, Publication, Rule};
use bytes::Bytes;

use super::super::Ending;
use super::trace::Trace;

/// Prints a trace as one JSON object. Integers keep all of their digits.
pub(super) fn write(trace: &Trace, rule: &Rule, out: &mut impl Write) -> io::Result<()> {
    let outcome = trace.outcome.as_ref();
    let results = outcome.map_or(&[][..], |outcome| &outcome.results);
    let effects = outcome.map_or(&[][..], |outcome| &outcome.effects);
    let mut report = object([
        ("ending", text(ending(trace.ending()))),
        ("event", Value::map(trace.read.clone())),
        (
            "from",
            array(&trace.from, |(filter, matches)| {
                object([("filter", text(filter)), ("matches", (*matches).into())])
            }),
        ),
        (
            "selected",
            trace.selected.clone().map_or(Value::Null, Value::map),
        ),
        ("where", trace.condition.map_or(Value::Null, Value::Bool)),
        (
            "members",
            match &trace.members {
                Some(members) => array(members, |(member, kept)| {
                    object([("member", member.clone()), ("kept", (*kept).into())])
                }),
                None => Value::Null,
            },
        ),
        (
            "results",
            array(results, |result| Value::map(result.clone())),
        ),
        ("effects", array(effects, |effect| made(effect, rule))),
        ("warnings", array(&trace.warnings, |warning| text(warning))),
    ]);
    let error = trace.failed.as_ref().map_or(Value::Null, |failed| {
        error(&failed.to_string(), position(&rule.sql, failed.place))
    });
    report = report.with(&[::rules::value::Hop::Key("error".into())], error);
    print(&report, out)
}

/// Prints why a statement can't be read.
pub(super) fn unreadable(fault: &SqlError, out: &mut impl Write) -> io::Result<()> {
    let error = error(&fault.message(), (fault.line, fault.column));
    print(&object([("ending", text("error")), ("error", error)]), out)
}

fn print(report: &Value, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&report.to_json())?;
    writeln!(out)
}

fn error(message: &str, (line, column): (usize, usize)) -> Value {
    let number = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
    object([
        ("message", text(message)),
        ("line", number(line)),
        ("column", number(column)),
    ])
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Yes => "matched",
        Ending::No => "not-matched",
        Ending::Fault => "error",
    }
}

fn made(effect: &Result<Effect, (usize, ActionFailed)>, rule: &Rule) -> Value {
    match effect {
        Ok(Effect::Kafka(message)) => kafka(message),
        Ok(Effect::Republish(message)) => republish(message),
        Ok(Effect::Drop) => object([("action", text("drop"))]),
        Ok(Effect::DeadLetter { detail }) => {
            object([("action", text("dead_letter")), ("detail", text(detail))])
        }
        Err((index, error)) => {
            let kind = rule
                .actions
                .get(*index)
                .map_or("action", |action| action.kind());
            object([("action", text(kind)), ("error", text(&error.to_string()))])
        }
    }
}

fn kafka(message: &KafkaMessage) -> Value {
    object([
        ("action", text("kafka")),
        ("topic", Value::Text(message.topic.clone())),
        ("key", message.key.clone().map_or(Value::Null, Value::Text)),
        ("value", Value::Text(message.value.clone())),
        ("headers", pairs(&message.headers)),
        (
            "timestamp",
            message.timestamp_ms.map_or(Value::Null, Value::from),
        ),
        (
            "partition",
            match message.partition {
                PartitionChoice::Key => text("key"),
                PartitionChoice::Random => text("random"),
                PartitionChoice::Number(number) => Value::Int(number.into()),
            },
        ),
    ])
}

fn republish(message: &Publication) -> Value {
    object([
        ("action", text("republish")),
        ("topic", Value::Text(message.topic.clone())),
        ("payload", Value::Text(message.payload.clone())),
        ("qos", message.qos.into()),
        ("retain", message.retain.into()),
        ("user_properties", pairs(&message.user_properties)),
    ])
}

fn pairs(pairs: &[(Bytes, Bytes)]) -> Value {
    array(pairs, |(name, value)| {
        object([
            ("key", Value::Text(name.clone())),
            ("value", Value::Text(value.clone())),
        ])
    })
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.into_iter();
    Value::map(
        entries
            .map(|(name, value)| (name.into(), value))
            .collect::<Map>(),
    )
}

fn array<T>(members: &[T], value: impl Fn(&T) -> Value) -> Value {
    Value::array(members.iter().map(value).collect())
}

fn text(text: &str) -> Value {
    Value::text(text.to_owned())
}
