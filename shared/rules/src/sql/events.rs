//! What a rule can be about besides messages.

use record::TopicFilter;

/// What happens to clients, sessions and messages. Names and topics are EMQX's: those of 5.x and
/// of 6.x mean the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum RuleEvent {
    /// A client has connected.
    ClientConnected,
    /// A client's connection has ended.
    ClientDisconnected,
    /// A CONNACK was sent, a refusal or not.
    ClientConnack,
    /// Somebody was asked whether a client may publish or subscribe.
    ClientCheckAuthzComplete,
    /// Somebody was asked who a client is.
    ClientCheckAuthnComplete,
    /// A client has subscribed.
    SessionSubscribed,
    /// A client has unsubscribed.
    SessionUnsubscribed,
    /// A message came. Rules select it by its topic.
    MessagePublish,
    /// A message was sent to a subscriber.
    MessageDelivered,
    /// A subscriber has acknowledged a message.
    MessageAcked,
    /// A message had no subscriber.
    MessageDropped,
    /// A message was not sent to a subscriber.
    DeliveryDropped,
    /// A payload does not fit its schema.
    SchemaValidationFailed,
}

impl RuleEvent {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::ClientConnected,
        Self::ClientDisconnected,
        Self::ClientConnack,
        Self::ClientCheckAuthzComplete,
        Self::ClientCheckAuthnComplete,
        Self::SessionSubscribed,
        Self::SessionUnsubscribed,
        Self::MessagePublish,
        Self::MessageDelivered,
        Self::MessageAcked,
        Self::MessageDropped,
        Self::DeliveryDropped,
        Self::SchemaValidationFailed,
    ];

    /// The hook's name, which is the field `event` too: `client.connected`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientConnected => "client.connected",
            Self::ClientDisconnected => "client.disconnected",
            Self::ClientConnack => "client.connack",
            Self::ClientCheckAuthzComplete => "client.check_authz_complete",
            Self::ClientCheckAuthnComplete => "client.check_authn_complete",
            Self::SessionSubscribed => "session.subscribed",
            Self::SessionUnsubscribed => "session.unsubscribed",
            Self::MessagePublish => "message.publish",
            Self::MessageDelivered => "message.delivered",
            Self::MessageAcked => "message.acked",
            Self::MessageDropped => "message.dropped",
            Self::DeliveryDropped => "delivery.dropped",
            Self::SchemaValidationFailed => "schema.validation_failed",
        }
    }

    /// What selects it in `FROM`: the spelling of 6.x, then that of 5.x. None for a message, which
    /// has a topic of its own.
    pub fn topics(self) -> &'static [&'static str] {
        match self {
            Self::ClientConnected => &["$events/client/connected", "$events/client_connected"],
            Self::ClientDisconnected => {
                &["$events/client/disconnected", "$events/client_disconnected"]
            }
            Self::ClientConnack => &["$events/client/connack", "$events/client_connack"],
            Self::ClientCheckAuthzComplete => &[
                "$events/auth/check_authz_complete",
                "$events/client_check_authz_complete",
            ],
            Self::ClientCheckAuthnComplete => &[
                "$events/auth/check_authn_complete",
                "$events/client_check_authn_complete",
            ],
            Self::SessionSubscribed => {
                &["$events/session/subscribed", "$events/session_subscribed"]
            }
            Self::SessionUnsubscribed => &[
                "$events/session/unsubscribed",
                "$events/session_unsubscribed",
            ],
            Self::MessagePublish => &[],
            Self::MessageDelivered => &["$events/message/delivered", "$events/message_delivered"],
            Self::MessageAcked => &["$events/message/acked", "$events/message_acked"],
            Self::MessageDropped => &["$events/message/dropped", "$events/message_dropped"],
            Self::DeliveryDropped => &[
                "$events/message/delivery_dropped",
                "$events/delivery_dropped",
            ],
            Self::SchemaValidationFailed => &[
                "$events/schema_validation/failed",
                "$events/schema_validation_failed",
            ],
        }
    }

    /// The event of a hook's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The event of a topic without wildcards, in either spelling.
    pub fn from_topic(topic: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event| event.topics().contains(&topic))
    }

    /// The events that a filter selects, each once; `$events/#` selects all but messages.
    pub fn matching(filter: &TopicFilter) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|event| {
            let mut topics = event.topics().iter();
            topics.any(|topic| filter.matches(topic))
        })
    }

    /// Whether a filter is about events and not about messages.
    pub(super) fn is_meant(filter: &str) -> bool {
        filter == "$events" || filter.starts_with("$events/")
    }

    /// The known topic that is most like this one.
    pub(super) fn nearest(topic: &str) -> Option<&'static str> {
        // A longer one is no slip of the pen, and comparing it would take long.
        const LONGEST: usize = 64;
        const SLIPS: usize = 4;
        if topic.len() > LONGEST {
            return None;
        }
        let known = Self::ALL.into_iter().flat_map(Self::topics).copied();
        known
            .map(|known| (strsim::osa_distance(topic, known), known))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= SLIPS)
            .map(|(_, known)| known)
    }
}
