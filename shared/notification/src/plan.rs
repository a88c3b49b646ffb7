//! Whom an alert concerns, and when.

use std::collections::HashSet;

use alert::{Alert, Change, Severity};

use crate::contacts::{Contact, Contacts, Reach};
use crate::delivery::{Delivery, id_of};
use crate::language::Language;
use crate::recent::Recent;

/// How alerts are planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannerOptions {
    /// An alert that comes again within this many milliseconds is not told again.
    pub dedupe_window_ms: u64,
    /// Alerts remembered for that at most, about 150 bytes each.
    pub dedupe_limit: usize,
    /// Milliseconds after which nobody wants to hear of it any more; quiet hours are not counted.
    pub deadline_ms: u64,
    /// The language of contacts that have none.
    pub language: Language,
}

impl Default for PlannerOptions {
    fn default() -> Self {
        Self {
            dedupe_window_ms: 3600 * 1000,
            dedupe_limit: 100_000,
            deadline_ms: 24 * 3600 * 1000,
            language: Language::En,
        }
    }
}

/// Turns alerts into deliveries. Pure but for what it remembers of the last alerts.
#[derive(Debug)]
pub struct Planner {
    options: PlannerOptions,
    planned: Recent,
}

impl Planner {
    /// A planner that has seen nothing.
    pub fn new(options: PlannerOptions) -> Self {
        let planned = Recent::new(options.dedupe_window_ms, options.dedupe_limit);
        Self { options, planned }
    }

    /// One delivery per contact and channel that wants an alert of this severity; none for an
    /// alert that was planned within the window. An address that several contacts share gets one.
    pub fn plan(&mut self, alert: &Alert, contacts: &Contacts, now_ms: u64) -> Vec<Delivery> {
        if self.planned.contains(&alert.id, now_ms) {
            return Vec::new();
        }
        self.planned.insert(&alert.id, now_ms);
        let mut ids = HashSet::new();
        let mut deliveries = Vec::new();
        for contact in contacts {
            for reach in &contact.channels {
                if alert.severity < reach.severity() {
                    continue;
                }
                let delivery = self.delivery(alert, contact, reach, now_ms);
                if ids.insert(delivery.id.clone()) {
                    deliveries.push(delivery);
                }
            }
        }
        deliveries
    }

    /// Forgets that an alert was planned: its deliveries could not be stored, it will come again.
    pub fn forget(&mut self, alert_id: &str) {
        self.planned.forget(alert_id);
    }

    fn delivery(&self, alert: &Alert, contact: &Contact, reach: &Reach, now_ms: u64) -> Delivery {
        let not_before_ms = not_before(alert, contact, now_ms);
        Delivery {
            id: id_of([&alert.id, reach.channel().name(), reach.address()]),
            channel: reach.channel(),
            address: reach.address().to_owned(),
            name: contact.name.clone(),
            language: contact.language.unwrap_or(self.options.language),
            zone: contact.zone.clone(),
            alert: alert.clone(),
            not_before_ms,
            deadline_ms: not_before_ms.saturating_add(self.options.deadline_ms),
        }
    }
}

/// Now, or the end of the contact's quiet hours. That something critical is over wakes nobody.
fn not_before(alert: &Alert, contact: &Contact, now_ms: u64) -> u64 {
    let Some(quiet) = &contact.quiet else {
        return now_ms;
    };
    let is_urgent = alert.severity == Severity::Critical && alert.change != Change::Cleared;
    if is_urgent && !quiet.critical_waits {
        return now_ms;
    }
    quiet.end(now_ms, &contact.zone).unwrap_or(now_ms)
}
