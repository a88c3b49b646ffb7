//! Some bits of a text, as number or bytes.

use super::output::MAX_TEXT;
use super::{Arguments, Failure};
use crate::value::Value;

/// Bits of the longest text.
const MAX_BITS: usize = MAX_TEXT * 8;

/// What the bits are taken for.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Float,
    Bits,
}

/// Where the bits are.
struct Place<'a> {
    bytes: &'a [u8],
    /// First bit, from 0.
    start: usize,
    /// How many; all of them are there.
    length: usize,
}

impl Place<'_> {
    /// One bit; from the most significant of the first byte on.
    fn bit(&self, number: usize) -> u8 {
        let bit = self.start.saturating_add(number);
        let byte = self.bytes.get(bit / 8).copied().unwrap_or_default();
        (byte >> (7 - bit % 8)) & 1
    }

    /// Some bits as number, the first one most significant.
    fn number(&self, from: usize, length: usize) -> u128 {
        let bits = from..from.saturating_add(length).min(self.length);
        bits.fold(0, |number, bit| (number << 1) | u128::from(self.bit(bit)))
    }

    /// The bits in groups of eight; the last group may be shorter.
    fn groups(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + use<> {
        let length = self.length;
        (0..length.div_ceil(8)).map(move |group| {
            let from = group * 8;
            (from, length.saturating_sub(from).min(8))
        })
    }

    /// All bits as number; `little`: the first group of eight is the least significant.
    fn value(&self, little: bool) -> u128 {
        if !little {
            return self.number(0, self.length);
        }
        self.groups().rev().fold(0, |value, (from, length)| {
            (value << length) | self.number(from, length)
        })
    }
}

/// `subbits(bytes, length)`, `subbits(bytes, start, length [, kind [, sign [, order]]])`: `start`
/// counts from 1; beyond the end there is nothing, and fewer bits than asked for are what is there.
pub(super) fn subbits(a: &Arguments<'_>) -> Result<Value, Failure> {
    let bytes = a.bytes(1)?;
    let (start, length) = match a.count() {
        2 => (1, a.size(2, 0, MAX_BITS)?),
        _ => (a.int(2)?, a.size(3, 0, MAX_BITS)?),
    };
    let kind = match a.count() {
        2 => Kind::Integer,
        _ => a.option(
            4,
            &[
                ("integer", Kind::Integer),
                ("float", Kind::Float),
                ("bits", Kind::Bits),
            ],
        )?,
    };
    let signed = a.option(5, &[("unsigned", false), ("signed", true)])?;
    let little = a.option(6, &[("big", false), ("little", true)])?;
    let bits = bytes.len().saturating_mul(8);
    let start = usize::try_from(start.saturating_sub(1)).ok();
    let Some(start) = start.filter(|start| *start < bits) else {
        return Ok(Value::Undefined);
    };
    let place = Place {
        bytes,
        start,
        length: length.min(bits.saturating_sub(start)),
    };
    match kind {
        Kind::Integer => integer(a, &place, signed, little),
        Kind::Float => float(a, &place, little),
        Kind::Bits => Ok(bits_of(&place)),
    }
}

/// Up to 128 bits with a sign, 127 without.
fn integer(
    a: &Arguments<'_>,
    place: &Place<'_>,
    signed: bool,
    little: bool,
) -> Result<Value, Failure> {
    let most = if signed { 128 } else { 127 };
    if place.length > most {
        return Err(a.fail(format_args!(
            "an integer of {} bits is too large; the limit is {most}",
            place.length
        )));
    }
    let value = place.value(little).cast_signed();
    let unused = 128_usize.saturating_sub(place.length);
    let unused = u32::try_from(unused).unwrap_or_default();
    // The sign is the topmost of the bits: it is moved to the top and back.
    let extended = match value.checked_shl(unused) {
        Some(top) if signed => top >> unused,
        _ => value,
    };
    Ok(Value::Int(extended))
}

/// IEEE 754 of 16, 32 or 64 bits.
fn float(a: &Arguments<'_>, place: &Place<'_>, little: bool) -> Result<Value, Failure> {
    let bits = place.value(little);
    let value = match place.length {
        16 => u16::try_from(bits).ok().map(half),
        32 => u32::try_from(bits)
            .ok()
            .map(|bits| f32::from_bits(bits).into()),
        64 => u64::try_from(bits).ok().map(f64::from_bits),
        other => {
            return Err(a.fail(format_args!("a float has 16, 32 or 64 bits, not {other}")));
        }
    };
    value
        .and_then(crate::value::number::finite)
        .ok_or_else(|| a.fail(format_args!("the bits are no finite float")))
}

/// A float of 16 bits: one of sign, five of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    let size = match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        0x1f => f64::INFINITY,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// The bits as bytes. Where they fill no whole number of bytes, zeros stand before them: there are
/// no texts of single bits here, and EMQX's `bin2hexstr` shows the same digits.
fn bits_of(place: &Place<'_>) -> Value {
    let ahead = place.length % 8;
    let mut bytes = Vec::with_capacity(place.length.div_ceil(8));
    if ahead > 0 {
        bytes.extend(u8::try_from(place.number(0, ahead)));
    }
    for from in (ahead..place.length).step_by(8) {
        bytes.extend(u8::try_from(place.number(from, 8)));
    }
    Value::Text(bytes.into())
}
