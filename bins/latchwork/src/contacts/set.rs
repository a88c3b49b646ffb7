//! One contact, from the command line.

use alert::Severity;
use notification::{ChannelKind, Contact, Language, QuietHours, Reach, Zone};

/// Adds a contact to a lock, or replaces the one of the same name.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SetArgs {
    /// Client id of the lock; `*` is the list that holds for every lock.
    pub(super) lock: String,
    /// Who it is.
    #[arg(long)]
    name: String,
    /// Mail address; may be given more than once.
    #[arg(long, value_name = "ADDRESS", required_unless_present_any = ["sms", "webhook"])]
    email: Vec<String>,
    /// Phone number, like +491701234567.
    #[arg(long, value_name = "NUMBER")]
    sms: Vec<String>,
    /// URL, like <https://example.com/alerts>.
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,
    /// The least that is told: info, warning or critical.
    #[arg(long, default_value = "info", value_parser = severity)]
    severity: Severity,
    /// Language of the texts: en, zh or ja. Without it that of the pipeline.
    #[arg(long, value_parser = language)]
    language: Option<Language>,
    /// Time zone, like Asia/Tokyo or +09:00.
    #[arg(long, value_parser = Zone::of, default_value = "UTC")]
    zone: Zone,
    /// When not to disturb, like 22:00-07:00. What is critical is told all the same.
    #[arg(long, value_name = "FROM-TO", value_parser = quiet)]
    quiet: Option<QuietHours>,
}

impl SetArgs {
    pub(super) fn contact(&self) -> anyhow::Result<Contact> {
        let of = |channel, addresses: &[String]| {
            addresses
                .iter()
                .map(|address| Reach::new(channel, address.clone(), self.severity))
                .collect::<Result<Vec<_>, _>>()
        };
        let mut channels = of(ChannelKind::Email, &self.email)?;
        channels.extend(of(ChannelKind::Sms, &self.sms)?);
        channels.extend(of(ChannelKind::Webhook, &self.webhook)?);
        Ok(Contact {
            name: self.name.clone(),
            language: self.language,
            zone: self.zone.clone(),
            channels,
            quiet: self.quiet.clone(),
        })
    }
}

fn severity(text: &str) -> Result<Severity, String> {
    let known = Severity::ALL.into_iter().find(|known| known.name() == text);
    known.ok_or_else(|| "info, warning or critical".to_owned())
}

fn language(text: &str) -> Result<Language, String> {
    Language::of(text).ok_or_else(|| "en, zh or ja".to_owned())
}

fn quiet(text: &str) -> Result<QuietHours, String> {
    let (from, to) = text
        .split_once('-')
        .ok_or_else(|| "two times, like 22:00-07:00".to_owned())?;
    QuietHours::new(from, to)
}
