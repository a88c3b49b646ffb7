//! Test cases of rules.

mod parts;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use crate::action::Effect;
use crate::event::{Event, FieldsEvent};
use crate::expectation::has_expected;
use crate::rule::{Outcome, Rule};
use crate::sql::RuleEvent;
use crate::value::{Map, Value};
use parts::{publication_of, record_of};

/// `[[rule.test]]`: an event, and what must come of it.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Fields of the event; `event` is `message.publish` where it is left out.
    pub input: Map,
    /// The result (a table), the results (an array), `false` when there must be none, `"error"` when
    /// the rule or one of its actions must fail. Fields that are not named may be there.
    pub expect: Option<Value>,
    /// The Kafka records, each with the parts that matter: `topic`, `key`, `value`, `timestamp`,
    /// `partition`, `headers`.
    #[serde(default, deserialize_with = "parts::records")]
    pub records: Option<Vec<Map>>,
    /// The MQTT messages, each with the parts that matter: `topic`, `payload`, `qos`, `retain`,
    /// `user_properties`.
    #[serde(default, deserialize_with = "parts::publications")]
    pub published: Option<Vec<Map>>,
    /// The causes of the dead letters that its `dead_letter` actions ask for.
    pub dead_letters: Option<Vec<String>>,
    /// Whether an action `drop` is reached.
    pub dropped: Option<bool>,
}

/// Something that is not as a case expects it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What differs: `result`, `records`, `published`, `dead_letters`, `dropped`, `actions` when one
    /// of them fails and nothing was expected of them, or `case` when it expects nothing at all.
    pub what: &'static str,
    /// What the case expects.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// What a rule made of a case's event.
type Came = Result<Option<Outcome>, crate::Failed>;

impl Case {
    /// What is not as it should be; empty when all is well.
    pub fn check(&self, rule: &Rule) -> Vec<Difference> {
        if !self.expects_something() {
            return vec![Difference {
                what: "case",
                expected: "expect, records, published, dead_letters or dropped".into(),
                got: "none of them: such a case can't fail".into(),
            }];
        }
        let event = simulated(self.input.clone());
        let came = if selected(rule, &event) {
            rule.evaluate(&event)
        } else {
            Ok(None)
        };
        let mut differences: Vec<Difference> = self.result(&came).into_iter().collect();
        let effects = came.ok().flatten().map(|outcome| outcome.effects);
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for effect in effects.unwrap_or_default() {
            match effect {
                Ok(effect) => done.push(effect),
                Err((_, error)) => failed.push(Value::text(error.to_string())),
            }
        }
        differences.extend(self.effects(&done, &failed));
        differences
    }

    fn expects_something(&self) -> bool {
        self.expect.is_some() || self.expects_effects()
    }

    fn expects_effects(&self) -> bool {
        let parts = [self.records.is_some(), self.published.is_some()];
        parts.contains(&true) || self.dead_letters.is_some() || self.dropped.is_some()
    }

    fn result(&self, came: &Came) -> Option<Difference> {
        let got = || match came {
            Err(failed) => Value::text(format!("error: {failed}")),
            Ok(None) => Value::Bool(false),
            Ok(Some(outcome)) => results(&outcome.results),
        };
        match &self.expect {
            Some(expected) if fits(expected, came) => None,
            Some(expected) => Some(difference("result", expected, &got())),
            // Records that are not there may be expected, but not for this reason.
            None if came.is_err() => Some(difference("result", &Value::text("no failure"), &got())),
            None => None,
        }
    }

    fn effects(&self, done: &[Effect], failed: &[Value]) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut lists = |what, expected: &Option<Vec<Map>>, of: fn(&Effect) -> Option<Map>| {
            let Some(expected) = expected else { return };
            let got: Vec<Map> = done.iter().filter_map(of).collect();
            let pairs = || expected.iter().zip(&got);
            let fits = failed.is_empty()
                && expected.len() == got.len()
                && pairs().all(|(expected, got)| has_expected(expected, got));
            if !fits {
                let got = maps(&got).chain(failed.iter().cloned()).collect();
                let expected = Value::array(maps(expected).collect());
                differences.push(difference(what, &expected, &Value::array(got)));
            }
        };
        lists("records", &self.records, record_of);
        lists("published", &self.published, publication_of);
        differences.extend(self.dead_letters(done));
        let dropped = Value::Bool(done.contains(&Effect::Drop));
        let expected = self.dropped.map(Value::Bool);
        let expected = expected.filter(|expected| *expected != dropped);
        differences.extend(expected.map(|expected| difference("dropped", &expected, &dropped)));
        let is_expected = self.expect == Some(Value::text("error"));
        if !failed.is_empty() && !self.expects_effects() && !is_expected {
            let failed = Value::array(failed.to_vec());
            differences.push(difference("actions", &Value::text("no failure"), &failed));
        }
        differences
    }

    fn dead_letters(&self, done: &[Effect]) -> Option<Difference> {
        let expected = self.dead_letters.as_ref()?;
        let texts = |texts: &mut dyn Iterator<Item = &String>| -> Value {
            texts
                .map(|text| Value::text(text.clone()))
                .collect::<Vec<_>>()
                .into()
        };
        let expected = texts(&mut expected.iter());
        let got = texts(&mut done.iter().filter_map(|effect| match effect {
            Effect::DeadLetter { detail } => Some(detail),
            _ => None,
        }));
        (expected != got).then(|| difference("dead_letters", &expected, &got))
    }
}

fn difference(what: &'static str, expected: &Value, got: &Value) -> Difference {
    let text = |value: &Value| String::from_utf8_lossy(&value.to_json()).into_owned();
    Difference {
        what,
        expected: text(expected),
        got: text(got),
    }
}

fn maps(maps: &[Map]) -> impl Iterator<Item = Value> {
    maps.iter().cloned().map(Value::map)
}

fn fits(expected: &Value, came: &Came) -> bool {
    match (expected, came) {
        (Value::Text(word), Err(_)) => word.as_ref() == b"error",
        (Value::Text(word), Ok(Some(outcome))) => {
            word.as_ref() == b"error" && outcome.effects.iter().any(Result::is_err)
        }
        (Value::Bool(false), Ok(None)) => true,
        (Value::Bool(false), Ok(Some(outcome))) => outcome.results.is_empty(),
        (Value::Map(expected), Ok(Some(outcome))) => match &outcome.results[..] {
            [result] => has_expected(expected, result),
            _ => false,
        },
        (Value::Array(expected), Ok(Some(outcome))) => {
            expected.len() == outcome.results.len()
                && expected
                    .iter()
                    .zip(&outcome.results)
                    .all(|(expected, result)| match expected {
                        Value::Map(expected) => has_expected(expected, result),
                        _ => false,
                    })
        }
        _ => false,
    }
}

/// One result is a map, others are an array.
fn results(results: &[Map]) -> Value {
    match results {
        [result] => Value::map(result.clone()),
        _ => Value::array(results.iter().cloned().map(Value::map).collect()),
    }
}

/// An event of these fields: those that every event has are added, and a payload that is written as a
/// table becomes its JSON, which is what a device sends.
pub fn simulated(mut fields: Map) -> FieldsEvent {
    fields
        .entry("event".into())
        .or_insert_with(|| Value::text(RuleEvent::MessagePublish.name()));
    if let Some(payload @ (Value::Map(_) | Value::Array(_))) = fields.get_mut("payload") {
        *payload = Value::Text(payload.to_json());
    }
    FieldsEvent::new(fields)
}

/// Whether `FROM` names the event.
pub fn selected(rule: &Rule, event: &dyn Event) -> bool {
    let text = |value: Value| match value {
        Value::Text(text) => String::from_utf8_lossy(&text).into_owned(),
        _ => String::new(),
    };
    let (name, topic) = (text(event.field("event")), text(event.field("topic")));
    RuleEvent::from_name(&name).is_some_and(|event| rule.selector().wants(event, &topic))
}
