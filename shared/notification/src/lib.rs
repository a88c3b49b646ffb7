//! Telling people: contacts, texts, channels, and what is sent when.
//!
//! An alert takes three steps here. [`Planner`] turns it into one [`Delivery`] per contact and
//! channel; [`Queue`] says which delivery is due, alone or in a digest; a [`Channel`] sends it. The
//! first two are pure: the time is a parameter. Streams and acknowledgements are the caller's.

mod channel;
mod contacts;
mod delivery;
mod language;
mod message;
mod plan;
mod queue;
mod recent;
mod secret;
mod templates;

pub use channel::{
    Channel, ChannelError, Email, EmailOptions, Scope, Security, SendError, Sms, SmsBody,
    SmsOptions, SmsSuccess, Webhook, WebhookOptions,
};
pub use contacts::{
    AddressError, ChannelKind, Contact, Contacts, ContactsError, ImportError, LineFault,
    QuietHours, Reach, Zone, check_address, import,
};
pub use delivery::{Delivery, DeliveryError};
pub use language::Language;
pub use message::Message;
pub use plan::{Planner, PlannerOptions};
pub use queue::{Backoff, Outgoing, Pushed, Queue, QueueOptions, Rate};
pub use secret::{Secret, SecretError};
pub use templates::{Templates, TemplatesError};
