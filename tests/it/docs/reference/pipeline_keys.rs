//! The keys of the pipeline file: those that are accepted, and those that a text shows.

use std::collections::BTreeSet;
use std::path::Path;

use settings::Pipeline;

/// No key is like it: the answer to it lists all that are known.
const NO_KEY: &str = "no_key_has_a_name_like_this_one";

/// What stands for the kind of alert in `[audit.rules.KIND]`: the first one.
const A_RULE: &str = "audit.rules.unlocked";

/// What a table takes.
enum Table {
    /// These keys.
    Keys(Vec<String>),
    /// Tables under these names, all alike.
    Named(Vec<String>),
    /// Any key.
    Any,
}

/// Every key as `table.key`, found by asking: each table is given a key that there is not, and the
/// refusal says which there are. `table.*` is a table with keys of others, such as librdkafka's.
pub(super) fn accepted() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    explore("", &mut keys);
    keys
}

fn explore(path: &str, keys: &mut BTreeSet<String>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match ask(path) {
        None => {
            keys.insert(path.to_owned());
        }
        Some(Table::Any) => {
            keys.insert(format!("{path}.*"));
        }
        Some(Table::Keys(names)) => names.iter().for_each(|name| explore(&below(name), keys)),
        Some(Table::Named(names)) => explore(&below(&names[0]), keys),
    }
}

/// What the table at a path takes; `None` when the path is no table.
fn ask(path: &str) -> Option<Table> {
    let headers = match path {
        "" => vec![String::new()],
        path => vec![format!("[{path}]\n"), format!("[[{path}]]\n")],
    };
    headers.iter().find_map(|header| {
        let given = Pipeline::read(
            Path::new("pipeline.toml"),
            &format!("{header}{NO_KEY} = 1\n"),
        );
        let Err(refusal) = given else {
            return Some(Table::Any);
        };
        let refusal = refusal.to_string();
        let names = refusal.split_once("; known are ").map(|(_, names)| names);
        let names: Vec<String> = names?.split(", ").map(str::to_owned).collect();
        if refusal.contains("unknown key") {
            return Some(Table::Keys(names));
        }
        // An unknown word: of an enumeration, or the name of a table.
        let first = format!("{path}.{}", names.first()?);
        matches!(ask(&first), Some(Table::Keys(_))).then_some(Table::Named(names))
    })
}

/// Every key that a text shows, behind comment signs or not.
pub(super) fn shown(text: &str) -> BTreeSet<String> {
    let mut table = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines().map(|line| line.trim_start_matches(['#', ' '])) {
        let name = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        if let Some(header) = line.strip_prefix('[') {
            let header = header
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap_or_default();
            table = match header.strip_prefix("audit.rules.") {
                Some(_) => A_RULE.to_owned(),
                None => header.to_owned(),
            };
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| name(key)) {
            keys.insert(format!("{table}.{key}"));
        }
    }
    keys
}
