//! Names of rules.

/// Longest name that is made; the rest of a longer one is cut off.
const LONGEST: usize = 64;

/// The names that are taken.
#[derive(Debug, Default)]
pub(in super::super) struct Names {
    taken: Vec<String>,
}

impl Names {
    /// A name for a rule out of EMQX's: letters, digits, `-`, `_` and `.`, unlike all before it.
    pub(in super::super) fn of(&mut self, theirs: &str) -> String {
        let mut name = String::new();
        for character in theirs.chars() {
            if name.len() == LONGEST {
                break;
            }
            if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.') {
                name.push(character);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = match name.trim_matches('-') {
            "" => "rule",
            name => name,
        };
        let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let free = names.find(|name| !self.taken.contains(name));
        let free = free.unwrap_or_default();
        self.taken.push(free.clone());
        free
    }
}
