//! Who may connect and who may do what: passwords, tokens, certificates, ACL rules, bans.
//!
//! [`Access::admit`] decides about a CONNECT; what it lets in gets [`Permissions`], which answer for
//! every PUBLISH and SUBSCRIBE. Files are read again when they change.
//!
//! ```no_run
//! # async fn connect(settings: access::AccessSettings, password: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let access = access::Access::open(settings)?;
//! let credentials = access::Credentials {
//!     client_id: "lock-7",
//!     assigned_client_id: "",
//!     username: Some("alice"),
//!     password: Some(password),
//!     peer_ip: [192, 0, 2, 7].into(),
//!     certificate: None,
//! };
//! match access.admit(&credentials).await {
//!     Ok(mut admitted) => {
//!         let decision = admitted.permissions.publish("devices/lock-7/state");
//!         assert!(decision.allowed, "denied by {}", decision.by);
//!     }
//!     Err(refusal) => println!("{refusal}; answer in {:?}", refusal.delay()),
//! }
//! # Ok(()) }
//! ```

mod access;
pub mod acl;
mod args;
mod bans;
mod certificate;
mod connect;
mod file;
mod hashing;
mod password;
mod prove;
mod refusal;
mod relation;
#[cfg(test)]
mod tests;
mod token;
mod watched;

pub use access::Access;
pub use acl::{Acl, Action, By, Decision, FilterFault, Identity, Permissions, RuleFault};
pub use args::{AccessArgs, AccessSettings};
pub use bans::{Attempt, Ban, BanOf, BanSettings, Bans, network_of};
pub use certificate::{
    CertificateFault, CertificateName, CertificateNames, CertificatePolicy, NameMeans,
    certificate_names,
};
pub use connect::{Admitted, Credentials, Method};
pub use file::{Fault, FileError};
pub use hashing::HashLimits;
pub use password::{HashError, HashKind, LineFault, PasswordFile, PasswordFileEdit};
pub use refusal::Refusal;
pub use token::{Algorithm, ClaimFault, KeyFault, TokenFault, TokenKeys, TokenSettings};
pub use watched::Watched;
