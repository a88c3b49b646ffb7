//! What each address has open.

use std::collections::HashMap;
use std::net::IpAddr;

use access::network_of;
use tokio::time::Instant;

use super::token_bucket::{TokenBucket, TokenRate};

/// Idle addresses that are remembered without being looked through, some 80 bytes each.
const REMEMBERED: usize = 4096;

/// Idle addresses at most. Somebody with more has no use for a limit per address anyway.
const MOST_IDLE: usize = 65_536;

/// One customer's network: an IPv4 address, or the /64 of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(network_of(address))
    }
}

/// What one network has.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) open: u32,
    pub(super) half_open: u32,
    pub(super) arrivals: TokenBucket,
}

/// The networks that have something open, and those that were here a moment ago.
#[derive(Debug, Default)]
pub(super) struct AddressTable {
    present: HashMap<Network, Presence>,
    /// Entries with nothing open.
    idle: usize,
    /// How many idle ones there may be before they are looked through again.
    swept_at: usize,
}

impl AddressTable {
    /// The network's entry, made when it has none.
    pub(super) fn entry(
        &mut self,
        network: Network,
        rate: TokenRate,
        now: Instant,
    ) -> &mut Presence {
        if self.idle > self.swept_at.max(REMEMBERED) {
            self.sweep(rate, now);
        }
        self.present.entry(network).or_insert_with(|| {
            self.idle += 1;
            Presence {
                open: 0,
                half_open: 0,
                arrivals: TokenBucket::full(rate, now),
            }
        })
    }

    /// Notes a connection.
    pub(super) fn opened(&mut self, network: Network) {
        if let Some(presence) = self.present.get_mut(&network) {
            self.idle -= usize::from(presence.open == 0);
            presence.open += 1;
            presence.half_open += 1;
        }
    }

    /// Notes that a connection is no longer half-open.
    pub(super) fn introduced(&mut self, network: Network) {
        if let Some(presence) = self.present.get_mut(&network) {
            presence.half_open = presence.half_open.saturating_sub(1);
        }
    }

    /// Notes the end of a connection.
    pub(super) fn closed(&mut self, network: Network) {
        if let Some(presence) = self.present.get_mut(&network) {
            presence.open = presence.open.saturating_sub(1);
            self.idle += usize::from(presence.open == 0);
        }
    }

    /// Forgets who could not be told from a newcomer; all who are idle when that is not enough.
    fn sweep(&mut self, rate: TokenRate, now: Instant) {
        let forget = |presence: &mut Presence| presence.arrivals.has(rate, 1.0, now);
        self.present
            .retain(|_, presence| presence.open > 0 || !forget(presence));
        self.count_idle();
        if self.idle > MOST_IDLE {
            self.present.retain(|_, presence| presence.open > 0);
            self.count_idle();
        }
        // Each entry is looked at once or twice in its life, however many there are.
        self.swept_at = self.idle * 2;
        self.present.shrink_to(self.present.len() * 2);
    }

    fn count_idle(&mut self) {
        self.idle = self.present.values().filter(|one| one.open == 0).count();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.present.len()
    }
}
