//! All routers of this edge, as one.

use std::fmt;

use record::is_exact_filter;
use tracing::info;

use super::index::Matcher;
use super::lookups::{Found, Lookups};
use super::trunk::{RouterDead, Trunk};

/// Routers at most: what their filters cost in memory then is 300 MB.
const MAX_ROUTERS: usize = 4;

/// The routers. The first one is always there; a further one is started when those before it have
/// had as many filters with wildcards as one bears; what is beyond the last one is matched by our
/// own index. They look up at the same time.
pub(super) struct Trunks {
    trunks: Vec<Trunk>,
}

impl Trunks {
    pub(super) fn over(first: Trunk) -> Self {
        Self {
            trunks: vec![first],
        }
    }

    /// How many routers there are.
    pub(super) fn len(&self) -> usize {
        self.trunks.len()
    }

    /// Subscribes to a filter that nobody has subscribed to; returns who finds it then. One without
    /// wildcards needs no router.
    pub(super) fn subscribe(&mut self, filter: &str) -> Result<Matcher, RouterDead> {
        if is_exact_filter(filter) {
            return Ok(Matcher::Router(0));
        }
        let router = match self.trunks.iter().position(|trunk| trunk.takes(filter)) {
            Some(router) => router,
            None if self.trunks.len() == MAX_ROUTERS => return Ok(Matcher::Index(filter.into())),
            None => {
                let router = self.trunks.len();
                info!(router, "starting one more router for local subscriptions");
                self.trunks.push(Trunk::open(router)?);
                router
            }
        };
        if let Some(trunk) = self.trunks.get_mut(router) {
            trunk.subscribe(filter)?;
        }
        Ok(Matcher::Router(router))
    }

    /// Takes the subscription to a filter back.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> Result<(), RouterDead> {
        if is_exact_filter(filter) {
            return Ok(());
        }
        match self.trunks.iter_mut().find(|trunk| trunk.knows(filter)) {
            Some(trunk) => trunk.unsubscribe(filter),
            None => Ok(()),
        }
    }

    /// Has the subscriptions of messages looked up, and adds them to `found`, in any order.
    /// Empties the look-ups, of which there are some for each router.
    pub(super) fn look_up(
        &mut self,
        lookups: &mut [Lookups],
        found: &mut Vec<Found>,
    ) -> Result<(), RouterDead> {
        for (trunk, lookups) in self.trunks.iter_mut().zip(lookups.iter_mut()) {
            trunk.ask(lookups)?;
        }
        for (trunk, lookups) in self.trunks.iter_mut().zip(lookups) {
            trunk.gather(lookups, found)?;
        }
        Ok(())
    }

    /// Has every router answer something.
    pub(super) fn check(&mut self) -> Result<(), RouterDead> {
        self.trunks.iter_mut().try_for_each(Trunk::check)
    }

    /// The filter that was found; `None` when it is the topic's own text.
    pub(super) fn filter(&self, found: Found) -> Option<&str> {
        self.trunks.get(found.router)?.filter(found.filter)
    }
}

impl fmt::Debug for Trunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trunks").field("len", &self.len()).finish()
    }
}
