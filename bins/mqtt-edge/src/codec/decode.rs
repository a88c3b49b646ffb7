//! From bytes to checked packets.

use bytes::{Buf, BytesMut};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Decoder as _;

use super::connect;
use super::control;
use super::convert::{self, Rewritten};
use super::error::ProtocolError;
use super::frame::{self, Header, PacketKind};
use super::limits::Limits;
use super::packet::{Connect, Disconnect, Packet, Version};
use super::publish;
use super::reason::ReasonCode;
use super::rule::{self, Rule};
use super::subscribe;
use super::text::ControlCharacters;

/// Decodes the packets of one connection: the framing and all checks that need no knowledge of
/// sessions are done here, so that rmqtt-codec sees complete and legal packets only.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitConnect,
    Open(Open),
    /// The stream has no frame borders any more.
    Failed(ProtocolError),
}

impl Decoder {
    /// A decoder for a new connection.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::AwaitConnect,
        }
    }

    /// Takes the next complete packet out of `buf`; `None` when more bytes are needed, and then
    /// nothing was consumed. Never asks for more bytes than the limits allow.
    ///
    /// # Errors
    /// The client broke the protocol: answer with [`ProtocolError::encode_connack`] or
    /// [`ProtocolError::encode_disconnect`] and close. Each later call says the same again.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Packet>, ProtocolError> {
        let decoded = match &mut self.state {
            State::Open(open) => open.next(buf, &self.limits),
            State::AwaitConnect => match first(buf, &self.limits) {
                Ok(Some((connect, open))) => {
                    self.state = State::Open(open);
                    return Ok(Some(Packet::Connect(connect)));
                }
                Ok(None) => return Ok(None),
                Err(error) => Err(error),
            },
            State::Failed(error) => return Err(*error),
        };
        if let Err(error) = &decoded {
            self.state = State::Failed(*error);
        }
        decoded
    }

    /// The client's version; known after CONNECT. After an error it is the version in which the
    /// client can read an answer.
    pub fn version(&self) -> Option<Version> {
        match &self.state {
            State::Open(open) => Some(open.version),
            State::AwaitConnect => None,
            State::Failed(error) => error.version(),
        }
    }
}

/// Takes the CONNECT.
fn first(
    buf: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<(Box<Connect>, Open)>, ProtocolError> {
    let Some(&byte) = buf.first() else {
        return Ok(None);
    };
    let kind = PacketKind::of(byte);
    let error = |rule| ProtocolError::new(kind, rule, None);
    frame::check_first_byte(byte, None).map_err(error)?;
    let Some(header) = frame::parse(buf).map_err(error)? else {
        return Ok(None);
    };
    let version = || connect::answer_version(buf, &header);
    check_size(&header, limits.max_connect_size, version)?;
    if buf.len() < header.total {
        return Ok(None);
    }
    let mut frame = detach(buf, header.total);
    let checked = connect::check(&frame, &header, limits.control_characters)?;
    let mut open = Open::new(checked);
    let rewritten = Rewritten {
        zero_expiry: raise_expiry(&mut frame, checked.zero_expiry_at),
        clean_start: set_clean_start(&mut frame, checked.unclean_empty_id_at),
    };
    match open.read(&mut frame, rewritten) {
        Ok(Packet::Connect(connect)) => Ok(Some((connect, open))),
        _ => Err(ProtocolError::new(
            kind,
            &rule::UNREADABLE,
            Some(checked.version),
        )),
    }
}

/// An open connection.
#[derive(Debug)]
struct Open {
    version: Version,
    codec: Codec,
    has_auth_method: bool,
    has_session_expiry: bool,
}

#[derive(Debug)]
enum Codec {
    V311(v3::Codec),
    V5(v5::Codec),
}

impl Open {
    fn new(connect: connect::Checked) -> Self {
        // No limit in the decoder: it only ever sees whole frames of a checked size.
        let codec = match connect.version {
            Version::V311 => Codec::V311(v3::Codec::new(0)),
            Version::V5 => Codec::V5(v5::Codec::new(0, 0)),
        };
        Self {
            version: connect.version,
            codec,
            has_auth_method: connect.has_auth_method,
            has_session_expiry: connect.has_session_expiry,
        }
    }

    fn next(
        &mut self,
        buf: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<Packet>, ProtocolError> {
        let Some(&byte) = buf.first() else {
            return Ok(None);
        };
        let version = self.version;
        let error = |rule| ProtocolError::new(PacketKind::of(byte), rule, Some(version));
        frame::check_first_byte(byte, Some(version)).map_err(error)?;
        let Some(header) = frame::parse(buf).map_err(error)? else {
            return Ok(None);
        };
        frame::check_length(&header, version).map_err(error)?;
        check_size(&header, limits.max_packet_size, || Some(version))?;
        if buf.len() < header.total {
            return Ok(None);
        }
        self.packet(buf, &header, limits).map(Some).map_err(error)
    }

    /// Takes the packet that `buf` starts with, all of it being there.
    fn packet(
        &mut self,
        buf: &mut BytesMut,
        header: &Header,
        limits: &Limits,
    ) -> Result<Packet, &'static Rule> {
        match header.kind {
            PacketKind::Publish => {
                match publish::decode_plain(buf, header, self.version, limits)? {
                    Some(publish) => Ok(Packet::Publish(publish)),
                    None => self.publish_with_properties(buf, header, limits),
                }
            }
            PacketKind::PubAck | PacketKind::PubRec | PacketKind::PubRel | PacketKind::PubComp => {
                let ack = control::decode_ack(
                    packet_bytes(buf, header),
                    header,
                    limits.control_characters,
                )?;
                buf.advance(header.total);
                Ok(ack)
            }
            PacketKind::PingReq => {
                buf.advance(header.total);
                Ok(Packet::PingRequest)
            }
            PacketKind::Disconnect if self.version == Version::V311 => {
                buf.advance(header.total);
                Ok(Packet::Disconnect(Disconnect {
                    reason: ReasonCode::SUCCESS,
                    session_expiry_secs: None,
                    reason_string: None,
                    user_properties: Vec::new(),
                }))
            }
            _ => {
                self.check(packet_bytes(buf, header), header, limits.control_characters)?;
                self.read(&mut detach(buf, header.total), Rewritten::default())
            }
        }
    }

    fn publish_with_properties(
        &mut self,
        buf: &mut BytesMut,
        header: &Header,
        limits: &Limits,
    ) -> Result<Packet, &'static Rule> {
        let zero_expiry_at = publish::check(packet_bytes(buf, header), header, limits)?;
        let zero_expiry = raise_expiry(buf, zero_expiry_at);
        self.read(
            buf,
            Rewritten {
                zero_expiry,
                clean_start: false,
            },
        )
    }

    /// The checks of the packets that rmqtt-codec reads.
    fn check(
        &self,
        packet: &[u8],
        header: &Header,
        controls: ControlCharacters,
    ) -> Result<(), &'static Rule> {
        match header.kind {
            PacketKind::Subscribe => {
                subscribe::check_subscribe(packet, header, self.version, controls)
            }
            PacketKind::Unsubscribe => {
                subscribe::check_unsubscribe(packet, header, self.version, controls)
            }
            PacketKind::Disconnect => {
                control::check_disconnect(packet, header, self.has_session_expiry, controls)
            }
            PacketKind::Auth => control::check_auth(packet, header, self.has_auth_method, controls),
            _ => Err(&rule::SERVER_ONLY),
        }
    }

    /// Lets rmqtt-codec take one checked packet.
    fn read(&mut self, buf: &mut BytesMut, rewritten: Rewritten) -> Result<Packet, &'static Rule> {
        let packet = match &mut self.codec {
            Codec::V311(codec) => match codec.decode(buf) {
                Ok(Some((packet, _))) => convert::from_v311(packet),
                _ => None,
            },
            Codec::V5(codec) => match codec.decode(buf) {
                Ok(Some((packet, _))) => convert::from_v5(packet, rewritten),
                _ => None,
            },
        };
        packet.ok_or(&rule::UNREADABLE)
    }
}

fn check_size(
    header: &Header,
    limit: u32,
    version: impl FnOnce() -> Option<Version>,
) -> Result<(), ProtocolError> {
    // The length has 28 bits, so the size fits.
    let size = u32::try_from(header.total).unwrap_or(u32::MAX);
    if size <= limit {
        return Ok(());
    }
    Err(ProtocolError::new(header.kind, &rule::TOO_LARGE, version()).with_sizes(size, limit))
}

fn packet_bytes<'a>(buf: &'a BytesMut, header: &Header) -> &'a [u8] {
    buf.get(..header.total).unwrap_or_default()
}

/// Takes a packet out as a copy of its own: what a session keeps of it must not hold the read
/// buffer in memory. The spare bytes are what rmqtt-codec reserves for a next header.
fn detach(buf: &mut BytesMut, total: usize) -> BytesMut {
    let mut frame = BytesMut::with_capacity(total + 5);
    frame.extend_from_slice(buf.get(..total).unwrap_or_default());
    buf.advance(total.min(buf.len()));
    frame
}

/// rmqtt-codec refuses a message expiry of 0, which is legal: it reads 1 instead.
fn raise_expiry(packet: &mut BytesMut, at: Option<usize>) -> bool {
    let Some(byte) = at.and_then(|at| packet.get_mut(at + 3)) else {
        return false;
    };
    *byte = 1;
    true
}

/// rmqtt-codec wants clean start beside an empty client identifier; 5.0 does not
/// (section 3.1.3.1).
fn set_clean_start(packet: &mut BytesMut, flags_at: Option<usize>) -> bool {
    let Some(flags) = flags_at.and_then(|at| packet.get_mut(at)) else {
        return false;
    };
    *flags |= 0b10;
    true
}
