//! Bytes as text, and values as JSON.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use data_encoding::HEXUPPER;

use super::output::{MAX_TEXT, Output};
use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "base64_decode" (1, 3) base64_decode;
    "base64_encode" (1, 3) base64_encode;
    "bin2hexstr" (1, 2) bin2hexstr;
    "hexstr2bin" (1, 2) hexstr2bin;
    "json_decode" (1, 1) json_decode;
    "json_encode" (1, 1) json_encode;
}

/// Padding is written and must be there. Bits that mean nothing at the end are passed over, as in
/// Erlang.
const PADDED: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);

/// Padding is not written, and may be there.
const BARE: GeneralPurposeConfig = PADDED
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// By whether it is for URLs, and whether it is without padding.
static ENGINES: [[GeneralPurpose; 2]; 2] = [
    [
        GeneralPurpose::new(&STANDARD, PADDED),
        GeneralPurpose::new(&STANDARD, BARE),
    ],
    [
        GeneralPurpose::new(&URL_SAFE, PADDED),
        GeneralPurpose::new(&URL_SAFE, BARE),
    ],
];

/// From the options behind the first argument; unknown ones mean nothing, as in EMQX.
fn engine(a: &Arguments<'_>) -> &'static GeneralPurpose {
    let has = |name: &str| {
        let same = |value: &Value| matches!(value, Value::Text(text) if text == name);
        a.rest(2).iter().any(same)
    };
    let [[padded, bare], [url_padded, url_bare]] = &ENGINES;
    match (has("urlsafe"), has("no_padding")) {
        (false, false) => padded,
        (false, true) => bare,
        (true, false) => url_padded,
        (true, true) => url_bare,
    }
}

fn base64_encode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let bytes = a.bytes(1)?;
    if bytes.len() / 3 >= MAX_TEXT / 4 {
        return Err(a.too_large());
    }
    Ok(Value::text(engine(a).encode(bytes)))
}

/// White space is passed over.
fn base64_decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let text = a.bytes(1)?;
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let decoded = if text.iter().any(is_space) {
        let digits: Vec<u8> = text
            .iter()
            .copied()
            .filter(|byte| !is_space(byte))
            .collect();
        engine(a).decode(digits)
    } else {
        engine(a).decode(text)
    };
    decoded
        .map(|bytes| Value::Text(bytes.into()))
        .map_err(|error| a.fail(format_args!("argument 1 is no base64: {error}")))
}

/// `bin2hexstr(bytes [, prefix])`: in large letters.
fn bin2hexstr(a: &Arguments<'_>) -> Result<Value, Failure> {
    let bytes = a.bytes(1)?;
    let prefix = match a.count() {
        2 => a.bytes(2)?,
        _ => &b""[..],
    };
    if bytes.len() > MAX_TEXT / 2 {
        return Err(a.too_large());
    }
    let mut text = Output::new(a, prefix.len().saturating_add(bytes.len() * 2));
    text.push(prefix)?;
    text.push(HEXUPPER.encode(bytes).as_bytes())?;
    Ok(text.finish())
}

/// `hexstr2bin(text [, prefix])`: a prefix must be there. Of an odd number of digits the first one is
/// a byte of its own.
fn hexstr2bin(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut text = &a.bytes(1)?[..];
    if a.count() == 2 {
        let prefix = a.bytes(2)?;
        text = text
            .strip_prefix(&prefix[..])
            .ok_or_else(|| a.not(1, "a text that begins with argument 2"))?;
    }
    let mut digits = Vec::with_capacity(text.len().saturating_add(1));
    if text.len() % 2 == 1 {
        digits.push(b'0');
    }
    digits.extend(text.iter().map(u8::to_ascii_uppercase));
    HEXUPPER
        .decode(&digits)
        .map(|bytes| Value::Text(bytes.into()))
        .map_err(|_| a.not(1, "hex digits"))
}

fn json_encode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut text = Output::new(a, 128);
    text.json_of(a.value(1))?;
    Ok(text.finish())
}

fn json_decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    Value::from_json(a.bytes(1)?).map_err(|error| a.fail(format_args!("argument 1: {error}")))
}
