//! The file's shape, as people write it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::audit::AuditSettings;
use crate::commands::CommandSettings;
use crate::librdkafka;
use crate::notify::NotifySettings;
use crate::pipeline::UnknownTopic;
use crate::rules::RuleEntry;
use crate::sessions::SessionSettings;
use crate::size::Size;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) contract: Option<Vec<ContractEntry>>,
    pub(crate) hook: Option<Vec<HookEntry>>,
    #[serde(default)]
    pub(crate) rule: Vec<RuleEntry>,
    #[serde(default)]
    pub(crate) topic: Vec<TopicEntry>,
    #[serde(default)]
    pub(crate) streams: StreamsEntry,
    #[serde(default)]
    pub(crate) sessions: SessionSettings,
    #[serde(default)]
    pub(crate) kafka: KafkaEntry,
    #[serde(default)]
    pub(crate) commands: CommandSettings,
    pub(crate) audit: Option<AuditSettings>,
    pub(crate) notify: Option<NotifySettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContractEntry {
    pub(crate) filter: toml::Spanned<String>,
    pub(crate) schema: toml::Spanned<String>,
    /// Whether the filter's first `+` is the client id.
    #[serde(default = "yes")]
    pub(crate) client_id_from_topic: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookEntry {
    pub(crate) event: toml::Spanned<String>,
    pub(crate) filter: Option<toml::Spanned<String>>,
    pub(crate) kafka_topic: toml::Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicEntry {
    pub(crate) name: toml::Spanned<String>,
    pub(crate) schema: Option<toml::Spanned<String>>,
    pub(crate) partitions: Option<toml::Spanned<i32>>,
    pub(crate) replication: Option<toml::Spanned<i32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamsEntry {
    pub(crate) partitions: Option<toml::Spanned<u16>>,
    pub(crate) replicas: Option<toml::Spanned<usize>>,
    pub(crate) up_max_bytes: Option<Size>,
    pub(crate) rec_max_bytes: Option<Size>,
    pub(crate) dlq_max_bytes: Option<Size>,
    pub(crate) ev_max_bytes: Option<Size>,
    pub(crate) audit_max_bytes: Option<Size>,
    pub(crate) down_max_bytes: Option<Size>,
    pub(crate) pub_max_bytes: Option<Size>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KafkaEntry {
    #[serde(default)]
    pub(crate) unknown_topic: UnknownTopic,
    #[serde(default, deserialize_with = "librdkafka::table")]
    pub(crate) librdkafka: BTreeMap<String, String>,
}
