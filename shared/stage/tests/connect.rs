//! The connection to a real server.

use servers::{NatsOptions, NatsServer};
use stage::NatsArgs;

/// Scenario: the server wants a user; the address has it, with a password that must be encoded in
/// an address; then with another password.
/// Guarantee: the first gets in; the second is told that it was refused, without the password.
#[tokio::test]
async fn users_and_passwords_in_addresses_count() {
    let data = tempfile::tempdir().unwrap();
    let mut options = NatsOptions::new(data.path());
    options.extra_config = "authorization { user: locks, password: \"p@ss:1\" }\n".to_owned();
    let server = NatsServer::start(options).await.unwrap();
    let address = |password: &str| format!("nats://locks:{password}@127.0.0.1:{}", server.port());

    let right = NatsArgs::at(&address("p%40ss%3A1"));
    right.connect("test").await.unwrap();
    let wrong = NatsArgs::at(&address("secret")).connect("test").await;
    let error = wrong.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("authorization"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}
