//! The words and signs of a statement.

use std::fmt;

use bytestring::ByteString;

use super::place::Place;

/// A token and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    /// What it is.
    pub(super) token: Token,
    /// Where it is written.
    pub(super) place: Place,
}

/// The smallest part of a statement that means something.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// A reserved word, in any case.
    Keyword(Keyword),
    /// Any other word.
    Word(ByteString),
    /// `"name"`: a word that may hold anything.
    Name(ByteString),
    /// `'text'`.
    Text(ByteString),
    /// Digits.
    Int(i128),
    /// Digits with a fraction, an exponent or both.
    Float(f64),
    /// A sign.
    Symbol(Symbol),
    /// Behind the last token.
    End,
}

/// The reserved words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keyword {
    And,
    As,
    Case,
    Do,
    Else,
    End,
    Foreach,
    From,
    In,
    Incase,
    Not,
    Or,
    Select,
    Then,
    When,
    Where,
}

impl Keyword {
    /// All of them.
    pub(super) const ALL: [Self; 16] = [
        Self::And,
        Self::As,
        Self::Case,
        Self::Do,
        Self::Else,
        Self::End,
        Self::Foreach,
        Self::From,
        Self::In,
        Self::Incase,
        Self::Not,
        Self::Or,
        Self::Select,
        Self::Then,
        Self::When,
        Self::Where,
    ];

    /// As it is printed.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::And => "AND",
            Self::As => "AS",
            Self::Case => "CASE",
            Self::Do => "DO",
            Self::Else => "ELSE",
            Self::End => "END",
            Self::Foreach => "FOREACH",
            Self::From => "FROM",
            Self::In => "IN",
            Self::Incase => "INCASE",
            Self::Not => "NOT",
            Self::Or => "OR",
            Self::Select => "SELECT",
            Self::Then => "THEN",
            Self::When => "WHEN",
            Self::Where => "WHERE",
        }
    }

    /// The keyword that a word is.
    pub(super) fn find(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|keyword| keyword.text().eq_ignore_ascii_case(word))
    }
}

/// The signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Symbol {
    Open,
    Close,
    OpenIndex,
    CloseIndex,
    Comma,
    Dot,
    Dots,
    Semicolon,
    Plus,
    Minus,
    Star,
    Slash,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    TopicMatch,
}

impl Symbol {
    /// Each with its text; a longer one comes before those that it begins with.
    pub(super) const ALL: [(&'static str, Self); 20] = [
        ("<>", Self::NotEqual),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=~", Self::TopicMatch),
        ("..", Self::Dots),
        ("(", Self::Open),
        (")", Self::Close),
        ("[", Self::OpenIndex),
        ("]", Self::CloseIndex),
        (",", Self::Comma),
        (".", Self::Dot),
        (";", Self::Semicolon),
        ("+", Self::Plus),
        ("-", Self::Minus),
        ("*", Self::Star),
        ("/", Self::Slash),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// As it is written.
    pub(super) fn text(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find_map(|(text, symbol)| (symbol == self).then_some(text))
            .unwrap_or_default()
    }
}

impl fmt::Display for Token {
    /// As an error quotes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword(keyword) => f.write_str(keyword.text()),
            Self::Word(word) => Short(word).fmt(f),
            Self::Name(name) => write!(f, "\"{}\"", Short(name)),
            Self::Text(text) => write!(f, "'{}'", Short(text)),
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Symbol(symbol) => write!(f, "`{}`", symbol.text()),
            Self::End => f.write_str("the end of the text"),
        }
    }
}

/// A text as errors show it: on one line, and not all of it when it is long.
pub(super) struct Short<'t>(pub(super) &'t str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        for character in self.0.chars().take(SHOWN) {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if self.0.chars().nth(SHOWN).is_some() {
            f.write_str("..")?;
        }
        Ok(())
    }
}
