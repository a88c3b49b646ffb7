//! Where people are told: a mail server and an HTTP receiver that take, refuse or hang, as told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::waiting::until;

/// How a receiver behaves from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Behaviour {
    Takes,
    /// With this answer: an SMTP code to DATA, or an HTTP status.
    Refuses(u16),
    /// It never answers.
    Hangs,
}

/// What a receiver has taken, and how it behaves.
struct Desk<T> {
    behaviour: Mutex<Behaviour>,
    taken: Mutex<Vec<T>>,
    tries: Mutex<usize>,
}

impl<T: Clone> Desk<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            behaviour: Mutex::new(Behaviour::Takes),
            taken: Mutex::default(),
            tries: Mutex::default(),
        })
    }

    /// What is to be answered to one more.
    fn tried(&self) -> Behaviour {
        *self.tries.lock().unwrap() += 1;
        *self.behaviour.lock().unwrap()
    }

    async fn taken(&self, what: &str, count: usize) -> Vec<T> {
        let what = format!("{count} {what}");
        until(&what, async || self.taken.lock().unwrap().len() >= count).await;
        self.taken.lock().unwrap().clone()
    }

    fn now(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
        *self.tries.lock().unwrap() = 0;
    }

    async fn is_tried(&self, what: &str) {
        until(what, async || *self.tries.lock().unwrap() > 0).await;
    }
}

/// One mail as it arrived, its header unfolded.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Mail {
    fn read(to: &str, text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        let headers = head
            .split("\r\n")
            .map(|line| line.split_once(": ").unwrap_or((line, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            to: to.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter().filter(|(known, _)| known == name);
        let found = headers
            .next()
            .unwrap_or_else(|| panic!("no {name}: {self:#?}"));
        assert!(headers.next().is_none(), "{name} is there twice: {self:#?}");
        &found.1
    }
}

/// A mail server without TLS and logins.
pub(crate) struct SmtpServer {
    port: u16,
    desk: Arc<Desk<Mail>>,
    listener: Option<JoinHandle<()>>,
}

impl SmtpServer {
    /// One that runs.
    pub(crate) async fn start() -> Self {
        let mut server = Self {
            port: servers::free_port().unwrap(),
            desk: Desk::new(),
            listener: None,
        };
        server.revive().await;
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn now(&self, behaviour: Behaviour) {
        self.desk.now(behaviour);
    }

    /// Nobody listens any more.
    pub(crate) fn die(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
    }

    /// Listens again, where it did.
    pub(crate) async fn revive(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let desk = Arc::clone(&self.desk);
        self.listener = Some(tokio::spawn(async move {
            // Its sessions end with it.
            let mut sessions = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let desk = Arc::clone(&desk);
                sessions.spawn(async move { session(socket, &desk).await.ok() });
            }
        }));
    }

    /// Waits for so many mails in all.
    pub(crate) async fn mails(&self, count: usize) -> Vec<Mail> {
        self.desk.taken("mails", count).await
    }

    /// Mails so far.
    pub(crate) fn so_far(&self) -> Vec<Mail> {
        self.desk.taken.lock().unwrap().clone()
    }

    /// Waits until somebody has tried to send since it behaves as it does.
    pub(crate) async fn is_tried(&self) {
        self.desk.is_tried("a try to send a mail").await;
    }
}

async fn session(socket: TcpStream, desk: &Desk<Mail>) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    socket.write_all(b"220 test ESMTP\r\n").await?;
    let (mut to, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.to_uppercase().as_str() {
            verb if verb.starts_with("EHLO") => "250-test\r\n250 8BITMIME".to_owned(),
            verb if verb.starts_with("RCPT TO:") => {
                to = line[8..].trim().trim_matches(['<', '>']).to_owned();
                "250 ok".to_owned()
            }
            verb if verb.starts_with("DATA") => {
                socket.write_all(b"354 go ahead\r\n").await?;
                take_mail(&mut socket, &to, desk).await?
            }
            verb if verb.starts_with("QUIT") => return socket.write_all(b"221 bye\r\n").await,
            _ => "250 ok".to_owned(),
        };
        socket.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// Reads a mail, and says what to answer. It counts as taken when it has come whole, whether or not
/// the sender lives to hear so.
async fn take_mail(
    socket: &mut BufReader<TcpStream>,
    to: &str,
    desk: &Desk<Mail>,
) -> std::io::Result<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n.\r\n") {
        if socket.read_line(&mut text).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    match desk.tried() {
        Behaviour::Takes => {
            desk.taken.lock().unwrap().push(Mail::read(to, &text));
            // A mail server that writes to a disk.
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok("250 taken".to_owned())
        }
        Behaviour::Refuses(code) => Ok(format!("{code} not now")),
        Behaviour::Hangs => std::future::pending().await,
    }
}

/// One HTTP request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Bytes,
}

/// An HTTP server.
pub(crate) struct HttpReceiver {
    address: String,
    desk: Arc<Desk<Request>>,
}

impl HttpReceiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let desk = Desk::new();
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&desk));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn now(&self, behaviour: Behaviour) {
        self.desk.now(behaviour);
    }

    /// Waits for so many requests in all that were answered by 200.
    pub(crate) async fn requests(&self, count: usize) -> Vec<Request> {
        self.desk.taken("requests", count).await
    }

    /// Waits until somebody has tried since it behaves as it does.
    pub(crate) async fn is_tried(&self) {
        self.desk.is_tried("an HTTP request").await;
    }
}

async fn receive(
    State(desk): State<Arc<Desk<Request>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    match desk.tried() {
        Behaviour::Takes => {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            let request = Request {
                path: uri.path().to_owned(),
                headers: headers.collect(),
                body,
            };
            desk.taken.lock().unwrap().push(request);
            StatusCode::OK
        }
        Behaviour::Refuses(status) => StatusCode::from_u16(status).unwrap(),
        Behaviour::Hangs => std::future::pending().await,
    }
}
