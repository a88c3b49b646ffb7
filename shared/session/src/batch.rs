//! Reading many messages of a stream with one request (direct get in batches, ADR-31).
//!
//! The client library asks for one message a request. Here one request is answered by many
//! messages on an inbox, and an end marker.

use std::time::Duration;

use async_nats::header::{self, HeaderMap};
use async_nats::{Client, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;

/// A server that is there answers within this time; each message counts anew.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The end of an answer has this status.
const END: u16 = 204;

/// How many messages of this filter come behind the last one.
const PENDING: &str = "Nats-Num-Pending";

/// Sequence of the message before, of the same answer; 0 for the first.
const LAST: &str = "Nats-Last-Sequence";

/// A message as the stream has it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) subject: Subject,
    pub(crate) sequence: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'w> {
    pub(crate) stream: &'w str,
    /// A subject, with wildcards or without.
    pub(crate) filter: &'w str,
    /// The first sequence that is wanted.
    pub(crate) from: u64,
    /// Most messages.
    pub(crate) limit: usize,
}

/// Messages of one answer, and whether there are more.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) found: Vec<Found>,
    pub(crate) more: bool,
}

/// Reads up to so many messages in the order of their sequences. In a cluster any copy of the
/// stream answers, and one that lags has not the newest yet.
pub(crate) async fn read(client: &Client, wanted: Wanted<'_>) -> Result<Batch, String> {
    let inbox = client.new_inbox();
    let mut answers = client
        .subscribe(inbox.clone())
        .await
        .map_err(|error| error.to_string())?;
    let request = json!({
        "seq": wanted.from.max(1),
        "next_by_subj": wanted.filter,
        "batch": wanted.limit,
    });
    let subject = format!("$JS.API.DIRECT.GET.{}", wanted.stream);
    let sent = client
        .publish_with_reply(subject, inbox, request.to_string().into())
        .await;
    sent.map_err(|error| error.to_string())?;
    collect(&mut answers).await
}

/// The answers up to their end. A gap, as a reconnect can tear, is an error: nothing is left out.
async fn collect(answers: &mut Subscriber) -> Result<Batch, String> {
    let mut batch = Batch::default();
    let mut last = 0;
    loop {
        let answer = tokio::time::timeout(ANSWER_WITHIN, answers.next()).await;
        let answer = match answer {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err("the connection is closed".to_owned()),
            Err(_) => return Err("nats-server has not answered".to_owned()),
        };
        match answer.status.map(|status| status.as_u16()) {
            None => {}
            Some(END) => {
                if number(&answer, LAST) != Some(last) {
                    return Err("a part of the answer is lost".to_owned());
                }
                batch.more = number(&answer, PENDING).is_some_and(|pending| pending > 0);
                return Ok(batch);
            }
            Some(code) if code == StatusCode::NOT_FOUND.as_u16() => return Ok(batch),
            Some(code) => {
                let words = answer.description.as_deref().unwrap_or_default();
                return Err(format!("nats-server answers {code} {words}"));
            }
        }
        if number(&answer, LAST) != Some(last) {
            return Err("a part of the answer is lost".to_owned());
        }
        let found = found(answer).ok_or("an answer is no stored message")?;
        last = found.sequence;
        batch.found.push(found);
    }
}

fn found(answer: Message) -> Option<Found> {
    let headers = answer.headers?;
    let subject = headers.get_last(header::NATS_SUBJECT)?.as_str().into();
    let sequence = headers.get_last(header::NATS_SEQUENCE)?;
    let sequence = sequence.as_str().parse().ok()?;
    Some(Found {
        subject,
        sequence,
        headers,
        payload: answer.payload,
    })
}

fn number(answer: &Message, name: &str) -> Option<u64> {
    let value = answer.headers.as_ref()?.get_last(name)?;
    value.as_str().parse().ok()
}
