//! An HTTP server that records requests and answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use tokio::sync::mpsc::{Receiver, Sender, channel};

#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }
}

pub(crate) enum Answer {
    Status(u16),
    Headers(u16, &'static [(&'static str, &'static str)]),
    Text(u16, String),
    /// A body without end.
    Endless(u16),
    /// Never.
    Hang,
}

pub(crate) struct HttpReceiver {
    pub(crate) url: String,
    pub(crate) requests: Receiver<Received>,
}

struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    requests: Sender<Received>,
}

impl HttpReceiver {
    /// Answers in this order, then 200.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts?site=7", listener.local_addr().unwrap());
        let (sender, requests) = channel(100);
        let shared = Arc::new(Shared {
            answers: Mutex::new(answers.into_iter().collect()),
            requests: sender,
        });
        let router = Router::new().fallback(receive).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests }
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = shared.answers.lock().unwrap().pop_front();
    shared
        .requests
        .try_send(Received {
            method,
            uri,
            headers,
            body,
        })
        .unwrap();
    let (status, headers, body): (u16, &[(&str, &str)], Body) = match answer {
        None => (200, &[], Body::empty()),
        Some(Answer::Status(status)) => (status, &[], Body::empty()),
        Some(Answer::Headers(status, headers)) => (status, headers, Body::empty()),
        Some(Answer::Text(status, text)) => (status, &[], Body::from(text)),
        Some(Answer::Endless(status)) => (status, &[], endless()),
        Some(Answer::Hang) => std::future::pending().await,
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

fn endless() -> Body {
    let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 16 * 1024]));
    Body::from_stream(futures::stream::repeat_with(chunk))
}
