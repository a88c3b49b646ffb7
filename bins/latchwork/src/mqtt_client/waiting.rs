//! What waits for an answer of the server, by packet identifier.

use std::collections::HashMap;
use std::num::NonZeroU16;

use mqtt_edge::codec::ReasonCode;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::error::ClientError;
use super::message::PubAck;

/// Answers go here; an error says that the packet could not be sent.
pub(super) type Reply<T> = oneshot::Sender<Result<T, ClientError>>;

/// Who waits, and for which packet.
#[derive(Debug)]
pub(super) enum Waiting {
    /// For PUBACK.
    PubAck {
        reply: Reply<PubAck>,
        /// The place in the server's window, given back with this entry.
        _place: OwnedSemaphorePermit,
    },
    /// For SUBACK or UNSUBACK.
    Codes(Reply<Vec<ReasonCode>>),
}

/// All that waits on one connection.
#[derive(Debug, Default)]
pub(super) struct WaitingList {
    entries: HashMap<NonZeroU16, Waiting>,
    last_id: u16,
}

impl WaitingList {
    /// A packet identifier that is not in use, or `wanted` if that one is free.
    pub(super) fn free_id(
        &mut self,
        wanted: Option<NonZeroU16>,
    ) -> Result<NonZeroU16, ClientError> {
        let in_use = || ClientError::Unsendable("the packet identifier is in use".into());
        if let Some(wanted) = wanted {
            return if self.entries.contains_key(&wanted) {
                Err(in_use())
            } else {
                Ok(wanted)
            };
        }
        for _ in 0..u16::MAX {
            self.last_id = self.last_id.wrapping_add(1);
            match NonZeroU16::new(self.last_id) {
                Some(id) if !self.entries.contains_key(&id) => return Ok(id),
                _ => {}
            }
        }
        Err(ClientError::Unsendable(
            "all packet identifiers are in use".into(),
        ))
    }

    pub(super) fn insert(&mut self, id: NonZeroU16, waiting: Waiting) {
        self.entries.insert(id, waiting);
    }

    /// Who waits for this PUBACK.
    pub(super) fn puback(&mut self, id: NonZeroU16) -> Result<Reply<PubAck>, ClientError> {
        match self.entries.remove(&id) {
            Some(Waiting::PubAck { reply, .. }) => Ok(reply),
            _ => Err(ClientError::Protocol(format!(
                "PUBACK of {id}, which nothing was sent under"
            ))),
        }
    }

    /// Who waits for this SUBACK or UNSUBACK.
    pub(super) fn codes(&mut self, id: NonZeroU16) -> Result<Reply<Vec<ReasonCode>>, ClientError> {
        match self.entries.remove(&id) {
            Some(Waiting::Codes(reply)) => Ok(reply),
            _ => Err(ClientError::Protocol(format!(
                "SUBACK of {id}, which nothing was sent under"
            ))),
        }
    }
}
