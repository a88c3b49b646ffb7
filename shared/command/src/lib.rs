//! Signed lock commands: canonical string, keys, signature, verdict, nonces.
//!
//! A command is five JSON fields; four of them and the lock's client id are signed. What is signed
//! is [`Command::canonical`], under a key that only this lock has ([`KeyRing`]). [`Verifier`]
//! says whether a payload is such a command, now; [`Nonces`] says whether it comes for the first
//! time. Both must agree before a command may be obeyed:
//!
//! ```no_run
//! # async fn obey(verifier: command::Verifier, nonces: command::Nonces, now_ms: u64) {
//! match verifier.verify("10083618796833171", b"{}", now_ms) {
//!     Ok(verified) => {
//!         let nonce = &verified.command.nonce_str;
//!         let claim = nonces.claim("10083618796833171", nonce).await;
//!     }
//!     Err(verdict) => println!("refused: {verdict:?}"),
//! }
//! # }
//! ```

mod command;
mod key;
mod key_ring;
mod nonce_key;
mod nonces;
mod sign;
mod verifier;

pub use command::{Action, Command, CommandError};
pub use key_ring::{KEYS_FILE_ENV, KeyError, KeyFault, KeyRing, new_key_line};
pub use nonces::{Claim, Nonces, OpenError, Unavailable};
pub use sign::SignDigits;
pub use verifier::{Limits, Verified, Verifier};
