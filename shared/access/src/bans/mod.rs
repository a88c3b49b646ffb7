//! Back-off and temporary bans after failed logins, and after too many disconnects.
//!
//! Failures are counted by address, by client id and by user name: who tries many names from one
//! address is stopped, and who tries one name from many. Both would hurt the innocent, so an address
//! and names that logged in together before are judged by themselves: a lock with a wrong password
//! does not shut its neighbours behind the same router out, and nobody can shut a lock out by trying
//! its name from elsewhere.
//!
//! Time is passed in. Addresses of IPv6 count by their /64 network, which one host has whole.

mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use table::Table;

/// Entries of each table: what a hash table of 32,768 places holds; some 9 MiB when all are full.
const ENTRIES: usize = 28_672;

/// The delay after the first failure; doubled with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest delay of an answer.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// When names are banned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BanSettings {
    /// Failures within [`within`](Self::within) that lead to a ban; 0 for no bans.
    pub failures: u32,
    /// The window in which failures count.
    pub within: Duration,
    /// How long a ban lasts.
    pub ban_for: Duration,
    /// Disconnects of one client within a minute that lead to a ban when there are more; `None` for
    /// no such bans.
    pub flapping: Option<u32>,
}

impl Default for BanSettings {
    /// 10 failures within 60 s ban for 5 min; flapping is not looked at.
    fn default() -> Self {
        Self {
            failures: 10,
            within: Duration::from_mins(1),
            ban_for: Duration::from_mins(5),
            flapping: None,
        }
    }
}

/// The window of disconnects.
const FLAPPING_WINDOW: Duration = Duration::from_mins(1);

/// Who tries to log in.
#[derive(Clone, Copy, Hash, Debug)]
pub struct Attempt<'a> {
    /// The peer's address.
    pub ip: IpAddr,
    /// The client id; may be empty.
    pub client_id: &'a str,
    /// The user name, when there is one.
    pub username: Option<&'a str>,
}

/// What is banned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BanOf {
    /// The address.
    Address,
    /// The client id.
    ClientId,
    /// The user name.
    User,
    /// The address together with the names, which logged in before.
    Login,
    /// The client id, for coming and going too often.
    Flapping,
}

impl BanOf {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::ClientId => "client id",
            Self::User => "user name",
            Self::Login => "login",
            Self::Flapping => "flapping client",
        }
    }
}

impl fmt::Display for BanOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A ban that is in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ban {
    /// What is banned.
    pub of: BanOf,
    /// How long it lasts.
    pub remaining: Duration,
}

/// Failed logins and bans.
pub struct Bans {
    settings: BanSettings,
    hasher: RandomState,
    tables: Mutex<Tables>,
}

struct Tables {
    addresses: Table,
    names: Table,
    logins: Table,
    flapping: Table,
    /// Logins that were right: counts without bans, for their bounded memory.
    known: Table,
}

impl Bans {
    /// Nobody is banned yet.
    pub fn new(settings: BanSettings) -> Self {
        Self::bounded(settings, ENTRIES)
    }

    fn bounded(settings: BanSettings, entries: usize) -> Self {
        let table = || Table::new(entries);
        Self {
            settings,
            hasher: RandomState::new(),
            tables: Mutex::new(Tables {
                addresses: table(),
                names: table(),
                logins: table(),
                flapping: table(),
                known: table(),
            }),
        }
    }

    /// The ban that an attempt meets, if any.
    pub fn check(&self, now: Instant, attempt: Attempt<'_>) -> Option<Ban> {
        let tables = self.tables.lock();
        let ban = |of, table: &Table, name| {
            let remaining = table.banned(name, now)?;
            Some(Ban { of, remaining })
        };
        let client = self.print((BanOf::ClientId, attempt.client_id));
        if !attempt.client_id.is_empty()
            && let Some(ban) = ban(BanOf::Flapping, &tables.flapping, client)
        {
            return Some(ban);
        }
        let login = self.login(attempt);
        if tables.known.contains(login) {
            return ban(BanOf::Login, &tables.logins, login);
        }
        let address = self.print(network_of(attempt.ip));
        let by_name = || {
            let mut names = self.names(attempt).into_iter().flatten();
            names.find_map(|(of, name)| ban(of, &tables.names, name))
        };
        ban(BanOf::Address, &tables.addresses, address).or_else(by_name)
    }

    /// Counts a failure; gives how long the answer should wait.
    pub fn failed(&self, now: Instant, attempt: Attempt<'_>) -> Duration {
        let BanSettings {
            failures,
            within,
            ban_for,
            ..
        } = self.settings;
        if failures == 0 {
            return Duration::ZERO;
        }
        let mut tables = self.tables.lock();
        let count = |table: &mut Table, name| table.count(name, now, failures, within, ban_for);
        let login = self.login(attempt);
        if tables.known.contains(login) {
            return delay(count(&mut tables.logins, login));
        }
        let mut most = count(&mut tables.addresses, self.print(network_of(attempt.ip)));
        for (_, name) in self.names(attempt).into_iter().flatten() {
            most = most.max(count(&mut tables.names, name));
        }
        delay(most)
    }

    /// A login was right. Its address keeps its count: otherwise one account of one's own would pay
    /// for trying others.
    pub fn succeeded(&self, now: Instant, attempt: Attempt<'_>) {
        if self.settings.failures == 0 {
            return;
        }
        let login = self.login(attempt);
        let mut tables = self.tables.lock();
        tables.logins.reset(login);
        tables.known.mark(login, now);
    }

    /// A client's connection ended. True when it is banned for that from now on.
    pub fn disconnected(&self, now: Instant, client_id: &str) -> bool {
        let Some(most) = self.settings.flapping else {
            return false;
        };
        let client = self.print((BanOf::ClientId, client_id));
        let (limit, ban_for) = (most.saturating_add(1), self.settings.ban_for);
        let mut tables = self.tables.lock();
        let count = tables
            .flapping
            .count(client, now, limit, FLAPPING_WINDOW, ban_for);
        count >= limit
    }

    /// Entries in memory, of all tables.
    pub fn entries(&self) -> usize {
        let tables = self.tables.lock();
        let Tables {
            addresses,
            names,
            logins,
            flapping,
            known,
        } = &*tables;
        let tables = [addresses, names, logins, flapping, known];
        tables.iter().map(|table| table.len()).sum()
    }

    fn names(&self, attempt: Attempt<'_>) -> [Option<(BanOf, u64)>; 2] {
        let print = |of, name: &str| (of, self.print((of, name)));
        let client = Some(attempt.client_id).filter(|id| !id.is_empty());
        [
            client.map(|id| print(BanOf::ClientId, id)),
            attempt.username.map(|name| print(BanOf::User, name)),
        ]
    }

    fn login(&self, attempt: Attempt<'_>) -> u64 {
        let Attempt {
            ip,
            client_id,
            username,
        } = attempt;
        self.print((network_of(ip), client_id, username))
    }

    /// Names are kept as 64 bits under a random key: short, and nobody can make two that meet.
    fn print(&self, name: impl Hash) -> u64 {
        self.hasher.hash_one(name)
    }
}

impl fmt::Debug for Bans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bans")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn delay(failures: u32) -> Duration {
    let doubled = FIRST_DELAY.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST_DELAY)
}

/// What one host has: an address of IPv4, a /64 of IPv6, which is given back with the rest zero.
pub fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let prefix = ip.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        ip @ IpAddr::V4(_) => ip,
    }
}
