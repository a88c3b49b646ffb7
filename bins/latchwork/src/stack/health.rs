//! Asks a stage whether it can work.

use std::time::Duration;

use anyhow::bail;
use stage::Backoff;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Waits until `/readyz` of a stage answers 200; fails with what is missing.
pub async fn wait_until_ready(name: &str, health: &str, within: Duration) -> anyhow::Result<()> {
    let mut last = String::from("it does not answer");
    let waiting = async {
        let mut backoff = Backoff::up_to(Duration::from_millis(100));
        loop {
            match readyz(health).await {
                Ok((200, _)) => return,
                Ok((_, missing)) => last = missing,
                Err(error) => last = error.to_string(),
            }
            backoff.wait().await;
        }
    };
    let ready = tokio::time::timeout(within, waiting).await;
    if ready.is_err() {
        bail!(
            "{name} is not ready after {} s: {}",
            within.as_secs(),
            last.trim()
        );
    }
    Ok(())
}

/// Status and body.
async fn readyz(address: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    Ok((status, body))
}
