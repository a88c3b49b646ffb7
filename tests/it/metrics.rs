//! Figures that a stage tells on `/metrics`.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::waiting::soon;

/// What a stage told at one moment.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks a stage by its health address.
    pub(crate) async fn of(address: &str) -> Self {
        let asked = soon("an answer of /metrics", ask(address)).await;
        Self(asked.unwrap_or_else(|error| panic!("/metrics of {address}: {error}")))
    }

    /// Sum over all labels; 0 when it is not told yet.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let values = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let is_it = rest.starts_with('{') || rest.starts_with(' ');
            is_it
                .then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())
                .flatten()
        });
        values.sum()
    }
}

async fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
