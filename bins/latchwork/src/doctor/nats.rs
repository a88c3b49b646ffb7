//! Is NATS there, and may we use it?

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Client;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use record::MAX_FRAME_BYTES;
use stage::{ConnectError, NatsArgs, jetstream_context};

use super::examine::Examination;
use super::finding::Finding;

/// One connection that every test of NATS waits for, or the row that tells why there is none.
pub(super) type Connected = Shared<BoxFuture<'static, Result<Client, Arc<Finding>>>>;

/// Largest record that the edge lets in by default, with its frame around it. A server that takes
/// less works: the edge then refuses larger packets.
const LARGEST_MESSAGE: usize = 1_114_112;

/// Connects once for all tests.
pub(super) fn connect(args: NatsArgs) -> Connected {
    let connecting = async move {
        let connected = args.connect("doctor").await;
        connected.map_err(|error| Arc::new(unreachable(&error)))
    };
    connecting.boxed().shared()
}

fn unreachable(error: &ConnectError) -> Finding {
    if let ConnectError::Unreachable { url, reason } = error
        && reason.contains("authorization violation")
    {
        let detail = format!("nats-server at {url} refuses the login");
        let fix = "name a file with the user's credentials by --nats-creds, or a certificate by \
                   --nats-cert and --nats-key";
        return Finding::failed("NATS", detail, fix);
    }
    let fix = "start nats-server there, or name another with --nats";
    Finding::failed_by("NATS", error, fix)
}

/// A test over the connection; without one it is skipped, because the row `NATS` tells why.
pub(super) fn over<F>(
    connected: &Connected,
    name: &'static str,
    test: impl FnOnce(Client) -> F + Send + 'static,
) -> Examination
where
    F: Future<Output = Vec<Finding>> + Send,
{
    let connected = connected.clone();
    Examination::new(name, async move {
        match connected.await {
            Ok(client) => test(client).await,
            Err(_) => vec![Finding::skipped(name, "NATS can't be reached")],
        }
    })
}

/// The server, a round trip, and the size of messages.
pub(super) async fn reachable(connected: Connected) -> Vec<Finding> {
    let client = match connected.await {
        Ok(client) => client,
        Err(failed) => return vec![Finding::clone(&failed)],
    };
    let server = client.server_info();
    let cluster = server
        .cluster
        .map_or_else(String::new, |name| format!(" of cluster {name}"));
    let version = format!("nats-server {}{cluster}, JetStream is on", server.version);
    let reached = match round_trip(&client).await {
        Ok(time) => Finding::ok("NATS", format!("{version}; round trip {}", millis(time))),
        Err(reason) => Finding::failed(
            "NATS",
            format!("{version}, but does not answer: {reason}"),
            "allow the user to publish to $JS.API.> and to subscribe to _INBOX.>",
        ),
    };
    vec![reached, payload(server.max_payload)]
}

/// A question to JetStream and its answer.
async fn round_trip(client: &Client) -> Result<Duration, String> {
    let start = Instant::now();
    let asked = jetstream_context(client).query_account().await;
    asked
        .map(|_account| start.elapsed())
        .map_err(|error| error.to_string())
}

fn payload(limit: usize) -> Finding {
    let what = "NATS message size";
    let detail = format!("the server takes messages of up to {limit} bytes");
    if limit >= LARGEST_MESSAGE {
        Finding::ok(what, detail)
    } else if limit > MAX_FRAME_BYTES {
        let limited = format!("{detail}; the edge refuses MQTT packets that do not fit");
        Finding::ok(what, limited).with_fix("raise max_payload to 8MB for payloads of a megabyte")
    } else {
        Finding::warning(
            what,
            format!("{detail}, less than a full frame has"),
            "raise max_payload in nats-server's configuration to 8MB: small frames cost throughput",
        )
    }
}

/// Milliseconds with as many digits as they are worth.
pub(super) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
