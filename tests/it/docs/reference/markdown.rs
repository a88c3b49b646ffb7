//! Pieces of Markdown.

use std::fmt::Write;

/// The line under each page's title.
pub(super) const MADE: &str =
    "Made from the code by `UPDATE_DOCS=1 cargo test -p it docs::reference`; a test compares.";

/// A table.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let mut text = line(&head);
    writeln!(text, "|{}", "---|".repeat(head.len())).unwrap();
    for row in rows {
        assert_eq!(row.len(), head.len(), "{row:?}");
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&line(&cells));
    }
    text
}

/// Code within a line; nothing for nothing.
pub(super) fn code(text: impl AsRef<str>) -> String {
    match text.as_ref() {
        "" => String::new(),
        text => format!("`{text}`"),
    }
}

/// Several pieces of code, with commas.
pub(super) fn codes(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let codes: Vec<String> = texts.into_iter().map(code).collect();
    codes.join(", ")
}

/// Paragraphs in one line, each a sentence.
pub(super) fn one_line(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let paragraph = paragraph.trim().replace('\n', " ");
        match paragraph.chars().last() {
            None | Some('.' | ':' | '?' | '!') => paragraph,
            Some(_) => format!("{paragraph}."),
        }
    });
    paragraphs.collect::<Vec<_>>().join(" ")
}
