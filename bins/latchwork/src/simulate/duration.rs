//! Durations on the command line.

use std::time::Duration;

/// Reads `20s`, `500ms`, `1m 30s`, `1.5s`: for the value parsers of clap.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let example = || format!("{text:?} is not a duration such as 500ms, 20s or 1m 30s");
    let duration: jiff::SignedDuration = text.parse().map_err(|_| example())?;
    Duration::try_from(duration).map_err(|_| example())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: durations as people write them, and what is none.
    /// Guarantee: they are read; the rest is refused with an example.
    #[test]
    fn durations_are_read() {
        for (text, ms) in [
            ("20s", 20_000),
            ("500ms", 500),
            ("1m 30s", 90_000),
            ("1.5s", 1_500),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(ms)),
                "{text}"
            );
        }
        for text in ["", "20", "-3s", "soon"] {
            assert!(parse_duration(text).unwrap_err().contains("20s"), "{text}");
        }
    }
}
