//! The contacts in the KV bucket `lock`.

use anyhow::Context as _;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::kv::{Operation, Store};
use futures::TryStreamExt;
use notification::Contacts;
use topology::{CONTACT_KEYS, LOCK_BUCKET, contact_key, unescape};

/// Tries of a change that others change at the same time.
const TRIES: usize = 10;

pub(super) struct ContactStore(Store);

impl ContactStore {
    pub(super) async fn open(context: &Context) -> anyhow::Result<Self> {
        let bucket = context.get_key_value(LOCK_BUCKET).await.context(
            "there is no bucket for contacts here: run a pipeline with an [audit] table, or \
             `latchwork provision --config` with one",
        )?;
        Ok(Self(bucket))
    }

    pub(super) async fn put(&self, lock: &str, contacts: &Contacts) -> anyhow::Result<()> {
        self.0
            .put(contact_key(lock), contacts.to_json().into())
            .await?;
        Ok(())
    }

    /// Changes a lock's contacts, whoever else does at the same time.
    pub(super) async fn change(
        &self,
        lock: &str,
        change: impl Fn(&Contacts) -> anyhow::Result<Contacts>,
    ) -> anyhow::Result<()> {
        let key = contact_key(lock);
        for _ in 0..TRIES {
            let entry = self.0.entry(&key).await?;
            let revision = entry.as_ref().map_or(0, |entry| entry.revision);
            let contacts = entry
                .filter(|entry| entry.operation == Operation::Put)
                .map(|entry| Contacts::read(&entry.value))
                .transpose()?;
            let changed = change(&contacts.unwrap_or_default())?;
            let stored = self.0.update(&key, changed.to_json().into(), revision);
            match stored.await {
                Ok(_revision) => return Ok(()),
                Err(error)
                    if error.kind()
                        == async_nats::jetstream::kv::UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("others keep changing the contacts of {lock:?}; try again")
    }

    /// Every lock that has contacts, by client id.
    pub(super) async fn all(&self) -> anyhow::Result<Vec<(String, Contacts)>> {
        let keys: Vec<String> = self.0.keys().await?.try_collect().await?;
        let mut locks = Vec::new();
        for key in keys {
            let Some(token) = key.strip_prefix(CONTACT_KEYS) else {
                continue;
            };
            let Some(value) = self.0.get(&key).await? else {
                continue;
            };
            let contacts = Contacts::read(&value).with_context(|| format!("key {key}"))?;
            if !contacts.is_empty() {
                let lock = unescape(token).unwrap_or_else(|| token.to_owned());
                locks.push((lock, contacts));
            }
        }
        locks.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(locks)
    }
}
