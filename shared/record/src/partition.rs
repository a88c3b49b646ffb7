//! Which partition a client belongs to.

/// Partition of a client: xxh3 (64 bit, seed 0) of its id, modulo the number of partitions.
///
/// All of a client's records share one partition, so that its presence can't overtake its state.
/// The hash is part of the wire format: another one would move every client.
pub fn partition_of(client_id: &[u8], partitions: u16) -> u16 {
    let hash = xxhash_rust::xxh3::xxh3_64(client_id);
    u16::try_from(hash % u64::from(partitions.max(1))).unwrap_or(0)
}

/// Tells two contents apart: xxh3 of the bytes.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the ids of the articles and an empty one, over 1, 8 and 16 partitions.
    /// Guarantee: the placement never changes between releases (values computed once).
    #[test]
    fn placement_is_stable() {
        assert_eq!(partition_of(b"10083618796833171", 1), 0);
        let placed: Vec<u16> = [b"10083618796833171".as_slice(), b"lock-1", b""]
            .iter()
            .map(|id| partition_of(id, 16))
            .collect();
        assert_eq!(placed, [10, 14, 2]);
    }

    /// Scenario: 10,000 locks over 8 partitions.
    /// Guarantee: no partition gets more than a tenth above its share.
    #[test]
    fn clients_spread_evenly() {
        let mut counts = [0_u32; 8];
        for lock in 0..10_000 {
            counts[usize::from(partition_of(format!("lock-{lock}").as_bytes(), 8))] += 1;
        }
        assert!(
            counts.iter().all(|&count| (1125..=1375).contains(&count)),
            "{counts:?}"
        );
    }
}
