//! Just enough of MQTT to read what a server sends to a client that only publishes.

/// One packet of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Type and flags.
    pub(super) first: u8,
    pub(super) body: &'a [u8],
    /// The whole packet.
    pub(super) whole: &'a [u8],
}

pub(super) const CONNACK: u8 = 0x20;
pub(super) const PUBACK: u8 = 0x40;
pub(super) const PUBREC: u8 = 0x50;
pub(super) const PUBREL: u8 = 0x62;
pub(super) const PUBCOMP: u8 = 0x70;
pub(super) const PINGREQ: u8 = 0xC0;
pub(super) const PINGRESP: u8 = 0xD0;
pub(super) const DISCONNECT: u8 = 0xE0;

/// The length of a packet is longer than four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Takes the first packet off; `None` when it is not whole yet.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Result<Option<Frame<'a>>, Malformed> {
    // Most of what comes is a PUBACK of 3.1.1, or of 5.0 with success: four bytes.
    let (header, length) = match **bytes {
        [_, length @ 0..0x80, ..] => (2, usize::from(length)),
        [_, a, b @ 0..0x80, ..] => (3, low(a) | low(b) << 7),
        [_, a, b, c @ 0..0x80, ..] => (4, low(a) | low(b) << 7 | low(c) << 14),
        [_, a, b, c, d @ 0..0x80, ..] => (5, low(a) | low(b) << 7 | low(c) << 14 | low(d) << 21),
        [_, _, _, _, _, ..] => return Err(Malformed),
        _ => return Ok(None),
    };
    let Some((whole, rest)) = bytes.split_at_checked(header + length) else {
        return Ok(None);
    };
    *bytes = rest;
    let (first, body) = (whole.first().copied(), whole.get(header..));
    Ok(first
        .zip(body)
        .map(|(first, body)| Frame { first, body, whole }))
}

fn low(byte: u8) -> usize {
    usize::from(byte & 0x7F)
}

/// Packet identifier and reason code of a PUBACK, PUBREC or PUBCOMP.
pub(super) fn acknowledgement(body: &[u8]) -> Option<(u16, u8)> {
    match *body {
        [high, low] => Some((u16::from_be_bytes([high, low]), 0)),
        [high, low, reason, ..] => Some((u16::from_be_bytes([high, low]), reason)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: several packets in one read, cut at every place.
    /// Guarantee: the whole ones are taken, the rest is left for the next read.
    #[test]
    fn packets_are_taken_whole() {
        let mut long = vec![0x40, 0xC8, 0x01, 0, 9, 0x97];
        long.resize(3 + 200, 0);
        let stream = [
            &[0x40, 2, 0, 7][..],
            &[0xD0, 0],
            &long,
            &[0x40, 3, 1, 0, 0x10],
        ]
        .concat();
        let expected = [
            (0x40, Some((7, 0))),
            (0xD0, None),
            (0x40, Some((9, 0x97))),
            (0x40, Some((256, 0x10))),
        ];
        let ends = [4, 6, 209, 214];
        for cut in 0..=stream.len() {
            let mut rest = &stream[..cut];
            let mut taken = Vec::new();
            while let Some(frame) = take(&mut rest).unwrap() {
                taken.push((frame.first, acknowledgement(frame.body)));
            }
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(taken, expected[..whole], "cut at {cut}");
            assert_eq!(rest.len(), cut - ends[..whole].last().copied().unwrap_or(0));
        }
        assert_eq!(
            take(&mut &[0x40, 0xFF, 0xFF, 0xFF, 0xFF, 1][..]),
            Err(Malformed)
        );
    }
}
