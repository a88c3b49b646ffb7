//! The rules, each a method of [`Scene`](super::scene::Scene).

mod battery;
mod clients;
mod commands;
mod door;
mod event;
mod presence;
mod reports;

pub(super) use clients::LOGINS_OVER;
pub(super) use commands::REFUSALS_OVER;
pub(super) use event::Event;
pub(super) use presence::FLAPPING_OVER;
