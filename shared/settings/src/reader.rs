//! Turns what is written into what is meant, with the place of every fault.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use record::{EventKind, TopicFilter};
use rules::Rule;
use schema::{Contract, Schema, Schemas};
use toml::Spanned;

use crate::audit::AuditSettings;
use crate::error::{Fault, Place, SettingsError};
use crate::file::{ContractEntry, File, HookEntry, StreamsEntry, TopicEntry};
use crate::hook::Hook;
use crate::nearest::did_you_mean;
use crate::pipeline::{BUILT_IN, KafkaTopic, Pipeline, Streams};
use crate::rules::{rules, topics_of};
use crate::sources::Sources;

/// Reads one file.
pub(crate) struct Reader<'t> {
    file: &'t Path,
    text: &'t str,
    schemas: Schemas,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(file: &'t Path, text: &'t str) -> Result<Self, SettingsError> {
        Ok(Self {
            file,
            text,
            schemas: Schemas::builtin()?,
        })
    }

    pub(crate) fn read(mut self, sources: &Sources) -> Result<Pipeline, SettingsError> {
        let written: File = toml::from_str(self.text).map_err(|error| {
            self.fault(
                error.span().unwrap_or_default(),
                Fault::Toml(in_words(error.message())),
            )
        })?;
        let rules = rules(sources, written.rule)?;
        let (contracts, hooks) = match (written.contract, written.hook) {
            // A file that only says how to connect, or only has rules, keeps the built-in pipeline: it
            // would accept everything and write nothing otherwise. `hook = []` is without.
            (None, None) => built_in(),
            (contracts, hooks) => (contracts.unwrap_or_default(), hooks.unwrap_or_default()),
        };
        let contracts: Vec<_> = contracts
            .into_iter()
            .map(|entry| self.contract(&entry))
            .collect::<Result<_, _>>()?;
        let hooks: Vec<_> = hooks
            .into_iter()
            .map(|entry| self.hook(entry))
            .collect::<Result<_, _>>()?;
        Ok(Pipeline {
            contracts: contracts.into_iter().collect(),
            topics: self.topics(&hooks, &rules, written.audit.as_ref(), written.topic)?,
            hooks,
            rules,
            version: sources.version(),
            streams: self.streams(written.streams)?,
            sessions: written.sessions,
            unknown_topic: written.kafka.unknown_topic,
            librdkafka: written.kafka.librdkafka,
            commands: written.commands,
            audit: written.audit,
            notify: written.notify,
        })
    }

    fn contract(&mut self, entry: &ContractEntry) -> Result<Contract, SettingsError> {
        let filter = self.filter(&entry.filter)?;
        let contract = Contract::new(filter, self.schema(&entry.schema)?);
        Ok(if entry.client_id_from_topic {
            contract
        } else {
            contract.with_any_client_id()
        })
    }

    fn hook(&self, entry: HookEntry) -> Result<Hook, SettingsError> {
        let name = entry.event.get_ref();
        let event = EventKind::from_name(name).ok_or_else(|| {
            let hint = did_you_mean(name, EventKind::ALL.into_iter().map(EventKind::name));
            self.fault(entry.event.span(), Fault::Event(name.clone(), hint))
        })?;
        let filter = entry
            .filter
            .map(|filter| self.filter(&filter))
            .transpose()?;
        Ok(Hook {
            event,
            filter,
            kafka_topic: self.kafka_topic(&entry.kafka_topic)?,
        })
    }

    /// Topics of hooks, of rules, of the audit and of `[[topic]]`, each once.
    fn topics(
        &mut self,
        hooks: &[Hook],
        rules: &[Arc<Rule>],
        audit: Option<&AuditSettings>,
        entries: Vec<TopicEntry>,
    ) -> Result<Vec<KafkaTopic>, SettingsError> {
        let mut topics: Vec<KafkaTopic> = Vec::new();
        for hook in hooks {
            if topics.iter().all(|topic| topic.name != hook.kafka_topic) {
                topics.push(self.topic_of_hooks(&hook.kafka_topic, hooks));
            }
        }
        for name in rules.iter().flat_map(|rule| topics_of(rule)) {
            match topics.iter_mut().find(|topic| topic.name == name) {
                // What a rule writes is no envelope.
                Some(topic) => (topic.schema, topic.schema_is_derived) = (None, false),
                None => topics.push(KafkaTopic {
                    name: name.to_owned(),
                    schema: None,
                    schema_is_derived: false,
                    partitions: None,
                    replication: None,
                    compacted: false,
                }),
            }
        }
        topics.extend(
            audit
                .into_iter()
                .flat_map(|audit| self.topics_of_audit(audit)),
        );
        let mut described: Vec<String> = Vec::new();
        for entry in entries {
            let topic = self.topic(&entry, hooks)?;
            if described.contains(&topic.name) {
                return Err(self.fault(entry.name.span(), Fault::TopicTwice(topic.name)));
            }
            described.push(topic.name.clone());
            match topics.iter_mut().find(|known| known.name == topic.name) {
                Some(known) => {
                    *known = KafkaTopic {
                        compacted: known.compacted,
                        schema: topic.schema.or(known.schema.take()),
                        ..topic
                    }
                }
                None => topics.push(topic),
            }
        }
        Ok(topics)
    }

    fn topic(&mut self, entry: &TopicEntry, hooks: &[Hook]) -> Result<KafkaTopic, SettingsError> {
        let name = self.kafka_topic(&entry.name)?;
        let schema = entry
            .schema
            .as_ref()
            .map(|schema| self.schema(schema))
            .transpose()?;
        let by_hooks = self.topic_of_hooks(&name, hooks);
        Ok(KafkaTopic {
            schema_is_derived: schema.is_none() && by_hooks.schema_is_derived,
            schema: schema.or(by_hooks.schema),
            partitions: self.positive(entry.partitions.as_ref())?,
            replication: self.positive(entry.replication.as_ref())?,
            compacted: false,
            name,
        })
    }

    /// What the hooks alone say of a topic.
    fn topic_of_hooks(&self, name: &str, hooks: &[Hook]) -> KafkaTopic {
        let schema = envelope_of(name, hooks).and_then(|envelope| self.schemas.get(envelope));
        let schema = schema.map(Arc::clone);
        KafkaTopic {
            name: name.to_owned(),
            schema_is_derived: schema.is_some(),
            schema,
            partitions: None,
            replication: None,
            compacted: false,
        }
    }

    /// The log, the alerts, and the locks' states, of which the last is what counts.
    fn topics_of_audit(&self, audit: &AuditSettings) -> [KafkaTopic; 3] {
        let topic = |name: &str, schema: &str, compacted| KafkaTopic {
            name: name.to_owned(),
            schema: self.schemas.get(schema).map(Arc::clone),
            schema_is_derived: false,
            partitions: None,
            replication: None,
            compacted,
        };
        [
            topic(&audit.log_topic, "lock-audit", false),
            topic(&audit.alert_topic, "lock-alert", false),
            topic(&audit.status_topic, "lock-status", true),
        ]
    }

    fn streams(&self, entry: StreamsEntry) -> Result<Streams, SettingsError> {
        if let Some(partitions) = &entry.partitions
            && !(1..=256).contains(partitions.get_ref())
        {
            let fault = Fault::Range(i64::from(*partitions.get_ref()), "1 to 256 partitions");
            return Err(self.fault(partitions.span(), fault));
        }
        if let Some(replicas) = &entry.replicas
            && !(1..=5).contains(replicas.get_ref())
        {
            let asked = i64::try_from(*replicas.get_ref()).unwrap_or(i64::MAX);
            let fault = Fault::Range(asked, "1 to 5 replicas: JetStream makes no more");
            return Err(self.fault(replicas.span(), fault));
        }
        Ok(Streams {
            partitions: entry.partitions.map(Spanned::into_inner),
            replicas: entry.replicas.map(Spanned::into_inner),
            up_max_bytes: entry.up_max_bytes.map(|size| size.0),
            rec_max_bytes: entry.rec_max_bytes.map(|size| size.0),
            dlq_max_bytes: entry.dlq_max_bytes.map(|size| size.0),
            ev_max_bytes: entry.ev_max_bytes.map(|size| size.0),
            audit_max_bytes: entry.audit_max_bytes.map(|size| size.0),
            down_max_bytes: entry.down_max_bytes.map(|size| size.0),
            pub_max_bytes: entry.pub_max_bytes.map(|size| size.0),
        })
    }

    fn positive(&self, number: Option<&Spanned<i32>>) -> Result<Option<i32>, SettingsError> {
        match number {
            Some(number) if *number.get_ref() < 1 => {
                let fault = Fault::Range(i64::from(*number.get_ref()), "at least 1");
                Err(self.fault(number.span(), fault))
            }
            number => Ok(number.map(|number| *number.get_ref())),
        }
    }

    fn filter(&self, text: &Spanned<String>) -> Result<TopicFilter, SettingsError> {
        text.get_ref()
            .parse()
            .map_err(|error| self.fault(text.span(), Fault::Filter(error)))
    }

    fn schema(&mut self, name: &Spanned<String>) -> Result<Arc<Schema>, SettingsError> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let loaded = self.schemas.load(name.get_ref(), folder);
        loaded.map_err(|error| self.fault(name.span(), Fault::Schema(error)))
    }

    fn kafka_topic(&self, name: &Spanned<String>) -> Result<String, SettingsError> {
        let text = name.get_ref();
        if is_kafka_topic(text) {
            return Ok(text.clone());
        }
        let beginning = text.chars().take(60).collect();
        Err(self.fault(name.span(), Fault::KafkaTopic(beginning)))
    }

    fn fault(&self, span: Range<usize>, fault: Fault) -> SettingsError {
        let place = Place::of(self.file, self.text, span);
        SettingsError::Fault {
            place,
            fault: Box::new(fault),
        }
    }
}

/// Whether Kafka takes it as the name of a topic.
pub(crate) fn is_kafka_topic(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = (1..=249).contains(&text.len()) && !matches!(text, "." | "..");
    fits && text.bytes().all(legal)
}

/// The TOML reader calls keys fields, and lists all it knows behind one that it does not.
pub(crate) fn in_words(message: &str) -> String {
    let message = message.replace('\n', " ");
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("the key {name} is missing");
    }
    let key = message
        .strip_prefix("unknown field ")
        .map(|names| ("key", names));
    let value = message
        .strip_prefix("unknown variant ")
        .map(|names| ("value", names));
    let Some((what, names)) = key.or(value) else {
        return message;
    };
    let mut names = names.split('`').skip(1).step_by(2);
    let wrong = names.next().unwrap_or_default();
    format!("unknown {what} `{wrong}`; {}", did_you_mean(wrong, names))
}

/// The envelope that the hooks of a Kafka topic write, if all write the same one.
fn envelope_of(kafka_topic: &str, hooks: &[Hook]) -> Option<&'static str> {
    let of_topic = hooks.iter().filter(|hook| hook.kafka_topic == kafka_topic);
    let mut envelopes = of_topic.map(|hook| match hook.event {
        EventKind::MessagePublish => Some("envelope-publish"),
        EventKind::MessageDelivered | EventKind::MessageAcked => Some("envelope-acked"),
        EventKind::ClientConnected
        | EventKind::ClientDisconnected
        | EventKind::SessionSubscribed
        | EventKind::SessionUnsubscribed => None,
    });
    let first = envelopes.next()??;
    envelopes.all(|other| other == Some(first)).then_some(first)
}

/// Contracts and hooks of the built-in pipeline.
fn built_in() -> (Vec<ContractEntry>, Vec<HookEntry>) {
    let file: File = toml::from_str(BUILT_IN).unwrap_or_default();
    (
        file.contract.unwrap_or_default(),
        file.hook.unwrap_or_default(),
    )
}
