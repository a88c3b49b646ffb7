//! rumqttc's MQTT 3.1.1.

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    Outgoing, Packet, Publish, QoS, SubscribeReasonCode,
};

use super::orders::{Connect, Fault, Message, Order, unbase64};
use super::rumqttc::{Events, MAX_PACKET, Requests, Seen, address, carrier};

/// Nothing is sent before the events are polled.
pub(super) fn open(connect: &Connect) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(&connect.client_id, address(connect), connect.port);
    options.set_transport(carrier(connect));
    options.set_clean_session(connect.clean);
    options.set_keep_alive(Duration::from_secs(30));
    let bytes = usize::try_from(MAX_PACKET).unwrap();
    options.set_max_packet_size(bytes, bytes);
    if let (Some(user), Some(password)) = (&connect.user, &connect.password) {
        options.set_credentials(user, password);
    }
    if let Some(will) = &connect.will {
        let payload = unbase64(&will.payload);
        options.set_last_will(LastWill::new(
            &will.topic,
            payload,
            qos(will.qos),
            will.retain,
        ));
    }
    AsyncClient::new(options, 10)
}

fn qos(level: u8) -> QoS {
    rumqttc::qos(level).unwrap()
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
        ConnectReturnCode::BadUserNamePassword => 4,
        ConnectReturnCode::NotAuthorized => 5,
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
        Packet::PubAck(_) | Packet::PubComp(_) => Seen::Published(0),
        Packet::SubAck(suback) => Seen::Subscribed(match suback.return_codes.first() {
            Some(SubscribeReasonCode::Success(granted)) => *granted as u8,
            _ => 0x80,
        }),
        Packet::UnsubAck(_) => Seen::Unsubscribed,
        Packet::Publish(publish) => Seen::Message(message(publish)),
        _ => Seen::Nothing,
    }
}

fn message(publish: Publish) -> Message {
    Message {
        topic: publish.topic,
        payload: publish.payload.to_vec(),
        qos: publish.qos as u8,
        retain: publish.retain,
        dup: publish.dup,
    }
}
