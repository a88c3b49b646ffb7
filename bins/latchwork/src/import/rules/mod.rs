//! Rules of EMQX's rule engine.

mod action;
mod export;
mod kafka;
mod names;
mod older;
mod republish;
mod rule;

#[cfg(test)]
mod tests;

use super::draft::Draft;
use super::error::ImportError;
use super::hocon::Reader;
use super::input::Input;
use export::Export;
use names::Names;

pub(super) use kafka::Template;
pub(super) use names::Names as RuleNames;
pub(super) use rule::{Action, Rule};

/// What precedes rules in the TOML.
pub(super) const ABOUT_RULES: &str = "\
Put this into the pipeline file, and see that it is understood: latchwork check --config FILE
What a rule can't make of a message becomes a dead letter. EMQX only counts it; where that is
wanted, add to the rule: on_failure = \"ignore\"
Acknowledgements, batches, buffers and compression are not carried over: kafka-sink sees to them.";

/// Reads exports, of which one may name what another defines, and writes their rules.
pub(super) fn import(inputs: &[Input]) -> Result<Draft, ImportError> {
    let mut export = Export::default();
    for input in inputs {
        export.add(&Reader::read(input)?)?;
    }
    let mut draft = Draft::default();
    let files: Vec<&str> = inputs.iter().map(|input| &*input.name).collect();
    draft.comment(&format!("Rules of EMQX, from {}.", files.join(", ")));
    draft.comment(ABOUT_RULES);
    let mut names = Names::default();
    for written in export.rules() {
        rule::of_export(written, &export, &mut names)?.write(&mut draft);
    }
    for rule in rule::of_local_topics(&export, &mut names)? {
        rule.write(&mut draft);
    }
    Ok(draft)
}
