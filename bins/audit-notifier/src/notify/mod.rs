//! The flows `notify` and `send`: from ALERT to people.

mod attempt;
mod book;
mod channels;
mod claims;
mod outbound;
mod planner;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use futures::FutureExt;
use notification::{
    Channel, ChannelKind, Email, Planner, Queue, QueueOptions, Templates, TemplatesError, Webhook,
};
use settings::NotifySettings;
use stage::{LaneRun, OwnedLane, Running, Runtime, now_ms};
use topology::{NOTIFY, NOTIFY_FLOW, SEND};
use tracing::{error, warn};

pub use channels::email as email_options;

use book::ContactBook;
use claims::Claims;
use outbound::{Outbound, OutboundParts};
use planner::{DeliverySink, PlanHandler};

/// Messages of one channel on their way at a time.
const AT_ONCE: usize = 16;

/// The lanes that plan, and those that send: one for each channel.
pub(crate) async fn flows(
    runtime: &Runtime,
    settings: &NotifySettings,
) -> anyhow::Result<Vec<Running>> {
    let book = ContactBook::open(runtime.connections.consuming.clone()).await?;
    let rules = channels::planner(settings);
    let planning = runtime.leased(&NOTIFY_FLOW, move |lane| {
        let handler = PlanHandler::new(Planner::new(rules.clone()), book.clone(), now_ms());
        let sink = DeliverySink(lane.connections.publishing.clone());
        std::future::ready(Ok(lane.run(handler, sink)))
    });
    let sending = Arc::new(Sending::open(runtime, settings).await?);
    let channels = sending.usable_channels();
    if channels.is_empty() {
        warn!("[notify] has no channel that works: what is planned waits for one");
    }
    let sends = runtime.leased_of(&SEND, channels, move |lane| {
        let sending = Arc::clone(&sending);
        async move { sending.through(lane) }
    });
    Ok(vec![planning, sends])
}

/// Opens the texts and the channels that the settings name, with their secrets and certificates, and
/// sends nothing.
pub fn check(settings: &NotifySettings) -> anyhow::Result<()> {
    texts(settings)?;
    let opened = ChannelKind::ALL.into_iter();
    opened.filter_map(|kind| try_open(settings, kind)).collect()
}

/// Opens a channel that the settings name, and closes it again.
fn try_open(settings: &NotifySettings, kind: ChannelKind) -> Option<anyhow::Result<()>> {
    let opened = match kind {
        ChannelKind::Email => {
            let email = settings.email.as_ref()?;
            Email::open(&channels::email(email))
                .map(drop)
                .map_err(Into::into)
        }
        ChannelKind::Sms => channels::open_sms(settings.sms.as_ref()?).map(drop),
        ChannelKind::Webhook => {
            let webhook = settings.webhook.as_ref()?;
            Webhook::open(&channels::webhook(webhook))
                .map(drop)
                .map_err(Into::into)
        }
    };
    Some(opened)
}

fn texts(settings: &NotifySettings) -> Result<Templates, TemplatesError> {
    match &settings.templates {
        Some(folder) => Templates::with_own(folder),
        None => Templates::shipped(),
    }
}

/// What all channels share.
struct Sending {
    settings: NotifySettings,
    templates: Arc<Templates>,
    claims: Claims,
}

impl Sending {
    async fn open(runtime: &Runtime, settings: &NotifySettings) -> anyhow::Result<Self> {
        let templates = match texts(settings) {
            Ok(templates) => templates,
            Err(error) => {
                error!("{error}; the shipped texts are used until it is mended");
                Templates::shipped()?
            }
        };
        let window = Duration::from_secs(settings.dedupe_window_s);
        Ok(Self {
            settings: settings.clone(),
            templates: Arc::new(templates),
            claims: Claims::open(&runtime.connections.publishing, runtime.replica(), window)
                .await?,
        })
    }

    /// Names of the channels that can be opened. One that can't must not hold up the audit, nor the
    /// other channels: it is left out, loudly, and what is planned for it waits.
    fn usable_channels(&self) -> Vec<String> {
        let is_usable = |kind: &ChannelKind| match try_open(&self.settings, *kind) {
            Some(Err(error)) => {
                error!("{error}; this channel sends nothing until it is mended");
                false
            }
            opened => opened.is_some(),
        };
        let usable = ChannelKind::ALL.into_iter().filter(is_usable);
        usable.map(|kind| kind.name().to_owned()).collect()
    }

    /// The channel that a lane is for.
    fn through(&self, lane: OwnedLane) -> anyhow::Result<LaneRun> {
        let settings = &self.settings;
        match (&settings.email, &settings.sms, &settings.webhook) {
            (Some(email), _, _) if lane.token == ChannelKind::Email.name() => {
                let options = self.queue(email.per_minute, email.address_per_minute);
                let connections = usize::try_from(email.connections).unwrap_or(AT_ONCE);
                let channel = Email::open(&channels::email(email))?;
                Ok(self.outbound(lane, channel, options, connections.clamp(1, AT_ONCE)))
            }
            (_, Some(sms), _) if lane.token == ChannelKind::Sms.name() => {
                let options = self.queue(sms.per_minute, sms.address_per_minute);
                Ok(self.outbound(lane, channels::open_sms(sms)?, options, AT_ONCE))
            }
            (_, _, Some(webhook)) if lane.token == ChannelKind::Webhook.name() => {
                let options = self.queue(webhook.per_minute, webhook.address_per_minute);
                let channel = Webhook::open(&channels::webhook(webhook))?;
                Ok(self.outbound(lane, channel, options, AT_ONCE))
            }
            _ => bail!("[notify] has no channel {}", lane.token),
        }
    }

    fn queue(&self, per_minute: u32, address_per_minute: u32) -> QueueOptions {
        channels::queue(&self.settings, per_minute, address_per_minute)
    }

    fn outbound<C: Channel + 'static>(
        &self,
        lane: OwnedLane,
        channel: C,
        options: QueueOptions,
        at_once: usize,
    ) -> LaneRun {
        let parts = OutboundParts {
            queue: Queue::new(options, Arc::clone(&self.templates), fastrand::u64(..)),
            claims: self.claims.for_lane(),
            letters: lane.connections.dead_letters(&SEND),
            shape: lane.process_shape(&NOTIFY),
            lane,
            at_once,
        };
        Outbound::new(channel, parts).run().boxed()
    }
}
