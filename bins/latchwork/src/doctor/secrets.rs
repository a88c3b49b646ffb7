//! Are the keys good, and can nobody else read the secrets?

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ::audit::CheckpointKey;
use ::command::{KEYS_FILE_ENV, KeyRing};
use ::kafka::KafkaArgs;
use settings::Pipeline;
use stage::NatsArgs;

use super::finding::Finding;

/// Bits of the mode that let everybody read.
const WORLD_READABLE: u32 = 0o004;

/// The keys of commands and of checkpoints, opened as the stages open them.
pub(crate) fn keys(pipeline: &Pipeline) -> Vec<Finding> {
    let mut findings = Vec::new();
    let commands = pipeline.commands();
    if commands.any_checked() {
        findings.push(match KeyRing::configured(commands.keys_file.as_deref()) {
            Ok(keys) => Finding::ok("command keys", format!("{} signs", keys.signing_key_id())),
            Err(error) => {
                let fix = "`latchwork command keygen` makes a line for the file of keys";
                Finding::failed_by("command keys", error, fix)
            }
        });
    }
    let checkpoint_key = pipeline
        .audit()
        .and_then(|audit| audit.checkpoint_key_file.as_ref());
    if let Some(file) = checkpoint_key {
        findings.push(match CheckpointKey::read(file) {
            Ok(key) => Finding::ok("audit key", format!("{} signs checkpoints", key.id())),
            Err(error) => {
                let fix = "`latchwork audit keygen FILE` makes a key";
                Finding::failed_by("audit key", error, fix)
            }
        });
    }
    findings
}

/// Every file with a secret: it is there, and only who needs it can read it.
pub(super) fn files(
    pipeline: &Pipeline,
    nats: &NatsArgs,
    kafka: &KafkaArgs,
    edges: Vec<(&'static str, PathBuf)>,
) -> Vec<Finding> {
    let mut files = named(pipeline, nats, kafka);
    files.extend(edges);
    if files.is_empty() {
        return vec![Finding::skipped("secret files", "none is named")];
    }
    files
        .iter()
        .map(|(setting, file)| examine(setting, file))
        .collect()
}

/// The files of secrets, with the settings that name them.
fn named(pipeline: &Pipeline, nats: &NatsArgs, kafka: &KafkaArgs) -> Vec<(&'static str, PathBuf)> {
    let commands = pipeline.commands();
    let by_environment = || std::env::var_os(KEYS_FILE_ENV).map(PathBuf::from);
    let keys = commands.keys_file.clone().or_else(by_environment);
    let keys = keys.filter(|file| commands.any_checked() && !file.as_os_str().is_empty());
    let notify = pipeline.notify();
    let email = notify.and_then(|notify| notify.email.as_ref());
    let sms = notify.and_then(|notify| notify.sms.as_ref());
    let webhook = notify.and_then(|notify| notify.webhook.as_ref());
    let audit = pipeline.audit();
    let tls_key = pipeline
        .librdkafka()
        .get("ssl.key.location")
        .map(PathBuf::from);
    [
        ("keys_file", keys),
        (
            "checkpoint_key_file",
            audit.and_then(|audit| audit.checkpoint_key_file.clone()),
        ),
        (
            "mail password_file",
            email.and_then(|email| email.password_file.clone()),
        ),
        (
            "SMS password_file",
            sms.and_then(|sms| sms.password_file.clone()),
        ),
        ("SMS token_file", sms.and_then(|sms| sms.token_file.clone())),
        (
            "webhook secret_file",
            webhook.map(|webhook| webhook.secret_file.clone()),
        ),
        ("--nats-creds", nats.nats_creds.clone()),
        ("--nats-key", nats.nats_key.clone()),
        ("--kafka-password-file", kafka.password_file.clone()),
        ("ssl.key.location", tls_key),
    ]
    .into_iter()
    .filter_map(|(setting, file)| Some((setting, file?)))
    .collect()
}

fn examine(setting: &str, file: &Path) -> Finding {
    let shown = file.display();
    let unusable = |reason: &dyn std::fmt::Display| {
        let fix = format!("check {setting}, and that this user may read the file");
        Finding::failed(setting, format!("{shown}: {reason}"), fix)
    };
    // Opened, because a mode says nothing of lists of access and of what is mounted read-only.
    let opened = match std::fs::File::open(file).and_then(|opened| opened.metadata()) {
        Ok(metadata) => metadata,
        Err(error) => return unusable(&error),
    };
    if !opened.is_file() {
        return unusable(&"is not a file");
    }
    if opened.len() == 0 {
        return unusable(&"is empty");
    }
    let mode = opened.permissions().mode() & 0o777;
    if mode & WORLD_READABLE != 0 {
        let detail = format!("{shown}: everybody on the machine can read it (mode {mode:04o})");
        return Finding::warning(setting, detail, format!("chmod 0400 {shown}"));
    }
    Finding::ok(setting, format!("{shown} (mode {mode:04o})"))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;
    use crate::doctor::finding::Verdict;

    /// Scenario: a secret of its owner, one that everybody can read, an empty one, a folder, none.
    /// Guarantee: only the first is fine; each fault says which file and what to do.
    #[test]
    fn files_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        write(&file, "secret").unwrap();
        let with_mode = |mode| {
            set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            examine("token_file", &file)
        };
        assert_eq!(with_mode(0o400).verdict, Verdict::Ok);
        let open = with_mode(0o644);
        assert_eq!(open.verdict, Verdict::Warning);
        assert!(open.fix.unwrap().starts_with("chmod 0400"));
        let empty = folder.path().join("empty");
        write(&empty, "").unwrap();
        for broken in [&empty, folder.path(), &folder.path().join("missing")] {
            let found = examine("token_file", broken);
            assert_eq!(found.verdict, Verdict::Failed);
            assert!(found.detail.contains(broken.to_str().unwrap()), "{found:?}");
        }
    }
}
