//! The door: who comes in, as whom, and with what permissions.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::acl::{ACL_FILE, Acl, Identity, Permissions, Rule};
use crate::args::AccessSettings;
use crate::bans::Bans;
use crate::connect::{Admitted, Credentials, Method, Proven};
use crate::file::FileError;
use crate::hashing::Hashing;
use crate::password::{PASSWORD_FILE, PasswordFile};
use crate::refusal::Refusal;
use crate::token::{KEY_FILE, TokenKeys};
use crate::watched::Watched;

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(2);

/// Who may connect, and who may do what.
pub struct Access {
    pub(crate) settings: AccessSettings,
    pub(crate) passwords: Option<Watched<PasswordFile>>,
    pub(crate) keys: Option<Watched<TokenKeys>>,
    pub(crate) bans: Bans,
    pub(crate) hashing: Hashing,
    acl: Option<Watched<Acl>>,
    everything: Arc<Acl>,
    nothing: Arc<Acl>,
    cleaned: AtomicU64,
}

impl Access {
    /// Reads the files that the settings name.
    pub fn open(settings: AccessSettings) -> Result<Self, FileError> {
        let algorithm = settings.token_algorithm;
        let passwords = settings.password_file.clone();
        let keys = settings.token_key_file.clone();
        let acl = settings.acl_file.clone();
        Ok(Self {
            passwords: passwords
                .map(|file| Watched::open(PASSWORD_FILE, file, PasswordFile::parse))
                .transpose()?,
            keys: keys
                .map(|file| {
                    Watched::open(KEY_FILE, file, move |file, bytes| {
                        TokenKeys::parse(file, bytes, algorithm)
                    })
                })
                .transpose()?,
            acl: acl
                .map(|file| Watched::open(ACL_FILE, file, Acl::parse))
                .transpose()?,
            bans: Bans::new(settings.bans),
            hashing: Hashing::new(settings.hashing),
            everything: Arc::new(Acl::allow_all()),
            nothing: Arc::new(Acl::deny_all()),
            cleaned: AtomicU64::new(0),
            settings,
        })
    }

    /// Whether anybody can get in at all.
    pub fn lets_anybody_in(&self) -> bool {
        let Self {
            settings,
            passwords,
            keys,
            ..
        } = self;
        settings.allow_anonymous
            || settings.certificates.is_some()
            || passwords.is_some()
            || keys.is_some()
    }

    /// Decides about a CONNECT. Waits where a slow hash must be computed; dropping the future gives
    /// its place in the queue up.
    ///
    /// Asked in this order: a ban; the certificate, where one is there and certificates count; a
    /// token, if the password looks like one and there are keys; the password file; anonymous.
    /// What was shown must be right: a wrong password never becomes an anonymous client.
    pub async fn admit(&self, credentials: &Credentials<'_>) -> Result<Admitted, Refusal> {
        let attempt = credentials.attempt();
        if let Some(ban) = self.bans.check(Instant::now(), attempt) {
            return Err(Refusal::Banned(ban));
        }
        match self.prove(credentials, SystemTime::now()).await {
            Ok(proven) => {
                if proven.method != Method::Anonymous {
                    self.bans.succeeded(Instant::now(), attempt);
                }
                Ok(self.admitted(credentials, proven))
            }
            Err(refusal) if refusal.is_failure() => {
                let delay = self.bans.failed(Instant::now(), attempt);
                Err(refusal.with_delay(delay))
            }
            Err(refusal) => Err(refusal),
        }
    }

    fn admitted(&self, credentials: &Credentials<'_>, proven: Proven) -> Admitted {
        let sent = match credentials.client_id {
            "" => credentials.assigned_client_id,
            sent => sent,
        };
        let client_id = proven.client_id.unwrap_or_else(|| sent.to_owned());
        let identity = Identity {
            client_id: client_id.clone(),
            username: proven.username.clone(),
            ip: Some(credentials.peer_ip),
        };
        let claimed = || credentials.username.map(str::to_owned);
        Admitted {
            client_id,
            username: match proven.method {
                Method::Anonymous => claimed(),
                _ => proven.username,
            },
            permissions: self.permissions(identity, proven.rules),
            expires_at: proven.expires_at,
            method: proven.method,
        }
    }

    fn permissions(&self, identity: Identity, rules: Option<Arc<[Rule]>>) -> Permissions {
        let generation = self.generation();
        let acl = self.acl_in_force(rules.is_some());
        Permissions::new(acl, rules, identity, generation)
    }

    /// Without a file, a token that brings rules brings all of them: what it does not allow is
    /// denied.
    fn acl_in_force(&self, with_token_rules: bool) -> Arc<Acl> {
        match &self.acl {
            Some(watched) => watched.get(),
            None if with_token_rules => Arc::clone(&self.nothing),
            None => Arc::clone(&self.everything),
        }
    }

    /// The generation of the rules: another number means that permissions of an older one are to
    /// be made anew. One look at an atomic number or two: cheap enough for every message.
    pub fn generation(&self) -> u64 {
        let read = self.acl.as_ref().map_or(0, Watched::generation);
        read + self.cleaned.load(Ordering::Acquire)
    }

    /// Makes a session's permissions anew if the rules changed; true when it did. What the session
    /// subscribed to before stays subscribed: ask again for each.
    pub fn refresh(&self, permissions: &mut Permissions) -> bool {
        let generation = self.generation();
        if permissions.generation() == generation {
            return false;
        }
        let acl = self.acl_in_force(permissions.has_token_rules());
        *permissions = permissions.under(acl, generation);
        true
    }

    /// Lets every session make its permissions anew (acl-clean for everybody).
    pub fn clean_permissions(&self) {
        self.cleaned.fetch_add(1, Ordering::Release);
    }

    /// A client's connection ended. True when it is banned for that from now on (flapping).
    pub fn disconnected(&self, client_id: &str) -> bool {
        self.bans.disconnected(Instant::now(), client_id)
    }

    /// Reads every file again now, as on SIGHUP. A file with a fault is refused, which is logged and
    /// told here; what was read before stays in force.
    pub fn reload(&self) -> bool {
        let passwords = self.passwords.as_ref().is_none_or(Watched::reload_or_warn);
        let keys = self.keys.as_ref().is_none_or(Watched::reload_or_warn);
        let acl = self.acl.as_ref().is_none_or(Watched::reload_or_warn);
        passwords && keys && acl
    }

    /// Reads the files again that changed.
    pub fn poll(&self) {
        self.passwords.as_ref().map(Watched::poll);
        self.keys.as_ref().map(Watched::poll);
        self.acl.as_ref().map(Watched::poll);
    }

    /// Looks at the files every 2 seconds, for ever.
    pub async fn watch(self: Arc<Self>) {
        let mut every = tokio::time::interval(POLL);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let access = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || access.poll()).await {
                tracing::error!(%error, "the files of access rules could not be looked at");
            }
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
