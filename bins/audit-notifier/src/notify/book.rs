//! Whom to tell of which lock: the contacts in the KV bucket `lock`, as they are now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::Context;
use async_nats::jetstream::kv;
use futures::StreamExt;
use notification::{Contact, Contacts};
use parking_lot::RwLock;
use stage::Backoff;
use topology::{CONTACT_KEYS, LOCK_BUCKET, escape};
use tracing::{debug, warn};

use crate::bucket;

/// Contacts of this lock hold for every lock.
const EVERY_LOCK: &str = "*";

/// The contacts of all locks. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContactBook(Arc<RwLock<HashMap<String, Contacts>>>);

impl ContactBook {
    /// Reads all contacts, and follows their changes from then on.
    pub(crate) async fn open(context: Context) -> anyhow::Result<Self> {
        let book = Self::default();
        bucket::read(&context, LOCK_BUCKET, &every_key(), |message| {
            let key = message.subject.rsplit('.').next().unwrap_or_default();
            book.set(key, &message.payload);
        })
        .await?;
        tokio::spawn(follow(context, book.clone()));
        Ok(book)
    }

    /// The contacts of a lock, and those of every lock.
    pub(crate) fn of(&self, lock: &str) -> Contacts {
        let book = self.0.read();
        let of_key = |key: &str| book.get(&escape(key)).into_iter().flatten().cloned();
        let mut contacts: Vec<Contact> = of_key(lock).collect();
        for contact in of_key(EVERY_LOCK) {
            if contacts.iter().all(|known| known.name != contact.name) {
                contacts.push(contact);
            }
        }
        Contacts::new(contacts).unwrap_or_else(|error| {
            warn!(lock, %error, "too many contacts; only the lock's own are told");
            book.get(&escape(lock)).cloned().unwrap_or_default()
        })
    }

    /// An empty value is a deleted one.
    fn set(&self, key: &str, value: &[u8]) {
        if value.is_empty() {
            self.0.write().remove(key);
            return;
        }
        match Contacts::read(value) {
            Ok(contacts) => {
                self.0.write().insert(key.to_owned(), contacts);
            }
            Err(error) => warn!(key, %error, "these contacts can't be read; the old ones stay"),
        }
    }
}

/// The keys of all contacts.
fn every_key() -> String {
    format!("{CONTACT_KEYS}>")
}

async fn follow(context: Context, book: ContactBook) {
    let mut backoff = Backoff::up_to(Duration::from_secs(5));
    loop {
        if let Err(error) = watch(&context, &book).await {
            debug!(%error, "watching the contacts again");
        }
        backoff.wait().await;
    }
}

async fn watch(context: &Context, book: &ContactBook) -> anyhow::Result<()> {
    let bucket = context.get_key_value(LOCK_BUCKET).await?;
    let mut changes = bucket.watch_with_history(every_key()).await?;
    while let Some(change) = changes.next().await {
        let change = change?;
        let key = change.key.rsplit('.').next().unwrap_or_default();
        match change.operation {
            kv::Operation::Put => book.set(key, &change.value),
            kv::Operation::Delete | kv::Operation::Purge => book.set(key, b""),
        }
    }
    Ok(())
}
