//! A tiny MQTT server for tests: it takes everything, acknowledges when told to, passes on to who
//! subscribed to the very topic, and can break.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use parking_lot::Mutex;
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::version::{ProtocolVersion, VersionCodec};
use rmqtt_codec::{MqttCodec, MqttPacket, v3, v5};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::codec::{Decoder, Encoder};
use tokio_util::sync::CancellationToken;

/// A PUBLISH as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) client_id: ByteString,
    pub(crate) topic: ByteString,
    pub(crate) payload: Bytes,
    pub(crate) dup: bool,
    pub(crate) packet_id: Option<NonZeroU16>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Every PUBLISH, in order.
    pub(crate) published: Vec<Seen>,
    /// Keeps no record of publishes, for long loads.
    pub(crate) forget: bool,
    /// Sends no PUBACKs, and forgets them.
    pub(crate) withhold: bool,
    /// PUBACKs with this reason (5.0) what has this text in its payload.
    pub(crate) refuse: Option<(&'static str, v5::PublishAckReason)>,
    /// Answers CONNECT so (5.0), or with "not authorized" (3.1.1).
    pub(crate) connack: Option<v5::ConnectAckReason>,
    /// Receive Maximum for 5.0 clients.
    pub(crate) receive_maximum: Option<NonZeroU16>,
    /// Filters that clients subscribed to.
    pub(crate) subscribed: HashSet<(ByteString, ByteString)>,
    /// PUBACKs that clients sent.
    pub(crate) acked_by_clients: Vec<(ByteString, NonZeroU16)>,
    /// CONNECTs so far.
    pub(crate) connects: usize,
    sessions: HashMap<ByteString, mpsc::Sender<Publish>>,
}

impl State {
    /// To each session that subscribed to the very topic; lost when that one is slow.
    fn pass_on(&self, publish: &Publish) {
        for (client_id, filter) in &self.subscribed {
            if *filter == publish.topic
                && let Some(session) = self.sessions.get(client_id)
            {
                let copy = Publish {
                    dup: false,
                    packet_id: NonZeroU16::new(8),
                    ..publish.clone()
                };
                drop(session.try_send(copy));
            }
        }
    }
}

pub(crate) struct Stub {
    pub(crate) address: String,
    shared: Arc<Shared>,
    listening: CancellationToken,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    /// Cancelled and replaced to break all connections.
    connections: Mutex<CancellationToken>,
}

impl Stub {
    pub(crate) async fn start() -> Self {
        Self::listen("127.0.0.1:0").await
    }

    pub(crate) async fn listen(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Notify::new(),
            connections: Mutex::default(),
        });
        let listening = CancellationToken::new();
        tokio::spawn(
            listening
                .clone()
                .run_until_cancelled_owned(accept(listener, Arc::clone(&shared))),
        );
        Self {
            address,
            shared,
            listening,
        }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock());
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.shared.state.lock())
    }

    /// Waits for the state to be so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&State) -> bool) {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.read(&is) {
                    return;
                }
                changed.await;
            }
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(20), wait)
                .await
                .is_ok(),
            "never: {what}"
        );
    }

    /// Breaks every connection; what was not acknowledged is never acknowledged.
    pub(crate) fn break_connections(&self) {
        std::mem::take(&mut *self.shared.connections.lock()).cancel();
    }

    /// Publishes to a client, with `QoS` 1.
    pub(crate) async fn deliver(&self, client_id: &str, topic: &str, payload: &str) {
        let session = self.read(|state| state.sessions[client_id].clone());
        let publish = Publish {
            dup: false,
            retain: false,
            qos: QoS::AtLeastOnce,
            topic: topic.into(),
            packet_id: NonZeroU16::new(7),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            properties: None,
        };
        session.send(publish).await.unwrap();
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.listening.cancel();
        self.break_connections();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let broken = shared.connections.lock().clone();
        let session = Session {
            stream,
            client_id: ByteString::new(),
            out: BytesMut::new(),
            codec: MqttCodec::Version(VersionCodec),
            shared: Arc::clone(&shared),
        };
        tokio::spawn(broken.run_until_cancelled_owned(session.serve()));
    }
}

struct Session {
    stream: TcpStream,
    client_id: ByteString,
    out: BytesMut,
    codec: MqttCodec,
    shared: Arc<Shared>,
}

impl Session {
    async fn serve(mut self) {
        let mut bytes = BytesMut::new();
        let (deliveries, mut outgoing) = mpsc::channel(16);
        loop {
            while let Some((packet, _)) = self.codec.decode(&mut bytes).unwrap() {
                if !self.handle(packet, &deliveries) {
                    return;
                }
            }
            self.shared.changed.notify_waiters();
            if self.stream.write_all_buf(&mut self.out).await.is_err() {
                return;
            }
            tokio::select! {
                read = self.stream.read_buf(&mut bytes) => match read {
                    Ok(1..) => {}
                    _ => return,
                },
                Some(publish) = outgoing.recv() => self.deliver(publish),
            }
        }
    }

    fn deliver(&mut self, publish: Publish) {
        let publish = Box::new(publish);
        match self.codec {
            MqttCodec::V3(_) => self.send(MqttPacket::V3(v3::Packet::Publish(publish))),
            _ => self.send(MqttPacket::V5(v5::Packet::Publish(publish))),
        }
    }

    fn send(&mut self, packet: MqttPacket) {
        self.codec.encode(packet, &mut self.out).unwrap();
    }

    /// False when the client leaves.
    fn handle(&mut self, packet: MqttPacket, deliveries: &mpsc::Sender<Publish>) -> bool {
        match packet {
            MqttPacket::Version(ProtocolVersion::MQTT3) => {
                self.codec = MqttCodec::V3(v3::Codec::new(0));
            }
            MqttPacket::Version(ProtocolVersion::MQTT5) => {
                self.codec = MqttCodec::V5(v5::Codec::new(0, 0));
            }
            MqttPacket::V3(v3::Packet::Disconnect) | MqttPacket::V5(v5::Packet::Disconnect(_)) => {
                return false;
            }
            MqttPacket::V3(packet) => self.handle_v3(packet, deliveries),
            MqttPacket::V5(packet) => self.handle_v5(packet, deliveries),
        }
        true
    }

    fn handle_v3(&mut self, packet: v3::Packet, deliveries: &mpsc::Sender<Publish>) {
        let answer = match packet {
            v3::Packet::Connect(connect) => {
                self.connected(connect.client_id, deliveries);
                let refuse = self.shared.state.lock().connack.is_some();
                let return_code = if refuse {
                    v3::ConnectAckReason::NotAuthorized
                } else {
                    v3::ConnectAckReason::ConnectionAccepted
                };
                v3::Packet::ConnectAck(v3::ConnectAck {
                    return_code,
                    session_present: false,
                })
            }
            v3::Packet::Publish(publish) => match self.published(*publish) {
                Some((packet_id, _)) => v3::Packet::PublishAck { packet_id },
                None => return,
            },
            v3::Packet::PublishAck { packet_id } => return self.acked(packet_id),
            v3::Packet::Subscribe {
                packet_id,
                topic_filters,
            } => {
                let status =
                    vec![v3::SubscribeReturnCode::Success(QoS::AtLeastOnce); topic_filters.len()];
                self.subscribed(topic_filters.into_iter().map(|(filter, _)| filter));
                v3::Packet::SubscribeAck { packet_id, status }
            }
            v3::Packet::Unsubscribe { packet_id, .. } => v3::Packet::UnsubscribeAck { packet_id },
            v3::Packet::PingRequest => v3::Packet::PingResponse,
            other => panic!("unexpected {other:?}"),
        };
        self.send(MqttPacket::V3(answer));
    }

    fn handle_v5(&mut self, packet: v5::Packet, deliveries: &mpsc::Sender<Publish>) {
        let answer = match packet {
            v5::Packet::Connect(connect) => {
                self.connected(connect.client_id, deliveries);
                let state = self.shared.state.lock();
                let mut ack = v5::ConnectAck::default();
                ack.reason_code = state.connack.unwrap_or(v5::ConnectAckReason::Success);
                ack.receive_max = state.receive_maximum.unwrap_or(ack.receive_max);
                v5::Packet::ConnectAck(Box::new(ack))
            }
            v5::Packet::Publish(publish) => match self.published(*publish) {
                Some((packet_id, reason_code)) => v5::Packet::PublishAck(v5::PublishAck {
                    packet_id,
                    reason_code,
                    ..v5::PublishAck::default()
                }),
                None => return,
            },
            v5::Packet::PublishAck(ack) => return self.acked(ack.packet_id),
            v5::Packet::Subscribe(subscribe) => {
                let status =
                    vec![v5::SubscribeAckReason::GrantedQos1; subscribe.topic_filters.len()];
                self.subscribed(
                    subscribe
                        .topic_filters
                        .into_iter()
                        .map(|(filter, _)| filter),
                );
                let (properties, reason_string) = (Vec::new(), None);
                v5::Packet::SubscribeAck(v5::SubscribeAck {
                    packet_id: subscribe.packet_id,
                    properties,
                    reason_string,
                    status,
                })
            }
            v5::Packet::PingRequest => v5::Packet::PingResponse,
            other => panic!("unexpected {other:?}"),
        };
        self.send(MqttPacket::V5(answer));
    }

    fn connected(&mut self, client_id: ByteString, deliveries: &mpsc::Sender<Publish>) {
        let mut state = self.shared.state.lock();
        state.connects += 1;
        state.sessions.insert(client_id.clone(), deliveries.clone());
        self.client_id = client_id;
    }

    /// What to acknowledge, if anything.
    fn published(&mut self, publish: Publish) -> Option<(NonZeroU16, v5::PublishAckReason)> {
        let mut state = self.shared.state.lock();
        let refused = state
            .refuse
            .filter(|(text, _)| String::from_utf8_lossy(&publish.payload).contains(text));
        let packet_id = publish.packet_id;
        state.pass_on(&publish);
        if !state.forget {
            state.published.push(Seen {
                client_id: self.client_id.clone(),
                topic: publish.topic,
                payload: publish.payload,
                dup: publish.dup,
                packet_id,
            });
        }
        let reason = refused.map_or(v5::PublishAckReason::Success, |(_, reason)| reason);
        packet_id.filter(|_| !state.withhold).map(|id| (id, reason))
    }

    fn acked(&mut self, packet_id: NonZeroU16) {
        let acked = (self.client_id.clone(), packet_id);
        self.shared.state.lock().acked_by_clients.push(acked);
    }

    fn subscribed(&mut self, filters: impl Iterator<Item = ByteString>) {
        let client_id = &self.client_id;
        let subscribed = filters.map(|filter| (client_id.clone(), filter));
        self.shared.state.lock().subscribed.extend(subscribed);
    }
}
