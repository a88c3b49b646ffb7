//! An MQTT 5 client that sends what it is told, byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// The first bytes of packets.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH_QOS_1: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const UNSUBSCRIBE: u8 = 0xA2;
const UNSUBACK: u8 = 0xB0;
const DISCONNECT: u8 = 0xE0;

/// User properties.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    /// Opens a connection; the reason code of CONNACK comes along.
    pub(crate) async fn open(
        edge: SocketAddr,
        client_id: &str,
        properties: &[u8],
        password: Option<(&str, &str)>,
    ) -> (Self, u8) {
        let stream = TcpStream::connect(edge).await.unwrap();
        let mut client = Self { stream };
        let flags = if password.is_some() {
            0b1100_0010
        } else {
            0b10
        };
        let mut body = [text("MQTT"), vec![5, flags, 0, 60]].concat();
        body.extend(list(properties));
        body.extend(text(client_id));
        if let Some((user, password)) = password {
            body.extend([text(user), text(password)].concat());
        }
        client.send(CONNECT, &body).await;
        let connack = client.read(CONNACK).await;
        (client, connack[1])
    }

    /// Opens a connection that must be let in.
    pub(crate) async fn connect(edge: SocketAddr, client_id: &str, properties: &[u8]) -> Self {
        let (client, code) = Self::open(edge, client_id, properties, None).await;
        assert_eq!(code, 0);
        client
    }

    /// The reason code of SUBACK. `options`: the options byte of the filter.
    pub(crate) async fn subscribe(&mut self, filter: &str, options: u8, properties: &[u8]) -> u8 {
        let head = [vec![0, 1], list(properties)].concat();
        let body = [head, text(filter), vec![options]].concat();
        self.send(SUBSCRIBE, &body).await;
        *self.read(SUBACK).await.last().unwrap()
    }

    pub(crate) async fn unsubscribe(&mut self, filter: &str, properties: &[u8]) -> u8 {
        let body = [vec![0, 2], list(properties), text(filter)].concat();
        self.send(UNSUBSCRIBE, &body).await;
        *self.read(UNSUBACK).await.last().unwrap()
    }

    /// The reason code of PUBACK.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str, properties: &[u8]) -> u8 {
        let body = [text(topic), vec![0, 3], list(properties), payload.into()].concat();
        self.send(PUBLISH_QOS_1, &body).await;
        self.read(PUBACK).await.get(2).copied().unwrap_or_default()
    }

    /// Reads a message of `QoS` 1 and acknowledges it with these properties.
    pub(crate) async fn take(&mut self, properties: &[u8]) {
        let publish = self.read(PUBLISH_QOS_1).await;
        let topic = 2 + usize::from(u16::from_be_bytes([publish[0], publish[1]]));
        let id = publish[topic..topic + 2].to_vec();
        self.send(PUBACK, &[id, vec![0], list(properties)].concat())
            .await;
    }

    pub(crate) async fn disconnect(mut self, properties: &[u8]) {
        let body = [vec![0], list(properties)].concat();
        self.send(DISCONNECT, &body).await;
    }

    async fn send(&mut self, first: u8, body: &[u8]) {
        let packet = [vec![first], varint(body.len()), body.to_vec()].concat();
        self.stream.write_all(&packet).await.unwrap();
    }

    /// Reads a packet, which must be of this kind; its body.
    async fn read(&mut self, first: u8) -> Vec<u8> {
        let read = async {
            let kind = self.stream.read_u8().await.unwrap();
            assert_eq!(kind & 0xF0, first & 0xF0, "another packet");
            // All answers here are shorter than 128 bytes.
            let length = self.stream.read_u8().await.unwrap();
            let mut body = vec![0; length.into()];
            self.stream.read_exact(&mut body).await.unwrap();
            body
        };
        timeout(PATIENCE, read).await.unwrap()
    }
}

/// User properties as bytes of a property list.
pub(crate) fn user(pairs: Pairs<'_>) -> Vec<u8> {
    let pair = |(name, value): &(&str, &str)| [vec![0x26], text(name), text(value)].concat();
    pairs.iter().flat_map(pair).collect()
}

/// A text property.
pub(crate) fn property(id: u8, value: &str) -> Vec<u8> {
    [vec![id], text(value)].concat()
}

fn list(properties: &[u8]) -> Vec<u8> {
    [varint(properties.len()), properties.to_vec()].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [length.to_be_bytes().to_vec(), text.into()].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value % 128).unwrap();
        value /= 128;
        bytes.push(low | if value > 0 { 0x80 } else { 0 });
        if value == 0 {
            return bytes;
        }
    }
}
