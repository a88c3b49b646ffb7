//! What was sent, or may have been: the KV bucket `sent`.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::kv::{self, CreateErrorKind, Store};
use bytes::Bytes;
use stage::Unavailable;
use tracing::debug;

const BUCKET: &str = "sent";
const SENT: &[u8] = b"sent";

/// The mark of a try: this word, the replica that makes it, and a number of its lane.
const SENDING: &str = "sending";

/// Marks of deliveries, forgotten after the de-duplication window. Clones share the bucket.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    client: Client,
    store: Store,
    replica: String,
}

/// The same for one lane of a channel, which makes marks.
#[derive(Clone, Debug)]
pub(crate) struct LaneClaims {
    client: Client,
    store: Store,
    /// The mark of this lane's own tries.
    sending: Bytes,
}

/// What is known of a delivery before it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Before {
    /// Nobody has tried, or a try has failed for sure.
    Nothing,
    /// Somebody is sending it who is still there: this process in another lane of its, or one that
    /// has lost the lane with the try under way.
    UnderWay,
    /// Somebody died while sending it: it may have been sent.
    Uncertain,
    /// It was sent.
    Sent,
}

impl Claims {
    /// Opens the bucket for a replica, or makes it.
    pub(crate) async fn open(
        context: &Context,
        replica: &str,
        window: Duration,
    ) -> anyhow::Result<Self> {
        let store = match context.get_key_value(BUCKET).await {
            Ok(store) => store,
            Err(_) => make(context, window).await?,
        };
        Ok(Self {
            client: context.client(),
            store,
            replica: replica.to_owned(),
        })
    }

    /// Those of one lane: a try of the lane that had the channel before it may still be under way in
    /// the same process.
    pub(crate) fn for_lane(&self) -> LaneClaims {
        let sending = format!("{SENDING} {} {:08x}", self.replica, fastrand::u32(..));
        LaneClaims {
            client: self.client.clone(),
            store: self.store.clone(),
            sending: sending.into(),
        }
    }
}

impl LaneClaims {
    /// What an earlier try has left behind.
    pub(crate) async fn before(&self, id: &str) -> Result<Before, Unavailable> {
        let found = self.store.get(id).await.map_err(unavailable)?;
        Ok(match found.as_deref() {
            None => Before::Nothing,
            Some(SENT) => Before::Sent,
            Some(mark) if self.is_at_work(mark).await => Before::UnderWay,
            Some(_) => Before::Uncertain,
        })
    }

    /// Whether the one who made a mark is still there.
    async fn is_at_work(&self, mark: &[u8]) -> bool {
        let mark = std::str::from_utf8(mark).unwrap_or_default();
        match mark.split(' ').collect::<Vec<_>>().as_slice() {
            [SENDING, replica, _lane] => !stage::lease::is_gone(&self.client, replica).await,
            _ => false,
        }
    }

    /// Before the first byte goes out: who finds this mark knows that a try is or was under way.
    /// Says whether the delivery is this process's to send: of two that try at once, one gets it.
    pub(crate) async fn sending(&self, id: &str) -> Result<bool, Unavailable> {
        match self.store.create(id, self.sending.clone()).await {
            Ok(_revision) => Ok(true),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => {
                // The answer to our own mark may have been lost.
                let found = self.store.get(id).await.map_err(unavailable)?;
                Ok(found.as_ref() == Some(&self.sending))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The other side has it.
    pub(crate) async fn sent(&self, id: &str) {
        if let Err(error) = self.store.put(id, SENT.into()).await {
            // The mark of the try stays: a redelivery is not sent again.
            debug!(%error, "could not mark a delivery as sent");
        }
    }

    /// The try has failed for sure.
    pub(crate) async fn failed(&self, id: &str) {
        if let Err(error) = self.store.delete(id).await {
            debug!(%error, "could not take a delivery's mark away");
        }
    }
}

async fn make(context: &Context, window: Duration) -> anyhow::Result<Store> {
    let made = context.create_key_value(kv::Config {
        bucket: BUCKET.to_owned(),
        description: "Latchwork: deliveries that were sent, or may have been".to_owned(),
        history: 1,
        max_age: window,
        ..kv::Config::default()
    });
    Ok(made.await?)
}

fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Unavailable {
    Unavailable::new(format!("bucket {BUCKET}"), cause)
}
