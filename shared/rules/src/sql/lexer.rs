//! Text to tokens.

use bytestring::ByteString;

use super::error::{Fault, SqlError};
use super::place::Place;
use super::token::{Keyword, Lexeme, Symbol, Token};

/// Gives one token after the other; it never looks back, so its work is linear in the text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    last_end: usize,
}

impl<'t> Lexer<'t> {
    /// Begins at the first byte.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            last_end: 0,
        }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// What is written at a place.
    pub(super) fn written(&self, place: Place) -> &'t str {
        self.text.get(place.start..place.end).unwrap_or_default()
    }

    /// The next token; at the end of the text [`Token::End`] again and again, right behind the last
    /// token, because that is where something is missing.
    pub(super) fn next(&mut self) -> Result<Lexeme, SqlError> {
        self.skip();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            let place = Place {
                start: self.last_end,
                end: self.last_end,
            };
            return Ok(Lexeme {
                token: Token::End,
                place,
            });
        };
        let token = match first {
            '\'' => Token::Text(self.quoted('\'')?),
            '"' => Token::Name(self.quoted('"')?),
            '0'..='9' => self.number()?,
            first if begins_word(first) => self.word(),
            first => self.symbol(first)?,
        };
        self.last_end = self.at;
        let place = Place {
            start,
            end: self.at,
        };
        Ok(Lexeme { token, place })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes spaces and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("--") {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// A quote within is written twice. Backslashes mean nothing: regular expressions and
    /// `unescape` want them as they are, and `'\'` is a text too.
    fn quoted(&mut self, quote: char) -> Result<ByteString, SqlError> {
        let start = self.at;
        let mut content = String::new();
        loop {
            self.at += 1;
            let rest = self.rest();
            let Some(length) = rest.find(quote) else {
                let place = Place {
                    start,
                    end: start + 1,
                };
                return Err(self.error(place, Fault::Unclosed(quote)));
            };
            content.push_str(rest.get(..length).unwrap_or_default());
            self.at += length + 1;
            if !self.rest().starts_with(quote) {
                return Ok(content.into());
            }
            content.push(quote);
        }
    }

    fn number(&mut self) -> Result<Token, SqlError> {
        let start = self.at;
        self.digits();
        let fraction = self.fraction();
        let exponent = self.exponent();
        let mut place = Place {
            start,
            end: self.at,
        };
        if self.rest().starts_with(continues_word) {
            place.end += self.take_while(continues_word);
            let hint = "put spaces between them, or the name in quotes";
            return Err(self
                .error(place, Fault::NumberAndName)
                .hinted(hint.to_owned()));
        }
        let digits = self.written(place);
        let token = if fraction || exponent {
            let number: Option<f64> = digits.parse().ok();
            number.filter(|number| number.is_finite()).map(Token::Float)
        } else {
            digits.parse().map(Token::Int).ok()
        };
        token.ok_or_else(|| self.error(place, Fault::NumberTooLarge))
    }

    /// Passes `.5`; the dots of `1..5` are none.
    fn fraction(&mut self) -> bool {
        let fraction = self.rest().strip_prefix('.');
        let there = fraction.is_some_and(begins_with_digit);
        if there {
            self.at += 1;
            self.digits();
        }
        there
    }

    /// Passes `e3`, `E-3`.
    fn exponent(&mut self) -> bool {
        let Some(exponent) = self.rest().strip_prefix(['e', 'E']) else {
            return false;
        };
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let there = begins_with_digit(unsigned);
        if there {
            self.at += 1 + exponent.len() - unsigned.len();
            self.digits();
        }
        there
    }

    fn digits(&mut self) {
        self.take_while(|character| character.is_ascii_digit());
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        self.take_while(continues_word);
        let word = self.written(Place {
            start,
            end: self.at,
        });
        match Keyword::find(word) {
            Some(keyword) => Token::Keyword(keyword),
            None => Token::Word(word.into()),
        }
    }

    fn symbol(&mut self, first: char) -> Result<Token, SqlError> {
        let rest = self.rest();
        for (text, symbol) in Symbol::ALL {
            if rest.starts_with(text) {
                self.at += text.len();
                return Ok(Token::Symbol(symbol));
            }
        }
        let place = Place {
            start: self.at,
            end: self.at + first.len_utf8(),
        };
        let error = self.error(place, Fault::Character(first));
        Err(match meant_by(first) {
            Some(hint) => error.hinted(hint.to_owned()),
            None => error,
        })
    }

    /// Passes characters and says how many bytes they have.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> usize {
        let rest = self.rest();
        let length = rest.find(|character| !wanted(character));
        let length = length.unwrap_or(rest.len());
        self.at += length;
        length
    }

    fn error(&self, place: Place, fault: Fault) -> SqlError {
        SqlError::new(self.text, place, fault)
    }
}

/// Whether a name means itself without quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let reserved = ["true", "false", "div", "mod"];
    name.starts_with(begins_word)
        && name.chars().all(continues_word)
        && Keyword::find(name).is_none()
        && !reserved.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn begins_word(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

fn continues_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '@')
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|character: char| character.is_ascii_digit())
}

/// What people mean by a sign that the SQL does not have.
fn meant_by(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => {
            "the quotes must be straight: 'text' or \"name\""
        }
        '`' => "a name is quoted as \"name\"",
        '&' => "did you mean AND?",
        '|' => "did you mean OR?",
        '!' => "did you mean NOT or `!=`?",
        '%' => "did you mean mod?",
        _ => return None,
    })
}
