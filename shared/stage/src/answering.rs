//! Answers for whoever asks all processes of a stage something.

use async_nats::Client;
use bytes::Bytes;
use futures::StreamExt;
use tracing::debug;

use crate::error::ConnectError;

/// Answers each request at a subject for as long as this connection is there, over every reconnect:
/// one at a time, so that many who ask cost no more than one task. Every process that listens
/// answers.
pub(crate) async fn answer(
    client: Client,
    subject: &'static str,
    answer: impl Fn(usize) -> Bytes + Send + 'static,
) -> Result<(), ConnectError> {
    let subscribed = client.subscribe(subject).await;
    let mut asked = subscribed.map_err(|error| ConnectError::Refused {
        what: subject.to_owned(),
        reason: error.to_string(),
    })?;
    tokio::spawn(async move {
        while let Some(question) = asked.next().await {
            let Some(reply) = question.reply else {
                continue;
            };
            // It may be another server than when this began.
            let most_bytes = client.server_info().max_payload;
            if let Err(error) = client.publish(reply, answer(most_bytes)).await {
                debug!(%error, subject, "could not answer");
            }
        }
    });
    Ok(())
}
