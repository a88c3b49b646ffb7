//! The `acl` claim: rules that a token brings along, in both of EMQX's forms.

use serde_json::{Map, Value};

use crate::acl::{Action, EVERYTHING, FilterFault, Rule, Who};

/// Most rules of one token.
const MAX_RULES: usize = 256;

/// What is wrong with a token's `acl` claim.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClaimFault {
    /// Neither a list nor an object.
    #[error("it must be a list of rules, or an object with `pub`, `sub` and `all`")]
    Shape,
    /// A rule lacks something.
    #[error(
        "entry {0} must have `permission` (allow, deny), `action` (publish, subscribe, all) and \
         `topic` or `topics`"
    )]
    Rule(u32),
    /// A condition that is not known here. To leave it out would change what the rule means.
    #[error("entry {0} has the field {1:?}, which is not supported")]
    Field(u32, String),
    /// Wrong filter.
    #[error("entry {0}: {1}")]
    Filter(u32, FilterFault),
    /// Too many rules.
    #[error("it has more than 256 rules")]
    Long,
}

/// Reads the claim. The list's rules are asked in order, and what they leave open is for the ACL
/// file. The object lists what is allowed; whatever is not in it is denied.
pub(super) fn rules(claim: &Value) -> Result<Vec<Rule>, ClaimFault> {
    let rules = match claim {
        Value::Array(entries) => list(entries)?,
        Value::Object(lists) => object(lists)?,
        _ => return Err(ClaimFault::Shape),
    };
    if rules.len() > MAX_RULES {
        return Err(ClaimFault::Long);
    }
    Ok(rules)
}

fn list(entries: &[Value]) -> Result<Vec<Rule>, ClaimFault> {
    let mut rules = Vec::new();
    for (number, entry) in (1..).zip(entries) {
        let shape = || ClaimFault::Rule(number);
        let entry = entry.as_object().ok_or_else(shape)?;
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let allow = match text("permission") {
            Some("allow") => true,
            Some("deny") => false,
            _ => return Err(shape()),
        };
        let action = match text("action") {
            Some("publish") => Some(Action::Publish),
            Some("subscribe") => Some(Action::Subscribe),
            Some("all") => None,
            _ => return Err(shape()),
        };
        if let Some((field, _)) = entry.iter().find(|(field, value)| !known(field, value)) {
            return Err(ClaimFault::Field(number, field.clone()));
        }
        let topics = texts(entry.get("topic")).chain(texts(entry.get("topics")));
        let before = rules.len();
        for topic in topics {
            rules.push(rule(allow, action, topic.ok_or_else(shape)?, number)?);
        }
        if rules.len() == before {
            return Err(shape());
        }
    }
    Ok(rules)
}

/// Conditions that hold for every message change nothing; others are not known here.
fn known(field: &str, value: &Value) -> bool {
    match field {
        "permission" | "action" | "topic" | "topics" => true,
        "qos" => value.as_array().is_some_and(|all| {
            [0, 1, 2]
                .iter()
                .all(|qos| all.iter().any(|own| own.as_u64() == Some(*qos)))
        }),
        "retain" => value.as_str() == Some("all"),
        _ => false,
    }
}

fn object(lists: &Map<String, Value>) -> Result<Vec<Rule>, ClaimFault> {
    let mut rules = Vec::new();
    for (key, value) in lists {
        let action = match key.as_str() {
            "pub" => Some(Action::Publish),
            "sub" => Some(Action::Subscribe),
            "all" => None,
            _ => return Err(ClaimFault::Shape),
        };
        for topic in texts(Some(value)) {
            let number = u32::try_from(rules.len() + 1).unwrap_or(u32::MAX);
            rules.push(rule(true, action, topic.ok_or(ClaimFault::Shape)?, number)?);
        }
    }
    let number = u32::try_from(rules.len() + 1).unwrap_or(u32::MAX);
    rules.push(Rule {
        who: Who::All,
        allow: false,
        action: None,
        filter: EVERYTHING.into(),
        literal: false,
        line: number,
    });
    Ok(rules)
}

/// One text or a list of them; `None` in the place of what is no text.
fn texts(value: Option<&Value>) -> impl Iterator<Item = Option<&str>> {
    let values = match value {
        None => &[],
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
    };
    values.iter().map(Value::as_str)
}

fn rule(allow: bool, action: Option<Action>, topic: &str, number: u32) -> Result<Rule, ClaimFault> {
    let topic = topic
        .replace("${clientid}", "%c")
        .replace("${username}", "%u");
    let (filter, literal) =
        Rule::read_filter(&topic).map_err(|fault| ClaimFault::Filter(number, fault))?;
    Ok(Rule {
        who: Who::All,
        allow,
        action,
        filter,
        literal,
        line: number,
    })
}
