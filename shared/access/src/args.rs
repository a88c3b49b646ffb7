//! Flags and environment variables, and what they come to.

use std::path::PathBuf;
use std::time::Duration;

use crate::bans::BanSettings;
use crate::certificate::{CertificateName, CertificatePolicy, NameMeans};
use crate::hashing::HashLimits;
use crate::token::{Algorithm, TokenSettings};

// Named per flag: a heading of the whole group would cover the flags that follow it, too.
const HEADING: &str = "Who may do what";

/// Who is let in, and who may do what: flatten this into a program's own arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct AccessArgs {
    /// Let clients in that bring no credentials. Credentials that can be checked must be right even
    /// so.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_ALLOW_ANONYMOUS")]
    pub allow_anonymous: bool,
    /// File of `user:hash` lines: Argon2, bcrypt, Mosquitto's. `latchwork passwd` writes it. Read
    /// again when it changes.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File of rules `WHO allow|deny publish|subscribe|all FILTER`; what no rule allows is denied.
    /// Without it, who is let in may do everything. `latchwork acl test` tries it. Read again when
    /// it changes.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_ACL_FILE", value_name = "FILE")]
    pub acl_file: Option<PathBuf>,
    /// Public keys (PEM or JWKS), or a secret, for JSON Web Tokens in the place of passwords. Read
    /// again when it changes.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_JWT_KEY_FILE", value_name = "FILE")]
    pub jwt_key_file: Option<PathBuf>,
    /// The one algorithm of tokens. Without it, each key's own; a file with a secret needs HS256
    /// here.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_JWT_ALGORITHM", value_name = "ALGORITHM",
        requires = "jwt_key_file")]
    pub jwt_algorithm: Option<Algorithm>,
    /// What a token's `iss` must be.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_JWT_ISSUER", value_name = "TEXT",
        requires = "jwt_key_file")]
    pub jwt_issuer: Option<String>,
    /// What a token's `aud` must be, or have in it.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_JWT_AUDIENCE", value_name = "TEXT",
        requires = "jwt_key_file")]
    pub jwt_audience: Option<String>,
    /// The claim that the client id must equal, when a token has it.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_JWT_CLIENT_CLAIM", value_name = "CLAIM",
        default_value = "client_id")]
    pub jwt_client_claim: String,
    /// The claim with the user name. Default: `username`, or else `sub`.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_JWT_USER_CLAIM", value_name = "CLAIM",
        requires = "jwt_key_file")]
    pub jwt_user_claim: Option<String>,
    /// Let clients in by this name in their certificate.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_TLS_IDENTITY", value_name = "NAME")]
    pub tls_identity: Option<CertificateName>,
    /// What the certificate's name is the name of.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_TLS_IDENTITY_IS", value_name = "WHAT",
        default_value = "client-id")]
    pub tls_identity_is: NameMeans,
    /// Failed logins within a minute that ban an address, a client id or a user name; 0 for no bans.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_LOGIN_FAILURES", value_name = "N",
        default_value_t = 10)]
    pub login_failures: u32,
    /// How long a ban lasts.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_BAN_FOR", value_name = "TIME",
        default_value = "5m", value_parser = duration)]
    pub ban_for: Duration,
    /// Ban a client that disconnects more often than this within a minute, e.g. 15. Without it,
    /// nobody is banned for that.
    #[arg(long, help_heading = HEADING, env = "LATCHWORK_FLAPPING", value_name = "N")]
    pub flapping: Option<u32>,
}

/// Who is let in, and who may do what.
#[derive(Clone, Default, Debug)]
pub struct AccessSettings {
    /// Whether clients without credentials are let in.
    pub allow_anonymous: bool,
    /// The password file.
    pub password_file: Option<PathBuf>,
    /// The ACL file.
    pub acl_file: Option<PathBuf>,
    /// The file of keys for tokens.
    pub token_key_file: Option<PathBuf>,
    /// The one algorithm of tokens; each key's own otherwise.
    pub token_algorithm: Option<Algorithm>,
    /// What a token must say.
    pub tokens: TokenSettings,
    /// How client certificates are read; `None`: they let nobody in.
    pub certificates: Option<CertificatePolicy>,
    /// When names are banned.
    pub bans: BanSettings,
    /// How many hashes are computed at once.
    pub hashing: HashLimits,
}

impl AccessArgs {
    /// What the flags come to.
    pub fn settings(&self) -> AccessSettings {
        let means = self.tls_identity_is;
        AccessSettings {
            allow_anonymous: self.allow_anonymous,
            password_file: self.password_file.clone(),
            acl_file: self.acl_file.clone(),
            token_key_file: self.jwt_key_file.clone(),
            token_algorithm: self.jwt_algorithm,
            tokens: TokenSettings {
                issuer: self.jwt_issuer.clone(),
                audience: self.jwt_audience.clone(),
                client_claim: self.jwt_client_claim.clone(),
                user_claim: self.jwt_user_claim.clone(),
            },
            certificates: self
                .tls_identity
                .map(|name| CertificatePolicy { name, means }),
            bans: BanSettings {
                failures: self.login_failures,
                ban_for: self.ban_for,
                flapping: self.flapping,
                ..BanSettings::default()
            },
            hashing: HashLimits::default(),
        }
    }
}

/// Reads `20s`, `5m`, `1m 30s`.
fn duration(text: &str) -> Result<Duration, String> {
    let example = || format!("{text:?} is not a duration such as 20s, 5m or 1m 30s");
    let duration: jiff::SignedDuration = text.parse().map_err(|_| example())?;
    Duration::try_from(duration).map_err(|_| example())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Edge {
        #[command(flatten)]
        access: AccessArgs,
    }

    fn settings(line: &str) -> AccessSettings {
        let words = std::iter::once("edge").chain(line.split_whitespace());
        Edge::try_parse_from(words).unwrap().access.settings()
    }

    /// Scenario: no flag, every flag, and values that are none.
    /// Guarantee: without flags nobody is let in and the limits are the documented ones; each flag
    /// arrives; nonsense is refused by the flag's name.
    #[test]
    fn flags_arrive() {
        Edge::command().debug_assert();
        let none = settings("");
        assert!(!none.allow_anonymous && none.password_file.is_none());
        assert!(none.certificates.is_none() && none.acl_file.is_none());
        assert_eq!(none.bans, BanSettings::default());
        assert_eq!(none.tokens, TokenSettings::default());

        let all = settings(
            "--allow-anonymous --password-file p --acl-file a --jwt-key-file k --jwt-algorithm \
             RS256 --jwt-issuer i --jwt-audience d --jwt-client-claim cid --jwt-user-claim sub \
             --tls-identity san --tls-identity-is user --login-failures 3 --ban-for 1m --flapping 15",
        );
        assert!(all.allow_anonymous);
        assert_eq!(all.password_file, Some("p".into()));
        assert_eq!(all.acl_file, Some("a".into()));
        assert_eq!(all.token_key_file, Some("k".into()));
        assert_eq!(all.token_algorithm, Some(Algorithm::Rs256));
        assert_eq!(all.tokens.issuer.as_deref(), Some("i"));
        assert_eq!(all.tokens.audience.as_deref(), Some("d"));
        assert_eq!(all.tokens.client_claim, "cid");
        assert_eq!(all.tokens.user_claim.as_deref(), Some("sub"));
        let expected = CertificatePolicy {
            name: CertificateName::San,
            means: NameMeans::User,
        };
        assert_eq!(all.certificates, Some(expected));
        assert_eq!(all.bans.failures, 3);
        assert_eq!(all.bans.ban_for, Duration::from_mins(1));
        assert_eq!(all.bans.flapping, Some(15));

        for (flag, value) in [
            ("--jwt-algorithm", "none"),
            ("--tls-identity", "ou"),
            ("--tls-identity-is", "name"),
            ("--ban-for", "soon"),
            ("--ban-for", "-5s"),
            ("--login-failures", "-1"),
        ] {
            let words = [
                "edge".into(),
                "--jwt-key-file=k".into(),
                format!("{flag}={value}"),
            ];
            let error = Edge::try_parse_from(words).unwrap_err().to_string();
            assert!(error.contains(flag), "{error}");
        }
    }
}
