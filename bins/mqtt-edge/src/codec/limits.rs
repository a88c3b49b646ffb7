//! How much of what a client may send.

use super::text::ControlCharacters;

/// What a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest CONNECT, fixed header included, in bytes: all that an unknown peer can make us
    /// hold. 64 KiB has room for a long token as password and a small will; a device needs 100.
    pub max_connect_size: u32,
    /// Largest packet after that, fixed header included, in bytes: the Maximum Packet Size of
    /// CONNACK (MQTT 5.0, section 3.2.2.3.6). By default 1 MiB of payload and 64 KiB for topic
    /// and properties.
    pub max_packet_size: u32,
    /// The Topic Alias Maximum of CONNACK; 0 refuses every alias.
    pub topic_alias_max: u16,
    /// Control characters in text.
    pub control_characters: ControlCharacters,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connect_size: 64 * 1024,
            max_packet_size: 1024 * 1024 + 64 * 1024,
            topic_alias_max: 0,
            control_characters: ControlCharacters::Refuse,
        }
    }
}
