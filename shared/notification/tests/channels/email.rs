//! Mail over SMTP.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use notification::{Channel, ChannelKind, Email, EmailOptions, Language, Message, Scope, Security};

use crate::message::message;
use crate::smtp_server::{Behaviour, Mail, SmtpServer, decode};
use crate::tls::TestTls;

fn options(port: u16) -> EmailOptions {
    EmailOptions {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        security: Security::None,
        ca_file: None,
        user: None,
        password_file: None,
        from: "Locks <locks@example.com>".to_owned(),
        reply_to: None,
        timeout: Duration::from_secs(10),
        connections: 2,
    }
}

fn mail() -> Message {
    message(ChannelKind::Email, "mei@example.com")
}

/// Base64 in lines, as a body of Chinese is sent.
fn decoded(mail: &Mail) -> String {
    decode(&mail.body().replace("\r\n", ""))
}

/// Scenario: two mails to a server that takes them.
/// Guarantee: one connection carries both; envelope, headers and text are right.
#[tokio::test]
async fn a_mail_arrives() {
    let mut server = SmtpServer::start(Behaviour::default()).await;
    let email = Email::open(&EmailOptions {
        reply_to: Some("desk@example.com".to_owned()),
        ..options(server.port)
    })
    .unwrap();
    email.send(&mail()).await.unwrap();
    // The connection goes back to its pool in a task of its own.
    tokio::task::yield_now().await;
    email.send(&mail()).await.unwrap();
    let mail = server.mails.recv().await.unwrap();
    let envelope = mail.commands.join("\n");
    assert!(
        envelope.contains("MAIL FROM:<locks@example.com>"),
        "{envelope}"
    );
    assert!(envelope.contains("RCPT TO:<mei@example.com>"), "{envelope}");
    let header = |name| {
        mail.header(name)
            .unwrap_or_else(|| panic!("{name}: {}", mail.text))
    };
    assert_eq!(header("To"), "mei@example.com");
    assert_eq!(header("Reply-To"), "desk@example.com");
    assert_eq!(
        header("Message-ID"),
        "<00000000000000000000000000000007@example.com>"
    );
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("Content-Type"), "text/plain; charset=utf-8");
    assert!(
        header("Subject").starts_with("=?utf-8?b?"),
        "{}",
        header("Subject")
    );
    let body = decoded(&mail);
    assert!(
        body.contains("10083618796833171") && body.contains("2019-11-26 15:23:46 +08:00"),
        "{body}"
    );
    server.mails.recv().await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

/// Scenario: a server that wants a login, by PLAIN and by LOGIN; a right and a wrong password.
/// Guarantee: the password of the file is used; a refused login is an outage, not the message's end.
#[tokio::test]
async fn logs_in() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    for login_only in [false, true] {
        std::fs::write(&password_file, "correct horse\n").unwrap();
        let login = Some(("locks", "correct horse"));
        let mut server = SmtpServer::start(Behaviour {
            login,
            login_only,
            ..Behaviour::default()
        })
        .await;
        let options = EmailOptions {
            user: Some("locks".to_owned()),
            password_file: Some(password_file.clone()),
            ..options(server.port)
        };
        Email::open(&options).unwrap().send(&mail()).await.unwrap();
        let login = server.mails.recv().await.unwrap().login.unwrap();
        assert_eq!(login, ("locks".to_owned(), "correct horse".to_owned()));

        std::fs::write(&password_file, "battery staple\n").unwrap();
        let error = Email::open(&options)
            .unwrap()
            .send(&mail())
            .await
            .unwrap_err();
        assert!(error.retry && error.scope == Scope::Channel, "{error:?}");
        assert!(!error.reason.contains("staple"), "{error}");
    }
}

/// Scenario: a server with STARTTLS, one with TLS from the first byte, each with a certificate that
/// only the given file vouches for.
/// Guarantee: mails arrive with the file, and are not sent without it.
#[tokio::test]
async fn encrypts() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TestTls::new(folder.path());
    for security in [Security::StartTls, Security::Tls] {
        let behaviour = match security {
            Security::Tls => Behaviour {
                tls: Some(tls.acceptor.clone()),
                ..Behaviour::default()
            },
            _ => Behaviour {
                starttls: Some(tls.acceptor.clone()),
                ..Behaviour::default()
            },
        };
        let mut server = SmtpServer::start(behaviour).await;
        let stranger = EmailOptions {
            security,
            ..options(server.port)
        };
        let error = Email::open(&stranger)
            .unwrap()
            .send(&mail())
            .await
            .unwrap_err();
        assert!(error.retry && error.scope == Scope::Channel, "{error:?}");
        assert!(server.mails.try_recv().is_err());

        let known = EmailOptions {
            ca_file: Some(tls.ca_file.clone()),
            ..stranger
        };
        Email::open(&known).unwrap().send(&mail()).await.unwrap();
        assert!(decoded(&server.mails.recv().await.unwrap()).contains("10083618796833171"));
    }
}

/// Scenario: STARTTLS is wanted, the server (or who sits between) does not offer it.
/// Guarantee: neither password nor mail is sent in the clear.
#[tokio::test]
async fn refuses_a_downgrade() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, "correct horse\n").unwrap();
    let login = Some(("locks", "correct horse"));
    let mut server = SmtpServer::start(Behaviour {
        login,
        ..Behaviour::default()
    })
    .await;
    let options = EmailOptions {
        security: Security::StartTls,
        user: Some("locks".to_owned()),
        password_file: Some(password_file),
        ..options(server.port)
    };
    let error = Email::open(&options)
        .unwrap()
        .send(&mail())
        .await
        .unwrap_err();
    assert!(error.retry && error.scope == Scope::Channel, "{error:?}");
    assert!(server.mails.try_recv().is_err());
}

/// Scenario: the server refuses an address for now, for good, and shuts down.
/// Guarantee: try again, never again, and an outage of the channel; then it works.
#[tokio::test]
async fn refusals_are_understood() {
    let rcpt_answers = vec![
        "450 greylisted",
        "550 no such\u{7} user",
        "421 shutting down",
    ];
    let mut server = SmtpServer::start(Behaviour {
        rcpt_answers,
        ..Behaviour::default()
    })
    .await;
    let email = Email::open(&options(server.port)).unwrap();
    let mut faults = Vec::new();
    for _ in 0..3 {
        let error = email.send(&mail()).await.unwrap_err();
        assert!(!error.reason.contains(char::is_control), "{error}");
        faults.push((error.retry, error.scope));
    }
    assert_eq!(
        faults,
        [
            (true, Scope::Message),
            (false, Scope::Message),
            (true, Scope::Channel)
        ]
    );
    email.send(&mail()).await.unwrap();
    server.mails.recv().await.unwrap();
}

/// Scenario: a server that hangs after the mail, and none at all.
/// Guarantee: the attempt ends within its timeout; both are outages.
#[tokio::test]
async fn a_dead_server_is_an_outage() {
    let server = SmtpServer::start(Behaviour {
        hangs: true,
        ..Behaviour::default()
    })
    .await;
    let timeout = Duration::from_millis(300);
    let email = Email::open(&EmailOptions {
        timeout,
        ..options(server.port)
    })
    .unwrap();
    let mail = mail();
    let attempt = tokio::time::timeout(Duration::from_secs(5), email.send(&mail));
    let error = attempt.await.unwrap().unwrap_err();
    assert!(error.retry && error.scope == Scope::Channel, "{error:?}");

    let nobody = Email::open(&options(1)).unwrap();
    let error = nobody.send(&mail).await.unwrap_err();
    assert!(error.retry && error.scope == Scope::Channel, "{error:?}");
}

/// Scenario: a message whose address, subject and body try to add headers, recipients and commands.
/// Guarantee: a bad address is never sent; a bad subject stays one header; a bad body stays a body.
#[tokio::test]
async fn headers_can_not_be_injected() {
    let mut server = SmtpServer::start(Behaviour::default()).await;
    let email = Email::open(&options(server.port)).unwrap();
    for address in [
        "mei@example.com\r\nBcc: all@example.com",
        "a@example.com>\r\nRCPT TO:<b@example.com",
        "a@example.com,b@example.com",
    ] {
        let message = Message {
            address: address.to_owned(),
            ..mail()
        };
        let error = email.send(&message).await.unwrap_err();
        assert!(
            !error.retry && !error.reason.contains(char::is_control),
            "{error:?}"
        );
    }
    for subject in [
        "a\r\nBcc: all@example.com\r\n\r\nbody",
        "\u{9501}\r\nBcc: all@example.com",
    ] {
        let message = Message {
            subject: subject.to_owned(),
            body: "a\r\n.\r\nRCPT TO:<all@example.com>\r\nBcc: all@example.com\n.\n".to_owned(),
            language: Language::En,
            ..mail()
        };
        email.send(&message).await.unwrap();
        let mail = server.mails.recv().await.unwrap();
        assert!(mail.header("Bcc").is_none(), "{}", mail.text);
        let rcpts = mail
            .commands
            .iter()
            .filter(|command| command.starts_with("RCPT"));
        assert_eq!(rcpts.count(), 1);
        assert!(mail.header("Message-ID").is_some() && mail.header("To").is_some());
    }
    assert!(server.mails.try_recv().is_err());
}

/// Scenario: settings that can't work, or would show the password to the network.
/// Guarantee: each is refused at the start, and names the setting.
#[tokio::test]
async fn bad_settings_are_refused() {
    let fault = |options: EmailOptions| match Email::open(&options) {
        Ok(_) => panic!("{options:?}"),
        Err(error) => error.to_string(),
    };
    let user = Some("locks".to_owned());
    assert!(
        fault(EmailOptions {
            from: "locks".to_owned(),
            ..options(25)
        })
        .contains("from")
    );
    let injected = "a@b.example\r\nBcc: c@d.example".to_owned();
    assert!(
        fault(EmailOptions {
            from: injected,
            ..options(25)
        })
        .contains("from")
    );
    assert!(
        fault(EmailOptions {
            host: String::new(),
            ..options(25)
        })
        .contains("host")
    );
    assert!(
        fault(EmailOptions {
            user: user.clone(),
            ..options(25)
        })
        .contains("password_file")
    );
    let password_file = Some(Path::new("/nowhere/password").to_owned());
    let with_file = EmailOptions {
        user,
        password_file,
        ..options(25)
    };
    assert!(fault(with_file.clone()).contains("/nowhere/password"));
    let host = "mail.example.com".to_owned();
    assert!(fault(EmailOptions { host, ..with_file }).contains("in the clear"));
}
