//! The W3C trace context in binary, as records carry it.

use std::fmt;

/// One span's identity: 16 bytes of trace id, 8 of span id, one of flags.
///
/// The text form is the W3C `traceparent` header, version 00.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceContext {
    /// The trace this span belongs to; never zero.
    pub trace_id: u128,
    /// The span; never zero.
    pub span_id: u64,
    /// Whether spans of this trace are recorded (W3C flag bit 0).
    pub sampled: bool,
}

impl TraceContext {
    /// Bytes of the binary form.
    pub const BINARY_LEN: usize = 25;
    /// Bytes of the `traceparent` text: `00-<32 hex>-<16 hex>-<2 hex>`.
    pub const TEXT_LEN: usize = 55;

    /// A fresh root. Ids need to be unique, not secret, so a fast generator serves.
    pub fn root(sampled: bool) -> Self {
        Self {
            trace_id: fastrand::u128(1..),
            span_id: fastrand::u64(1..),
            sampled,
        }
    }

    /// A new span in the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: fastrand::u64(1..),
            ..self
        }
    }

    /// The 25 bytes that a record carries.
    pub fn to_binary(self) -> [u8; Self::BINARY_LEN] {
        let mut out = [0; Self::BINARY_LEN];
        let (trace_id, rest) = out.split_at_mut(16);
        let (span_id, flags) = rest.split_at_mut(8);
        trace_id.copy_from_slice(&self.trace_id.to_be_bytes());
        span_id.copy_from_slice(&self.span_id.to_be_bytes());
        flags.fill(u8::from(self.sampled));
        out
    }

    /// Reads the binary form; `None` when the length is wrong or an id is zero.
    pub fn from_binary(bytes: &[u8]) -> Option<Self> {
        let (trace_id, rest) = bytes.split_first_chunk::<16>()?;
        let (span_id, flags) = rest.split_first_chunk::<8>()?;
        let [flags] = flags else { return None };
        Self::checked(
            u128::from_be_bytes(*trace_id),
            u64::from_be_bytes(*span_id),
            *flags,
        )
    }

    /// Reads a `traceparent` of any version that keeps the layout of version 00 (W3C Trace
    /// Context, section 3.2.4); `None` when it is malformed.
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths_fit =
            version.len() == 2 && trace_id.len() == 32 && span_id.len() == 16 && flags.len() == 2;
        let version_fits = version != "ff" && (version != "00" || parts.next().is_none());
        let digits_fit = text
            .bytes()
            .take(Self::TEXT_LEN)
            .all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !(lengths_fit && version_fits && digits_fit) {
            return None;
        }
        Self::checked(
            u128::from_str_radix(trace_id, 16).ok()?,
            u64::from_str_radix(span_id, 16).ok()?,
            u8::from_str_radix(flags, 16).ok()?,
        )
    }

    /// Appends the `traceparent` text: a formatter per record would cost more than the digits.
    pub fn write_traceparent(self, out: &mut impl Extend<u8>) {
        out.extend(*b"00-");
        out.extend(self.trace_id.to_be_bytes().into_iter().flat_map(hex));
        out.extend(*b"-");
        out.extend(self.span_id.to_be_bytes().into_iter().flat_map(hex));
        out.extend(if self.sampled { *b"-01" } else { *b"-00" });
    }

    fn checked(trace_id: u128, span_id: u64, flags: u8) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id,
            self.span_id,
            u8::from(self.sampled)
        )
    }
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    [digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a context goes through its binary and its text form.
    /// Guarantee: nothing changes on the way, and both text writers agree.
    #[test]
    fn both_forms_round_trip() {
        for sampled in [true, false] {
            let context = TraceContext::root(sampled);
            assert_eq!(
                TraceContext::from_binary(&context.to_binary()),
                Some(context)
            );
            let mut text = Vec::new();
            context.write_traceparent(&mut text);
            assert_eq!(text.len(), TraceContext::TEXT_LEN);
            assert_eq!(String::from_utf8(text).unwrap(), context.to_string());
            assert_eq!(
                TraceContext::from_traceparent(&context.to_string()),
                Some(context)
            );
        }
    }

    /// Scenario: malformed, all-zero and future-version headers arrive.
    /// Guarantee: the malformed are refused, a longer future version is read (W3C 3.2.4).
    #[test]
    fn malformed_headers_are_refused() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(TraceContext::from_traceparent(good).is_some_and(|context| context.sampled));
        assert!(TraceContext::from_traceparent(&format!("01{}-more", &good[2..])).is_some());
        for bad in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::from_traceparent(bad), None, "{bad}");
        }
        assert_eq!(TraceContext::from_binary(&[1; 24]), None);
        assert_eq!(TraceContext::from_binary(&[0; 25]), None);
    }
}
