//! Where a log is read from.

use std::path::PathBuf;

use ::audit::{Position, Repeats, Verification};
use bytes::Bytes;
use kafka::{KafkaArgs, KafkaConnection};
use settings::Pipeline;
use stage::NatsArgs;

use super::file::FileLog;
use super::kafka_log::KafkaLog;
use super::stream::StreamLog;

/// Where in Kafka the log is. Without these, it is read from the stream AUDIT.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct KafkaLogArgs {
    /// Read from Kafka instead of NATS.
    #[arg(long, value_name = "HOST:PORT[,..]", help_heading = "Kafka")]
    kafka: Option<String>,
    /// Topic of the log.
    #[arg(
        long,
        value_name = "TOPIC",
        default_value = "lock_audit",
        help_heading = "Kafka"
    )]
    topic: String,
    /// File with the SASL password.
    #[arg(
        long,
        env = "LATCHWORK_KAFKA_PASSWORD_FILE",
        value_name = "FILE",
        help_heading = "Kafka"
    )]
    kafka_password_file: Option<PathBuf>,
    /// The pipeline file; its [kafka.librdkafka] table says how to connect.
    #[arg(
        long,
        env = "LATCHWORK_CONFIG",
        value_name = "FILE",
        help_heading = "Kafka"
    )]
    config: Option<PathBuf>,
}

impl KafkaLogArgs {
    fn connection(&self, brokers: &str) -> anyhow::Result<KafkaConnection> {
        let pipeline = Pipeline::load(self.config.as_deref())?;
        let args = KafkaArgs {
            brokers: brokers.to_owned(),
            password_file: self.kafka_password_file.clone(),
        };
        Ok(args.connection(pipeline.librdkafka())?)
    }

    /// Opens the log, in Kafka or in NATS, from its oldest entry or, in NATS, from this time on.
    pub(super) async fn open(
        &self,
        nats: &NatsArgs,
        since_ms: Option<u64>,
    ) -> anyhow::Result<LogSource> {
        match &self.kafka {
            Some(brokers) => {
                let connection = self.connection(brokers)?;
                Ok(LogSource::Kafka(
                    KafkaLog::open(&connection, &self.topic).await?,
                ))
            }
            None => Ok(LogSource::Stream(StreamLog::open(nats, since_ms).await?)),
        }
    }
}

/// One thing in a log.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A line of a file, with its line feed.
    Line(Bytes),
    /// An entry, or what stands for one.
    Entry(Position, Bytes),
    /// What can't be handed over as an entry.
    Broken(Position, String),
}

impl Item {
    /// Gives it to a verification. Says whether it belongs in an export: an entry, and no repeat.
    pub(super) fn verify(&self, verification: &mut Verification) -> bool {
        match self {
            Self::Line(line) => {
                verification.push_line(line);
                true
            }
            Self::Entry(position, entry) => verification.push_at(*position, entry),
            Self::Broken(position, why) => {
                verification.not_an_entry(*position, why);
                false
            }
        }
    }

    /// The entry's bytes, if it may be one.
    pub(super) fn entry(&self) -> Option<&[u8]> {
        match self {
            Self::Line(line) => Some(line.strip_suffix(b"\n").unwrap_or(line)),
            Self::Entry(_, entry) => Some(entry),
            Self::Broken(..) => None,
        }
    }
}

/// A log that is read from its beginning to what was its end when it was opened.
pub(super) enum LogSource {
    File(FileLog),
    Stream(Box<StreamLog>),
    Kafka(KafkaLog),
}

impl LogSource {
    /// The next things, or `None` at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Item>>> {
        match self {
            Self::File(log) => log.next(),
            Self::Stream(log) => log.next().await,
            Self::Kafka(log) => log.next().await,
        }
    }

    /// Only Kafka may hold an entry twice.
    pub(super) fn repeats(&self) -> Repeats {
        match self {
            Self::File(_) | Self::Stream(_) => Repeats::Found,
            Self::Kafka(_) => Repeats::Tolerated,
        }
    }

    /// How much was read of how much, in bytes, frames or records.
    pub(super) fn progress(&self) -> (u64, u64) {
        match self {
            Self::File(log) => log.progress(),
            Self::Stream(log) => log.progress(),
            Self::Kafka(log) => log.progress(),
        }
    }
}
