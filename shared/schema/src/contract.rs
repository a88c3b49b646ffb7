//! Which payloads must satisfy which schema.

use std::sync::Arc;

use record::TopicFilter;

use crate::document::Document;
use crate::schema::Schema;
use crate::text::{bounded, quote};
use crate::violation::Violation;

/// What the payloads of a topic filter must be.
///
/// Where the filter has a `+` and the schema requires `client_id`, the first `+` names the client:
/// `devices/+/state` makes the payload's `client_id` equal the topic's second level, so that no
/// lock speaks for another.
#[derive(Clone, Debug)]
pub struct Contract {
    filter: TopicFilter,
    schema: Arc<Schema>,
    client_level: Option<usize>,
}

impl Contract {
    /// Joins a filter and a schema.
    pub fn new(filter: TopicFilter, schema: Arc<Schema>) -> Self {
        let client_level = schema
            .requires_client_id()
            .then(|| filter.as_str().split('/').position(|level| level == "+"))
            .flatten();
        Self {
            filter,
            schema,
            client_level,
        }
    }

    /// The same contract for topics whose first `+` is not the client id.
    #[must_use]
    pub fn with_any_client_id(self) -> Self {
        Self {
            client_level: None,
            ..self
        }
    }

    /// The topics it is for.
    pub fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    /// The schema of their payloads.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether the payload's `client_id` must equal the topic's.
    pub fn checks_client_id(&self) -> bool {
        self.client_level.is_some()
    }

    /// Checks the payload of a message to a topic that the filter matches.
    pub fn check(&self, topic: &str, payload: &[u8]) -> Result<(), Violation> {
        let document = self.schema.read(payload)?;
        let Some(level) = self.client_level else {
            return Ok(());
        };
        let expected = topic.split('/').nth(level).unwrap_or_default();
        match document.get("client_id") {
            Some(Document::String(client_id)) if client_id == expected => Ok(()),
            found => Err(self.other_client(found, expected)),
        }
    }

    #[cold]
    fn other_client(&self, found: Option<&Document<'_>>, expected: &str) -> Violation {
        let expected = quote(expected);
        let text = match found {
            Some(Document::String(found)) => bounded(format_args!(
                "client_id is {:?}, but the topic's is {expected:?}",
                quote(found)
            )),
            _ => bounded(format_args!(
                "client_id must be the text {expected:?}, as in the topic"
            )),
        };
        self.schema.violation("client-id", "/client_id", text)
    }
}

/// The contracts of a pipeline, in order. Cloning copies no contract.
#[derive(Clone, Debug, Default)]
pub struct Contracts(Arc<[Contract]>);

impl Contracts {
    /// The first contract whose filter matches a topic.
    pub fn find(&self, topic: &str) -> Option<&Contract> {
        self.0
            .iter()
            .find(|contract| contract.filter.matches(topic))
    }

    /// Checks a payload against the first contract that matches; one that none matches passes.
    pub fn check(&self, topic: &str, payload: &[u8]) -> Result<(), Violation> {
        self.find(topic)
            .map_or(Ok(()), |contract| contract.check(topic, payload))
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Contract> {
        self.0.iter()
    }
}

impl<'c> IntoIterator for &'c Contracts {
    type Item = &'c Contract;
    type IntoIter = std::slice::Iter<'c, Contract>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Contract> for Contracts {
    fn from_iter<I: IntoIterator<Item = Contract>>(contracts: I) -> Self {
        Self(contracts.into_iter().collect())
    }
}
