//! Sizes in bytes, as people write them.

use serde::Deserialize;
use serde::de::Error;

/// Bytes: a number, or text such as `512MiB` or `4GiB`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Size(pub(crate) i64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(i64),
            Text(String),
        }
        let bytes = match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Some(bytes),
            Written::Text(text) => parse(&text),
        };
        let positive = bytes.filter(|bytes| *bytes > 0);
        positive.map(Self).ok_or_else(|| {
            D::Error::custom(
                "a size is a number of bytes above 0, or text like \"512MiB\" or \"4GiB\"",
            )
        })
    }
}

fn parse(text: &str) -> Option<i64> {
    let split = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: sizes with and without units, and what is none.
    /// Guarantee: units are binary; nonsense and overflow are refused.
    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("10", Some(10)),
            ("512MiB", Some(512 << 20)),
            ("4 GiB", Some(4 << 30)),
            ("4GB", None),
            ("", None),
            ("-1", None),
            ("99999999TiB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text:?}");
        }
    }
}
