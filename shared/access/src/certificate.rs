//! Who a client certificate says its bearer is.
//!
//! The certificate was verified by TLS before: its chain, its time, and that the peer has its key.

use clap::ValueEnum;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Which of a certificate's names counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum CertificateName {
    /// The subject's common name.
    Cn,
    /// A subject alternative name: DNS names, mail addresses and URIs, in this order.
    San,
}

/// What a certificate's name is the name of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum NameMeans {
    /// The client id: a CONNECT with another one is refused, one without takes it.
    #[default]
    ClientId,
    /// The user name, whatever CONNECT says.
    User,
}

/// How client certificates are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CertificatePolicy {
    /// Where the name stands.
    pub name: CertificateName,
    /// What it means.
    pub means: NameMeans,
}

/// The names in a certificate.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CertificateNames {
    /// The common name, when there is exactly one.
    pub cn: Option<String>,
    /// The alternative names: DNS names, then mail addresses, then URIs; each in the
    /// certificate's order.
    pub san: Vec<String>,
}

/// Why a certificate tells nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateFault {
    /// Not a certificate.
    #[error("the certificate can't be read")]
    Damaged,
    /// The name that counts is not in it, or is no name.
    #[error("the certificate has no usable {0}")]
    NoName(&'static str),
}

/// Reads the names of a leaf certificate (DER).
pub fn certificate_names(der: &[u8]) -> Result<CertificateNames, CertificateFault> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateFault::Damaged)?;
    let mut common = certificate.subject().iter_common_name();
    let cn = match (common.next(), common.next()) {
        // Of two names nobody can say which one was meant.
        (Some(only), None) => only.as_str().ok().filter(|name| usable(name)),
        _ => None,
    };
    let extension = certificate
        .subject_alternative_name()
        .map_err(|_| CertificateFault::Damaged)?;
    let names = extension.map(|extension| extension.value.general_names.as_slice());
    let names = names.unwrap_or_default();
    let kinds: [fn(&GeneralName<'_>) -> Option<String>; 3] = [
        |name| named(name, |name| matches!(name, GeneralName::DNSName(_))),
        |name| named(name, |name| matches!(name, GeneralName::RFC822Name(_))),
        |name| named(name, |name| matches!(name, GeneralName::URI(_))),
    ];
    let san = kinds.iter().flat_map(|kind| names.iter().filter_map(kind));
    Ok(CertificateNames {
        cn: cn.map(str::to_owned),
        san: san.collect(),
    })
}

fn named(name: &GeneralName<'_>, kind: fn(&GeneralName<'_>) -> bool) -> Option<String> {
    let (GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text)) =
        name
    else {
        return None;
    };
    (kind(name) && usable(text)).then(|| (*text).to_owned())
}

/// A null byte or a line feed in a name is an attack, not a name.
fn usable(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_control)
}

impl CertificatePolicy {
    /// The names that the bearer may have under this policy, at least one.
    pub fn names(&self, der: &[u8]) -> Result<Vec<String>, CertificateFault> {
        let names = certificate_names(der)?;
        let (found, what) = match self.name {
            CertificateName::Cn => (names.cn.into_iter().collect(), "common name (CN)"),
            CertificateName::San => (names.san, "subject alternative name (SAN)"),
        };
        if found.is_empty() {
            return Err(CertificateFault::NoName(what));
        }
        Ok(found)
    }

    /// The client id of a connection: the wanted one if it is among the names, the first name if none
    /// is wanted; `None` when the certificate is somebody else's.
    pub fn client_id(names: &[String], wanted: &str) -> Option<String> {
        if wanted.is_empty() {
            return names.first().cloned();
        }
        names.iter().find(|name| *name == wanted).cloned()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(common: Option<&str>, san: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.subject_alt_names = san;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn every_san() -> Vec<SanType> {
        vec![
            SanType::URI("urn:lock:7".try_into().unwrap()),
            SanType::Rfc822Name("lock@example.org".try_into().unwrap()),
            SanType::IpAddress("192.0.2.1".parse().unwrap()),
            SanType::DnsName("b.example.org".try_into().unwrap()),
            SanType::DnsName("a.example.org".try_into().unwrap()),
        ]
    }

    /// Scenario: certificates with a common name, with alternative names of every kind, with
    /// nothing, and bytes that are none.
    /// Guarantee: the names come out by kind; addresses are no names; damage is told.
    #[test]
    fn names_are_read() {
        let names = certificate_names(&certificate(Some("lock-7"), every_san())).unwrap();
        assert_eq!(names.cn.as_deref(), Some("lock-7"));
        assert_eq!(
            names.san,
            [
                "b.example.org",
                "a.example.org",
                "lock@example.org",
                "urn:lock:7"
            ]
        );
        let nothing = certificate_names(&certificate(None, vec![])).unwrap();
        assert_eq!(nothing, CertificateNames::default());
        assert_eq!(certificate_names(b"no"), Err(CertificateFault::Damaged));
        let odd = certificate(Some("lock\0-7"), vec![]);
        assert_eq!(certificate_names(&odd).unwrap().cn, None);
    }

    /// Scenario: a policy for each field, with and without the name in the certificate; a client asks
    /// for its own id, another's, and none.
    /// Guarantee: the field that was chosen counts alone, and another's id is refused.
    #[test]
    fn the_policy_chooses_the_name() {
        let der = certificate(Some("lock-7"), every_san());
        let policy = |name| CertificatePolicy {
            name,
            means: NameMeans::ClientId,
        };
        let cn = policy(CertificateName::Cn).names(&der).unwrap();
        assert_eq!(cn, ["lock-7"]);
        let san = policy(CertificateName::San).names(&der).unwrap();
        for (names, wanted, expected) in [
            (&cn, "lock-7", Some("lock-7")),
            (&cn, "", Some("lock-7")),
            (&cn, "lock-8", None),
            (&cn, "a.example.org", None),
            (&san, "urn:lock:7", Some("urn:lock:7")),
            (&san, "", Some("b.example.org")),
            (&san, "lock-7", None),
        ] {
            let id = CertificatePolicy::client_id(names, wanted);
            assert_eq!(id.as_deref(), expected, "{wanted}");
        }
        let bare = certificate(None, vec![]);
        for (name, what) in [(CertificateName::Cn, "CN"), (CertificateName::San, "SAN")] {
            let error = policy(name).names(&bare).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
