//! The line between the stages and nats-server, which can be cut.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to a server. What is on its way when the line is cut is lost, on both
/// sides; new connections get through at once.
pub(crate) struct NatsLine {
    url: String,
    cuts: watch::Sender<u64>,
}

impl NatsLine {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let (cuts, cut) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((stage, _)) = listener.accept().await {
                // Cuts before this connection are none of its business.
                let mut cut = cut.clone();
                cut.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.changed() => {}
                        _ = forward(stage, port) => {}
                    }
                });
            }
        });
        Self { url, cuts }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn forward(mut stage: TcpStream, port: u16) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    stage.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut stage, &mut server).await?;
    Ok(())
}
