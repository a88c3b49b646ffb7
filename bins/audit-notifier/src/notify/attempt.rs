//! One try to send: marked before, marked after.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notification::{Channel, Outgoing, SendError};
use stage::Backoff;
use tracing::debug;

use super::claims::LaneClaims;

/// A try that is over.
pub(super) struct Attempted {
    pub(super) outgoing: Outgoing<String>,
    pub(super) result: Sent,
    pub(super) began: SystemTime,
}

/// How a try ended.
pub(super) enum Sent {
    Done,
    Failed(SendError),
    /// Another process sends it, or has sent it.
    Elsewhere,
}

/// Marks, sends, marks again.
pub(super) async fn attempt<C: Channel>(
    channel: Arc<C>,
    claims: LaneClaims,
    outgoing: Outgoing<String>,
) -> Attempted {
    let began = SystemTime::now();
    let result = if claim(&claims, &outgoing).await {
        let result = channel.send(&outgoing.message).await;
        for (_, id) in &outgoing.members {
            match &result {
                Ok(()) => claims.sent(id).await,
                Err(_) => claims.failed(id).await,
            }
        }
        result.map_or_else(Sent::Failed, |()| Sent::Done)
    } else {
        Sent::Elsewhere
    };
    Attempted {
        outgoing,
        result,
        began,
    }
}

/// Marks every delivery of a message; when one of them is another process's, none.
async fn claim(claims: &LaneClaims, outgoing: &Outgoing<String>) -> bool {
    for (index, (_, id)) in outgoing.members.iter().enumerate() {
        let mut backoff = Backoff::up_to(Duration::from_secs(1));
        let is_ours = loop {
            match claims.sending(id).await {
                Ok(is_ours) => break is_ours,
                Err(error) => debug!("{error}"),
            }
            backoff.wait().await;
        };
        if !is_ours {
            for (_, id) in outgoing.members.iter().take(index) {
                claims.failed(id).await;
            }
            return false;
        }
    }
    true
}
