//! Values as text.

use super::Value;
use super::number::compact;

/// Digits behind the point of a float as text, as EMQX writes them.
const DECIMALS: usize = 10;

impl Value {
    /// Appends the value as text: texts as they are, numbers in decimal, arrays and maps as JSON.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self {
            Self::Undefined => out.extend_from_slice(b"undefined"),
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Float(value) => {
                out.extend_from_slice(compact(*value, DECIMALS).as_bytes());
            }
            Self::Text(text) => out.extend_from_slice(text),
            Self::Array(_) | Self::Map(_) => self.write_json(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: every kind of value becomes text.
    /// Guarantee: it reads as in EMQX's templates.
    #[test]
    fn every_kind_has_a_text() {
        for (value, expected) in [
            (Value::Undefined, "undefined"),
            (Value::Null, "null"),
            (Value::Bool(true), "true"),
            (Value::Int(-17), "-17"),
            (Value::Float(2.0), "2.0"),
            (Value::Float(83.4), "83.4"),
            (Value::Float(1.234_567_890_14), "1.2345678901"),
            (Value::Float(-0.5), "-0.5"),
            (Value::Float(0.000_488_281_25), "0.0004882813"),
            (Value::Float(1e20), "100000000000000000000.0"),
            (Value::text("门"), "门"),
            (
                Value::array(vec![Value::Int(1), Value::text("a")]),
                r#"[1,"a"]"#,
            ),
        ] {
            let mut text = Vec::new();
            value.write_text(&mut text);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }
}
