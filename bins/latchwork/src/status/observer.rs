//! Asks NATS for everything that a view is made of.

use std::collections::HashMap;

use async_nats::jetstream::consumer;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::{DiscardPolicy, Stream};
use futures::TryStreamExt;
use stage::ProvisionError;
use stage::jetstream::stored_partitions;
use stage::lease::Snapshot;
use stage::now_ms;
use topology::{AUDIT, DLQ, FLOWS, STREAMS, StreamSpec, Token};

use super::alerts::LatestAlerts;
use super::observation::{LaneFigures, Letter, Observation, StreamFigures};
use super::rules_answers;
use crate::dlq;

/// Dead letters that are looked at for their causes.
const LETTERS: usize = 100;

/// Asks as often as it is told to, and reads dead letters and alerts only when there are new ones.
pub(super) struct Observer {
    context: Context,
    letters: Vec<Letter>,
    /// Sequence of the newest frame in DLQ when the letters were read.
    letters_up_to: u64,
    alerts: LatestAlerts,
}

impl Observer {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            letters: Vec::new(),
            letters_up_to: 0,
            alerts: LatestAlerts::default(),
        }
    }

    pub(super) async fn observe(&mut self) -> anyhow::Result<Observation> {
        let leases = Snapshot::read(&self.context).await?;
        let mut observation = Observation {
            leases,
            ..Observation::default()
        };
        for spec in STREAMS {
            let stored = stored_partitions(&self.context, spec).await;
            let Some(partitions) = stored.map_err(unreadable)? else {
                continue;
            };
            let stream = self.context.get_stream(spec.name).await?;
            observation.streams.push(figures(spec, &stream));
            observation
                .lanes
                .extend(lanes(spec, partitions, &stream).await?);
            self.look_into(spec, &stream).await?;
        }
        observation.lanes.sort_by_key(|lane| place(lane.flow));
        observation.letters = self.letters.clone();
        observation.alerts = self.alerts.latest();
        let client = self.context.client();
        observation.rules = rules_answers::ask(&client, &observation.leases).await?;
        observation.at_ms = now_ms();
        Ok(observation)
    }

    /// Reads what is new in the streams that people want to read themselves.
    async fn look_into(&mut self, spec: &StreamSpec, stream: &Stream) -> anyhow::Result<()> {
        let last = stream.cached_info().state.last_sequence;
        if spec.name == DLQ.name && last != self.letters_up_to {
            let newest = dlq::newest(&self.context, LETTERS, None).await?;
            let letters = newest.into_iter().map(|(_id, letter)| Letter {
                stage: letter.stage().to_owned(),
                code: letter.code().to_owned(),
                refused_at_ms: letter.refused_at_ms,
            });
            self.letters = letters.collect();
            self.letters_up_to = last;
        }
        if spec.name == AUDIT.name {
            self.alerts.read_on(stream).await?;
        }
        Ok(())
    }
}

/// Its words are those of somebody who makes streams.
fn unreadable(error: ProvisionError) -> anyhow::Error {
    match error {
        ProvisionError::Refused { what, reason } => {
            anyhow::anyhow!("cannot look at the stream {what}: {reason}")
        }
        other => other.into(),
    }
}

fn figures(spec: &StreamSpec, stream: &Stream) -> StreamFigures {
    let info = stream.cached_info();
    StreamFigures {
        name: spec.name,
        messages: info.state.messages,
        bytes: info.state.bytes,
        max_bytes: u64::try_from(info.config.max_bytes)
            .ok()
            .filter(|limit| *limit > 0),
        refuses: info.config.discard == DiscardPolicy::New,
    }
}

/// The lanes that read a stream: those whose durable is there.
async fn lanes(
    spec: &StreamSpec,
    partitions: u16,
    stream: &Stream,
) -> anyhow::Result<Vec<LaneFigures>> {
    let durables: Vec<consumer::Info> = stream.consumers().try_collect().await?;
    let durables: HashMap<&str, &consumer::Info> = durables
        .iter()
        .map(|info| (info.name.as_str(), info))
        .collect();
    let mut lanes = Vec::new();
    for flow in FLOWS.iter().filter(|flow| flow.source() == Some(*spec)) {
        for token in spec.token.all(partitions) {
            let Some(info) = durables.get(flow.durable(&token).as_str()) else {
                continue;
            };
            lanes.push(LaneFigures {
                flow: flow.name,
                token,
                needs_owner: spec.token == Token::Partition,
                pending: info.num_pending,
                unsettled: info.num_ack_pending as u64,
                redelivered: info.num_redelivered as u64,
            });
        }
    }
    Ok(lanes)
}

/// A flow's place in the order of the data.
pub(super) fn place(flow: &str) -> usize {
    let place = FLOWS.iter().position(|known| known.name == flow);
    place.unwrap_or(FLOWS.len())
}
