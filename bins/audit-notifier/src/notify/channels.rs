//! The channels that the settings ask for.

use std::time::Duration;

use notification::{
    Backoff, EmailOptions, Language, PlannerOptions, QueueOptions, Rate, Security, Sms, SmsBody,
    SmsOptions, SmsSuccess, WebhookOptions,
};
use settings::{
    EmailSecurity, EmailSettings, NotifyLanguage, NotifySettings, SmsSettings, WebhookSettings,
};

pub(super) fn planner(settings: &NotifySettings) -> PlannerOptions {
    PlannerOptions {
        dedupe_window_ms: settings.dedupe_window_s.saturating_mul(1000),
        deadline_ms: settings.deadline_s.saturating_mul(1000),
        language: match settings.language {
            NotifyLanguage::En => Language::En,
            NotifyLanguage::Zh => Language::Zh,
            NotifyLanguage::Ja => Language::Ja,
        },
        ..PlannerOptions::default()
    }
}

/// `per_minute` to all, `address_per_minute` to one.
pub(super) fn queue(
    settings: &NotifySettings,
    per_minute: u32,
    address_per_minute: u32,
) -> QueueOptions {
    let rate = |per_minute: u32| Rate {
        per_minute,
        burst: (per_minute / 2).max(1),
    };
    QueueOptions {
        digest_over: settings.digest_over,
        address_rate: rate(address_per_minute),
        channel_rate: rate(per_minute),
        backoff: Backoff {
            first_ms: 1000,
            most_ms: 15 * 60 * 1000,
        },
        // What was sent is known by its mark, which other processes see as well.
        sent_window_ms: 0,
        ..QueueOptions::default()
    }
}

/// The settings of the e-mail channel, as it takes them.
pub fn email(settings: &EmailSettings) -> EmailOptions {
    EmailOptions {
        host: settings.host.clone(),
        port: settings.port,
        security: match settings.security {
            EmailSecurity::None => Security::None,
            EmailSecurity::Starttls => Security::StartTls,
            EmailSecurity::Tls => Security::Tls,
        },
        ca_file: settings.ca_file.clone(),
        user: settings.user.clone(),
        password_file: settings.password_file.clone(),
        from: settings.from.clone(),
        reply_to: settings.reply_to.clone(),
        timeout: Duration::from_secs(settings.timeout_s),
        connections: settings.connections,
    }
}

fn sms(settings: &SmsSettings) -> anyhow::Result<SmsOptions> {
    let body = match (&settings.json, &settings.form) {
        (Some(json), None) => SmsBody::Json(serde_json::to_value(json)?),
        (None, Some(form)) => SmsBody::Form(form.clone()),
        _ => anyhow::bail!("[notify.sms] needs one of `json` and `form`"),
    };
    let equals = settings.success_equals.as_ref();
    let equals = equals.map(serde_json::to_value).transpose()?;
    Ok(SmsOptions {
        url: settings.url.clone(),
        method: settings.method.clone(),
        headers: settings.headers.clone(),
        body,
        user: settings.user.clone(),
        password_file: settings.password_file.clone(),
        token_file: settings.token_file.clone(),
        success: settings
            .success_pointer
            .clone()
            .map(|pointer| SmsSuccess { pointer, equals }),
        ca_file: settings.ca_file.clone(),
        timeout: Duration::from_secs(settings.timeout_s),
    })
}

/// Settings and channel in one: either may be wrong.
pub(super) fn open_sms(settings: &SmsSettings) -> anyhow::Result<Sms> {
    Ok(Sms::open(&sms(settings)?)?)
}

pub(super) fn webhook(settings: &WebhookSettings) -> WebhookOptions {
    WebhookOptions {
        secret_file: settings.secret_file.clone(),
        ca_file: settings.ca_file.clone(),
        timeout: Duration::from_secs(settings.timeout_s),
    }
}
