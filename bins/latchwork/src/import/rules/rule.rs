//! A rule, and how it is written.

use super::super::draft::{Draft, LeftOut};
use super::super::error::{ImportError, Place};
use super::super::toml_text::{self, Table};
use super::export::{Export, WrittenRule, is_kafka};
use super::names::Names;
use super::{action, kafka};

/// A rule in our words.
#[derive(Debug)]
pub(in super::super) struct Rule {
    /// Where it stands.
    pub(in super::super) place: Place,
    /// Its name here.
    pub(in super::super) name: String,
    /// What else there is to say of where it came from.
    pub(in super::super) origin: Option<String>,
    /// What it is for.
    pub(in super::super) description: String,
    /// The statement.
    pub(in super::super) sql: String,
    /// Whether it runs.
    pub(in super::super) enabled: bool,
    /// What of the rule itself is not carried over.
    pub(in super::super) left_out: Vec<LeftOut>,
    /// What it does.
    pub(in super::super) actions: Vec<Action>,
}

/// An action in our words.
#[derive(Debug, Default)]
pub(in super::super) struct Action {
    /// Where it came from.
    pub(in super::super) origin: Option<String>,
    /// What of it is not carried over.
    pub(in super::super) left_out: Vec<LeftOut>,
    /// What it is; `None` where nothing of it is carried over.
    pub(in super::super) table: Option<(&'static str, Table)>,
    /// Whether EMQX does it; what it does not do is written behind comment signs.
    pub(in super::super) off: bool,
}

impl Action {
    /// Remembers what is left out.
    pub(in super::super) fn leave_out(&mut self, place: &Place, what: impl Into<String>) {
        self.left_out.push(LeftOut::new(place, what));
    }

    /// Whether something of it runs.
    fn is_live(&self) -> bool {
        self.table.is_some() && !self.off
    }

    fn write(&self, rule: &str, draft: &mut Draft) {
        if self.is_live() {
            draft.line("[[rule.action]]");
        }
        if let Some(origin) = &self.origin {
            draft.comment(origin);
        }
        for left_out in &self.left_out {
            draft.leave_out(left_out.of(rule));
        }
        let Some((kind, table)) = &self.table else {
            return;
        };
        let text = toml_text::action(kind, table);
        if self.off {
            draft.line(&toml_text::behind_signs(&format!(
                "[[rule.action]]\n{text}"
            )));
        } else {
            draft.line(&text);
        }
    }
}

impl Rule {
    /// Adds the rule to the TOML.
    pub(in super::super) fn write(&self, draft: &mut Draft) {
        draft.line("");
        if let Some(origin) = &self.origin {
            draft.comment(origin);
        }
        if self.actions.iter().any(Action::is_live) {
            self.write_table(draft);
            return;
        }
        // A rule without an action would make the whole file wrong.
        let what = "no action of this rule is left, and a rule has at least one";
        draft.leave_out(LeftOut::new(&self.place, what).of(&self.whose()));
        let mut table = Draft::default();
        self.write_table(&mut table);
        draft.line(&toml_text::behind_signs(&table.toml));
        draft.left_out.extend(table.left_out);
    }

    fn whose(&self) -> String {
        format!("rule {}", self.name)
    }

    fn write_table(&self, draft: &mut Draft) {
        draft.line("[[rule]]");
        draft.line(&format!("name = {}", toml_text::quoted(&self.name)));
        if !self.description.is_empty() {
            let description = toml_text::quoted(&self.description);
            draft.line(&format!("description = {description}"));
        }
        let whose = self.whose();
        for left_out in &self.left_out {
            draft.leave_out(left_out.of(&whose));
        }
        draft.line(&format!("sql = {}", toml_text::statement(&self.sql)));
        if !self.enabled {
            draft.line("enabled = false");
        }
        for action in &self.actions {
            action.write(&whose, draft);
        }
    }
}

/// A rule of an export.
pub(super) fn of_export(
    written: &WrittenRule,
    export: &Export,
    names: &mut Names,
) -> Result<Rule, ImportError> {
    let WrittenRule { id, node } = written;
    let sql = node.get("sql").or(node.get("rawsql"));
    let sql = sql.ok_or_else(|| node.fault("the rule has no `sql`"))?;
    let name = node.text_of("name")?.filter(|name| !name.is_empty());
    let theirs = name.unwrap_or(id);
    let ours = names.of(theirs);
    let origin = (ours != *id || name.is_some_and(|name| name != ours))
        .then(|| origin(name.unwrap_or_default(), id));
    let enabled = node.flag_of("enable")?.or(node.flag_of("enabled")?);
    let sql_text = sql.text("sql")?;
    let mut rule = Rule {
        place: node.place.clone(),
        name: ours,
        origin: origin.filter(|origin| !origin.is_empty()),
        description: node.text_of("description")?.unwrap_or_default().to_owned(),
        sql: sql_text.to_owned(),
        enabled: enabled.unwrap_or(true),
        left_out: Vec::new(),
        actions: Vec::new(),
    };
    if sql_text.contains("$bridges/") || sql_text.contains("$sources/") {
        let what = "what EMQX takes from other systems is no message here";
        rule.left_out.push(LeftOut::new(&sql.place, what));
    }
    let actions = node.get("actions").or(node.get("outputs"));
    for written in actions
        .map(super::super::hocon::Node::items)
        .unwrap_or_default()
    {
        rule.actions.push(action::of(written, &rule.sql, export)?);
    }
    Ok(rule)
}

fn origin(name: &str, id: &str) -> String {
    match (name, id) {
        ("", "") => String::new(),
        ("", id) => format!("In EMQX: {id}"),
        (name, "") => format!("In EMQX: {name}"),
        (name, id) if name == id => format!("In EMQX: {name}"),
        (name, id) => format!("In EMQX: {name}, id {id}"),
    }
}

/// Bridges with a topic filter of their own need no rule in EMQX; here they become one.
pub(super) fn of_local_topics(
    export: &Export,
    names: &mut Names,
) -> Result<Vec<Rule>, ImportError> {
    let mut rules = Vec::new();
    for definition in export
        .actions()
        .iter()
        .filter(|known| is_kafka(&known.kind))
    {
        let filter = definition.node.text_of("local_topic")?;
        let Some(filter) = filter.filter(|filter| !filter.is_empty()) else {
            continue;
        };
        let name = names.of(&definition.name);
        let action = kafka::of(definition, export)?;
        rules.push(Rule {
            place: definition.node.place.clone(),
            name,
            origin: Some(format!(
                "In EMQX: {} with local_topic",
                definition.reference()
            )),
            description: String::new(),
            sql: format!("SELECT * FROM \"{filter}\""),
            enabled: !action.off,
            left_out: Vec::new(),
            actions: vec![Action {
                origin: None,
                off: false,
                ..action
            }],
        });
    }
    Ok(rules)
}
