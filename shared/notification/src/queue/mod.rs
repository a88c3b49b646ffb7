//! What is sent when, over one channel. Pure: the time is a parameter.

mod lane;
mod options;
mod rate;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::channel::{Scope, SendError};
use crate::delivery::Delivery;
use crate::message::Message;
use crate::recent::Recent;
use crate::templates::Templates;
use lane::{Lane, Position};
use rate::Bucket;

pub use options::QueueOptions;
pub use rate::{Backoff, Rate};

/// Milliseconds between two looks for lanes that nothing needs any more.
const SWEEP_MS: u64 = 60_000;

/// One message to send, with what it settles. Give it back by [`Queue::succeeded`] or
/// [`Queue::failed`]: until then nothing else goes to its address.
#[derive(Debug)]
#[must_use = "its address is blocked until it is given back"]
pub struct Outgoing<T> {
    /// What to send.
    pub message: Message,
    /// The deliveries in it, with their tokens.
    pub members: Vec<(Delivery, T)>,
}

/// What became of a delivery that was given to the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a token that is not held must be settled or dropped"]
pub enum Pushed<T> {
    /// It waits; the queue holds the token.
    Held,
    /// It waits or is under way already, with another token. Leave this one unsettled.
    Duplicate(T),
    /// It was sent a short while ago. Settle the token.
    Sent(T),
}

/// The deliveries of one channel that wait, by address. `T` is a token of the caller's, such as
/// what acknowledges the delivery; the queue only keeps it.
#[derive(Debug)]
pub struct Queue<T> {
    options: QueueOptions,
    templates: Arc<Templates>,
    lanes: HashMap<Arc<str>, Lane<T>>,
    /// Lanes with something to send, by when they may, then by turn.
    turns: BTreeSet<(u64, u64, Arc<str>)>,
    /// Deadlines of all that wait.
    deadlines: BTreeMap<(u64, u64), (Arc<str>, Position)>,
    expired: Vec<(Delivery, T)>,
    /// Ids of all that wait or are under way, with the order in which they came.
    held: HashMap<String, u64>,
    sent: Recent,
    bucket: Bucket,
    /// The channel itself does not work.
    outage: Option<Outage>,
    random: fastrand::Rng,
    next_number: u64,
    swept_ms: u64,
}

#[derive(Debug)]
struct Outage {
    failures: u32,
    /// Then one message tries whether it works again.
    probe_ms: u64,
    is_probing: bool,
}

impl<T> Queue<T> {
    /// An empty queue. Equal seeds give equal jitter.
    pub fn new(options: QueueOptions, templates: Arc<Templates>, seed: u64) -> Self {
        let sent = Recent::new(options.sent_window_ms, options.sent_limit);
        Self {
            options,
            templates,
            lanes: HashMap::new(),
            turns: BTreeSet::new(),
            deadlines: BTreeMap::new(),
            expired: Vec::new(),
            held: HashMap::new(),
            sent,
            bucket: Bucket::default(),
            outage: None,
            random: fastrand::Rng::with_seed(seed),
            next_number: 0,
            swept_ms: 0,
        }
    }

    /// Takes a delivery.
    pub fn push(&mut self, delivery: Delivery, token: T, now_ms: u64) -> Pushed<T> {
        if self.held.contains_key(&delivery.id) {
            return Pushed::Duplicate(token);
        }
        if self.sent.contains(&delivery.id, now_ms) {
            return Pushed::Sent(token);
        }
        self.next_number += 1;
        self.held.insert(delivery.id.clone(), self.next_number);
        let address: Arc<str> = delivery.address.as_str().into();
        self.wait(&address, delivery, token);
        self.set_turn(&address);
        Pushed::Held
    }

    /// What to send now: one delivery, or a digest. Call it until there is nothing; more than one
    /// may be under way. Addresses take turns.
    pub fn next(&mut self, now_ms: u64) -> Option<Outgoing<T>> {
        self.expire(now_ms);
        self.sweep(now_ms);
        let (ready_ms, ..) = self.turns.first()?;
        if *ready_ms > now_ms || self.channel_ready_ms()? > now_ms {
            return None;
        }
        let (_, _, address) = self.turns.pop_first()?;
        if let Some(outage) = &mut self.outage {
            outage.is_probing = true;
        }
        self.bucket.take(self.options.channel_rate, now_ms);
        self.take(&address, now_ms)
    }

    /// It was sent: gives the tokens to settle.
    #[must_use = "these tokens are to be settled"]
    pub fn succeeded(&mut self, outgoing: Outgoing<T>, now_ms: u64) -> Vec<T> {
        self.outage = None;
        let address: Arc<str> = outgoing.message.address.as_str().into();
        if let Some(lane) = self.lanes.get_mut(&address) {
            lane.is_busy = false;
            lane.failures = 0;
        }
        self.set_turn(&address);
        let members = outgoing.members.into_iter();
        members
            .map(|(delivery, token)| {
                self.held.remove(&delivery.id);
                self.sent.insert(&delivery.id, now_ms);
                token
            })
            .collect()
    }

    /// It was not sent: it waits again, or, if it never will be, is given back for the dead letters.
    #[must_use = "these deliveries belong to the dead letters"]
    pub fn failed(
        &mut self,
        outgoing: Outgoing<T>,
        error: &SendError,
        now_ms: u64,
    ) -> Vec<(Delivery, T)> {
        let address: Arc<str> = outgoing.message.address.as_str().into();
        let is_outage = error.retry && error.scope == Scope::Channel;
        self.note_outage(is_outage, error, now_ms);
        let lane = self.lanes.entry(Arc::clone(&address)).or_default();
        lane.is_busy = false;
        // After an outage as well: what one message alone brings about must not stop the others again
        // and again.
        if error.retry {
            lane.failures = lane.failures.saturating_add(1);
            let delay_ms = self
                .options
                .backoff
                .delay_ms(lane.failures, &mut self.random);
            lane.retry_ms = now_ms.saturating_add(delay_ms.max(asked_ms(error)));
        }
        let mut rejected = Vec::new();
        for (delivery, token) in outgoing.members {
            if error.retry {
                self.wait(&address, delivery, token);
            } else {
                self.held.remove(&delivery.id);
                rejected.push((delivery, token));
            }
        }
        self.set_turn(&address);
        rejected
    }

    /// Takes out what nobody wants to hear of any more, for the dead letters.
    #[must_use = "these deliveries belong to the dead letters"]
    pub fn expired(&mut self, now_ms: u64) -> Vec<(Delivery, T)> {
        self.expire(now_ms);
        std::mem::take(&mut self.expired)
    }

    /// When to look again, if nothing is pushed or given back before: the time of the next message
    /// or deadline, `now_ms` if there is something already, None if nothing waits.
    pub fn next_wake(&self, now_ms: u64) -> Option<u64> {
        if !self.expired.is_empty() {
            return Some(now_ms);
        }
        let lane_ms = self.turns.first().map(|(ready_ms, ..)| *ready_ms);
        let send_ms = lane_ms
            .zip(self.channel_ready_ms())
            .map(|(lane, channel)| lane.max(channel));
        let deadline_ms = self
            .deadlines
            .first_key_value()
            .map(|((deadline_ms, _), _)| *deadline_ms);
        let wake_ms = [send_ms, deadline_ms].into_iter().flatten().min();
        wake_ms.map(|wake_ms| wake_ms.max(now_ms))
    }

    /// Deliveries that wait or are under way.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing waits or is under way.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether the channel itself did not work the last time.
    pub fn is_down(&self) -> bool {
        self.outage.is_some()
    }

    /// When the channel may send; None while a probe is under way.
    fn channel_ready_ms(&self) -> Option<u64> {
        let bucket_ms = self.bucket.ready_ms(self.options.channel_rate);
        match &self.outage {
            None => Some(bucket_ms),
            Some(outage) if outage.is_probing => None,
            Some(outage) => Some(bucket_ms.max(outage.probe_ms)),
        }
    }

    /// The channel failed as a whole, or an answer shows that it works.
    fn note_outage(&mut self, is_outage: bool, error: &SendError, now_ms: u64) {
        if !is_outage {
            self.outage = None;
            return;
        }
        let failures = match &self.outage {
            None => 1,
            Some(outage) if outage.is_probing => outage.failures.saturating_add(1),
            // It was under way when the outage began: that is known already.
            Some(_) => return,
        };
        let delay_ms = self.options.backoff.delay_ms(failures, &mut self.random);
        self.outage = Some(Outage {
            failures,
            probe_ms: now_ms.saturating_add(delay_ms.max(asked_ms(error))),
            is_probing: false,
        });
    }

    /// The message of a lane whose turn it is.
    fn take(&mut self, address: &Arc<str>, now_ms: u64) -> Option<Outgoing<T>> {
        let lane = self.lanes.get_mut(address)?;
        lane.turn = None;
        let due = lane.due(now_ms);
        let count = if due > self.options.digest_over {
            due.min(self.options.digest_limit.max(1))
        } else {
            1
        };
        let mut members = Vec::with_capacity(count);
        for ((_, number), (delivery, token)) in lane.take(count) {
            self.deadlines.remove(&(delivery.deadline_ms, number));
            members.push((delivery, token));
        }
        let deliveries: Vec<&Delivery> = members.iter().map(|(delivery, _)| delivery).collect();
        let message = self.templates.message(&deliveries)?;
        lane.is_busy = true;
        lane.served_ms = now_ms;
        lane.bucket.take(self.options.address_rate, now_ms);
        Some(Outgoing { message, members })
    }

    /// Puts a delivery that is held into its lane.
    fn wait(&mut self, address: &Arc<str>, delivery: Delivery, token: T) {
        let number = self.held.get(&delivery.id).copied().unwrap_or_default();
        let position: Position = (delivery.not_before_ms, number);
        let place = (Arc::clone(address), position);
        self.deadlines.insert((delivery.deadline_ms, number), place);
        let lane = self.lanes.entry(Arc::clone(address)).or_default();
        lane.waiting.insert(position, (delivery, token));
    }

    /// Puts a lane where it belongs in the order of turns.
    fn set_turn(&mut self, address: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(address) else {
            return;
        };
        let first_ms = lane
            .waiting
            .first_key_value()
            .map(|((first_ms, _), _)| *first_ms);
        let ready_ms = first_ms.filter(|_| !lane.is_busy).map(|first_ms| {
            first_ms
                .max(lane.retry_ms)
                .max(lane.served_ms)
                .max(lane.bucket.ready_ms(self.options.address_rate))
        });
        if lane.turn.map(|(ready_ms, _)| ready_ms) == ready_ms {
            return;
        }
        if let Some((ready_ms, number)) = lane.turn.take() {
            self.turns.remove(&(ready_ms, number, Arc::clone(address)));
        }
        if let Some(ready_ms) = ready_ms {
            self.next_number += 1;
            lane.turn = Some((ready_ms, self.next_number));
            self.turns
                .insert((ready_ms, self.next_number, Arc::clone(address)));
        }
    }

    fn expire(&mut self, now_ms: u64) {
        while let Some(first) = self.deadlines.first_entry() {
            if first.key().0 > now_ms {
                return;
            }
            let (address, position) = first.remove();
            let lane = self.lanes.get_mut(&address);
            if let Some(entry) = lane.and_then(|lane| lane.waiting.remove(&position)) {
                self.held.remove(&entry.0.id);
                self.expired.push(entry);
            }
            self.set_turn(&address);
        }
    }

    /// Forgets addresses that nothing waits for and whose rate is fresh.
    fn sweep(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.swept_ms) >= SWEEP_MS {
            self.swept_ms = now_ms;
            self.lanes.retain(|_, lane| !lane.is_idle(now_ms));
        }
    }
}

/// How long the other side asks to be left alone.
fn asked_ms(error: &SendError) -> u64 {
    let asked = error.retry_after.unwrap_or_default().as_millis();
    u64::try_from(asked).unwrap_or(u64::MAX)
}
