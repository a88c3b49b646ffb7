//! CONNECT and what answers it, the same for all connections of a load.

use bytes::BytesMut;
use bytestring::ByteString;

use super::frame::{self, Frame};
use super::settings::LoadSettings;
use crate::mqtt_client::{ClientOptions, Received, Wire};

/// CONNECT of a client.
pub(super) fn connect_packet(
    settings: &LoadSettings,
    options: &ClientOptions,
) -> Result<BytesMut, String> {
    let mut packet = BytesMut::new();
    let connect = Wire::new(settings.version).connect(options, &mut packet);
    connect.map_err(|error| error.to_string())?;
    Ok(packet)
}

/// SUBSCRIBE to one filter.
pub(super) fn subscribe_packet(
    settings: &LoadSettings,
    filter: String,
) -> Result<BytesMut, String> {
    let mut packet = BytesMut::new();
    let filters = vec![ByteString::from(filter)];
    let subscribe =
        Wire::new(settings.version).subscribe(std::num::NonZeroU16::MIN, filters, &mut packet);
    subscribe.map_err(|error| error.to_string())?;
    Ok(packet)
}

/// The window that the server's CONNACK allows; or why it is none.
pub(super) fn window(settings: &LoadSettings, frame: Frame<'_>) -> Result<u64, String> {
    let other = || format!("{} does not answer CONNECT as MQTT does", settings.mqtt);
    if frame.first != frame::CONNACK {
        return Err(other());
    }
    match decode(settings, frame)? {
        Some(Received::ConnAck(connack)) if !connack.reason.is_failure() => {
            Ok(connack.receive_maximum.into())
        }
        Some(Received::ConnAck(connack)) => Err(format!(
            "{} refuses the connection: {}",
            settings.mqtt, connack.reason
        )),
        _ => Err(other()),
    }
}

/// Whether a packet is a SUBACK that grants everything.
pub(super) fn subscribed(settings: &LoadSettings, frame: Frame<'_>) -> Result<(), String> {
    match decode(settings, frame)? {
        Some(Received::SubAck(_, reasons)) => match reasons.iter().find(|r| r.is_failure()) {
            Some(reason) => Err(format!("{} refuses to subscribe: {reason}", settings.mqtt)),
            None => Ok(()),
        },
        _ => Err(format!(
            "{} does not answer SUBSCRIBE as MQTT does",
            settings.mqtt
        )),
    }
}

fn decode(settings: &LoadSettings, frame: Frame<'_>) -> Result<Option<Received>, String> {
    let received = Wire::new(settings.version).decode(&mut BytesMut::from(frame.whole));
    received.map_err(|error| error.to_string())
}
