//! A filter as a client names it.

use record::{TopicFilter, is_exact_filter};

use super::error::BusError;
use crate::codec::shared_filter;

/// Levels of a filter with wildcards. Such filters are matched level by level, by recursion.
const MAX_LEVELS: usize = 128;

/// A filter, and the group that shares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    /// Name of `$share/name/filter`.
    pub(super) share: Option<Box<str>>,
    pub(super) filter: Box<str>,
}

impl Selector {
    pub(super) fn parse(text: &str) -> Result<Self, BusError> {
        let (share, filter) = match shared_filter(text) {
            Some((name, filter)) => (Some(name), filter),
            None => (None, text),
        };
        check_filter(filter)?;
        Ok(Self {
            share: share.map(Into::into),
            filter: filter.into(),
        })
    }
}

/// Whether a filter can be matched here.
pub(crate) fn check_filter(filter: &str) -> Result<(), BusError> {
    filter.parse::<TopicFilter>()?;
    let levels = filter.split('/').count();
    if levels > MAX_LEVELS && !is_exact_filter(filter) {
        return Err(BusError::TooManyLevels {
            levels,
            max: MAX_LEVELS,
        });
    }
    Ok(())
}
