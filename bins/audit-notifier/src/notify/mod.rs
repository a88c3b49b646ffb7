//! The flows `notify` and `send`: from ALERT to people.

mod attempt;
mod book;
mod channels;
mod claims;
mod outbound;
mod planner;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use notification::{
    Channel, Email, Planner, Queue, QueueOptions, Templates, TemplatesError, Webhook,
};
use settings::NotifySettings;
use stage::{Running, Runtime, now_ms};
use telemetry::{Operation, SpanShape};
use topology::{NOTIFY, NOTIFY_FLOW, SEND};
use tracing::{error, warn};

use book::ContactBook;
use claims::Claims;
use outbound::{Outbound, OutboundParts};
use planner::{DeliverySink, PlanHandler};

/// Messages of one channel on their way at a time.
const AT_ONCE: usize = 16;

/// The lanes that plan, and a loop for each channel.
pub(crate) async fn flows(
    runtime: &Runtime,
    settings: &NotifySettings,
) -> anyhow::Result<Vec<Running>> {
    let book = ContactBook::open(runtime.consuming.clone()).await?;
    let parts = (0..runtime.partitions).map(|_| {
        let planner = Planner::new(channels::planner(settings));
        let handler = PlanHandler::new(planner, book.clone(), now_ms());
        (handler, DeliverySink(runtime.publishing.clone()))
    });
    let mut running = runtime.lanes(&NOTIFY_FLOW, parts);
    let sending = Sending::open(runtime, settings).await?;
    if let Some(email) = &settings.email
        && let Some(channel) = opened(Email::open(&channels::email(email)))
    {
        let options = sending.queue(email.per_minute, email.address_per_minute);
        let connections = usize::try_from(email.connections).unwrap_or(AT_ONCE);
        running.push(sending.through(channel, options, connections.clamp(1, AT_ONCE)));
    }
    if let Some(sms) = &settings.sms
        && let Some(channel) = opened(channels::open_sms(sms))
    {
        let options = sending.queue(sms.per_minute, sms.address_per_minute);
        running.push(sending.through(channel, options, AT_ONCE));
    }
    if let Some(webhook) = &settings.webhook
        && let Some(channel) = opened(Webhook::open(&channels::webhook(webhook)))
    {
        let options = sending.queue(webhook.per_minute, webhook.address_per_minute);
        running.push(sending.through(channel, options, AT_ONCE));
    }
    if settings.email.is_none() && settings.sms.is_none() && settings.webhook.is_none() {
        warn!("[notify] names no channel: what is planned waits for one");
    }
    Ok(running)
}

/// Opens the texts and the channels that the settings name, with their secrets and certificates, and
/// sends nothing.
pub fn check(settings: &NotifySettings) -> anyhow::Result<()> {
    texts(settings)?;
    if let Some(email) = &settings.email {
        Email::open(&channels::email(email))?;
    }
    if let Some(sms) = &settings.sms {
        channels::open_sms(sms)?;
    }
    if let Some(webhook) = &settings.webhook {
        Webhook::open(&channels::webhook(webhook))?;
    }
    Ok(())
}

fn texts(settings: &NotifySettings) -> Result<Templates, TemplatesError> {
    match &settings.templates {
        Some(folder) => Templates::with_own(folder),
        None => Templates::shipped(),
    }
}

/// A channel that can't be opened must not hold up the audit, nor the other channels: it is left
/// out, loudly, and what is planned for it waits.
fn opened<C, E: std::fmt::Display>(channel: Result<C, E>) -> Option<C> {
    channel
        .inspect_err(|error| error!("{error}; this channel sends nothing until it is mended"))
        .ok()
}

/// What all channels share.
struct Sending<'a> {
    runtime: &'a Runtime,
    settings: &'a NotifySettings,
    templates: Arc<Templates>,
    claims: Claims,
}

impl<'a> Sending<'a> {
    async fn open(runtime: &'a Runtime, settings: &'a NotifySettings) -> anyhow::Result<Self> {
        let templates = match texts(settings) {
            Ok(templates) => templates,
            Err(error) => {
                error!("{error}; the shipped texts are used until it is mended");
                Templates::shipped()?
            }
        };
        let window = Duration::from_secs(settings.dedupe_window_s);
        Ok(Self {
            runtime,
            settings,
            templates: Arc::new(templates),
            claims: Claims::open(&runtime.publishing, window).await?,
        })
    }

    fn queue(&self, per_minute: u32, address_per_minute: u32) -> QueueOptions {
        channels::queue(self.settings, per_minute, address_per_minute)
    }

    fn through<C: Channel + 'static>(
        &self,
        channel: C,
        options: QueueOptions,
        at_once: usize,
    ) -> Running {
        let runtime = self.runtime;
        let queue = Queue::new(options, Arc::clone(&self.templates), fastrand::u64(..));
        let parts = OutboundParts {
            context: runtime.consuming.clone(),
            queue,
            claims: self.claims.clone(),
            letters: runtime.dead_letters(&SEND),
            metrics: runtime.telemetry.stage_metrics(SEND.name),
            tracer: runtime.telemetry.tracer(),
            shape: SpanShape::new(
                Operation::Send,
                "nats",
                &NOTIFY.subject_of(channel.kind().name()),
            ),
            stop: runtime.stop.clone(),
            at_once,
        };
        Outbound::new(channel, parts).run().boxed()
    }
}
