//! Names for nonces that NATS takes.

use topology::escape;

/// The subject of a lock's nonce: `$KV.nonce.<client id>.<nonce>`, both as [`escape`] writes them,
/// since a client id and a nonce may hold what means something in a subject.
pub(crate) fn subject(client_id: &str, nonce: &str) -> String {
    format!("$KV.nonce.{}.{}", escape(client_id), escape(nonce))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Scenario: the articles' lock and nonce, and every kind of byte that means something to NATS.
    /// Guarantee: the documented subject.
    #[test]
    fn subjects_are_as_documented() {
        assert_eq!(
            subject("10083618796833171", "u7u4p0n8"),
            "$KV.nonce.10083618796833171.u7u4p0n8"
        );
        assert_eq!(subject("a.b", "*>=/ "), "$KV.nonce.a=2eb.=2a=3e=3d=2f=20");
    }

    const TEXT: &str = "[=a-c0-2.]{0,4}|\\PC{0,600}";

    proptest! {
        /// Scenario: any two pairs of texts, often nearly the same.
        /// Guarantee: four tokens that NATS takes; the same subject only for the same pair.
        #[test]
        fn subjects_are_legal_and_unique(one in (TEXT, TEXT), other in (TEXT, TEXT)) {
            let subjects = [&one, &other].map(|(client_id, nonce)| subject(client_id, nonce));
            for subject in &subjects {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
                let tokens: Vec<&str> = subject.split('.').skip(2).collect();
                prop_assert_eq!(tokens.len(), 2);
                for token in tokens {
                    prop_assert!(!token.is_empty() && token.bytes().all(legal));
                }
                prop_assert!(subject.len() < 1100);
            }
            prop_assert_eq!(subjects[0] == subjects[1], one == other);
        }
    }
}
