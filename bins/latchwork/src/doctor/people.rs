//! Can the mail server, the SMS gateway and the signatures of webhooks be used? Nothing is sent.

use std::time::Duration;

use audit_notifier::check_notification;
use notification::{Email, EmailOptions, Sms};
use settings::{EmailSecurity, EmailSettings, NotifySettings, Pipeline, SmsSettings};

use super::finding::Finding;

const MAIL: &str = "mail (SMTP)";
const SMS: &str = "SMS gateway";
const WEBHOOK: &str = "webhook";

/// Connects to the mail server and logs in.
pub(super) async fn mail(notify: Option<NotifySettings>) -> Vec<Finding> {
    let email = notify.as_ref().and_then(|notify| notify.email.as_ref());
    let Some(settings) = email else {
        return vec![Finding::skipped(MAIL, "the pipeline has no [notify.email]")];
    };
    let fix = "check host, port, security, user and password_file in [notify.email]";
    let channel = match Email::open(&options(settings)) {
        Ok(channel) => channel,
        Err(error) => return vec![Finding::failed_by(MAIL, error, fix)],
    };
    let host = &settings.host;
    vec![match channel.test_connection().await {
        Ok(()) => Finding::ok(
            MAIL,
            format!("{host}: {}; no mail was sent", steps(settings)),
        ),
        Err(error) => Finding::failed(MAIL, format!("{host}: {error}"), fix),
    }]
}

/// What was done before the NOOP.
fn steps(settings: &EmailSettings) -> String {
    let protection = match settings.security {
        EmailSecurity::None => "connected in the clear",
        EmailSecurity::Starttls => "connected, changed over to TLS",
        EmailSecurity::Tls => "connected over TLS",
    };
    let login = if settings.user.is_some() {
        ", logged in"
    } else {
        ", nobody logs in"
    };
    format!("{protection}{login}")
}

fn options(settings: &EmailSettings) -> EmailOptions {
    EmailOptions {
        connections: 1,
        ..audit_notifier::email_options(settings)
    }
}

/// Opens the channel, and looks whether the gateway answers over HTTP.
pub(super) async fn sms(notify: Option<NotifySettings>) -> Vec<Finding> {
    let Some((notify, settings)) = notify.and_then(|notify| {
        let sms = notify.sms.clone()?;
        Some((notify, sms))
    }) else {
        return vec![Finding::skipped(SMS, "the pipeline has no [notify.sms]")];
    };
    let only = NotifySettings {
        email: None,
        webhook: None,
        ..notify
    };
    let fix = "check url, ca_file, user, password_file and token_file in [notify.sms]";
    if let Err(error) = check_notification(&only) {
        return vec![Finding::failed_by(SMS, format!("{error:#}"), fix)];
    }
    vec![gateway(&settings, fix).await]
}

async fn gateway(settings: &SmsSettings, fix: &str) -> Finding {
    let timeout = Duration::from_secs(settings.timeout_s);
    match Sms::reach(&settings.url, settings.ca_file.as_deref(), timeout).await {
        Ok(status) => Finding::ok(
            SMS,
            format!(
                "its host answers (status {status}); no SMS was sent, so the account was not tried"
            ),
        ),
        Err(error) => Finding::failed(SMS, error.to_string(), fix),
    }
}

/// Opens the channel: its secret is there, and long enough.
pub(super) fn webhook(pipeline: &Pipeline) -> Vec<Finding> {
    let Some(notify) = pipeline.notify().filter(|notify| notify.webhook.is_some()) else {
        return vec![Finding::skipped(
            WEBHOOK,
            "the pipeline has no [notify.webhook]",
        )];
    };
    let only = NotifySettings {
        email: None,
        sms: None,
        ..notify.clone()
    };
    vec![match check_notification(&only) {
        Ok(()) => Finding::ok(
            WEBHOOK,
            "its secret can be read; the contacts' URLs were not called",
        ),
        Err(error) => {
            let fix = "check secret_file and ca_file in [notify.webhook]";
            Finding::failed_by(WEBHOOK, format!("{error:#}"), fix)
        }
    }]
}
