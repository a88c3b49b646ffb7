//! Where something is written.

/// Bytes of the statement's text, from and up to. All places are equal: two trees that say the same
/// are equal wherever they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl PartialEq for Place {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}
