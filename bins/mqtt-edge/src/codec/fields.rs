//! A reading position in a packet that is complete but not yet trusted.

use super::rule::{self, Rule};
use super::text::{self, ControlCharacters};

/// Reads the fields of a packet in order, without copying. Positions count from the fixed header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// Starts at byte `at` of `packet`.
    pub(super) fn new(packet: &'a [u8], at: usize) -> Self {
        Self {
            rest: packet.get(at..).unwrap_or_default(),
            at,
        }
    }

    /// Position of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], &'static Rule> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(&rule::TRUNCATED)?;
        self.rest = rest;
        self.at += len;
        Ok(taken)
    }

    /// The next `len` bytes as fields of their own.
    pub(super) fn part(&mut self, len: usize) -> Result<Self, &'static Rule> {
        let at = self.at;
        Ok(Self {
            rest: self.take(len)?,
            at,
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static Rule> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(&rule::TRUNCATED)?;
        self.rest = rest;
        self.at += N;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, &'static Rule> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, &'static Rule> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, &'static Rule> {
        self.array().map(u32::from_be_bytes)
    }

    /// A variable byte integer (section 1.5.5), in as few bytes as it can be.
    pub(super) fn varint(&mut self) -> Result<u32, &'static Rule> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                let minimal = byte != 0 || shift == 0;
                return if minimal {
                    Ok(value)
                } else {
                    Err(&rule::LENGTH_NOT_MINIMAL)
                };
            }
        }
        Err(&rule::LENGTH_TOO_LONG)
    }

    /// A field with a 16 bit length in front.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], &'static Rule> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// The same, and it must be legal text.
    pub(super) fn text(&mut self, controls: ControlCharacters) -> Result<&'a [u8], &'static Rule> {
        let bytes = self.binary()?;
        text::check(bytes, controls)?;
        Ok(bytes)
    }

    /// A packet identifier.
    pub(super) fn packet_id(&mut self) -> Result<u16, &'static Rule> {
        match self.u16()? {
            0 => Err(&rule::PACKET_ID_ZERO),
            id => Ok(id),
        }
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), &'static Rule> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(&rule::TRAILING)
        }
    }
}
