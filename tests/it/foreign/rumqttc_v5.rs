//! rumqttc's MQTT 5.

use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, LastWill, LastWillProperties, Packet, PubAckReason, Publish,
    SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};

use super::orders::{Connect, Fault, Message, Order, Will, unbase64};
use super::rumqttc::{Events, MAX_PACKET, Requests, Seen, address, carrier};

/// Nothing is sent before the events are polled.
pub(super) fn open(connect: &Connect) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(&connect.client_id, address(connect), connect.port);
    options.set_transport(carrier(connect));
    options.set_clean_start(connect.clean);
    options.set_session_expiry_interval(Some(connect.expiry));
    options.set_keep_alive(Duration::from_secs(30));
    options.set_max_packet_size(Some(MAX_PACKET));
    if let (Some(user), Some(password)) = (&connect.user, &connect.password) {
        options.set_credentials(user, password);
    }
    if let Some(will) = &connect.will {
        options.set_last_will(last_will(will));
    }
    AsyncClient::new(options, 10)
}

fn last_will(will: &Will) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: Some(will.delay),
        payload_format_indicator: None,
        message_expiry_interval: None,
        content_type: None,
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    LastWill::new(
        &will.topic,
        unbase64(&will.payload),
        qos(will.qos),
        will.retain,
        Some(properties),
    )
}

fn qos(level: u8) -> QoS {
    rumqttc::v5::mqttbytes::qos(level).unwrap()
}

impl Requests for AsyncClient {
    async fn request(&self, order: &Order) -> Result<(), Fault> {
        let requested = match order {
            Order::Subscribe { filter, qos: level } => self.subscribe(filter, qos(*level)).await,
            Order::Unsubscribe { filter } => self.unsubscribe(filter).await,
            Order::Publish {
                topic,
                qos: level,
                retain,
                payloads,
            } => {
                for payload in payloads {
                    self.publish(topic, qos(*level), *retain, unbase64(payload))
                        .await
                        .map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            Order::Disconnect => self.disconnect().await,
            Order::Connect(_) | Order::Cut => Ok(()),
        };
        requested.map_err(|error| error.to_string())
    }
}

impl Events for EventLoop {
    async fn poll(&mut self) -> Result<Seen, Fault> {
        let event = match EventLoop::poll(self).await {
            Ok(event) => event,
            Err(ConnectionError::ConnectionRefused(why)) => return refused(why),
            Err(error) => return Err(error.to_string()),
        };
        Ok(match event {
            Event::Incoming(packet) => seen(packet),
            Event::Outgoing(Outgoing::Publish(0)) => Seen::Published(0),
            Event::Outgoing(Outgoing::Disconnect) => Seen::Disconnected,
            Event::Outgoing(_) => Seen::Nothing,
        })
    }
}

fn refused(why: ConnectReturnCode) -> Result<Seen, Fault> {
    let code = match why {
        ConnectReturnCode::BadUserNamePassword => 0x86,
        ConnectReturnCode::NotAuthorized => 0x87,
        other => return Err(format!("CONNACK refuses: {other:?}")),
    };
    Ok(Seen::Connected {
        code,
        session_present: false,
    })
}

fn seen(packet: Packet) -> Seen {
    match packet {
        Packet::ConnAck(connack) => Seen::Connected {
            code: 0,
            session_present: connack.session_present,
        },
        Packet::PubAck(puback) => Seen::Published(match puback.reason {
            PubAckReason::Success => 0,
            PubAckReason::NoMatchingSubscribers => 0x10,
            _ => 0x80,
        }),
        // Either reason: that the identifier is unknown is no error when a PUBREL comes again
        // (MQTT 5.0, section 3.7.2.1).
        Packet::PubComp(_) => Seen::Published(0),
        Packet::SubAck(suback) => Seen::Subscribed(match suback.return_codes.first() {
            Some(SubscribeReasonCode::Success(granted)) => *granted as u8,
            _ => 0x80,
        }),
        Packet::UnsubAck(_) => Seen::Unsubscribed,
        Packet::Publish(publish) => Seen::Message(message(&publish)),
        _ => Seen::Nothing,
    }
}

fn message(publish: &Publish) -> Message {
    Message {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload.to_vec(),
        qos: publish.qos as u8,
        retain: publish.retain,
        dup: publish.dup,
    }
}
