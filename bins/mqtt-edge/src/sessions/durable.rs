//! What JetStream knows of one session that outlives its connections.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use session::{PutError, Revision, SentMessage, SessionBucket, SessionRecord, Subscription};

use super::mailbox::Mailbox;
use super::outage::Outage;
use super::stores::Stores;
use super::window::Place;
use crate::bus::SubscriptionOptions;

/// One session, as the index and the lanes know it.
#[derive(Debug)]
pub(crate) struct DurableSession {
    client_id: Bytes,
    /// It is over: what a frame still brings for it is for nobody.
    ended: AtomicBool,
    pub(crate) mailbox: Mailbox,
}

impl DurableSession {
    pub(crate) fn new(client_id: Bytes) -> Arc<Self> {
        Arc::new(Self {
            client_id,
            ended: AtomicBool::new(false),
            mailbox: Mailbox::default(),
        })
    }

    /// Whether it is over.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn client_id(&self) -> &Bytes {
        &self.client_id
    }

    pub(crate) fn client_id_text(&self) -> &str {
        std::str::from_utf8(&self.client_id).unwrap_or_default()
    }
}

/// Why a session can't go on here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// Another edge has it.
    Conflict,
    /// It can't be stored.
    Unsaved(String),
}

/// One session's record in JetStream, as its owner holds it.
#[derive(Debug)]
pub(crate) struct Durable {
    pub(crate) session: Arc<DurableSession>,
    pub(crate) record: SessionRecord,
    /// `None`: not stored yet.
    revision: Option<Revision>,
}

impl Durable {
    pub(crate) fn new(
        session: Arc<DurableSession>,
        record: SessionRecord,
        revision: Option<Revision>,
    ) -> Self {
        Self {
            session,
            record,
            revision,
        }
    }

    /// The session's subscriptions as they are now.
    pub(crate) fn set_subscriptions(
        &mut self,
        subscriptions: &BTreeMap<Box<str>, SubscriptionOptions>,
    ) {
        let kept = subscriptions.iter().map(|(filter, options)| Subscription {
            filter: filter.to_string(),
            qos: options.qos,
            no_local: options.no_local,
            retain_as_published: options.retain_as_published,
            // It had its effect when the client subscribed.
            retain_handling: 0,
            id: options.id.map(NonZeroU32::get),
        });
        self.record.subscriptions = kept.collect();
    }

    /// A new connection has the session: what `record` says of it.
    pub(crate) fn renew(&mut self, record: SessionRecord) {
        self.record = SessionRecord {
            subscriptions: std::mem::take(&mut self.record.subscriptions),
            received: std::mem::take(&mut self.record.received),
            sent: std::mem::take(&mut self.record.sent),
            ..record
        };
    }

    /// Stores the record; waits while JetStream is away.
    pub(crate) async fn save(&mut self, bucket: &SessionBucket) -> Result<(), Lost> {
        let mut outage = Outage::default();
        self.forget_finished();
        loop {
            match bucket.put(&self.record, self.revision).await {
                Ok(revision) => {
                    self.revision = Some(revision);
                    return Ok(());
                }
                Err(PutError::Conflict(_)) => return Err(Lost::Conflict),
                Err(error @ PutError::Unavailable { .. }) => outage.wait(&error).await,
                Err(error) => return Err(Lost::Unsaved(error.to_string())),
            }
        }
    }

    /// The session is over: nothing of it stays in JetStream.
    pub(crate) async fn delete(&self, stores: &Stores) {
        let client_id = &self.record.client_id;
        if let Some(revision) = self.revision {
            let mut outage = Outage::default();
            while let Err(error) = stores.sessions.delete(client_id, revision).await {
                if matches!(error, PutError::Conflict(_)) {
                    return;
                }
                outage.wait(&error).await;
            }
        }
        stores.queue.purge(client_id).await;
    }

    /// A `QoS` 2 message is about to go to the client under this identifier.
    pub(crate) fn sending(&mut self, packet_id: NonZeroU16, place: Place) {
        self.record.sent.push(SentMessage {
            packet_id: packet_id.get(),
            seq: place.seq,
            index: place.index,
            released: false,
        });
    }

    /// The client has it: it must never get it again.
    pub(crate) fn released(&mut self, packet_id: NonZeroU16) {
        let id = packet_id.get();
        if let Some(sent) = self
            .record
            .sent
            .iter_mut()
            .find(|sent| sent.packet_id == id)
        {
            sent.released = true;
        }
    }

    /// The identifier is free; its message is still remembered while JetStream has it.
    pub(crate) fn completed(&mut self, packet_id: NonZeroU16) {
        let id = packet_id.get();
        if let Some(sent) = self
            .record
            .sent
            .iter_mut()
            .find(|sent| sent.packet_id == id)
        {
            sent.packet_id = 0;
        }
    }

    /// The identifier under which a message was sent before.
    pub(crate) fn sent_as(&self, place: Place) -> Option<(Option<NonZeroU16>, bool)> {
        let same = |sent: &&SentMessage| (sent.seq, sent.index) == (place.seq, place.index);
        let sent = self.record.sent.iter().find(same)?;
        Some((NonZeroU16::new(sent.packet_id), sent.released))
    }

    fn forget_finished(&mut self) {
        let mailbox = &self.session.mailbox;
        self.record
            .sent
            .retain(|sent| sent.packet_id != 0 || mailbox.has(sent.seq));
    }
}
