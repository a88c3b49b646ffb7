//! The pipeline, read and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use record::{EventKind, TopicFilter};
use schema::{Contract, Contracts, Schema, Schemas};
use serde::Deserialize;

use crate::error::{Fault, Place, SettingsError};
use crate::file::{ContractEntry, File, HookEntry, StreamsEntry, TopicEntry};
use crate::hook::{Hook, WantedEvents};

/// The built-in pipeline: the door-lock articles' own set-up.
const BUILT_IN: &str = r#"
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
}

/// A Kafka topic that the pipeline writes to.
#[derive(Clone, Debug)]
pub struct KafkaTopic {
    /// Its name.
    pub name: String,
    /// What its values must be.
    pub schema: Option<Arc<Schema>>,
    /// Partitions when it is made by `--ensure-topics`; `None` is the broker's default.
    pub partitions: Option<i32>,
    /// Replicas when it is made by `--ensure-topics`; `None` is the broker's default.
    pub replication: Option<i32>,
}

/// The pipeline, read and checked: nothing in it can fail later.
#[derive(Clone, Debug)]
pub struct Pipeline {
    contracts: Contracts,
    hooks: Vec<Hook>,
    topics: Vec<KafkaTopic>,
    streams: Streams,
    unknown_topic: UnknownTopic,
    librdkafka: BTreeMap<String, String>,
}

impl Pipeline {
    /// Reads a file; `None` is the built-in pipeline.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(file) = file else {
            return Self::read(Path::new("built-in"), BUILT_IN);
        };
        let text = std::fs::read_to_string(file).map_err(|source| SettingsError::Read {
            file: file.to_owned(),
            source,
        })?;
        Self::read(file, &text)
    }

    /// Reads the text of a file. Schema files are looked for beside it.
    pub fn read(file: &Path, text: &str) -> Result<Self, SettingsError> {
        Reader {
            file: file.to_owned(),
            text,
            schemas: Schemas::builtin()?,
        }
        .read()
    }

    /// What payloads must be, in order.
    pub fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// Which events become which Kafka records, in order.
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// Which events the edge must store.
    pub fn wanted_events(&self) -> WantedEvents {
        WantedEvents::new(&self.hooks)
    }

    /// The Kafka topics that hooks write to, each once, with what `[[topic]]` says of them.
    pub fn topics(&self) -> &[KafkaTopic] {
        &self.topics
    }

    /// Sizes and partitions of the streams.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    /// What to do with records whose topic does not exist.
    pub fn unknown_topic(&self) -> UnknownTopic {
        self.unknown_topic
    }

    /// `[kafka.librdkafka]`: overrides anything.
    pub fn librdkafka(&self) -> &BTreeMap<String, String> {
        &self.librdkafka
    }
}

impl fmt::Display for Pipeline {
    /// One line for each contract and hook.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for contract in &self.contracts {
            writeln!(
                f,
                "contract  {} must be {}",
                contract.filter(),
                contract.schema().name()
            )?;
        }
        for hook in &self.hooks {
            let filter = hook.filter.as_ref().map_or("", TopicFilter::as_str);
            writeln!(
                f,
                "hook      {:<20} {filter} -> {}",
                hook.event.name(),
                hook.kafka_topic
            )?;
        }
        write!(
            f,
            "ok: {} contracts, {} hooks",
            self.contracts.iter().count(),
            self.hooks.len()
        )
    }
}

/// Turns what is written into what is meant, with the place of every fault.
struct Reader<'t> {
    file: PathBuf,
    text: &'t str,
    schemas: Schemas,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Pipeline, SettingsError> {
        let written: File = toml::from_str(self.text).map_err(|error| {
            let message = error.message().replace('\n', " ");
            self.fault(error.span().unwrap_or_default(), Fault::Toml(message))
        })?;
        // A file that says nothing of contracts or hooks means none of them, not the built-in ones.
        let contracts = written.contract.unwrap_or_default();
        let contracts: Vec<_> = contracts
            .into_iter()
            .map(|entry| self.contract(entry))
            .collect::<Result<_, _>>()?;
        let hooks = written.hook.unwrap_or_default();
        let hooks: Vec<_> = hooks
            .into_iter()
            .map(|entry| self.hook(entry))
            .collect::<Result<_, _>>()?;
        Ok(Pipeline {
            contracts: contracts.into_iter().collect(),
            topics: self.topics(&hooks, written.topic)?,
            hooks,
            streams: self.streams(written.streams)?,
            unknown_topic: written.kafka.unknown_topic,
            librdkafka: written
                .kafka
                .librdkafka
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect(),
        })
    }

    fn contract(&mut self, entry: ContractEntry) -> Result<Contract, SettingsError> {
        let filter = self.filter(entry.filter)?;
        Ok(Contract::new(filter, self.schema(&entry.schema)?))
    }

    fn hook(&self, entry: HookEntry) -> Result<Hook, SettingsError> {
        let event = EventKind::from_name(entry.event.get_ref()).ok_or_else(|| {
            let known = EventKind::ALL.map(EventKind::name).join(", ");
            self.fault(
                entry.event.span(),
                Fault::Event(entry.event.get_ref().clone(), known),
            )
        })?;
        let filter = entry.filter.map(|filter| self.filter(filter)).transpose()?;
        Ok(Hook {
            event,
            filter,
            kafka_topic: self.kafka_topic(&entry.kafka_topic)?,
        })
    }

    /// Topics of hooks, with what is said of them; a topic nobody writes to is an error's sign.
    fn topics(
        &mut self,
        hooks: &[Hook],
        entries: Vec<TopicEntry>,
    ) -> Result<Vec<KafkaTopic>, SettingsError> {
        let mut topics: Vec<KafkaTopic> = Vec::new();
        for hook in hooks {
            if topics.iter().all(|topic| topic.name != hook.kafka_topic) {
                let schema = self
                    .schemas
                    .get(envelope_schema(hook.event))
                    .map(Arc::clone);
                let name = hook.kafka_topic.clone();
                topics.push(KafkaTopic {
                    name,
                    schema,
                    partitions: None,
                    replication: None,
                });
            }
        }
        for entry in entries {
            let name = self.kafka_topic(&entry.name)?;
            let schema = entry
                .schema
                .map(|schema| self.schema(&schema))
                .transpose()?;
            let partitions = self.positive(entry.partitions)?;
            let replication = self.positive(entry.replication)?;
            match topics.iter_mut().find(|topic| topic.name == name) {
                Some(topic) => {
                    topic.schema = schema.or(topic.schema.take());
                    (topic.partitions, topic.replication) = (partitions, replication);
                }
                None => topics.push(KafkaTopic {
                    name,
                    schema,
                    partitions,
                    replication,
                }),
            }
        }
        Ok(topics)
    }

    fn streams(&self, entry: StreamsEntry) -> Result<Streams, SettingsError> {
        if let Some(partitions) = &entry.partitions
            && !(1..=256).contains(partitions.get_ref())
        {
            let fault = Fault::Range(i64::from(*partitions.get_ref()), "1 to 256 partitions");
            return Err(self.fault(partitions.span(), fault));
        }
        Ok(Streams {
            partitions: entry.partitions.map(toml::Spanned::into_inner),
            replicas: entry.replicas,
            up_max_bytes: entry.up_max_bytes.map(|size| size.0),
            rec_max_bytes: entry.rec_max_bytes.map(|size| size.0),
            dlq_max_bytes: entry.dlq_max_bytes.map(|size| size.0),
        })
    }

    fn positive(&self, number: Option<toml::Spanned<i32>>) -> Result<Option<i32>, SettingsError> {
        match number {
            Some(number) if *number.get_ref() < 1 => {
                let fault = Fault::Range(i64::from(*number.get_ref()), "at least 1");
                Err(self.fault(number.span(), fault))
            }
            number => Ok(number.map(toml::Spanned::into_inner)),
        }
    }

    fn filter(&self, text: toml::Spanned<String>) -> Result<TopicFilter, SettingsError> {
        text.get_ref()
            .parse()
            .map_err(|error| self.fault(text.span(), Fault::Filter(error)))
    }

    fn schema(&mut self, name: &toml::Spanned<String>) -> Result<Arc<Schema>, SettingsError> {
        let folder = self.file.parent().map(Path::to_owned).unwrap_or_default();
        let loaded = self.schemas.load(name.get_ref(), &folder);
        loaded.map_err(|error| self.fault(name.span(), Fault::Schema(error)))
    }

    fn kafka_topic(&self, name: &toml::Spanned<String>) -> Result<String, SettingsError> {
        let text = name.get_ref();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=249).contains(&text.len()) && !matches!(text.as_str(), "." | "..");
        if fits && text.bytes().all(legal) {
            Ok(text.clone())
        } else {
            Err(self.fault(name.span(), Fault::KafkaTopic(text.clone())))
        }
    }

    fn fault(&self, span: Range<usize>, fault: Fault) -> SettingsError {
        SettingsError::Fault {
            place: Place::of(&self.file, self.text, span),
            fault,
        }
    }
}

/// The schema of an event's envelope, where there is one.
fn envelope_schema(event: EventKind) -> &'static str {
    match event {
        EventKind::MessagePublish => "envelope-publish",
        EventKind::MessageDelivered | EventKind::MessageAcked => "envelope-acked",
        _ => "",
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
