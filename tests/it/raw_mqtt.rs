//! MQTT by hand: every byte of a packet is the test's own choice.
//!
//! The client of the product sends only what is right, and shares its codec with the edge.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::waiting::soon;

/// First bytes of packets: type and flags (MQTT 5.0, section 2.1).
pub(crate) const CONNACK: u8 = 0x20;
pub(crate) const PUBLISH: u8 = 0x30;
pub(crate) const PUBACK: u8 = 0x40;
pub(crate) const SUBSCRIBE: u8 = 0x82;
pub(crate) const SUBACK: u8 = 0x90;
pub(crate) const PINGREQ: u8 = 0xC0;
pub(crate) const PINGRESP: u8 = 0xD0;
pub(crate) const DISCONNECT: u8 = 0xE0;

/// The level in CONNECT: 4 is MQTT 3.1.1, 5 is 5.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    V311 = 4,
    V5 = 5,
}

/// Both, for what must hold in both.
pub(crate) const LEVELS: [Level; 2] = [Level::V311, Level::V5];

/// A packet as it came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RawPacket {
    /// Type and flags.
    pub(crate) first: u8,
    /// Behind the remaining length.
    pub(crate) body: Vec<u8>,
}

/// CONNECT, piece by piece.
#[derive(Clone, Debug)]
pub(crate) struct RawConnect {
    pub(crate) level: Level,
    pub(crate) client_id: String,
    pub(crate) keep_alive_secs: u16,
    pub(crate) clean: bool,
    /// How long the session waits for its client, in 5.0: seconds, 0 for not at all.
    pub(crate) session_expiry_secs: u32,
    /// Topic and payload, at QoS 1.
    pub(crate) will: Option<(String, String)>,
}

impl RawConnect {
    pub(crate) fn new(level: Level, client_id: &str) -> Self {
        let client_id = client_id.to_owned();
        Self {
            level,
            client_id,
            keep_alive_secs: 0,
            clean: true,
            session_expiry_secs: 0,
            will: None,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let will_flags = if self.will.is_some() { 0b0000_1100 } else { 0 };
        let mut body = text("MQTT");
        body.extend([self.level as u8, will_flags | u8::from(self.clean) << 1]);
        body.extend(self.keep_alive_secs.to_be_bytes());
        body.extend(self.properties());
        body.extend(text(&self.client_id));
        if let Some((topic, payload)) = &self.will {
            body.extend(no_properties(self.level));
            body.extend(text(topic));
            body.extend(text(payload));
        }
        packet(0x10, &body)
    }

    fn properties(&self) -> Vec<u8> {
        if self.level == Level::V311 || self.session_expiry_secs == 0 {
            return no_properties(self.level).to_vec();
        }
        let mut properties = vec![5, 0x11];
        properties.extend(self.session_expiry_secs.to_be_bytes());
        properties
    }
}

/// A connection of which the test sees every packet.
pub(crate) struct RawClient {
    stream: TcpStream,
    level: Level,
}

impl RawClient {
    /// Connects, and gives the CONNACK too.
    pub(crate) async fn connect(address: &str, connect: &RawConnect) -> (Self, RawPacket) {
        let mut client = Self::open(address, connect.level).await;
        client.send(&connect.bytes()).await;
        let connack = client.expect(CONNACK, "CONNACK").await;
        (client, connack)
    }

    /// A connection on which nothing was sent yet.
    pub(crate) async fn open(address: &str, level: Level) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, level }
    }

    /// Connects, or fails the test.
    pub(crate) async fn connected(address: &str, level: Level, client_id: &str) -> Self {
        let (client, connack) = Self::connect(address, &RawConnect::new(level, client_id)).await;
        assert_eq!(connack.body[1], 0, "refused: {connack:?}");
        client
    }

    /// Sends any bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends any bytes, unless the server is gone: false.
    pub(crate) async fn send_if_open(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// PUBLISH; a packet identifier for a QoS above 0.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8, id: u16) {
        let mut body = text(topic);
        if qos > 0 {
            body.extend(id.to_be_bytes());
        }
        body.extend(no_properties(self.level));
        body.extend(payload);
        self.send(&packet(PUBLISH | qos << 1, &body)).await;
    }

    /// SUBSCRIBE to filters, each with its QoS; gives the codes of the SUBACK.
    pub(crate) async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        let mut body = 77_u16.to_be_bytes().to_vec();
        body.extend(no_properties(self.level));
        for (filter, qos) in filters {
            body.extend(text(filter));
            body.push(*qos);
        }
        self.send(&packet(SUBSCRIBE, &body)).await;
        let suback = self.expect(SUBACK, "SUBACK").await;
        assert_eq!(suback.body[..2], 77_u16.to_be_bytes());
        suback.body[2 + no_properties(self.level).len()..].to_vec()
    }

    /// Sends PINGREQ and waits for the PINGRESP: all that was sent before has been read.
    pub(crate) async fn ping(&mut self) {
        self.send(&[PINGREQ, 0]).await;
        self.expect(PINGRESP, "PINGRESP").await;
    }

    /// The next packet, which must be of this type.
    pub(crate) async fn expect(&mut self, first: u8, name: &str) -> RawPacket {
        let packet = self.next(name).await;
        let packet = packet.unwrap_or_else(|| panic!("the connection was closed before {name}"));
        assert_eq!(
            packet.first & 0xF0,
            first & 0xF0,
            "expected {name}, got {packet:?}"
        );
        packet
    }

    /// Reads to the end of the connection; gives what came before it.
    pub(crate) async fn closed(mut self) -> Vec<RawPacket> {
        let mut packets = Vec::new();
        while let Some(packet) = self.next("the server to close the connection").await {
            packets.push(packet);
        }
        packets
    }

    /// The connection must end, and in MQTT 5.0 with this reason.
    pub(crate) async fn closed_with(self, reason: u8) {
        let level = self.level;
        let packets = self.closed().await;
        let disconnect = packets.iter().find(|packet| packet.first == DISCONNECT);
        let told = disconnect.map(|packet| packet.body.first().copied().unwrap_or(0));
        let expected = (level == Level::V5).then_some(reason);
        assert_eq!(told, expected, "{level:?}: {packets:?}");
    }

    /// The next packet, or none at the end of the connection. `what` is waited for.
    pub(crate) async fn next(&mut self, what: &str) -> Option<RawPacket> {
        soon(what, async {
            let first = self.stream.read_u8().await.ok()?;
            let (mut length, mut shift) = (0_usize, 0);
            loop {
                let byte = self.stream.read_u8().await.ok()?;
                length |= usize::from(byte & 0x7F) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.ok()?;
            Some(RawPacket { first, body })
        })
        .await
    }
}

/// A packet around its body.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let more = length > 0x7F;
        bytes.push(u8::try_from(length & 0x7F).unwrap() | u8::from(more) << 7);
        length >>= 7;
        if !more {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

/// Text behind its length in two bytes.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// MQTT 5.0 says how long the properties are; 3.1.1 has none.
fn no_properties(level: Level) -> &'static [u8] {
    match level {
        Level::V311 => &[],
        Level::V5 => &[0],
    }
}
