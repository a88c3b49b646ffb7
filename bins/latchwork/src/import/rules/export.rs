//! The shapes in which EMQX gives rules and what they refer to.

use super::super::error::ImportError;
use super::super::hocon::{Node, Value};

/// Types whose records go to Kafka: EMQX's names of today and of 5.0.
const KAFKA_TYPES: [&str; 4] = [
    "kafka_producer",
    "kafka",
    "confluent_producer",
    "azure_event_hub_producer",
];

/// A rule as it is written, with its id.
#[derive(Clone, Debug)]
pub(super) struct WrittenRule {
    /// EMQX's id; empty where the file has none.
    pub(super) id: String,
    /// Its object.
    pub(super) node: Node,
}

/// An action, bridge or connector.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// Such as `kafka_producer`.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Its object.
    pub(super) node: Node,
}

impl Definition {
    /// As rules name it.
    pub(super) fn reference(&self) -> String {
        format!("{}:{}", self.kind, self.name)
    }
}

/// Everything that the files hold.
#[derive(Debug, Default)]
pub(super) struct Export {
    rules: Vec<WrittenRule>,
    actions: Vec<Definition>,
    connectors: Vec<Definition>,
}

/// Whether records of this type go to Kafka.
pub(super) fn is_kafka(kind: &str) -> bool {
    KAFKA_TYPES.contains(&kind)
}

impl Export {
    /// Takes what a file holds.
    pub(super) fn add(&mut self, node: &Node) -> Result<(), ImportError> {
        if let Value::List(items) = &node.value {
            return items.iter().try_for_each(|item| self.one(item));
        }
        if let Some(data) = node.get("data") {
            return self.add(data);
        }
        let sections = ["rules", "rule_engine", "rule_engine.rules"];
        let sections = sections.iter().chain(&["actions", "bridges", "connectors"]);
        let is_rule = node.get("sql").or(node.get("rawsql")).is_some();
        if is_rule || !sections.into_iter().any(|key| node.get(key).is_some()) {
            return self.one(node);
        }
        let of_engine = node.at(&["rule_engine", "rules"]);
        let rules = [node.get("rules"), of_engine, node.get("rule_engine.rules")];
        for section in rules.into_iter().flatten() {
            self.add_rules(section)?;
        }
        for section in [node.get("actions"), node.get("bridges")] {
            add_definitions(&mut self.actions, section)?;
        }
        add_definitions(&mut self.connectors, node.get("connectors"))
    }

    /// Rules by their ids, or a list.
    fn add_rules(&mut self, section: &Node) -> Result<(), ImportError> {
        for (id, node) in section.members() {
            self.rules.push(WrittenRule {
                id: id.clone(),
                node: node.clone(),
            });
        }
        section.items().iter().try_for_each(|item| self.one(item))
    }

    /// An object that says itself what it is.
    fn one(&mut self, node: &Node) -> Result<(), ImportError> {
        if node.get("sql").or(node.get("rawsql")).is_some() {
            let id = node.text_of("id")?.unwrap_or_default().to_owned();
            let node = node.clone();
            self.rules.push(WrittenRule { id, node });
            return Ok(());
        }
        let Some(definition) = definition(node)? else {
            return Err(node.fault(
                "this is no rule, action or connector of EMQX: a rule has `sql`, the others `type` and `name`; \
                 get them from /api/v5/rules, /actions and /connectors, or by `emqx ctl conf show`",
            ));
        };
        let is_action = ["parameters", "kafka", "connector", "producer"];
        if is_action.iter().any(|key| node.get(key).is_some()) {
            self.actions.push(definition);
        } else {
            self.connectors.push(definition);
        }
        Ok(())
    }

    /// The rules in the order of the files.
    pub(super) fn rules(&self) -> &[WrittenRule] {
        &self.rules
    }

    /// All actions and bridges.
    pub(super) fn actions(&self) -> &[Definition] {
        &self.actions
    }

    /// The action that a rule names by `type:name`. Old and new names of Kafka's type are one.
    pub(super) fn action(&self, kind: &str, name: &str) -> Option<&Definition> {
        let same = |known: &str| known == kind || (is_kafka(known) && is_kafka(kind));
        let mut latest = self.actions.iter().rev();
        latest.find(|known| known.name == name && same(&known.kind))
    }

    /// The addresses of the brokers that an action writes to, if the files tell.
    pub(super) fn brokers<'a>(&'a self, action: &'a Definition) -> Option<&'a str> {
        let connector = action.node.get("connector").and_then(Node::word);
        let connector = connector.and_then(|name| {
            let mut latest = self.connectors.iter().rev();
            latest.find(|known| known.name == name && known.kind == action.kind)
        });
        let node = connector.map_or(&action.node, |connector| &connector.node);
        node.get("bootstrap_hosts").and_then(Node::word)
    }
}

/// An object with `type` and `name`.
fn definition(node: &Node) -> Result<Option<Definition>, ImportError> {
    let (Some(kind), Some(name)) = (node.text_of("type")?, node.text_of("name")?) else {
        return Ok(None);
    };
    Ok(Some(Definition {
        kind: kind.to_owned(),
        name: name.to_owned(),
        node: node.clone(),
    }))
}

/// Objects by type and name, or a list of them.
fn add_definitions(
    definitions: &mut Vec<Definition>,
    section: Option<&Node>,
) -> Result<(), ImportError> {
    let Some(section) = section else {
        return Ok(());
    };
    for (kind, named) in section.members() {
        definitions.extend(named.members().iter().map(|(name, node)| Definition {
            kind: kind.clone(),
            name: name.clone(),
            node: node.clone(),
        }));
    }
    for item in section.items() {
        let found = definition(item)?;
        definitions.push(found.ok_or_else(|| item.fault("`type` or `name` is missing"))?);
    }
    Ok(())
}
