//! Why a connection is refused.

use std::time::Duration;

use crate::bans::Ban;
use crate::certificate::CertificateFault;
use crate::token::TokenFault;

/// Why a connection is refused. The texts are for logs and records; they quote no password and no
/// token, and who is refused should see no more than the reason code.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// It brought no credentials, and anonymous clients are not let in.
    #[error("no credentials, and anonymous clients are not let in")]
    NotAuthorized {
        /// How long the answer should wait.
        delay: Duration,
    },
    /// User name or password are wrong.
    #[error("wrong user name or password")]
    BadCredentials {
        /// How long the answer should wait.
        delay: Duration,
    },
    /// The password is a token, and refused.
    #[error("the token is refused: {fault}")]
    BadToken {
        /// Why.
        fault: TokenFault,
        /// How long the answer should wait.
        delay: Duration,
    },
    /// The client certificate names nobody.
    #[error("{fault}")]
    BadCertificate {
        /// Why.
        fault: CertificateFault,
        /// How long the answer should wait.
        delay: Duration,
    },
    /// The client id belongs to somebody else: certificate or token name another one.
    #[error("the client id is not the one of the certificate or token")]
    ClientIdMismatch {
        /// How long the answer should wait.
        delay: Duration,
    },
    /// Too many failures before; refuse at once.
    #[error("{} banned for another {} s", .0.of, .0.remaining.as_secs())]
    Banned(Ban),
    /// Too many logins at once; the client may come again.
    #[error("too many logins at once")]
    Busy,
}

impl Refusal {
    /// How long the answer should wait, so that trying is slow; zero when it should not.
    pub fn delay(&self) -> Duration {
        match self {
            Self::NotAuthorized { delay }
            | Self::BadCredentials { delay }
            | Self::BadToken { delay, .. }
            | Self::BadCertificate { delay, .. }
            | Self::ClientIdMismatch { delay } => *delay,
            Self::Banned(_) | Self::Busy => Duration::ZERO,
        }
    }

    /// A failure that counts towards a ban gets its delay.
    pub(crate) fn with_delay(mut self, wait: Duration) -> Self {
        match &mut self {
            Self::NotAuthorized { delay }
            | Self::BadCredentials { delay }
            | Self::BadToken { delay, .. }
            | Self::BadCertificate { delay, .. }
            | Self::ClientIdMismatch { delay } => *delay = wait,
            Self::Banned(_) | Self::Busy => {}
        }
        self
    }

    /// Whether the client did something wrong.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::Banned(_) | Self::Busy)
    }
}

impl From<TokenFault> for Refusal {
    fn from(fault: TokenFault) -> Self {
        Self::BadToken {
            fault,
            delay: Duration::ZERO,
        }
    }
}

impl From<CertificateFault> for Refusal {
    fn from(fault: CertificateFault) -> Self {
        Self::BadCertificate {
            fault,
            delay: Duration::ZERO,
        }
    }
}
