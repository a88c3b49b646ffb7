//! `${path}` in texts.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;

use crate::event::other_spelling;
use crate::value::{Map, Value};

/// A text with places for fields: `${path}`; `${.}` is all fields as JSON, `${$}` a dollar sign.
#[derive(Clone, PartialEq, Debug)]
pub struct Template {
    text: ByteString,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Debug)]
enum Part {
    Text(ByteString),
    Field(Path),
}

/// A path of keys and members; empty is everything.
#[derive(Clone, PartialEq, Debug)]
struct Path {
    steps: Vec<Step>,
}

#[derive(Clone, PartialEq, Debug)]
enum Step {
    Key(ByteString),
    Member(i64),
}

/// What stands for a field that there is none of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// Nothing: in keys, values and headers of Kafka records.
    Empty,
    /// The word `undefined`: in what is published to MQTT.
    Word,
    /// It is a fault: in the names of Kafka topics.
    Fault,
}

/// Why a text can't be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no field {path}, which {template:?} needs")]
pub struct MissingField {
    path: String,
    template: ByteString,
}

impl Template {
    /// Reads a template. Every text is one: `${` without an end stands for itself, and so do places with
    /// spaces in them.
    pub fn new(text: impl Into<ByteString>) -> Self {
        let text = text.into();
        let mut parts = Vec::new();
        let mut rest: &str = &text;
        let mut literal = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((path, behind)) = after.split_once('}') else {
                break;
            };
            literal.push_str(before);
            rest = behind;
            if path == "$" {
                literal.push('$');
                continue;
            }
            if path.contains(char::is_whitespace) {
                literal.push_str("${");
                literal.push_str(path);
                literal.push('}');
                continue;
            }
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal).into()));
            }
            parts.push(Part::Field(Path::new(path)));
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal.into()));
        }
        Self { text, parts }
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has no places for fields.
    pub fn is_constant(&self) -> bool {
        let is_text = |part: &Part| matches!(part, Part::Text(_));
        self.parts.iter().all(is_text)
    }

    /// The text for these fields. Memory is shared where the text is all of one field.
    pub fn render(&self, fields: &Map, missing: Missing) -> Result<Bytes, MissingField> {
        if let [part] = &self.parts[..] {
            match part {
                Part::Text(text) => return Ok(text.as_bytes().clone()),
                Part::Field(path) => {
                    if let Value::Text(text) = path.get(fields).as_ref() {
                        return Ok(text.clone());
                    }
                }
            }
        }
        let mut out = Vec::with_capacity(self.text.len() + 32);
        self.write(fields, missing, &mut out)?;
        Ok(out.into())
    }

    fn write(&self, fields: &Map, missing: Missing, out: &mut Vec<u8>) -> Result<(), MissingField> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Field(path) => match (path.get(fields).as_ref(), missing) {
                    (Value::Undefined, Missing::Empty) => {}
                    (Value::Undefined, Missing::Fault) => {
                        return Err(MissingField {
                            path: path.to_string(),
                            template: self.text.clone(),
                        });
                    }
                    (value, _) => value.write_text(out),
                },
            }
        }
        Ok(())
    }

    /// The value itself, where the template is one field and nothing else.
    pub fn value(&self, fields: &Map) -> Option<Value> {
        match &self.parts[..] {
            [Part::Field(path)] => Some(path.get(fields).into_owned()),
            _ => None,
        }
    }
}

impl Path {
    /// Keys are separated by points and may be quoted; `[2]` is the second member.
    fn new(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('.').unwrap_or(text);
        while !rest.is_empty() {
            let (step, behind) = next_step(rest);
            steps.push(step);
            rest = behind.strip_prefix('.').unwrap_or(behind);
        }
        Self { steps }
    }

    /// The value; a text on the way is looked into, and one that is no JSON has no fields.
    fn get<'f>(&self, fields: &'f Map) -> Cow<'f, Value> {
        let mut steps = self.steps.iter();
        let mut value = match steps.next() {
            None => return Cow::Owned(Value::map(fields.clone())),
            Some(Step::Key(key)) => {
                let field = fields.get(key);
                let field = field.or_else(|| fields.get(other_spelling(key)?));
                field.map(Cow::Borrowed).unwrap_or_default()
            }
            Some(Step::Member(_)) => Cow::default(),
        };
        for step in steps {
            value = match value {
                Cow::Borrowed(value) => step.of(value),
                Cow::Owned(value) => Cow::Owned(step.of(&value).into_owned()),
            };
        }
        value
    }
}

impl Step {
    fn of<'v>(&self, value: &'v Value) -> Cow<'v, Value> {
        let found = match self {
            Self::Key(key) => value.get(key),
            Self::Member(number) => value.member(*number),
        };
        found.unwrap_or_default()
    }
}

/// The first step of a path, and what is behind it.
fn next_step(path: &str) -> (Step, &str) {
    if let Some(quoted) = path.strip_prefix('\'')
        && let Some((key, rest)) = quoted.split_once('\'')
    {
        return (Step::Key(key.into()), rest);
    }
    if let Some(index) = path.strip_prefix('[')
        && let Some((number, rest)) = index.split_once(']')
        && let Ok(number) = number.trim().parse()
    {
        return (Step::Member(number), rest);
    }
    // A bracket that is no index belongs to the key.
    let end = path
        .char_indices()
        .skip(1)
        .find(|(_, letter)| matches!(letter, '.' | '['))
        .map_or(path.len(), |(place, _)| place);
    let (key, rest) = path.split_at(end);
    (Step::Key(key.into()), rest)
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if place == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Member(number) => write!(f, "[{number}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Map {
        match Value::from_json(json.as_bytes()).unwrap() {
            Value::Map(map) => map.as_ref().clone(),
            _ => panic!("no object"),
        }
    }

    fn render(template: &str, json: &str) -> String {
        let rendered = Template::new(template).render(&fields(json), Missing::Word);
        String::from_utf8(rendered.unwrap().to_vec()).unwrap()
    }

    /// Scenario: templates with fields, paths, dollars, and what looks like a place and is none.
    /// Guarantee: each text is as in EMQX.
    #[test]
    fn places_are_filled() {
        let json = r#"{"a":1,"b":{"c":"x","d":[5,6]},"p":"{\"t\":27.5}","q":"no json"}"#;
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${a}${b.c}", "1x"),
            ("$${a}", "$1"),
            ("${$}{a}", "${a}"),
            ("${.a} ${ a }", "1 ${ a }"),
            ("${b}", r#"{"c":"x","d":[5,6]}"#),
            ("${b.d[2]} ${b.d[-1]} ${b.d[9]}", "6 6 undefined"),
            ("${b.'c'}", "x"),
            ("${p.t}", "27.5"),
            ("${q.t} ${a.b} ${none}", "undefined undefined undefined"),
            ("${a", "${a"),
            ("$ {a} }{", "$ {a} }{"),
        ] {
            assert_eq!(render(template, json), expected, "{template}");
        }
        assert_eq!(render("${.}", r#"{"z":1,"a":[]}"#), r#"{"z":1,"a":[]}"#);
    }

    /// Scenario: a field is missing in a key, in what is published, and in the name of a topic.
    /// Guarantee: nothing, the word, and a fault that names field and template.
    #[test]
    fn missing_fields() {
        let template = Template::new("t-${payload.type}");
        let render = |missing| template.render(&Map::new(), missing);
        assert_eq!(render(Missing::Empty).unwrap(), "t-");
        assert_eq!(render(Missing::Word).unwrap(), "t-undefined");
        assert_eq!(
            render(Missing::Fault).unwrap_err().to_string(),
            "there is no field payload.type, which \"t-${payload.type}\" needs"
        );
    }

    /// Scenario: the guide's action says `client_id`, its statement selects `clientid`, and the other
    /// way round.
    /// Guarantee: both find the client id.
    #[test]
    fn both_spellings_are_known() {
        assert_eq!(render("${client_id}", r#"{"clientid":"c"}"#), "c");
        assert_eq!(render("${clientid}", r#"{"client_id":"c"}"#), "c");
    }

    /// Scenario: a template that is one field of 1 MiB.
    /// Guarantee: the text shares the field's memory.
    #[test]
    fn one_field_is_not_copied() {
        let payload = Bytes::from(vec![b'x'; 1 << 20]);
        let fields = Map::from_iter([("payload".into(), Value::Text(payload.clone()))]);
        let rendered = Template::new("${payload}").render(&fields, Missing::Empty);
        assert_eq!(rendered.unwrap().as_ptr(), payload.as_ptr());
    }
}
