//! The command lines of the pages: what stands in their `sh` blocks, and the files that they show.

use std::path::PathBuf;

use super::pages::{Page, all};

/// One line, with the page that shows it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) page: PathBuf,
    pub(super) text: String,
    pub(super) command: Command,
    /// What it must end with; a page shows another one than 0 as `  # exit code 1`.
    pub(super) exit_code: i32,
}

/// Between a line and its exit code.
const EXIT_CODE: &str = "  # exit code ";

/// The beginning of a block that is a file.
const FILE: &str = "text file=";

/// What a line calls.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// The product's own command, with its arguments.
    Latchwork(Vec<String>),
    /// Docker compose: variables that are set for it, and the words behind `docker compose`.
    Compose(Vec<String>, Vec<String>),
    /// Cargo, as it stands there.
    Cargo(String),
    /// A variable for the lines behind it.
    Export,
    /// A tool that nearly every machine has, for a shell.
    Openssl(String),
    /// A file that the reader writes: name and text.
    File(String, String),
    /// Something that no test knows.
    Other,
}

/// Every line of every page, in order.
pub(super) fn lines() -> Vec<Line> {
    all().iter().flat_map(of_page).collect()
}

fn of_page(page: &Page) -> Vec<Line> {
    // Behind each odd fence is a block: its kind, and what is in it.
    let blocks = page.text.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.split_once('\n'));
    let lines = |(kind, text): (&str, &str)| match kind.strip_prefix(FILE) {
        Some(name) => vec![Line {
            page: page.path.clone(),
            text: format!("the file {name}"),
            command: Command::File(name.to_owned(), text.to_owned()),
            exit_code: 0,
        }],
        None if kind == "sh" => text
            .lines()
            .map(|line| of_text(page.path.clone(), line))
            .collect(),
        None => Vec::new(),
    };
    blocks.flat_map(lines).collect()
}

fn of_text(page: PathBuf, text: &str) -> Line {
    let (text, exit_code) = text.split_once(EXIT_CODE).unwrap_or((text, "0"));
    Line {
        page,
        text: text.to_owned(),
        command: command(text),
        exit_code: exit_code.parse().unwrap(),
    }
}

fn command(text: &str) -> Command {
    let words = words(text.trim_end_matches([' ', '&']));
    let set = words.iter().take_while(|word| is_assignment(word)).count();
    let (variables, words) = words.split_at(set);
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    match plain.as_slice() {
        ["latchwork" | "target/release/latchwork", ..] => Command::Latchwork(words[1..].to_vec()),
        ["cargo", "run", "--release", "--", ..] => Command::Latchwork(words[4..].to_vec()),
        ["docker", "compose", ..] => Command::Compose(variables.to_vec(), words[2..].to_vec()),
        ["cargo", ..] => Command::Cargo(plain.join(" ")),
        ["openssl", ..] => Command::Openssl(text.to_owned()),
        ["export", assignment] if is_assignment(assignment) => Command::Export,
        _ => Command::Other,
    }
}

/// What the pages mention in passing, in a line of text: the words behind `latchwork`.
pub(super) fn mentions() -> Vec<(PathBuf, Vec<String>)> {
    let of_page = |page: &Page| {
        // Blocks of code have an odd place between their fences, pieces of code between theirs.
        let prose = page.text.split("```").step_by(2);
        let codes = prose.flat_map(|text| text.split('`').skip(1).step_by(2));
        let ours = codes.filter_map(|code| code.strip_prefix("latchwork "));
        let mention = |code: &str| (page.path.clone(), words(&code.replace('\n', " ")));
        ours.map(mention).collect::<Vec<_>>()
    };
    all().iter().flat_map(of_page).collect()
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The words of a line as a shell takes them, as far as the pages need it: quotes, and no pipes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

impl Line {
    /// The product's own arguments: also those that a container gets.
    pub(super) fn latchwork(&self) -> Option<&[String]> {
        match &self.command {
            Command::Latchwork(arguments) => Some(arguments),
            Command::Compose(_, words) => {
                let service = words.iter().position(|word| word == "latchwork")?;
                Some(&words[service + 1..])
            }
            _ => None,
        }
    }

    /// For a failure.
    pub(super) fn shown(&self) -> String {
        format!("{}: {}", self.page.display(), self.text)
    }
}

/// Scenario: lines as the pages have them.
/// Guarantee: each is known for what it calls, with the arguments as a shell would give them.
#[test]
fn lines_are_read() {
    let latchwork = |text: &str| {
        let line = of_text(PathBuf::new(), text);
        line.latchwork().map(<[String]>::to_vec)
    };
    let set = "docker compose run --rm latchwork contacts set '*' --name \"Mei Lin\"";
    assert_eq!(
        latchwork(set).unwrap(),
        ["contacts", "set", "*", "--name", "Mei Lin"]
    );
    assert_eq!(latchwork("target/release/latchwork up &").unwrap(), ["up"]);
    assert_eq!(latchwork("cargo run --release -- demo").unwrap(), ["demo"]);
    assert!(matches!(
        command("export A=\"$PWD/b:$PATH\""),
        Command::Export
    ));
    assert!(matches!(command("rm -r /"), Command::Other));
    assert!(matches!(command("openssl rand 3"), Command::Openssl(_)));
    let denied = of_text(PathBuf::new(), "latchwork acl test  # exit code 1");
    assert_eq!(
        (denied.text.as_str(), denied.exit_code),
        ("latchwork acl test", 1)
    );
    let page = Page {
        path: PathBuf::new(),
        text: "A\n```text file=acl\nall deny\n```\nB\n```toml\nx\n```\n".to_owned(),
    };
    let lines = of_page(&page);
    assert!(
        matches!(&lines[..], [Line { command: Command::File(name, text), .. }]
        if name == "acl" && text == "all deny\n")
    );
    let Command::Compose(variables, words) = command("A_B=1 docker compose up --wait") else {
        panic!("no compose line");
    };
    assert_eq!(
        (variables, words),
        (vec!["A_B=1".into()], vec!["up".into(), "--wait".into()])
    );
}
