//! Load.
/// x
pub fn latency_histogram() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new(3).unwrap_or_else(|_| unreachable!())
}
