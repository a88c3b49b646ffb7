//! What happens to a lock when nothing comes.

use alert::AlertKind;
use settings::AuditSettings;

use super::lock::{Lock, Matter};
use super::rules::{FLAPPING_OVER, LOGINS_OVER, REFUSALS_OVER};
use super::scene::Scene;

/// A lock that has been offline for so long leaves the memory; its stored state stays.
const FORGET_MS: u64 = 30 * 24 * 3_600_000;

/// A client that only commands or logins name is forgotten after so long.
const FORGET_STRANGER_MS: u64 = 15 * 60_000;

/// What is due. Timers of the same time fire in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// The time in which the oldest command may cause something is over.
    Command,
    /// No report for too long.
    Silence,
    /// The window after the last happening of such a matter is over.
    WindowOver(AlertKind),
    /// A matter is to be told again.
    Repeat(AlertKind),
}

impl Lock {
    /// The next timer and when it is due. `watched_ms` is when the watch began after a restart.
    pub(super) fn next_timer(
        &self,
        settings: &AuditSettings,
        watched_ms: u64,
    ) -> Option<(u64, Timer)> {
        let silence = self.silence_ms(settings, watched_ms);
        let silence = silence.map(|at_ms| (at_ms, Timer::Silence));
        if self.rare.is_none() {
            return silence;
        }
        silence.into_iter().chain(self.rare_timers(settings)).min()
    }

    /// When the lock may leave the memory.
    pub(super) fn forget_ms(&self) -> Option<u64> {
        if !self.has_reported() {
            return Some(self.touched_ms + FORGET_STRANGER_MS);
        }
        (!self.online).then_some(self.seen_ms + FORGET_MS)
    }

    fn rare_timers(&self, settings: &AuditSettings) -> impl Iterator<Item = (u64, Timer)> {
        let command = self
            .commands()
            .map(|command| (command.ends_ms(settings.command_wait_s), Timer::Command));
        let matters = self.matters().iter().flat_map(|matter| {
            let repeat = Some((matter.repeat_ms, Timer::Repeat(matter.kind)));
            let over = self.window_over_ms(matter, settings);
            let over = over.map(|at_ms| (at_ms, Timer::WindowOver(matter.kind)));
            [repeat, over].into_iter().flatten()
        });
        command.chain(matters)
    }

    fn window_over_ms(&self, matter: &Matter, settings: &AuditSettings) -> Option<u64> {
        let rare = self.rare.as_ref()?;
        let (window, span_s) = match matter.kind {
            AlertKind::Flapping => (&rare.connects, settings.flapping_window_s),
            AlertKind::CommandAttack => (&rare.refusals, settings.attack_window_s),
            AlertKind::LoginFailed => (&rare.logins, settings.login_window_s),
            _ => return None,
        };
        Some(window.latest_ms().unwrap_or(matter.since_ms) + span_s * 1000)
    }

    /// When the lock counts as silent, unless it does already.
    fn silence_ms(&self, settings: &AuditSettings, watched_ms: u64) -> Option<u64> {
        let is_off = settings
            .rules
            .get(&AlertKind::Offline)
            .is_some_and(|rule| rule.off);
        let is_told = is_off || self.has(AlertKind::Offline);
        if !self.has_reported() || (is_told && !self.online) {
            return None;
        }
        let limit_ms = settings.report_interval_s * 1000 * u64::from(settings.offline_after.max(1));
        let mut seen_ms = self.seen_ms.max(self.since_ms);
        if self.restored {
            // The stored time may be old by as much as it is written seldom.
            let latest_ms = seen_ms + settings.status_interval_s * 1000;
            seen_ms = seen_ms.max(watched_ms.min(latest_ms));
        }
        Some(seen_ms + limit_ms)
    }
}

impl Scene<'_> {
    /// Fires every timer that is due at `until_ms`.
    pub(super) fn fire_due(&mut self, until_ms: u64, watched_ms: u64) {
        while let Some((at_ms, timer)) = self.lock.next_timer(self.settings, watched_ms)
            && at_ms <= until_ms
        {
            self.fire(timer, at_ms, until_ms);
        }
    }

    /// Fires one timer as of its own time, so that when it is found does not matter.
    pub(super) fn fire(&mut self, timer: Timer, at_ms: u64, now_ms: u64) {
        let found_ms = std::mem::replace(&mut self.at.ts_ms, at_ms);
        self.is_timer = true;
        match timer {
            Timer::Command => self.command_over(at_ms),
            Timer::Silence => self.silent(),
            Timer::WindowOver(kind @ AlertKind::Flapping) => self.clear(kind, FLAPPING_OVER),
            Timer::WindowOver(kind @ AlertKind::CommandAttack) => self.clear(kind, REFUSALS_OVER),
            Timer::WindowOver(kind) => self.clear(kind, LOGINS_OVER),
            Timer::Repeat(kind) => self.repeat(kind, now_ms),
        }
        self.is_timer = false;
        self.at.ts_ms = found_ms;
    }
}
