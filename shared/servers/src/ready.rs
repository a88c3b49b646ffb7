//! Asking a server over its own protocol whether it is ready.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A server that is not ready may accept a connection and stay silent.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How a server shows that it is ready for clients.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// Its INFO line offers JetStream. nats-server opens its client port only after it has
    /// recovered its streams.
    NatsInfo,
    /// Its metadata lists a broker: the broker is registered and no longer fenced.
    KafkaMetadata,
}

impl Ready {
    /// Asks the server on `port` of 127.0.0.1; `Err` says why it is not ready.
    pub(crate) async fn ask(self, port: u16) -> Result<(), String> {
        let asked = async {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            match self {
                Self::NatsInfo => nats_offers_jetstream(stream).await,
                Self::KafkaMetadata => kafka_lists_a_broker(stream).await,
            }
        };
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.not_yet().to_owned()),
            Ok(Err(why)) => Err(format!("port {port}: {why}")),
            Err(_) => Err(format!("port {port} accepts, but no answer came")),
        }
    }

    fn not_yet(self) -> &'static str {
        match self {
            Self::NatsInfo => "it answers, but without JetStream",
            Self::KafkaMetadata => "it answers, but no broker is registered",
        }
    }
}

/// The server speaks first: `INFO {json}`, also when it wants TLS or a login (NATS client
/// protocol).
async fn nats_offers_jetstream(stream: TcpStream) -> io::Result<bool> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    let json = line
        .strip_prefix("INFO ")
        .ok_or_else(|| io::Error::other("what answers there is not a NATS server"))?;
    let info: serde_json::Value = serde_json::from_str(json)?;
    Ok(info.get("jetstream").and_then(serde_json::Value::as_bool) == Some(true))
}

/// Metadata request, version 4, for no topic (Kafka protocol guide).
const METADATA_REQUEST: [u8; 19] = [
    0, 0, 0, 15, // size of what follows
    0, 3, 0, 4, // API key, version
    0, 0, 0, 1, // correlation id
    0xff, 0xff, // client id: null
    0, 0, 0, 0, // topics: none
    0, // do not create topics
];

async fn kafka_lists_a_broker(mut stream: TcpStream) -> io::Result<bool> {
    stream.write_all(&METADATA_REQUEST).await?;
    let _size = stream.read_u32().await?;
    let _correlation = stream.read_u32().await?;
    let _throttle = stream.read_u32().await?;
    Ok(stream.read_i32().await? > 0)
}
