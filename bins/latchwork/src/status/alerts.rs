//! The newest alerts of the audit log.

use std::collections::VecDeque;
use std::time::Duration;

use ::audit::{Entry, EntryKind};
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::Stream;
use futures::StreamExt;
use record::{Frame, KafkaRecord};
use serde::Deserialize;

use super::observation::Alert;

/// Alerts that are kept.
const KEPT: usize = 10;

/// Frames that are read at a time; of more new ones, only the newest.
const FRAMES: u64 = 50;

/// How long they may take to come: what is late comes with the next look.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// The data of an entry about an alert.
#[derive(Deserialize)]
struct Data {
    severity: String,
    alert: String,
    change: String,
    message: String,
}

/// Reads on from look to look.
#[derive(Default)]
pub(super) struct LatestAlerts {
    read_up_to: u64,
    /// Newest first.
    alerts: VecDeque<Alert>,
}

impl LatestAlerts {
    /// Newest first.
    pub(super) fn latest(&self) -> Vec<Alert> {
        self.alerts.iter().cloned().collect()
    }

    /// Reads what is new in the stream.
    pub(super) async fn read_on(&mut self, stream: &Stream) -> anyhow::Result<()> {
        let last = stream.cached_info().state.last_sequence;
        if last < self.read_up_to {
            // The stream was made anew.
            *self = Self::default();
        }
        if last == self.read_up_to {
            return Ok(());
        }
        let oldest_wanted = (last + 1).saturating_sub(FRAMES);
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: oldest_wanted.max(self.read_up_to + 1),
            },
            ..OrderedConfig::default()
        };
        let mut messages = stream.create_consumer(config).await?.messages().await?;
        let deadline = tokio::time::Instant::now() + READ_WITHIN;
        while let Ok(Some(message)) = tokio::time::timeout_at(deadline, messages.next()).await {
            let message = message?;
            let (sequence, pending) = message
                .info()
                .map(|info| (info.stream_sequence, info.pending))
                .unwrap_or_default();
            self.take(message.payload.clone());
            self.read_up_to = self.read_up_to.max(sequence);
            if sequence >= last || pending == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Takes the alerts of a frame; what is no frame is `latchwork audit verify`'s business.
    fn take(&mut self, payload: bytes::Bytes) {
        let frame = Frame::<KafkaRecord>::read(payload);
        let records = frame.map(|frame| frame.items).unwrap_or_default();
        for alert in records.iter().filter_map(|record| read(&record.value)) {
            self.alerts.push_front(alert);
        }
        self.alerts.truncate(KEPT);
    }
}

fn read(entry: &[u8]) -> Option<Alert> {
    let entry = Entry::read(entry).ok()?;
    if entry.kind != EntryKind::Alert {
        return None;
    }
    let data: Data = serde_json::from_str(entry.data).ok()?;
    Some(Alert {
        ts_ms: entry.ts_ms,
        severity: data.severity,
        kind: data.alert,
        change: data.change,
        lock: entry.lock.into_owned(),
        message: data.message,
    })
}
