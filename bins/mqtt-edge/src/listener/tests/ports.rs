//! Opening the ports.

use tokio::net::TcpListener;

use super::super::{ListenError, bind, listen};
use super::{Authority, Files, args};
use crate::wire::WireKind;

/// Scenario: no options at all.
/// Guarantee: there is one plain port, on loopback.
#[test]
fn the_default_is_one_plain_port_on_loopback() {
    let args = args([]);
    assert_eq!(args.mqtt, "127.0.0.1:1883");
    assert_eq!((args.mqtts, args.ws, args.wss), (None, None, None));
}

/// Scenario: all four ports; then the plain one off; then none.
/// Guarantee: what is named is open; without any, an error says what to do.
#[tokio::test]
async fn named_ports_are_open() {
    let files = Files::new(&Authority::new());
    let any = "127.0.0.1:0";
    let others = ["--mqtts", any, "--ws", any, "--wss", any];
    let opened = async |mqtt: &str| {
        let options = ["--mqtt", mqtt].into_iter().chain(others);
        let listeners = bind(&args(options.chain(files.options()))).await.unwrap();
        listeners
            .addresses()
            .map(|(kind, _)| kind)
            .collect::<Vec<_>>()
    };
    let all = [WireKind::Mqtt, WireKind::Mqtts, WireKind::Ws, WireKind::Wss];
    assert_eq!(opened(any).await, all);
    assert_eq!(opened("off").await, all[1..]);
    let none = bind(&args(["--mqtt", "off"])).await.unwrap_err();
    assert!(none.to_string().contains("give --mqtt"), "{none}");
}

/// Scenario: a port that is in use, TLS without a certificate, a certificate file that is missing,
/// that is no PEM, that belongs to another key; client certificates without their CA.
/// Guarantee: each error says what, where, and which option to change.
#[tokio::test]
async fn errors_say_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = async |options: &[&str]| {
        let options = args(options.iter().copied());
        bind(&options).await.unwrap_err().to_string()
    };
    let any = "127.0.0.1:0";
    let error = refused(&["--mqtt", any, "--ws", &address]).await;
    assert!(
        error.contains(&address) && error.contains("another with --ws"),
        "{error}"
    );
    let error = listen(&address).await.unwrap_err();
    assert!(matches!(
        error,
        ListenError::Bind {
            option: "--mqtt",
            ..
        }
    ));
    let error = refused(&["--mqtt", any, "--wss", any]).await;
    assert_eq!(error, "--wss needs --tls-cert FILE and --tls-key FILE");

    let (files, others) = (Files::new(&Authority::new()), Files::new(&Authority::new()));
    let [_, cert, _, key] = files.options();
    let tls = async |cert: &str, key: &str| {
        refused(&["--mqtt", any, "--tls-cert", cert, "--tls-key", key]).await
    };
    let error = tls("/no/such.pem", key).await;
    assert!(error.contains("cannot read /no/such.pem"), "{error}");
    let error = tls(key, key).await;
    assert!(error.contains("no certificate in PEM"), "{error}");
    let error = tls(cert, cert).await;
    assert!(error.contains("no private key in PEM"), "{error}");
    let error = tls(cert, others.options()[3]).await;
    assert!(error.contains("can't be used"), "{error}");
    let mtls = ["--tls-client-cert", "required", "--mqtt", any];
    let options: Vec<_> = mtls.into_iter().chain(files.options()).collect();
    assert!(
        refused(&options)
            .await
            .contains("needs --tls-client-ca FILE")
    );
}
