//! What can be published at all.

use record::{FrameItem, Kind, Origin, Record, UserProperty};
use stage::{Handler, Outputs, Reject};

use crate::codec::topic_name_is_valid;

/// Bytes that a text of an MQTT packet can have: its length is 16 bits.
const MAX_TEXT: usize = 0xFFFF;

/// Lets messages pass that a client could have published, and rejects the others: what goes on is
/// sent to clients, which would hang up on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckMessage {
    max_bytes: usize,
}

impl CheckMessage {
    /// `max_packet_size`: bytes of the largest packet that a client may send. A record that is no
    /// larger fits into a frame of UP.
    pub(super) fn new(max_packet_size: u32) -> Self {
        Self {
            max_bytes: usize::try_from(max_packet_size).unwrap_or(usize::MAX),
        }
    }

    fn check(self, record: &Record) -> Result<(), Reject> {
        if record.kind() != Kind::Publish {
            return Err(Reject::new("kind", "only messages can be published"));
        }
        if record.qos > 2 {
            let text = format!(
                "there is no QoS {}; the rule must say 0, 1 or 2",
                record.qos
            );
            return Err(Reject::new("qos", text));
        }
        check_topic(record.topic())?;
        for property in &record.user_properties {
            check_property(property)?;
        }
        let size = record.size();
        if size > self.max_bytes {
            let limit = self.max_bytes;
            let text = format!("the message has {size} bytes, the edge takes {limit}");
            return Err(Reject::new("too-large", text));
        }
        Ok(())
    }
}

impl Handler for CheckMessage {
    type In = Record;
    type Out = Record;

    fn handle(
        &mut self,
        record: &Record,
        _origin: Origin,
        out: &mut Outputs<Record>,
    ) -> Result<(), Reject> {
        self.check(record)?;
        out.push(record.clone());
        Ok(())
    }
}

fn check_topic(topic: &str) -> Result<(), Reject> {
    let reject = |text| Err(Reject::new("topic", text));
    if !topic_name_is_valid(topic) {
        return reject("a topic name has 1 to 65,535 bytes, without `+`, `#` and U+0000");
    }
    if topic.starts_with('$') {
        return reject("topics that begin with `$` are the server's own");
    }
    if topic.contains(char::is_control) {
        return reject("a control character is in the topic");
    }
    Ok(())
}

fn check_property(UserProperty { name, value }: &UserProperty) -> Result<(), Reject> {
    for text in [name, value] {
        let is_printable =
            std::str::from_utf8(text).is_ok_and(|text| !text.contains(char::is_control));
        if !is_printable || text.len() > MAX_TEXT {
            let text = "a user property has at most 65,535 bytes, without control characters";
            return Err(Reject::new("user-property", text));
        }
    }
    Ok(())
}
