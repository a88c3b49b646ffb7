//! Which records are traced.

/// Head sampling: decided once, when a record comes in, and carried with it from there on.
#[derive(Clone, Copy, Debug)]
pub struct SamplingPolicy {
    /// The fraction of state records to trace, 0 to 1.
    pub state_fraction: f64,
}

impl SamplingPolicy {
    /// Whether to trace this record; `always` is for commands, alerts and rejects.
    pub fn sampled(&self, always: bool) -> bool {
        always || fastrand::f64() < self.state_fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: ten thousand records at fractions 0, 0.01 and 1.
    /// Guarantee: none, about one in a hundred, all; `always` overrides any fraction.
    #[test]
    fn the_fraction_is_kept() {
        let count = |state_fraction| {
            let policy = SamplingPolicy { state_fraction };
            (0..10_000).filter(|_| policy.sampled(false)).count()
        };
        assert_eq!((count(0.0), count(1.0)), (0, 10_000));
        // The standard deviation is 10: these bounds fail by chance once in 10^15 runs.
        assert!((20..=180).contains(&count(0.01)));
        assert!(
            SamplingPolicy {
                state_fraction: 0.0
            }
            .sampled(true)
        );
    }
}
