//! The pipeline, read and checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rules::Rule;
use schema::{Contracts, Schema};
use serde::Deserialize;
use topology::Part;

use crate::audit::AuditSettings;
use crate::commands::CommandSettings;
use crate::error::SettingsError;
use crate::hook::{Hook, WantedEvents};
use crate::notify::NotifySettings;
use crate::reader::Reader;
use crate::sessions::SessionSettings;
use crate::sources::Sources;

/// The built-in pipeline: the door-lock articles' own set-up.
pub(crate) const BUILT_IN: &str = r#"
[[contract]]
filter = "devices/+/state"
schema = "lock-state"
[[contract]]
filter = "devices/+/command"
schema = "lock-command"
[[hook]]
event = "message.publish"
filter = "devices/+/state"
kafka_topic = "message_state"
[[hook]]
event = "message.acked"
filter = "devices/+/command"
kafka_topic = "message_command"
"#;

/// What to do with records whose Kafka topic does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownTopic {
    /// They wait, with an alarm, until the topic is made.
    #[default]
    Wait,
    /// They become dead letters.
    DeadLetter,
}

/// `[streams]`: sizes and partitions; `None` is the table's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Streams {
    /// Partitions, fixed when the streams are made.
    pub partitions: Option<u16>,
    /// Copies of each message in a NATS cluster.
    pub replicas: Option<usize>,
    /// Size limit of UP in bytes.
    pub up_max_bytes: Option<i64>,
    /// Size limit of REC in bytes.
    pub rec_max_bytes: Option<i64>,
    /// Size limit of DLQ in bytes.
    pub dlq_max_bytes: Option<i64>,
    /// Size limit of EV in bytes.
    pub ev_max_bytes: Option<i64>,
    /// Size limit of AUDIT in bytes.
    pub audit_max_bytes: Option<i64>,
    /// Size limit of DOWN in bytes.
    pub down_max_bytes: Option<i64>,
    /// Size limit of PUB in bytes.
    pub pub_max_bytes: Option<i64>,
}

/// A Kafka topic that the pipeline writes to.
#[derive(Clone, Debug)]
pub struct KafkaTopic {
    /// Its name.
    pub name: String,
    /// What its values must be: what `[[topic]]` says, or else the envelope that its hooks write,
    /// if all write the same one.
    pub schema: Option<Arc<Schema>>,
    /// Whether the schema is that of its hooks' envelopes, so that it holds for these alone.
    pub schema_is_derived: bool,
    /// Partitions when it is made by `--ensure-topics`; `None` is the broker's default.
    pub partitions: Option<i32>,
    /// Replicas when it is made by `--ensure-topics`; `None` is the broker's default.
    pub replication: Option<i32>,
    /// Whether `--ensure-topics` makes it keep the last record of each key.
    pub compacted: bool,
}

/// The pipeline, read and checked: nothing in it can fail later.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) contracts: Contracts,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) version: String,
    pub(crate) topics: Vec<KafkaTopic>,
    pub(crate) streams: Streams,
    pub(crate) sessions: SessionSettings,
    pub(crate) unknown_topic: UnknownTopic,
    pub(crate) librdkafka: BTreeMap<String, String>,
    pub(crate) commands: CommandSettings,
    pub(crate) audit: Option<AuditSettings>,
    pub(crate) notify: Option<NotifySettings>,
}

impl Pipeline {
    /// Reads a file; `None` is the built-in pipeline.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        match file {
            Some(file) => Self::from_sources(&Sources::read(file)?),
            None => Self::read(Path::new("built-in"), BUILT_IN),
        }
    }

    /// Reads the text of a file. Schema files are looked for beside it.
    pub fn read(file: &Path, text: &str) -> Result<Self, SettingsError> {
        Self::from_sources(&Sources::of_text(file, text))
    }

    /// Reads files that are in memory.
    pub fn from_sources(sources: &Sources) -> Result<Self, SettingsError> {
        let pipeline = sources.pipeline();
        Reader::new(&pipeline.file, &pipeline.text)?.read(sources)
    }

    /// What payloads must be, in order.
    pub fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// Which events become which Kafka records, in order.
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// What becomes of messages and events besides, in order.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Tells this content of the files from another: 16 hex digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Which events the edge must store.
    pub fn wanted_events(&self) -> WantedEvents {
        WantedEvents::new(&self.hooks, &self.rules, self.audit.as_ref())
    }

    /// The Kafka topics that hooks and rules write to, each once, with what `[[topic]]` says of them, and
    /// the further ones of `[[topic]]`.
    pub fn topics(&self) -> &[KafkaTopic] {
        &self.topics
    }

    /// Their names.
    pub fn kafka_topics(&self) -> Vec<String> {
        self.topics.iter().map(|topic| topic.name.clone()).collect()
    }

    /// Sizes and partitions of the streams.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    /// What outlives the connection of an MQTT client.
    pub fn sessions(&self) -> SessionSettings {
        self.sessions
    }

    /// What to do with records whose topic does not exist.
    pub fn unknown_topic(&self) -> UnknownTopic {
        self.unknown_topic
    }

    /// Whether the pipeline has this part.
    pub fn has(&self, part: Part) -> bool {
        match part {
            Part::Road => true,
            Part::Audit => self.audit.is_some(),
            Part::Notify => self.audit.is_some() && self.notify.is_some(),
        }
    }

    /// How signed commands are checked.
    pub fn commands(&self) -> &CommandSettings {
        &self.commands
    }

    /// What the audit watches for; `None` when there is no audit.
    pub fn audit(&self) -> Option<&AuditSettings> {
        self.audit.as_ref()
    }

    /// How people are told; `None` when nobody is.
    pub fn notify(&self) -> Option<&NotifySettings> {
        self.notify.as_ref()
    }

    /// `[kafka.librdkafka]`: overrides anything. Values may be secrets: show names only.
    pub fn librdkafka(&self) -> &BTreeMap<String, String> {
        &self.librdkafka
    }
}
