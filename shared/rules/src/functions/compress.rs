//! Smaller texts, in the three containers of deflate.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, DeflateEncoder, MultiGzDecoder, ZlibDecoder, ZlibEncoder};
use flate2::{Compression, GzBuilder};

use super::output::MAX_TEXT;
use super::{Arguments, Failure, functions};
use crate::value::Value;

functions! {
    "gunzip" (1, 1) |a| read(a, MultiGzDecoder::new(&a.bytes(1)?[..]), "gzip");
    "gzip" (1, 1) gzip;
    "unzip" (1, 1) |a| read(a, DeflateDecoder::new(&a.bytes(1)?[..]), "deflate");
    "zip" (1, 1) |a| read(a, DeflateEncoder::new(&a.bytes(1)?[..], LEVEL), "deflate");
    "zip_compress" (1, 1) |a| read(a, ZlibEncoder::new(&a.bytes(1)?[..], LEVEL), "zlib");
    "zip_uncompress" (1, 1) |a| read(a, ZlibDecoder::new(&a.bytes(1)?[..]), "zlib");
}

/// The level that zlib takes when none is asked for.
const LEVEL: Compression = Compression::new(6);

/// The number that a gzip header has for Unix, as zlib writes it there.
const UNIX: u8 = 3;

fn gzip(a: &Arguments<'_>) -> Result<Value, Failure> {
    let header = GzBuilder::new().operating_system(UNIX);
    let encoder = header.buf_read(&a.bytes(1)?[..], LEVEL);
    read(a, encoder, "gzip")
}

/// Reads to the end or one byte beyond the limit: a few bytes may unpack to gigabytes.
fn read(a: &Arguments<'_>, from: impl Read, container: &str) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_TEXT)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let read: io::Result<usize> = from.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| a.fail(format_args!("argument 1 is no {container} data: {error}")))?;
    if bytes.len() > MAX_TEXT {
        return Err(a.too_large());
    }
    Ok(Value::Text(bytes.into()))
}
