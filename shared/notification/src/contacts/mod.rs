//! Who is told about a lock, how, and when not.

mod address;
mod import;
mod quiet;

use serde::{Deserialize, Serialize};

use crate::language::Language;

pub use address::{AddressError, ChannelKind, Reach, check_address};
pub use import::{ImportError, LineFault, import};
pub use quiet::{QuietHours, Zone};

/// Contacts of one lock; more is a mistake.
const CONTACT_LIMIT: usize = 100;
/// Channels of one contact.
const CHANNEL_LIMIT: usize = 20;
/// Characters of a name.
const NAME_LIMIT: usize = 100;

/// Whom one lock's alerts concern. As JSON:
///
/// ```json
/// {"contacts": [{
///   "name": "Mei", "language": "zh", "zone": "Asia/Shanghai",
///   "channels": [{"channel": "email", "address": "mei@example.com", "severity": "warning"}],
///   "quiet": {"from": "22:00", "to": "07:00", "critical_waits": false}
/// }]}
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "WrittenContacts")]
pub struct Contacts {
    contacts: Vec<Contact>,
}

/// One person, or one system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// 1 to 100 characters, none of them a control character; unique among the lock's contacts.
    pub name: String,
    /// The language of texts; without one the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Where the contact lives: the zone of quiet hours and of times in texts. UTC if not said.
    #[serde(default)]
    pub zone: Zone,
    /// How to reach the contact, each with the severity from which on it is wanted.
    pub channels: Vec<Reach>,
    /// When the contact is not to be disturbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
}

/// Why something is no list of contacts.
#[derive(Debug, thiserror::Error)]
pub enum ContactsError {
    /// Not the JSON of contacts, or an address or a time in it is wrong.
    #[error("contacts: {0}")]
    Json(#[from] serde_json::Error),
    /// A name that can't be one.
    #[error(
        "contact {0:?}: a name has 1 to {NAME_LIMIT} characters, none of them a control character"
    )]
    Name(String),
    /// Two contacts of one name.
    #[error("contact {0:?} is there twice; give each contact its own name")]
    Twice(String),
    /// More contacts than a lock can have.
    #[error("{0} contacts; a lock has at most {CONTACT_LIMIT}")]
    TooMany(usize),
    /// A contact that can't be reached, or in too many ways.
    #[error("contact {name:?} has {count} channels; it needs 1 to {CHANNEL_LIMIT}")]
    Channels {
        /// The contact.
        name: String,
        /// Its channels.
        count: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenContacts {
    contacts: Vec<Contact>,
}

impl TryFrom<WrittenContacts> for Contacts {
    type Error = ContactsError;

    fn try_from(written: WrittenContacts) -> Result<Self, ContactsError> {
        Self::new(written.contacts)
    }
}

impl Contacts {
    /// These contacts, checked. None is a valid list: nobody is told.
    pub fn new(contacts: Vec<Contact>) -> Result<Self, ContactsError> {
        if contacts.len() > CONTACT_LIMIT {
            return Err(ContactsError::TooMany(contacts.len()));
        }
        for (index, contact) in contacts.iter().enumerate() {
            check(contact)?;
            let mut earlier = contacts.iter().take(index);
            if earlier.any(|earlier| earlier.name == contact.name) {
                return Err(ContactsError::Twice(contact.name.clone()));
            }
        }
        Ok(Self { contacts })
    }

    /// Reads and checks the JSON.
    pub fn read(json: &[u8]) -> Result<Self, ContactsError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The contacts as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // Texts and lists: there is nothing in it that JSON can't say.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// All of them, in the order of the list.
    pub fn iter(&self) -> std::slice::Iter<'_, Contact> {
        self.contacts.iter()
    }

    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }
}

impl<'c> IntoIterator for &'c Contacts {
    type Item = &'c Contact;
    type IntoIter = std::slice::Iter<'c, Contact>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn check(contact: &Contact) -> Result<(), ContactsError> {
    let name = &contact.name;
    if name.trim().is_empty()
        || name.chars().count() > NAME_LIMIT
        || name.contains(char::is_control)
    {
        return Err(ContactsError::Name(name.clone()));
    }
    if contact.channels.is_empty() || contact.channels.len() > CHANNEL_LIMIT {
        return Err(ContactsError::Channels {
            name: name.clone(),
            count: contact.channels.len(),
        });
    }
    Ok(())
}
