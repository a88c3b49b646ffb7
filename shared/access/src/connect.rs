//! What a CONNECT brings, and what it comes to.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::acl::{Permissions, Rule};
use crate::bans::Attempt;

/// What a CONNECT brings.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The client id as sent; may be empty.
    pub client_id: &'a str,
    /// The client id that the edge gives when an empty one is sent and nothing else names one.
    pub assigned_client_id: &'a str,
    /// The user name.
    pub username: Option<&'a str>,
    /// The password: any bytes.
    pub password: Option<&'a [u8]>,
    /// The peer's address.
    pub peer_ip: IpAddr,
    /// The peer's certificate (DER), verified by TLS.
    pub certificate: Option<&'a [u8]>,
}

impl<'a> Credentials<'a> {
    pub(crate) fn attempt(&self) -> Attempt<'a> {
        Attempt {
            ip: self.peer_ip,
            client_id: self.client_id,
            username: self.username,
        }
    }
}

impl fmt::Debug for Credentials<'_> {
    /// Leaves the password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("peer_ip", &self.peer_ip)
            .field("certificate", &self.certificate.is_some())
            .finish_non_exhaustive()
    }
}

/// What let a client in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Its certificate.
    Certificate,
    /// A JSON Web Token.
    Token,
    /// A password.
    Password,
    /// Nothing had to be shown.
    Anonymous,
}

impl Method {
    /// In one word, for records and meters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Token => "token",
            Self::Password => "password",
            Self::Anonymous => "anonymous",
        }
    }
}

/// A client that was let in.
#[derive(Debug)]
pub struct Admitted {
    /// The session's client id: never empty, when an id was there to assign. Where it differs from
    /// the one that was sent, the client must be told (Assigned Client Identifier).
    pub client_id: String,
    /// The user name: the proven one, or of an anonymous client what it says of itself. Rules know
    /// proven names only.
    pub username: Option<String>,
    /// What the session may do.
    pub permissions: Permissions,
    /// When the session must end, by its token.
    pub expires_at: Option<SystemTime>,
    /// What let it in.
    pub method: Method,
}

/// What was proven of a client.
#[derive(Debug)]
pub(crate) struct Proven {
    /// The client id that certificate or token name.
    pub(crate) client_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) rules: Option<Arc<[Rule]>>,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) method: Method,
}
