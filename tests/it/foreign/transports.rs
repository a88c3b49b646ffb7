//! TLS, WebSocket, and who may connect.

use super::bed::ForeignBed;
use super::connection::same;
use super::lineup::Client;
use super::orders::{Connect, Fault, Transport};
use crate::run_command::latchwork;

/// Larger than a TLS record and a WebSocket read buffer.
const LARGE: usize = 200_000;

const USER: &str = "front-door";
const PASSWORD: &str = "a password";

/// Scenario: TLS, WebSocket at /mqtt, and both, by libraries that trust the test's authority alone.
/// Guarantee: small and large messages go both ways.
#[tokio::test]
async fn every_transport_carries_messages() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| {
        for &transport in client.speaks {
            let connect = over(&bed, client, transport);
            let exchanged = exchange(client, connect).await;
            exchanged.map_err(|why| format!("{transport:?}: {why}"))?;
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: the edge wants client certificates; each library shows one of the right authority, and
/// none.
/// Guarantee: the one is let in, the other is not.
#[tokio::test]
async fn certificates_of_clients_are_asked_for() {
    let bed = ForeignBed::start_with(|setup, certificates| {
        setup.env("LATCHWORK_TLS_CLIENT_CA", &certificates.ca)
    })
    .await;
    bed.every(async |client| {
        for transport in [Transport::Tls, Transport::Wss] {
            if !client.speaks.contains(&transport) {
                continue;
            }
            let certificates = &bed.certificates;
            let without = over(&bed, client, transport);
            let with = Connect {
                certificate: Some(certificates.client.certificate.clone()),
                key: Some(certificates.client.key.clone()),
                ..without.clone()
            };
            let exchanged = exchange(client, with).await;
            exchanged.map_err(|why| format!("{transport:?}: {why}"))?;
            if let Ok(connection) = client.attempt(without).await {
                let code = connection.code;
                return Err(format!("{transport:?}: CONNACK {code} without certificate"));
            }
        }
        Ok(())
    })
    .await;
    bed.conclude();
}

/// Scenario: user name and password, where anybody may connect.
/// Guarantee: the client is let in, and works.
#[tokio::test]
async fn a_user_is_let_in_where_anybody_is() {
    let bed = ForeignBed::start().await;
    bed.every(async |client| exchange(client, with_password(&bed, client, PASSWORD)).await)
        .await;
    bed.conclude();
}

/// Scenario: a password file has one user. Each library shows the right password, a wrong one, and
/// none.
/// Guarantee: the first is let in and works; the others are told why not.
#[tokio::test]
async fn a_password_lets_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (passwords, secret) = (path("passwords"), path("secret"));
    std::fs::write(&secret, PASSWORD).unwrap();
    let made = latchwork(&["passwd", &passwords, USER, "--password-file", &secret]).await;
    assert_eq!(made.code, Some(0), "{made:#?}");
    let bed = ForeignBed::start_with(|setup, _| {
        setup
            .refuse_anonymous()
            .env("LATCHWORK_PASSWORD_FILE", passwords)
            // All clients come from one address.
            .env("LATCHWORK_LOGIN_FAILURES", "0")
    })
    .await;
    bed.every(async |client| {
        exchange(client, with_password(&bed, client, PASSWORD)).await?;
        let wrong = with_password(&bed, client, "another password");
        is_refused(client, wrong, [4, 0x86]).await?;
        is_refused(client, bed.options(client, "nobody"), [5, 0x87]).await
    })
    .await;
    bed.conclude();
}

/// CONNACK has the code of MQTT 3.1.1 or that of 5.0, which some libraries tell for both.
async fn is_refused(client: &Client, connect: Connect, codes: [u8; 2]) -> Result<(), Fault> {
    match client.attempt(connect).await?.code {
        code if codes.contains(&code) => Ok(()),
        code => Err(format!("CONNACK has {code:#04x}, none of {codes:#04x?}")),
    }
}

fn with_password(bed: &ForeignBed, client: &Client, password: &str) -> Connect {
    Connect {
        user: Some(USER.to_owned()),
        password: Some(password.to_owned()),
        ..bed.options(client, "user")
    }
}

fn over(bed: &ForeignBed, client: &Client, transport: Transport) -> Connect {
    let secure = matches!(transport, Transport::Tls | Transport::Wss);
    Connect {
        transport,
        port: bed.port(transport),
        ca: secure.then(|| bed.certificates.ca.clone()),
        ..bed.options(client, &format!("{transport:?}"))
    }
}

/// Messages to oneself, small and large.
async fn exchange(client: &Client, connect: Connect) -> Result<(), Fault> {
    let mut connection = client.connect(connect).await?;
    let topic = client.own("echo");
    connection.subscribe(&topic, 2).await?;
    for qos in 0..=2 {
        let text = format!("small {qos}");
        connection.publish(&topic, &text, qos).await?;
        connection.expect(&text).await?;
    }
    let large = vec![b'x'; LARGE];
    let payloads = [large.clone()];
    connection.publish_all(&topic, &payloads, 1).await?;
    let message = connection.next().await?;
    same("bytes", &message.payload.len(), &LARGE)?;
    connection.unsubscribe(&topic).await?;
    connection.disconnect().await
}
