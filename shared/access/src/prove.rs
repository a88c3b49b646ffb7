//! What a CONNECT proves: by its certificate, a token, a password, or nothing.

use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use crate::access::Access;
use crate::certificate::{CertificatePolicy, NameMeans};
use crate::connect::{Credentials, Method, Proven};
use crate::refusal::Refusal;
use crate::token::{TokenKeys, looks_like_token};
use crate::watched::Watched;

const BAD_CREDENTIALS: Refusal = Refusal::BadCredentials {
    delay: Duration::ZERO,
};

const MISMATCH: Refusal = Refusal::ClientIdMismatch {
    delay: Duration::ZERO,
};

impl Access {
    /// What the credentials prove at this time.
    pub(crate) async fn prove(
        &self,
        credentials: &Credentials<'_>,
        now: SystemTime,
    ) -> Result<Proven, Refusal> {
        let (Some(policy), Some(der)) = (self.settings.certificates, credentials.certificate)
        else {
            return self.by_credentials(credentials, now).await;
        };
        let names = policy.names(der)?;
        match policy.means {
            NameMeans::ClientId => {
                let own = CertificatePolicy::client_id(&names, credentials.client_id);
                let own = own.ok_or(MISMATCH)?;
                self.with_certified_id(credentials, own, now).await
            }
            NameMeans::User => self.with_certified_user(credentials, names, now),
        }
    }

    /// The certificate says which client it is. Whoever also names a user must prove that, where it
    /// can be proven.
    async fn with_certified_id(
        &self,
        credentials: &Credentials<'_>,
        client_id: String,
        now: SystemTime,
    ) -> Result<Proven, Refusal> {
        let shown = credentials.username.is_some() || credentials.password.is_some();
        if !shown || !self.can_check() {
            return Ok(Proven {
                client_id: Some(client_id),
                username: None,
                rules: None,
                expires_at: None,
                method: Method::Certificate,
            });
        }
        let named = Credentials {
            client_id: &client_id,
            ..*credentials
        };
        let proven = self.by_credentials(&named, now).await?;
        Ok(Proven {
            client_id: Some(client_id),
            ..proven
        })
    }

    /// The certificate says which user it is; CONNECT's user name does not matter. A token still
    /// counts for its rules and its end, when it is the same user's.
    fn with_certified_user(
        &self,
        credentials: &Credentials<'_>,
        names: Vec<String>,
        now: SystemTime,
    ) -> Result<Proven, Refusal> {
        if let Some((keys, token)) = self.token(credentials) {
            let proven = self.by_token(credentials, keys, token, now)?;
            let same = proven
                .username
                .as_ref()
                .is_none_or(|name| names.contains(name));
            return if same {
                let username = proven.username.or_else(|| names.into_iter().next());
                Ok(Proven { username, ..proven })
            } else {
                Err(BAD_CREDENTIALS)
            };
        }
        Ok(Proven {
            client_id: None,
            username: names.into_iter().next(),
            rules: None,
            expires_at: None,
            method: Method::Certificate,
        })
    }

    /// Whether there is anything to check a user name or a password with.
    fn can_check(&self) -> bool {
        self.passwords.is_some() || self.keys.is_some()
    }

    async fn by_credentials(
        &self,
        credentials: &Credentials<'_>,
        now: SystemTime,
    ) -> Result<Proven, Refusal> {
        if let Some((keys, token)) = self.token(credentials) {
            return self.by_token(credentials, keys, token, now);
        }
        let shown = credentials.username.is_some() || credentials.password.is_some();
        if shown && self.can_check() {
            return self.by_password(credentials).await;
        }
        if self.settings.allow_anonymous {
            return Ok(Proven {
                client_id: None,
                username: None,
                rules: None,
                expires_at: None,
                method: Method::Anonymous,
            });
        }
        Err(if shown {
            BAD_CREDENTIALS
        } else {
            Refusal::NotAuthorized {
                delay: Duration::ZERO,
            }
        })
    }

    /// The token, if the password looks like one and there are keys for tokens.
    fn token<'c>(&self, credentials: &Credentials<'c>) -> Option<(&Watched<TokenKeys>, &'c [u8])> {
        let token = credentials
            .password
            .filter(|password| looks_like_token(password))?;
        Some((self.keys.as_ref()?, token))
    }

    fn by_token(
        &self,
        credentials: &Credentials<'_>,
        keys: &Watched<TokenKeys>,
        token: &[u8],
        now: SystemTime,
    ) -> Result<Proven, Refusal> {
        let token = self.settings.tokens.verify(&keys.get(), token, now)?;
        if let Some(own) = &token.client_id
            && !credentials.client_id.is_empty()
            && own != credentials.client_id
        {
            return Err(MISMATCH);
        }
        Ok(Proven {
            client_id: token.client_id,
            username: token.username,
            rules: token.rules,
            expires_at: Some(token.expires_at),
            method: Method::Token,
        })
    }

    async fn by_password(&self, credentials: &Credentials<'_>) -> Result<Proven, Refusal> {
        let (Some(file), Some(user), Some(password)) =
            (&self.passwords, credentials.username, credentials.password)
        else {
            return Err(BAD_CREDENTIALS);
        };
        let file = file.get();
        let proven = || Proven {
            client_id: None,
            username: Some(user.to_owned()),
            rules: None,
            expires_at: None,
            method: Method::Password,
        };
        if file.verified_before(user, password) {
            return Ok(proven());
        }
        let turn = self.hashing.turn().await.ok_or(Refusal::Busy)?;
        // While this one waited, others of its kind may have failed, or succeeded.
        if let Some(ban) = self.bans.check(Instant::now(), credentials.attempt()) {
            return Err(Refusal::Banned(ban));
        }
        if file.verified_before(user, password) {
            return Ok(proven());
        }
        let (name, password) = (user.to_owned(), Zeroizing::new(password.to_vec()));
        let verified = tokio::task::spawn_blocking(move || {
            let right = file.verify(&name, &password);
            drop(turn);
            right
        });
        match verified.await {
            Ok(true) => Ok(proven()),
            Ok(false) => Err(BAD_CREDENTIALS),
            Err(error) => {
                tracing::error!(%error, "a password could not be checked");
                Err(Refusal::Busy)
            }
        }
    }
}
