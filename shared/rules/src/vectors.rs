//! Vectors: statements and templates with their inputs and what must come out, one JSON object a line.

use serde::Deserialize;

use crate::case::simulated;
use crate::event::Event;
use crate::expectation::{has_expected, is_expected};
use crate::routes::Selector;
use crate::sql::{self, RuleEvent};
use crate::template::{Missing, Template};
use crate::value::{Map, Value};

/// One line of a file of vectors.
#[derive(Clone, Debug, Deserialize)]
pub struct Vector {
    /// Names it in reports.
    pub id: String,
    /// What it is about, for people.
    #[serde(default)]
    pub cat: String,
    #[serde(flatten)]
    subject: Subject,
    #[serde(default)]
    expect: Expected,
    /// Whether the result has nothing but what is expected.
    #[serde(default)]
    exact: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Subject {
    /// A statement and the fields of an event.
    Sql { sql: String, input: Map },
    /// A template and its fields.
    Template {
        template: String,
        data: Map,
        mode: Mode,
    },
}

/// What a template is for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Plain,
    KafkaKey,
    KafkaValue,
    KafkaHeader,
    KafkaTopic,
}

/// Null, `"error"`, `"parse_error"`, a result, results, or a text. Absent is null.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
struct Expected(Value);

/// How a vector did.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// Whether it came out as expected.
    pub passed: bool,
    /// What is expected, as JSON.
    pub expected: String,
    /// What came out: JSON, or `error:` or `parse_error:` with its text.
    pub got: String,
}

/// What came of a statement.
enum Came {
    ParseError(String),
    Error(String),
    Nothing,
    Results(Vec<Map>),
}

impl Vector {
    /// Reads one line.
    pub fn from_json(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }

    /// The statement or template.
    pub fn text(&self) -> &str {
        match &self.subject {
            Subject::Sql { sql, .. } => sql,
            Subject::Template { template, .. } => template,
        }
    }

    /// Runs it.
    pub fn run(&self) -> Verdict {
        let (passed, got) = match &self.subject {
            Subject::Sql { sql, input } => {
                let came = evaluate(sql, input.clone());
                (self.fits(&came), came.to_string())
            }
            Subject::Template {
                template,
                data,
                mode,
            } => self.render(template, data, *mode),
        };
        Verdict {
            passed,
            expected: json(&self.expect.0),
            got,
        }
    }

    fn render(&self, template: &str, data: &Map, mode: Mode) -> (bool, String) {
        let missing = match mode {
            Mode::Plain => Missing::Word,
            Mode::KafkaKey | Mode::KafkaValue | Mode::KafkaHeader => Missing::Empty,
            Mode::KafkaTopic => Missing::Fault,
        };
        match Template::new(template).render(data, missing) {
            Ok(text) => {
                let text = Value::Text(text);
                (text == self.expect.0, json(&text))
            }
            Err(error) => (self.expects_word("error"), format!("error: {error}")),
        }
    }

    fn fits(&self, came: &Came) -> bool {
        match came {
            Came::ParseError(_) => self.expects_word("parse_error") || self.expects_word("error"),
            Came::Error(_) => self.expects_word("error"),
            Came::Nothing => self.expect.0 == Value::Null,
            Came::Results(results) => match (&self.expect.0, &results[..]) {
                (Value::Map(expected), [result]) => self.fits_result(expected, result),
                (Value::Array(expected), results) => {
                    expected.len() == results.len()
                        && expected.iter().zip(results).all(|(expected, result)| {
                            matches!(expected, Value::Map(expected) if self.fits_result(expected, result))
                        })
                }
                _ => false,
            },
        }
    }

    fn fits_result(&self, expected: &Map, result: &Map) -> bool {
        if self.exact {
            is_expected(&expected.clone().into(), &result.clone().into())
        } else {
            has_expected(expected, result)
        }
    }

    fn expects_word(&self, word: &str) -> bool {
        self.expect.0 == Value::text(word.to_owned())
    }
}

fn evaluate(text: &str, input: Map) -> Came {
    let statement = match sql::parse(text) {
        Ok(statement) => statement,
        Err(error) => return Came::ParseError(error.to_string()),
    };
    let event = simulated(input);
    let word = |value: Value| match value {
        Value::Text(text) => String::from_utf8_lossy(&text).into_owned(),
        _ => String::new(),
    };
    let (name, topic) = (word(event.field("event")), word(event.field("topic")));
    let selector = Selector::of(&statement);
    if !RuleEvent::from_name(&name).is_some_and(|event| selector.wants(event, &topic)) {
        return Came::Nothing;
    }
    match statement.evaluate(&event) {
        Err(failed) => Came::Error(failed.to_string()),
        Ok(None) => Came::Nothing,
        Ok(Some(results)) => Came::Results(results),
    }
}

impl std::fmt::Display for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ParseError(error) => write!(f, "parse_error: {error}"),
            Self::Error(error) => write!(f, "error: {error}"),
            Self::Nothing => f.write_str("null"),
            Self::Results(results) => match &results[..] {
                [result] => f.write_str(&json(&result.clone().into())),
                results => {
                    let results = results.iter().cloned().map(Value::map).collect();
                    f.write_str(&json(&Value::array(results)))
                }
            },
        }
    }
}

fn json(value: &Value) -> String {
    String::from_utf8_lossy(&value.to_json()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors that are answered otherwise on purpose, with the reason.
    const OTHERWISE: [(&str, &str); 1] = [(
        "template-488481a301",
        "both spellings of the client id are known here: the guide's own action needs it",
    )];

    /// Scenario: every vector taken from EMQX's tests and documents.
    /// Guarantee: each comes out as there, but for those that are answered otherwise on purpose.
    #[test]
    fn every_vector_passes() {
        let vectors = include_str!("../vectors/emqx.jsonl").lines();
        let mut failed = Vec::new();
        let mut count = 0;
        for line in vectors {
            let vector = Vector::from_json(line).unwrap();
            let verdict = vector.run();
            let is_otherwise = OTHERWISE.iter().any(|(id, _)| *id == vector.id);
            if verdict.passed == is_otherwise {
                let Verdict { expected, got, .. } = verdict;
                failed.push(format!(
                    "{} {}\n  {expected}\n  {got}",
                    vector.id,
                    vector.text()
                ));
            }
            count += 1;
        }
        assert!(
            failed.is_empty(),
            "{} failed:\n{}",
            failed.len(),
            failed.join("\n")
        );
        assert_eq!(count, 430);
    }
}
