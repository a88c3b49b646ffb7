//! The demo's folder: pipeline file, keys, data and logs.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ::audit::CheckpointKey;
use anyhow::Context;

/// The demo's folder; gone when it ends well.
pub(super) struct DemoHome(PathBuf);

/// The built-in contracts and hooks, in streams that fit on any disk, with all three businesses.
const PIPELINE: &str = r#"[streams]
up_max_bytes = "128MiB"
rec_max_bytes = "128MiB"
dlq_max_bytes = "32MiB"
ev_max_bytes = "64MiB"
audit_max_bytes = "64MiB"

[commands]
mode = "enforce"
keys_file = COMMAND_KEYS

[audit]
checkpoint_key_file = CHECKPOINT_KEY

[notify.email]
host = "127.0.0.1"
port = MAIL_PORT
security = "none"
from = "Latchwork <locks@example.com>"
"#;

impl DemoHome {
    /// Makes the folder, readable by its owner only, with new keys and a pipeline file. Mails go to
    /// this port.
    pub(super) fn new(mail_port: u16) -> anyhow::Result<Self> {
        let name = format!(
            "latchwork-demo-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        );
        let home = Self(std::env::temp_dir().join(name));
        home.fill(mail_port)
            .with_context(|| format!("cannot make the folder {}", home.path().display()))?;
        Ok(home)
    }

    fn fill(&self, mail_port: u16) -> anyhow::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.logs())?;
        CheckpointKey::create(&self.file("audit.key"))?;
        let line = ::command::new_key_line("demo")?;
        write_private(&self.command_keys(), line.as_bytes())?;
        // A JSON string is a TOML string.
        let quoted = |file: PathBuf| serde_json::to_string(&file);
        let pipeline = PIPELINE
            .replace("COMMAND_KEYS", &quoted(self.command_keys())?)
            .replace("CHECKPOINT_KEY", &quoted(self.file("audit.key"))?)
            .replace("MAIL_PORT", &mail_port.to_string());
        write_private(&self.pipeline(), pipeline.as_bytes())?;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.file("logs")
    }

    pub(super) fn pipeline(&self) -> PathBuf {
        self.file("pipeline.toml")
    }

    pub(super) fn command_keys(&self) -> PathBuf {
        self.file("command.keys")
    }

    /// Public half of the key that signs the log.
    pub(super) fn public_key(&self) -> PathBuf {
        CheckpointKey::public_file(&self.file("audit.key"))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Leaves the folder where it is: somebody will want to read the logs.
    pub(super) fn keep(&mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for DemoHome {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "could not remove the demo's folder");
        }
    }
}

fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(file)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use settings::Pipeline;
    use topology::Part;

    use super::*;

    /// Scenario: a home is made, and dropped.
    /// Guarantee: its pipeline is a valid one with all parts and signed checkpoints, only its owner
    /// can read it, and it leaves nothing behind.
    #[test]
    fn a_home_has_a_valid_pipeline() {
        let home = DemoHome::new(2525).unwrap();
        let pipeline = Pipeline::load(Some(&home.pipeline())).unwrap();
        assert!(pipeline.has(Part::Audit) && pipeline.has(Part::Notify));
        assert!(pipeline.commands().any_checked() && pipeline.hooks().len() == 2);
        let key = pipeline.audit().unwrap().checkpoint_key_file.clone();
        assert!(CheckpointKey::read(&key.unwrap()).is_ok());
        assert!(::command::KeyRing::read(&home.command_keys()).is_ok());
        let mode = std::fs::metadata(home.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        let path = home.path().to_owned();
        drop(home);
        assert!(!path.exists());
    }
}
