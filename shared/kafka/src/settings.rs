//! How to reach Kafka, and the librdkafka settings that every client starts from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::error::KafkaError;

/// Flatten this into a stage's own arguments: the doc comments are the `--help` text.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaArgs {
    /// Kafka brokers to start from; the others are found through them
    ///
    /// TLS, SASL and everything else are settings of librdkafka, in the table `[kafka.librdkafka]`
    /// of the pipeline file.
    #[arg(
        long = "kafka",
        env = "LATCHWORK_KAFKA",
        value_name = "HOST:PORT[,..]",
        default_value = "127.0.0.1:9092"
    )]
    pub brokers: String,

    /// File with the SASL password, in place of `sasl.password` in the pipeline file
    #[arg(
        long = "kafka-password-file",
        env = "LATCHWORK_KAFKA_PASSWORD_FILE",
        value_name = "FILE"
    )]
    pub password_file: Option<PathBuf>,
}

impl KafkaArgs {
    /// The connection that these arguments and the table `[kafka.librdkafka]` describe.
    pub fn connection(
        &self,
        librdkafka: &BTreeMap<String, String>,
    ) -> Result<KafkaConnection, KafkaError> {
        let mut librdkafka = librdkafka.clone();
        if let Some(file) = &self.password_file {
            let password =
                std::fs::read_to_string(file).map_err(|source| KafkaError::PasswordFile {
                    file: file.clone(),
                    source,
                })?;
            let password = password.trim_end_matches(['\r', '\n']);
            librdkafka.insert("sasl.password".into(), password.into());
        }
        KafkaConnection::new(&self.brokers)?.with_librdkafka(librdkafka)
    }
}

/// Where Kafka is, who we are, and which settings override ours. Every client is made from it.
#[derive(Clone)]
pub struct KafkaConnection {
    brokers: String,
    client_id: String,
    librdkafka: BTreeMap<String, String>,
}

/// Settings of every client.
const COMMON: &[(&str, &str)] = &[
    ("socket.keepalive.enable", "true"),
    // Records wait at most three seconds longer than Kafka is away; the default is fifteen.
    ("reconnect.backoff.ms", "100"),
    ("reconnect.backoff.max.ms", "2000"),
    // Also keeps idle connections from being reaped by the broker after ten minutes, which would
    // look like an outage.
    ("topic.metadata.refresh.interval.ms", "60000"),
    // A misspelt topic must not come into being; `ensure_topics` makes those that are wanted.
    ("allow.auto.create.topics", "false"),
];

/// Settings of the producer.
const PRODUCER: &[(&str, &str)] = &[
    ("acks", "all"),
    // Keeps the order of a partition over librdkafka's own retries; measured to cost nothing.
    ("enable.idempotence", "true"),
    // Never give up: a record that timed out in flight may be stored or not, so that a repeat
    // would duplicate or reorder. JetStream holds the backlog meanwhile.
    ("delivery.timeout.ms", "0"),
    ("compression.type", "lz4"),
    ("linger.ms", "1"),
    // A key lands where the Java clients put it; librdkafka's own default is CRC32.
    ("partitioner", "murmur2_random"),
    ("topic.metadata.propagation.max.ms", "10000"),
    // The window of the sinks is far below; these only bound a bug.
    ("queue.buffering.max.messages", "500000"),
    ("queue.buffering.max.kbytes", "1048576"),
    // Only the state of the brokers is read from it.
    ("statistics.interval.ms", "5000"),
];

/// Settings of the reader. The queue bounds its memory; librdkafka's default is 64 MiB.
const READER: &[(&str, &str)] = &[
    // Demanded by the interface; no group is joined and nothing is committed.
    ("group.id", "latchwork-reader"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "earliest"),
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "20000"),
    // After a full queue the next fetch would otherwise wait a second.
    ("fetch.queue.backoff.ms", "10"),
    ("fetch.wait.max.ms", "100"),
];

/// Other names of the settings above. Both at once would win by chance.
const ALIASES: &[(&str, &str)] = &[
    ("request.required.acks", "acks"),
    ("message.timeout.ms", "delivery.timeout.ms"),
    ("compression.codec", "compression.type"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("metadata.broker.list", "bootstrap.servers"),
];

impl KafkaConnection {
    /// A connection to `HOST:PORT[,HOST:PORT..]`.
    pub fn new(brokers: &str) -> Result<Self, KafkaError> {
        let brokers: String = brokers.split_whitespace().collect();
        for address in brokers.split(',') {
            check_address(address).map_err(|reason| KafkaError::Address {
                given: brokers.clone(),
                reason,
            })?;
        }
        Ok(Self {
            brokers,
            client_id: "latchwork".into(),
            librdkafka: BTreeMap::new(),
        })
    }

    /// Names the client, as broker logs and quotas show it: `latchwork-<stage>-<instance>`.
    #[must_use]
    pub fn with_client_id(mut self, stage: &str, instance: &str) -> Self {
        self.client_id = format!("latchwork-{stage}-{instance}");
        self
    }

    /// Takes the table `[kafka.librdkafka]`, which overrides any setting of ours, and checks its
    /// names and values.
    pub fn with_librdkafka(mut self, table: BTreeMap<String, String>) -> Result<Self, KafkaError> {
        self.librdkafka = table;
        self.producer()
            .create_native_config()
            .map_err(client_error)?;
        Ok(self)
    }

    /// The addresses, for messages.
    pub fn brokers(&self) -> &str {
        self.librdkafka
            .get("bootstrap.servers")
            .or_else(|| self.librdkafka.get("metadata.broker.list"))
            .unwrap_or(&self.brokers)
    }

    pub(crate) fn producer(&self) -> ClientConfig {
        self.config(PRODUCER)
    }

    pub(crate) fn reader(&self) -> ClientConfig {
        self.config(READER)
    }

    pub(crate) fn admin(&self) -> ClientConfig {
        self.config(&[])
    }

    /// Overrides that give up what the product promises, each with what is lost.
    pub(crate) fn broken_promises(&self) -> Vec<String> {
        let config = self.producer();
        let differs = |key: &str, promised: &[&str]| {
            let value = config.get(key)?;
            (!promised.contains(&value)).then(|| format!("{key} = {value}"))
        };
        [
            (
                differs("enable.idempotence", &["true"]),
                "records of a device may change places and repeat",
            ),
            (
                differs("acks", &["all", "-1"]),
                "records may be lost when a broker dies",
            ),
            (
                differs("delivery.timeout.ms", &["0"]),
                "records of a device may change places and repeat after an outage",
            ),
        ]
        .into_iter()
        .filter_map(|(setting, lost)| Some(format!("{}: {lost}", setting?)))
        .collect()
    }

    fn config(&self, own: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        // Chosen here rather than from the `log` crate, which nothing of ours sets up.
        config.set_log_level(RDKafkaLogLevel::Info);
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", &self.client_id);
        for (key, value) in COMMON.iter().chain(own) {
            config.set(*key, *value);
        }
        for (key, value) in &self.librdkafka {
            let name = ALIASES
                .iter()
                .find_map(|(alias, name)| (alias == key).then_some(*name))
                .unwrap_or(key);
            config.set(name, value);
        }
        config
    }
}

impl fmt::Debug for KafkaConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: BTreeMap<&str, &str> = self
            .librdkafka
            .iter()
            .map(|(key, value)| (key.as_str(), shown(key, value)))
            .collect();
        f.debug_struct("KafkaConnection")
            .field("brokers", &self.brokers)
            .field("client_id", &self.client_id)
            .field("librdkafka", &shown)
            .finish()
    }
}

/// Says what is wrong with one `HOST:PORT`.
fn check_address(address: &str) -> Result<(), &'static str> {
    let (host, port) = address.rsplit_once(':').ok_or("a port is missing")?;
    if host.is_empty() {
        return Err("a host is missing");
    }
    if host.contains('/') {
        return Err("leave out the protocol, it is set by security.protocol");
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err("an IPv6 address stands in brackets");
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("the port must be 1 to 65535"),
    }
}

/// A value that may be shown, or what stands for a secret.
fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    let secret = ["password", "secret", "pem", "token", "jaas"];
    let hide = secret.iter().any(|word| key.contains(word)) || key == "sasl.oauthbearer.config";
    if hide { "(hidden)" } else { value }
}

/// What librdkafka says about a client it does not make.
pub(crate) fn client_error(error: rdkafka::error::KafkaError) -> KafkaError {
    match error {
        rdkafka::error::KafkaError::ClientConfig(_, reason, key, value) => KafkaError::Setting {
            value: shown(&key, &value).into(),
            key,
            reason,
        },
        rdkafka::error::KafkaError::ClientCreation(reason) => KafkaError::Client(reason),
        other => KafkaError::Client(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect()
    }

    /// Scenario: addresses of every shape, good and bad.
    /// Guarantee: the good are taken, the bad are refused with what is wrong.
    #[test]
    fn addresses_are_checked() {
        for good in ["localhost:9092", "a:1,b:65535", "[::1]:9092", "a:1, b:2"] {
            assert!(KafkaConnection::new(good).is_ok(), "{good}");
        }
        for (bad, word) in [
            ("", "port is missing"),
            ("localhost", "port is missing"),
            (":9092", "host is missing"),
            ("a:0", "1 to 65535"),
            ("a:99999", "1 to 65535"),
            ("kafka://a:9092", "protocol"),
            ("::1:9092", "brackets"),
            ("a:1,,b:2", "port is missing"),
        ] {
            let error = KafkaConnection::new(bad).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("--kafka"), "{error}");
        }
    }

    /// Scenario: the table names an unknown setting, a value that is not taken, and a secret.
    /// Guarantee: each is refused with its name; the secret's value is shown nowhere.
    #[test]
    fn wrong_settings_are_named() {
        let connection = KafkaConnection::new("a:1").unwrap();
        let refused = |key, value| {
            let table = table(&[(key, value)]);
            let error = connection.clone().with_librdkafka(table).unwrap_err();
            error.to_string()
        };
        assert!(refused("no.such.setting", "1").contains("no.such.setting"));
        assert!(refused("linger.ms", "soon").contains("linger.ms = \"soon\""));
        let error = refused("ssl.wrong.password", "geheim");
        assert!(
            error.contains("(hidden)") && !error.contains("geheim"),
            "{error}"
        );

        let with_secret = connection
            .with_librdkafka(table(&[("sasl.password", "geheim")]))
            .unwrap();
        assert!(!format!("{with_secret:?}").contains("geheim"));
    }

    /// Scenario: the table sets `acks` and the delivery timeout by their other names.
    /// Guarantee: the table wins, and the promises that this gives up are named.
    #[test]
    fn the_table_overrides_by_any_name() {
        let plain = KafkaConnection::new("a:1").unwrap();
        assert!(plain.broken_promises().is_empty());
        let changed = plain
            .with_librdkafka(table(&[
                ("request.required.acks", "1"),
                ("message.timeout.ms", "5000"),
                ("enable.idempotence", "false"),
                ("metadata.broker.list", "b:2"),
            ]))
            .unwrap();
        let config = changed.producer();
        assert_eq!(config.get("acks"), Some("1"));
        assert_eq!(config.get("request.required.acks"), None);
        assert_eq!(config.get("bootstrap.servers"), Some("b:2"));
        assert_eq!(changed.brokers(), "b:2");
        assert_eq!(changed.broken_promises().len(), 3);
    }
}
