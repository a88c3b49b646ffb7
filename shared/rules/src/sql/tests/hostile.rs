//! Texts that nobody means well.

use std::thread;

use proptest::prelude::*;

use super::round_trip::any_statement;
use crate::sql::lexer::Lexer;
use crate::sql::token::Token;
use crate::sql::{Fault, MAX_NESTING, MAX_OPERATORS, MAX_TEXT, parse};

/// Stack of the thread that reads the deepest trees: three quarters of what threads get. Code that
/// is not optimised needs most of it.
const SMALL_STACK: usize = 1_536 * 1024;

/// Reads, walks in every way there is, and drops. Says whether it is a statement.
fn exercise(text: &str) -> bool {
    let statement = match parse(text) {
        Ok(statement) => statement,
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1);
            assert!(error.caret(text).contains('^'));
            return false;
        }
    };
    let printed = statement.to_string();
    assert_eq!(statement.clone(), statement);
    // Printed with all spaces and quotes, a statement may be longer than what may be read.
    if printed.len() <= MAX_TEXT {
        assert_eq!(parse(&printed), Ok(statement), "{text}");
    }
    true
}

/// A text of the largest size that repeats something.
fn repeated(begin: &str, part: &str, end: &str) -> String {
    let room = MAX_TEXT - begin.len() - end.len();
    format!("{begin}{}{end}", part.repeat(room / part.len()))
}

/// Scenario: texts of the largest size that repeat what a bad reader does in quadratic time or
/// with a deep stack, on a small stack.
/// Guarantee: each is read or refused; the test would not end in its time otherwise.
#[test]
fn large_texts_are_read_or_refused() {
    let read = [
        repeated("SELECT ", "a, ", "a FROM t"),
        repeated("SELECT a", ".a", " FROM t"),
        repeated("SELECT a", "[1]", " FROM t"),
        repeated("SELECT CASE ", "WHEN a THEN 1 ", "END FROM t"),
        repeated("SELECT a IN (1", ",1", ") FROM t"),
        repeated("SELECT '", "''", "' FROM t"),
        repeated("SELECT ", "''", " FROM t"),
        repeated("SELECT a ", "--\n", "FROM t"),
        repeated("SELECT a ", " ", "FROM t"),
        repeated("SELECT 0.", "1", " FROM t"),
        repeated("SELECT ", "x", "a b FROM t"),
        repeated("SELECT a FROM t", ",t", ""),
        repeated("SELECT a FROM '", "t/", "'"),
    ];
    let refused = [
        repeated("SELECT a", "[a", ""),
        repeated("SELECT ", "(", ""),
        repeated("SELECT ", "[", ""),
        repeated("SELECT ", "-", ""),
        repeated("SELECT ", "- ", ""),
        repeated("SELECT ", "NOT ", ""),
        repeated("SELECT ", "upper(", ""),
        repeated("SELECT ", "CASE ", ""),
        repeated("SELECT ", "a OR a AND NOT a = a + a * (", ""),
        repeated("SELECT a", "+a", " FROM t"),
        repeated("SELECT ", "'", ""),
        repeated("SELECT ", "\"", ""),
        repeated("SELECT ", "1", " FROM t"),
        repeated("SELECT ", "x", "(a) FROM t"),
        repeated("SELECT a FROM '$events/", "x", "'"),
        repeated("", "\u{95e8}", ""),
    ];
    let reader = thread::Builder::new().stack_size(SMALL_STACK);
    let exercised = reader.spawn(move || {
        assert!(read.iter().all(|text| exercise(text)));
        assert!(refused.iter().all(|text| !exercise(text)));
    });
    exercised.unwrap().join().unwrap();
}

/// Scenario: the deepest tree that can be written: all operators of an expression in one chain, in
/// as many parentheses as may be; on a small stack.
/// Guarantee: it can be read, printed, compared, cloned and dropped.
#[test]
fn the_deepest_tree_fits_a_small_stack() {
    let share = MAX_OPERATORS / MAX_NESTING;
    let text = format!(
        "SELECT {}a{} FROM t",
        "(".repeat(MAX_NESTING),
        format!("{})", " - a".repeat(share)).repeat(MAX_NESTING)
    );
    let deeper = text.replacen("a)", "a - a)", 1);
    assert_eq!(parse(&deeper).unwrap_err().fault, Fault::Operators);
    let reader = thread::Builder::new().stack_size(SMALL_STACK);
    let read = reader.spawn(move || exercise(&text)).unwrap();
    assert!(read.join().unwrap());
}

proptest! {
    /// Scenario: any text.
    /// Guarantee: no panic; each token ends behind the one before it, so that there are no more
    /// tokens than bytes.
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        exercise(&text);
        let mut lexer = Lexer::new(&text);
        let mut end = 0;
        while let Ok(lexeme) = lexer.next() {
            if lexeme.token == Token::End {
                break;
            }
            prop_assert!(lexeme.place.end > end && lexeme.place.end <= text.len());
            end = lexeme.place.end;
        }
    }

    /// Scenario: a statement with a part cut out and another put in.
    /// Guarantee: no panic; what is read is printed as itself.
    #[test]
    fn any_broken_statement_is_read_or_refused(
        statement in any_statement(),
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
        part in any_part(),
    ) {
        let text: Vec<char> = statement.to_string().chars().collect();
        let (from, length) = (cut.0.index(text.len()), cut.1.index(10));
        let (before, rest) = text.split_at(from);
        let after = rest.iter().skip(length);
        let broken: String = before.iter().copied().chain(part.chars()).chain(after.copied()).collect();
        exercise(&broken);
    }

    /// Scenario: any sequence of things that statements are made of.
    /// Guarantee: no panic; what is read is printed as itself.
    #[test]
    fn any_tokens_are_read_or_refused(parts in prop::collection::vec(any_part(), 0..30)) {
        exercise(&parts.join(" "));
        exercise(&format!("SELECT {} FROM t", parts.concat()));
    }
}

fn any_part() -> impl Strategy<Value = &'static str> {
    let parts = "SELECT FOREACH DO INCASE FROM WHERE AS CASE WHEN THEN ELSE END AND OR NOT IN div mod \
         true a b.c upper( topic() ( ) [ ] , . .. ; + - * / = != < >= =~ 1 0 2.5 1e3 'x' \"y\" \
         [1..2] [-0] -- ' \" \u{95e8}";
    prop::sample::select(parts.split_whitespace().collect::<Vec<_>>())
}
