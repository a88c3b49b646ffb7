//! Publishing on a subject, and removing a message by its sequence.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{Context, GetStreamErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, StorageType};
use serde::Deserialize;
use serde_json::json;

use crate::error::{OpenError, Refusal};

/// Which write of a key is stored. Later writes of any key of the bucket have greater ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Revision(pub u64);

/// Stores one message; returns when it is on disk.
pub(crate) async fn publish(
    context: &Context,
    subject: String,
    message: PublishMessage,
) -> Result<PublishAck, Refusal> {
    Ok(context.send_publish(subject, message).await?.await?)
}

/// What became of a removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Removed {
    Now,
    /// It was not there any more.
    Before,
}

#[derive(Deserialize)]
struct Success {
    success: bool,
}

/// What nats-server calls a message that is not there, where it has no code for it: one that was
/// there, and one that never was (seen with nats-server 2.15.1).
const GONE: [&str; 2] = ["no message found", "stream store EOF"];

/// Removes one message. Its bytes are not overwritten: that costs eleven times as much (427 instead
/// of 4,920 a second with `sync_interval: always`), and the client library has no way without it.
pub(crate) async fn remove(
    context: &Context,
    stream: &str,
    sequence: u64,
) -> Result<Removed, String> {
    let request = json!({ "seq": sequence, "no_erase": true });
    let subject = format!("STREAM.MSG.DELETE.{stream}");
    let answer = context.request(subject, &request).await;
    match answer.map_err(|error| error.to_string())? {
        Response::Ok(Success { success: true }) => Ok(Removed::Now),
        Response::Ok(Success { success: false }) => Err("nats-server did not remove it".to_owned()),
        Response::Err { error } if is_gone(&error) => Ok(Removed::Before),
        Response::Err { error } => Err(error.to_string()),
    }
}

fn is_gone(error: &async_nats::jetstream::Error) -> bool {
    match error.error_code() {
        ErrorCode::SEQUENCE_NOT_FOUND => true,
        ErrorCode::STREAM_MESSAGE_DELETE_FAILED => {
            let text = error.to_string();
            GONE.iter().any(|gone| text.contains(gone))
        }
        _ => false,
    }
}

/// The configuration of a stream that must be there and outlive its server.
pub(crate) async fn look_at(
    context: &Context,
    stream: &str,
    what: &'static str,
) -> Result<Config, OpenError> {
    let found = match context.get_stream(stream).await {
        Ok(found) => found,
        Err(error) => {
            return Err(match error.kind() {
                GetStreamErrorKind::JetStream(cause) if cause.code() == 404 => {
                    OpenError::Missing(what)
                }
                _ => OpenError::Unavailable {
                    what,
                    reason: error.to_string(),
                },
            });
        }
    };
    let config = found.cached_info().config.clone();
    let why = if config.storage != StorageType::File {
        "it forgets all when NATS restarts"
    } else if !config.allow_direct {
        "its messages can't be read directly (allow_direct)"
    } else {
        return Ok(config);
    };
    Err(OpenError::Foreign { what, why })
}
