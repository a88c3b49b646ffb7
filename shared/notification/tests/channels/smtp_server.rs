//! A small SMTP server that records what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_rustls::TlsAcceptor;

/// One mail as it arrived.
#[derive(Debug)]
pub(crate) struct Mail {
    /// Commands before DATA, without EHLO and passwords.
    pub(crate) commands: Vec<String>,
    /// User and password, if somebody logged in.
    pub(crate) login: Option<(String, String)>,
    pub(crate) text: String,
}

impl Mail {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        let prefix = format!("{name}: ");
        let line = head.lines().find(|line| line.starts_with(&prefix))?;
        Some(line[prefix.len()..].to_owned())
    }

    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }
}

/// How it behaves.
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    /// Answers to RCPT, one each; then it takes all.
    pub(crate) rcpt_answers: Vec<&'static str>,
    /// It never answers DATA.
    pub(crate) hangs: bool,
    /// The only user and password it knows; it wants them.
    pub(crate) login: Option<(&'static str, &'static str)>,
    /// It offers AUTH LOGIN only.
    pub(crate) login_only: bool,
    /// It can STARTTLS.
    pub(crate) starttls: Option<TlsAcceptor>,
    /// It speaks TLS from the first byte.
    pub(crate) tls: Option<TlsAcceptor>,
}

pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    pub(crate) mails: Receiver<Mail>,
    pub(crate) connections: Arc<AtomicUsize>,
}

struct Shared {
    behaviour: Behaviour,
    rcpts: AtomicUsize,
    mails: Sender<Mail>,
}

impl SmtpServer {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mails) = channel(100);
        let connections = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            behaviour,
            rcpts: AtomicUsize::new(0),
            mails: sender,
        });
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                // A client that goes away ends only its own connection.
                tokio::spawn(async move {
                    drop(match shared.behaviour.tls.clone() {
                        Some(tls) => match tls.accept(socket).await {
                            Ok(socket) => session(socket, &shared, true).await.map(drop),
                            Err(error) => Err(error),
                        },
                        None => plain(socket, &shared).await,
                    });
                });
            }
        });
        Self {
            port,
            mails,
            connections,
        }
    }
}

async fn plain(socket: tokio::net::TcpStream, shared: &Shared) -> std::io::Result<()> {
    if let Some(socket) = session(socket, shared, true).await?
        && let Some(tls) = &shared.behaviour.starttls
    {
        session(tls.accept(socket).await?, shared, false).await?;
    }
    Ok(())
}

/// Gives the socket back when the client wants TLS.
async fn session<S>(socket: S, shared: &Shared, greets: bool) -> std::io::Result<Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut socket = BufReader::new(socket);
    if greets {
        say(&mut socket, "220 test ESMTP").await?;
    }
    let mut commands = Vec::new();
    let mut login = None;
    loop {
        let Some(line) = read(&mut socket).await? else {
            return Ok(None);
        };
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        match verb.as_str() {
            "EHLO" => say(&mut socket, &capabilities(&shared.behaviour, greets)).await?,
            "STARTTLS" => {
                say(&mut socket, "220 go ahead").await?;
                return Ok(Some(socket.into_inner()));
            }
            "AUTH" => {
                login = Some(authenticate(&mut socket, &line).await?);
                let wanted = shared.behaviour.login;
                let known = wanted.map(|(user, password)| (user.to_owned(), password.to_owned()));
                let answer = if login == known {
                    "235 hello"
                } else {
                    "535 wrong password"
                };
                say(&mut socket, answer).await?;
            }
            "RCPT" => {
                let number = shared.rcpts.fetch_add(1, Ordering::SeqCst);
                let answer = shared
                    .behaviour
                    .rcpt_answers
                    .get(number)
                    .unwrap_or(&"250 ok");
                commands.push(line);
                say(&mut socket, answer).await?;
            }
            "DATA" => {
                say(&mut socket, "354 go ahead").await?;
                let text = data(&mut socket).await?;
                if shared.behaviour.hangs {
                    std::future::pending::<()>().await;
                }
                let commands = std::mem::take(&mut commands);
                shared
                    .mails
                    .try_send(Mail {
                        commands,
                        login: login.clone(),
                        text,
                    })
                    .unwrap();
                say(&mut socket, "250 taken").await?;
            }
            "QUIT" => return say(&mut socket, "221 bye").await.map(|()| None),
            "RSET" | "NOOP" => {
                commands.clear();
                say(&mut socket, "250 ok").await?;
            }
            _ => {
                commands.push(line);
                say(&mut socket, "250 ok").await?;
            }
        }
    }
}

fn capabilities(behaviour: &Behaviour, is_plain: bool) -> String {
    let mut lines = vec!["250-test"];
    if behaviour.starttls.is_some() && is_plain {
        lines.push("250-STARTTLS");
    }
    if behaviour.login.is_some() {
        lines.push(if behaviour.login_only {
            "250-AUTH LOGIN"
        } else {
            "250-AUTH PLAIN LOGIN"
        });
    }
    lines.push("250 8BITMIME");
    lines.join("\r\n")
}

async fn authenticate<S>(socket: &mut BufReader<S>, line: &str) -> std::io::Result<(String, String)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Some(coded) = line.strip_prefix("AUTH PLAIN ") {
        let plain = decode(coded);
        let mut parts = plain.split('\0').skip(1).map(str::to_owned);
        return Ok((parts.next().unwrap(), parts.next().unwrap()));
    }
    say(socket, "334 VXNlcm5hbWU6").await?;
    let user = decode(&read(socket).await?.unwrap_or_default());
    say(socket, "334 UGFzc3dvcmQ6").await?;
    let password = decode(&read(socket).await?.unwrap_or_default());
    Ok((user, password))
}

pub(crate) fn decode(coded: &str) -> String {
    let bytes = data_encoding::BASE64.decode(coded.as_bytes()).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Up to the line with a single dot.
async fn data<S: AsyncRead + Unpin>(socket: &mut BufReader<S>) -> std::io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n.\r\n") {
        text.push(socket.read_u8().await?);
    }
    text.truncate(text.len() - 3);
    Ok(String::from_utf8(text).unwrap())
}

async fn read<S: AsyncRead + Unpin>(socket: &mut BufReader<S>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let length = socket.read_line(&mut line).await?;
    Ok((length > 0).then(|| line.trim_end().to_owned()))
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut BufReader<S>,
    line: &str,
) -> std::io::Result<()> {
    let socket = socket.get_mut();
    socket.write_all(format!("{line}\r\n").as_bytes()).await?;
    socket.flush().await
}
