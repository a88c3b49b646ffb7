//! `FROM`: which messages and events.

use bytestring::ByteString;
use record::TopicFilter;

use super::Parser;
use crate::sql::RuleEvent;
use crate::sql::error::{Fault, SqlError};
use crate::sql::place::Place;
use crate::sql::token::{Short, Symbol, Token};

impl Parser<'_> {
    /// Behind `FROM`.
    pub(super) fn from(&mut self) -> Result<Vec<ByteString>, SqlError> {
        let mut from = vec![self.source()?];
        while self.take(Symbol::Comma)? {
            from.push(self.source()?);
        }
        Ok(from)
    }

    fn source(&mut self) -> Result<ByteString, SqlError> {
        let (Token::Name(text) | Token::Text(text) | Token::Word(text)) = &self.current.token
        else {
            return Err(self.unexpected("a topic filter in quotes"));
        };
        let text = text.clone();
        let place = self.advance()?.place;
        self.check_source(&text, place)?;
        Ok(text)
    }

    fn check_source(&self, text: &str, place: Place) -> Result<(), SqlError> {
        let filter: TopicFilter = text
            .parse()
            .map_err(|error| self.error(place, Fault::TopicFilter(error)))?;
        if !RuleEvent::is_meant(text) || RuleEvent::matching(&filter).next().is_some() {
            return Ok(());
        }
        let error = self.error(place, Fault::UnknownEvent(Short(text).to_string()));
        Err(match RuleEvent::nearest(text) {
            _ if text.starts_with("$events/message/publish")
                || text.starts_with("$events/message_publish") =>
            {
                error.hinted("messages are selected by their topic filter".to_owned())
            }
            Some(nearest) => error.hinted(format!("did you mean {nearest}?")),
            None => error,
        })
    }
}
