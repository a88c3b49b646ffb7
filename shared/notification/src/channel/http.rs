//! The HTTP client of SMS gateways and webhooks: no redirects, no cookies, bounded answers.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::fmt::rfc2822::DateTimeParser;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::ChannelError;
use crate::contacts::ChannelKind;

/// Bytes of an answer that are read; what follows is nobody's business.
pub(super) const ANSWER_LIMIT: usize = 64 * 1024;
/// Idle connections per host.
const IDLE_LIMIT: usize = 4;
/// How this product calls itself.
pub(super) const USER_AGENT: &str = concat!("latchwork/", env!("CARGO_PKG_VERSION"));

/// Sends one request at a time, each within the timeout.
pub(super) struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// How long the other side asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// At most [`ANSWER_LIMIT`] bytes.
    pub(super) body: Bytes,
}

impl Answer {
    /// The first words of the body, for people.
    pub(super) fn beginning(&self) -> String {
        let beginning = self.body.get(..200).unwrap_or(&self.body);
        String::from_utf8_lossy(beginning).into_owned()
    }
}

impl HttpClient {
    pub(super) fn open(
        kind: ChannelKind,
        timeout: Duration,
        ca_file: Option<&Path>,
    ) -> Result<Self, ChannelError> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(kind, ca_file)?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_LIMIT)
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self { client, timeout })
    }

    /// The answer, or a sentence why there is none. The sentence does not show the URL, which may
    /// hold a token.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| told(&error))?;
            Ok(answer(response).await)
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answered) => answered,
            Err(_) => Err(format!("no answer within {} ms", self.timeout.as_millis())),
        }
    }
}

/// The body up to its limit. What a broken connection took with it is missing: the status counts.
async fn answer(response: Response<impl BodyExt<Data = Bytes> + Unpin>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut read = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = ANSWER_LIMIT - read.len();
        read.extend_from_slice(data.get(..room).unwrap_or(data));
        if read.len() >= ANSWER_LIMIT {
            break;
        }
    }
    Answer {
        status: head.status,
        retry_after: retry_after(&head.headers, SystemTime::now()),
        body: read.freeze(),
    }
}

/// Seconds, or a date (RFC 9110 s.10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    let date = UNIX_EPOCH + Duration::from_secs(date.as_second().try_into().ok()?);
    Some(date.duration_since(now).unwrap_or_default())
}

/// An error with its causes: hyper's own words say only where it happened.
fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

/// The system's authorities and those of a file. The provider is named here: another part of the
/// process may want another as its default.
fn tls(kind: ChannelKind, ca_file: Option<&Path>) -> Result<ClientConfig, ChannelError> {
    let mut roots = RootCertStore::empty();
    // None at all is no fault yet: not every URL is an https one.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        add_file(&mut roots, path).map_err(|fault| ChannelError::Certificates {
            kind,
            path: path.to_owned(),
            fault,
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ChannelError::Setting {
            kind,
            setting: "tls",
            fault: error.to_string(),
        })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        count += 1;
    }
    if count == 0 {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: `Retry-After` as seconds, as a date to come, as a date gone by, as nonsense.
    /// Guarantee: the wait is what it says; nonsense is no wait.
    #[test]
    fn retry_after_is_read() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |text: &'static str| {
            let value = http::HeaderValue::from_static(text);
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now)
        };
        assert_eq!(wait("120"), Some(Duration::from_mins(2)));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:50:37 GMT"),
            Some(Duration::from_mins(1))
        );
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
