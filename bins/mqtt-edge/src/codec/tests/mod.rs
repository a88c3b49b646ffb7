//! Tests of the codec seam, with rmqtt-codec as the client where a second opinion is wanted.

mod acks;
mod answers;
mod encoded;
mod frames;
mod generated;
mod legal;
mod refused_connect;
mod refused_control;
mod refused_publish;
mod refused_subscribe;
mod rows;
mod wire;

use bytes::BytesMut;

use super::{Decoder, Limits, Packet, ProtocolError, Version};

const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// A packet: first byte, then the parts of its body with the length in front.
fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = BytesMut::from(&[first][..]);
    super::write::varint(body.len(), &mut out);
    out.extend_from_slice(&body);
    out.to_vec()
}

/// A field with a 16 bit length in front.
fn field(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let len = u16::try_from(bytes.len()).unwrap();
    [&len.to_be_bytes()[..], bytes].concat()
}

/// A property list of 5.0 with its length.
fn properties(parts: &[&[u8]]) -> Vec<u8> {
    let list = parts.concat();
    let mut out = BytesMut::new();
    super::write::varint(list.len(), &mut out);
    out.extend_from_slice(&list);
    out.to_vec()
}

/// The empty property list of 5.0; nothing in 3.1.1.
fn none(version: Version) -> Vec<u8> {
    match version {
        Version::V311 => Vec::new(),
        Version::V5 => vec![0],
    }
}

/// The first ten bytes of a CONNECT body with keep alive 60.
fn connect_head(version: Version, flags: u8) -> Vec<u8> {
    [&b"\x00\x04MQTT"[..], &[version.level(), flags, 0, 60]].concat()
}

/// A CONNECT with these flags and fields behind the (empty) properties.
fn connect(version: Version, flags: u8, fields: &[&[u8]]) -> Vec<u8> {
    let head = connect_head(version, flags);
    let mut parts: Vec<&[u8]> = vec![&head];
    let none = none(version);
    parts.push(&none);
    parts.extend_from_slice(fields);
    packet(0x10, &parts)
}

/// A CONNECT of 5.0 with these properties.
fn connect_with(list: &[&[u8]]) -> Vec<u8> {
    packet(
        0x10,
        &[
            &connect_head(Version::V5, 2),
            &properties(list),
            &field("lock-1"),
        ],
    )
}

/// A decoder that has seen `connect`.
fn after(connect: &[u8]) -> Decoder {
    let mut decoder = Decoder::new(Limits::default());
    let mut buf = BytesMut::from(connect);
    assert!(matches!(
        decoder.decode(&mut buf),
        Ok(Some(Packet::Connect(_)))
    ));
    assert!(buf.is_empty());
    decoder
}

/// A decoder that has seen a plain CONNECT.
fn open(version: Version) -> Decoder {
    after(&connect(version, 2, &[&field("lock-1")]))
}

/// Decodes all of `bytes`.
fn decode_all(decoder: &mut Decoder, bytes: &[u8]) -> Result<Vec<Packet>, ProtocolError> {
    let mut buf = BytesMut::from(bytes);
    let mut packets = Vec::new();
    while let Some(packet) = decoder.decode(&mut buf)? {
        packets.push(packet);
    }
    assert!(buf.is_empty(), "bytes were left over: {buf:?}");
    Ok(packets)
}

/// Decodes the one packet in `bytes` on an open connection.
fn one(version: Version, bytes: &[u8]) -> Packet {
    let mut packets = decode_all(&mut open(version), bytes).unwrap();
    assert_eq!(packets.len(), 1);
    packets.remove(0)
}
