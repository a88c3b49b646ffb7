//! Who may connect: limits that one client, address or user can't exceed at the others' cost.
//!
//! Nothing here reads a clock or a socket: times are passed in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::address_table::{AddressTable, Network, Presence};
use super::args::LimitArgs;
use super::token_bucket::TokenRate;

/// How many connections there may be.
#[derive(Clone, Debug)]
pub struct AdmissionLimits {
    /// Connections.
    pub connections: u32,
    /// Connections of one address.
    pub per_address: u32,
    /// New connections per second of one address.
    pub rate: u32,
    /// New connections of one address at once.
    pub burst: u32,
    /// Connections without CONNECT.
    pub half_open: u32,
    /// Connections without CONNECT of one address.
    pub half_open_per_address: u32,
    /// Connections of one user; `None` for any number.
    pub per_user: Option<u32>,
}

impl AdmissionLimits {
    /// From the options. `most`: connections that there are files for.
    pub fn new(args: &LimitArgs, most: u32) -> Self {
        Self {
            connections: args.max_connections.unwrap_or(most),
            per_address: args.max_connections_per_address,
            rate: args.connection_rate,
            burst: args.connection_burst,
            half_open: args.max_half_open,
            half_open_per_address: args.max_half_open_per_address,
            per_user: args.max_connections_per_user,
        }
    }

    fn arrivals(&self) -> TokenRate {
        TokenRate::new(self.rate.into(), self.burst.into())
    }
}

/// Why a connection is closed as soon as it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// All connections are taken.
    #[error("all connections are taken; raise --max-connections, or the limit of open files")]
    Connections,
    /// Too many have sent no CONNECT yet.
    #[error("too many connections have sent no CONNECT yet; see --max-half-open")]
    HalfOpen,
    /// The address has too many connections.
    #[error("the address has too many connections; see --max-connections-per-address")]
    AddressConnections,
    /// The address has too many connections without CONNECT.
    #[error(
        "the address has too many connections without CONNECT; see --max-half-open-per-address"
    )]
    AddressHalfOpen,
    /// The address connects too often.
    #[error("the address connects too often; see --connection-rate and --connection-burst")]
    AddressRate,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::Connections,
        Self::HalfOpen,
        Self::AddressConnections,
        Self::AddressHalfOpen,
        Self::AddressRate,
    ];

    /// The label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::HalfOpen => "half_open",
            Self::AddressConnections => "address_connections",
            Self::AddressHalfOpen => "address_half_open",
            Self::AddressRate => "address_rate",
        }
    }
}

/// A user has as many connections as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the user has {limit} connections already; see --max-connections-per-user")]
pub struct TooMany {
    limit: u32,
}

/// Counts connections, and lets new ones in.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    arrivals: TokenRate,
    counts: Mutex<Counts>,
    users: Mutex<HashMap<Box<str>, u32>>,
}

#[derive(Debug, Default)]
struct Counts {
    open: u32,
    half_open: u32,
    addresses: AddressTable,
}

impl Admission {
    /// With nobody in.
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self {
            arrivals: limits.arrivals(),
            limits,
            counts: Mutex::default(),
            users: Mutex::default(),
        })
    }

    /// Lets a connection in, or says why not. Who is refused has not used up its rate.
    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Admitted, Refusal> {
        let network = Network::of(address);
        let mut counts = self.counts.lock();
        if counts.open >= self.limits.connections {
            return Err(Refusal::Connections);
        }
        if counts.half_open >= self.limits.half_open {
            return Err(Refusal::HalfOpen);
        }
        let presence = counts.addresses.entry(network, self.arrivals, now);
        self.check(presence, now)?;
        counts.addresses.opened(network);
        counts.open += 1;
        counts.half_open += 1;
        drop(counts);
        Ok(Admitted {
            connection: ConnectionSeat {
                admission: Arc::clone(self),
                network,
            },
            half_open: HalfOpenSeat {
                admission: Arc::clone(self),
                network,
            },
        })
    }

    fn check(&self, presence: &mut Presence, now: Instant) -> Result<(), Refusal> {
        if presence.open >= self.limits.per_address {
            return Err(Refusal::AddressConnections);
        }
        if presence.half_open >= self.limits.half_open_per_address {
            return Err(Refusal::AddressHalfOpen);
        }
        if !presence.arrivals.take_one(self.arrivals, now) {
            return Err(Refusal::AddressRate);
        }
        Ok(())
    }

    /// Lets a user in whose name has been proved; to be kept as long as the connection. A client
    /// without a user name (anonymous) counts as nobody.
    pub fn enter_user(self: &Arc<Self>, user: &str) -> Result<UserSeat, TooMany> {
        let Some(limit) = self.limits.per_user.filter(|_| !user.is_empty()) else {
            return Ok(UserSeat { taken: None });
        };
        let mut users = self.users.lock();
        let count = users.get(user).copied().unwrap_or_default();
        if count >= limit {
            return Err(TooMany { limit });
        }
        users.insert(user.into(), count + 1);
        Ok(UserSeat {
            taken: Some((Arc::clone(self), user.into())),
        })
    }

    /// Connections now.
    pub fn open(&self) -> u32 {
        self.counts.lock().open
    }

    /// Connections without CONNECT now.
    pub fn half_open(&self) -> u32 {
        self.counts.lock().half_open
    }

    #[cfg(test)]
    pub(super) fn addresses(&self) -> usize {
        self.counts.lock().addresses.len()
    }

    #[cfg(test)]
    pub(super) fn users(&self) -> usize {
        self.users.lock().len()
    }
}

/// A connection that was let in.
#[derive(Debug)]
pub struct Admitted {
    /// For the whole connection.
    pub connection: ConnectionSeat,
    /// Until CONNECT is answered.
    pub half_open: HalfOpenSeat,
}

/// One connection's place, given up when it is dropped.
#[derive(Debug)]
pub struct ConnectionSeat {
    admission: Arc<Admission>,
    network: Network,
}

impl Drop for ConnectionSeat {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock();
        counts.open = counts.open.saturating_sub(1);
        counts.addresses.closed(self.network);
    }
}

/// One place among those without CONNECT, given up when it is dropped.
#[derive(Debug)]
pub struct HalfOpenSeat {
    admission: Arc<Admission>,
    network: Network,
}

impl Drop for HalfOpenSeat {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock();
        counts.half_open = counts.half_open.saturating_sub(1);
        counts.addresses.introduced(self.network);
    }
}

/// One of a user's places, given up when it is dropped.
#[derive(Debug)]
pub struct UserSeat {
    taken: Option<(Arc<Admission>, Box<str>)>,
}

impl Drop for UserSeat {
    fn drop(&mut self) {
        let Some((admission, user)) = self.taken.take() else {
            return;
        };
        let mut users = admission.users.lock();
        match users.get_mut(&user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                users.remove(&user);
            }
        }
    }
}
