//! A pipeline with all three businesses, as compose has it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::notify::Receivers;
use crate::payloads::unique;
use crate::run_command::latchwork;
use crate::testbed::{Setup, Testbed};

/// Every stage.
const STAGES: [&str; 4] = ["mqtt-edge", "transform", "kafka-sink", "audit-notifier"];

/// Every stage at work, with keys, a mail server and contacts' other receivers.
pub(super) struct DocsBed {
    pub(super) bed: Testbed,
    pub(super) receivers: Receivers,
    pub(super) pipeline: PathBuf,
    folder: TempDir,
}

impl DocsBed {
    /// `otlp` is a collector's endpoint; every message is traced.
    pub(super) async fn start(otlp: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receivers = Receivers::start().await;
        for secrets in ["command", "audit"] {
            std::fs::create_dir(folder.path().join(secrets)).unwrap();
        }
        let keys = folder.path().join("command/keys");
        made(&["command", "keygen", "--file", keys.to_str().unwrap()]).await;
        let audit_key = folder.path().join("audit/key");
        made(&["audit", "keygen", audit_key.to_str().unwrap()]).await;
        let text = pipeline(&receivers, &keys, &audit_key);
        let pipeline = folder.path().join("pipeline.toml");
        std::fs::write(&pipeline, &text).unwrap();
        let setup = Setup::new()
            .stages(&STAGES)
            .pipeline(text)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp)
            .env("LATCHWORK_TRACE_SAMPLE", "1");
        Self {
            bed: setup.start().await,
            receivers,
            pipeline,
            folder,
        }
    }

    /// What is `/run/secrets` in the compose stack.
    pub(super) fn secrets(&self) -> &Path {
        self.folder.path()
    }
}

async fn made(arguments: &[&str]) {
    let outcome = latchwork(arguments).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
}

/// Contracts, hooks, commands, audit and notification; the topics are this test's alone.
fn pipeline(receivers: &Receivers, keys: &Path, audit_key: &Path) -> String {
    let (states, commands) = (unique("docs-states"), unique("docs-commands"));
    let audit = format!(
        "[audit]\ncheckpoint_key_file = \"{}\"\n",
        audit_key.display()
    );
    format!(
        "[[contract]]\nfilter = \"devices/+/command\"\nschema = \"lock-command\"\n\
         [[hook]]\nevent = \"message.publish\"\nfilter = \"devices/+/state\"\n\
         kafka_topic = \"{states}\"\n\
         [[hook]]\nevent = \"message.acked\"\nfilter = \"devices/+/command\"\n\
         kafka_topic = \"{commands}\"\n\
         [[rule]]\nname = \"copy\"\nsql = 'SELECT * FROM \"a/topic/of/its/own\"'\n\
         [[rule.action]]\nrepublish = {{ topic = \"its/copy\" }}\n\
         [commands]\nmode = \"observe\"\nkeys_file = \"{}\"\n{}",
        keys.display(),
        receivers.pipeline().replace("[audit]\n", &audit)
    )
}
