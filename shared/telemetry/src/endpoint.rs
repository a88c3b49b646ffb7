//! The OTLP endpoint: checked when the process starts, not when the first span is sent.

use axum::http::Uri;

/// Why an endpoint is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// TLS was asked for.
    #[error(
        "OTLP endpoint {0} (--otlp-endpoint, OTEL_EXPORTER_OTLP_ENDPOINT) wants TLS, which is not \
         built in: run a collector beside this process, point to it over http, and let it forward \
         over TLS"
    )]
    Tls(String),
    /// Not an http URL.
    #[error(
        "OTLP endpoint {0} (--otlp-endpoint, OTEL_EXPORTER_OTLP_ENDPOINT) is not an http URL: \
         write http://HOST:PORT, e.g. http://127.0.0.1:4318"
    )]
    NotHttp(String),
}

/// A checked base URL such as `http://127.0.0.1:4318`, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// Reads the setting; absent and empty both mean that nothing is exported.
    pub(crate) fn parse(setting: Option<&str>) -> Result<Option<Self>, EndpointError> {
        let Some(text) = setting.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let not_http = || EndpointError::NotHttp(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| not_http())?;
        match uri.scheme_str() {
            Some("http") if uri.host().is_some_and(|host| !host.is_empty()) => {
                Ok(Some(Self(text.trim_end_matches('/').to_owned())))
            }
            Some("https") => Err(EndpointError::Tls(text.to_owned())),
            _ => Err(not_http()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of one signal: `traces` or `metrics` (OTLP/HTTP, "OTLP/HTTP Request").
    pub(crate) fn signal(&self, signal: &str) -> String {
        format!("{}/v1/{signal}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the setting is absent, empty (as compose files leave it), or a URL.
    /// Guarantee: absent and empty are off; the signal's path is appended once.
    #[test]
    fn absent_is_off_and_paths_are_appended() {
        assert_eq!(Endpoint::parse(None), Ok(None));
        assert_eq!(Endpoint::parse(Some(" ")), Ok(None));
        for text in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/"] {
            let endpoint = Endpoint::parse(Some(text)).unwrap().unwrap();
            assert_eq!(endpoint.signal("traces"), "http://127.0.0.1:4318/v1/traces");
        }
        let below = Endpoint::parse(Some("http://gate/otlp")).unwrap().unwrap();
        assert_eq!(below.signal("metrics"), "http://gate/otlp/v1/metrics");
    }

    /// Scenario: https, a missing scheme, another scheme, garbage.
    /// Guarantee: refused, TLS with its own advice.
    #[test]
    fn what_cannot_work_is_refused() {
        let tls = Endpoint::parse(Some("https://c:4318")).unwrap_err();
        assert!(tls.to_string().contains("let it forward over TLS"), "{tls}");
        for text in [
            "127.0.0.1:4318",
            "collector:4318",
            "collector",
            "grpc://c:4317",
            "http://",
            "::",
        ] {
            let error = Endpoint::parse(Some(text)).unwrap_err();
            assert_eq!(error, EndpointError::NotHttp(text.to_owned()), "{text}");
        }
    }
}
