//! A mail server that delivers nothing: it hands what it takes to the demo.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// Mails that wait to be shown; further senders wait.
const WAITING: usize = 64;

/// Longest line (RFC 5321 s.4.5.3.1 demands 1,000 bytes), and most lines of one mail.
const LONGEST_LINE: u64 = 4096;
const MOST_LINES: usize = 1000;

/// One mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mail {
    /// Header `Subject`.
    pub(super) subject: String,
    /// Lines of the text.
    pub(super) body: Vec<String>,
}

/// Takes mail on a free port of 127.0.0.1 until it is dropped: plain SMTP (RFC 5321), no login.
pub(super) struct MailCatcher {
    port: u16,
    listening: JoinHandle<()>,
}

impl MailCatcher {
    /// Starts, and gives what it takes.
    pub(super) async fn start() -> std::io::Result<(Self, mpsc::Receiver<Mail>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (caught, mails) = mpsc::channel(WAITING);
        let listening = tokio::spawn(listen(listener, caught));
        Ok((Self { port, listening }, mails))
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for MailCatcher {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, caught: mpsc::Sender<Mail>) {
    // They end with it.
    let mut sessions = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let caught = caught.clone();
        sessions.spawn(async move {
            if let Err(error) = session(socket, caught).await {
                tracing::debug!(%error, "a sender of mail left");
            }
        });
        while sessions.try_join_next().is_some() {}
    }
}

async fn session(socket: TcpStream, caught: mpsc::Sender<Mail>) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"220 latchwork demo\r\n").await?;
    loop {
        let Some(line) = read_line(&mut socket).await? else {
            return Ok(());
        };
        let verb = line.split(' ').next().unwrap_or_default();
        let answer = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => "250-latchwork demo\r\n250 8BITMIME",
            "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 ok",
            "DATA" => {
                socket.write_all(b"354 end with a dot\r\n").await?;
                let mail = read_mail(&mut socket).await?;
                match caught.send(mail).await {
                    Ok(()) => "250 caught",
                    Err(_) => "451 the demo is over",
                }
            }
            "QUIT" => return socket.write_all(b"221 bye\r\n").await,
            _ => "502 not here",
        };
        socket.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// Reads up to the lone dot.
async fn read_mail(socket: &mut BufReader<TcpStream>) -> std::io::Result<Mail> {
    let mut lines = Vec::new();
    loop {
        let Some(line) = read_line(socket).await? else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        if line == "." {
            return Ok(Mail::read(lines));
        }
        if lines.len() == MOST_LINES {
            return Err(Error::other("a mail of too many lines"));
        }
        // A line that begins with a dot got another one (RFC 5321 s.4.5.2).
        lines.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
    }
}

/// A line without its end; `None` at the end of the connection.
async fn read_line(socket: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut part = socket.take(LONGEST_LINE);
    if part.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        return Err(Error::other("a line that is too long, or cut"));
    }
    let line = String::from_utf8_lossy(&line);
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

impl Mail {
    fn read(lines: Vec<String>) -> Self {
        let mut lines = lines.into_iter();
        let mut headers: Vec<String> = Vec::new();
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            match headers.last_mut() {
                // Folded (RFC 5322 s.2.2.3).
                Some(header) if line.starts_with([' ', '\t']) => header.push_str(&line),
                _ => headers.push(line),
            }
        }
        let mut subjects = headers
            .iter()
            .filter_map(|line| line.strip_prefix("Subject: "));
        Self {
            subject: subjects.next().unwrap_or_default().to_owned(),
            body: lines.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use notification::{Channel, ChannelKind, Email, EmailOptions, Language, Message, Security};

    use super::*;

    /// Scenario: the notification's own mail channel sends two mails, with a folded subject and a
    /// line of a lone dot.
    /// Guarantee: both arrive as they were written.
    #[tokio::test]
    async fn what_is_sent_is_caught() {
        let (catcher, mut mails) = MailCatcher::start().await.unwrap();
        let channel = Email::open(&EmailOptions {
            host: "127.0.0.1".to_owned(),
            port: Some(catcher.port()),
            security: Security::None,
            ca_file: None,
            user: None,
            password_file: None,
            from: "locks@example.com".to_owned(),
            reply_to: None,
            timeout: std::time::Duration::from_secs(20),
            connections: 1,
        })
        .unwrap();
        for subject in ["a door ".repeat(20), "short".to_owned()] {
            let subject = subject.trim().to_owned();
            let message = Message {
                id: "0".repeat(32),
                channel: ChannelKind::Email,
                address: "mei@example.com".to_owned(),
                language: Language::En,
                subject: subject.clone(),
                body: "first\n.\nlast".to_owned(),
                short: String::new(),
                alerts: Vec::new(),
            };
            channel.send(&message).await.unwrap();
            let caught = Mail {
                subject,
                body: ["first", ".", "last"].map(str::to_owned).to_vec(),
            };
            assert_eq!(mails.recv().await, Some(caught));
        }
    }
}
