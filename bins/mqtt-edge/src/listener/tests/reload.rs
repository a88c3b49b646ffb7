//! Certificates that change.

use std::fs;
use std::sync::Arc;

use tokio::time::timeout;

use super::super::certificates::Certificates;
use super::super::tls::TlsFiles;
use super::{Authority, Files, PATIENCE, Ports, args, echoed, tls};
use crate::wire::WireKind;

/// Scenario: certificate and key are replaced while a connection lives.
/// Guarantee: new connections get the new ones without a restart, and the old connection goes on.
#[tokio::test]
async fn new_connections_get_new_certificates() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = Files::new(&old);
    let options = [
        &["--mqtt", "off", "--mqtts", "127.0.0.1:0"][..],
        &files.options(),
    ]
    .concat();
    let ports = Ports::open(&options, PATIENCE).await;
    let mut living = tls(&old.client(None), ports.tcp(WireKind::Mqtts).await)
        .await
        .unwrap();
    assert_eq!(echoed(&mut living, b"before").await, b"before");

    files.write(&new);
    let client = new.client(None);
    let trusted = async {
        loop {
            if let Ok(stream) = tls(&client, ports.tcp(WireKind::Mqtts).await).await {
                return stream;
            }
        }
    };
    let mut second = timeout(PATIENCE, trusted).await.unwrap();
    assert_eq!(echoed(&mut second, b"new").await, b"new");
    assert_eq!(echoed(&mut living, b"after").await, b"after");
    let refused = tls(&old.client(None), ports.tcp(WireKind::Mqtts).await).await;
    assert!(refused.is_err());
}

/// Scenario: the certificate is overwritten with something else, then with one of another key,
/// then removed; and then all is right again.
/// Guarantee: each is refused with its reason, and what there was stays until it is right.
#[test]
fn bad_files_change_nothing() {
    let authority = Authority::new();
    let files = Files::new(&authority);
    let tls = TlsFiles::new(&args(files.options()).tls).unwrap().unwrap();
    let certificates = Certificates::load(tls).unwrap();
    let before = certificates.current();
    let refused = |expected: &str| {
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(Arc::ptr_eq(&before, &certificates.current()));
    };
    fs::write(&files.certificate, "not a certificate").unwrap();
    refused("has no certificate in PEM");
    fs::write(&files.certificate, authority.issue("localhost").0).unwrap();
    refused("can't be used");
    fs::remove_file(&files.certificate).unwrap();
    refused("cannot read");
    files.write(&authority);
    certificates.reload().unwrap();
    assert!(!Arc::ptr_eq(&before, &certificates.current()));
}
