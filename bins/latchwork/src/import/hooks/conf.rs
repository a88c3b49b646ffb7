//! The `key = value` lines of EMQX 3 and 4.

use std::sync::Arc;

use super::super::error::Place;
use super::super::input::Input;

/// A line that sets something.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Line<'t> {
    /// Its key.
    pub(super) key: &'t str,
    /// What is behind the first `=`, without blanks around it.
    pub(super) value: &'t str,
    /// Where the key begins.
    pub(super) place: Place,
    /// Where the value begins.
    pub(super) value_place: Place,
}

/// The lines of a file; comments, empty lines and lines without `=` are none.
pub(super) fn lines(input: &Input) -> Vec<Line<'_>> {
    (1..)
        .zip(input.text.lines())
        .filter(|(_, line)| !line.trim_start().starts_with('#'))
        .filter_map(|(number, line)| {
            let (key, value) = line.split_once('=')?;
            let column_of = |before: usize, text: &str| {
                let blanks = text.chars().take_while(|c| c.is_whitespace()).count();
                before + blanks + 1
            };
            let place = |column| Place {
                file: Arc::clone(&input.name),
                line: number,
                column,
            };
            Some(Line {
                key: key.trim(),
                value: value.trim(),
                place: place(column_of(0, key)),
                value_place: place(column_of(key.chars().count() + 1, value)),
            })
        })
        .collect()
}
