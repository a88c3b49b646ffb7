//! Is what outlives an MQTT connection kept as it should be?

use async_nats::Client;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{Context, GetStreamErrorKind};
use async_nats::jetstream::stream::{Info, StorageType};
use stage::jetstream_context;
use topology::{RETAINED_BUCKET, SESSION_BUCKET};

use super::finding::Finding;
use super::streams::mebibytes;

/// One row for the sessions, one for the retained messages.
pub(super) async fn examine(client: Client) -> Vec<Finding> {
    let context = jetstream_context(&client);
    let clustered = client.server_info().cluster.is_some();
    let sessions = one(&context, SESSION_BUCKET, clustered);
    let retained = one(&context, RETAINED_BUCKET, clustered);
    let (sessions, retained) = futures::join!(sessions, retained);
    vec![sessions, retained]
}

async fn one(context: &Context, bucket: &str, clustered: bool) -> Finding {
    let what = format!("bucket {bucket}");
    match context.get_stream(format!("KV_{bucket}")).await {
        Ok(stream) => judge(what, stream.cached_info(), clustered),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(told)
                if told.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                let fix = "nothing, if no stage has run yet: each makes it at its start; \
                           `latchwork provision` makes it now";
                Finding::warning(what, "is not there", fix)
            }
            _ => {
                let fix = "look at nats-server's log; the user must be allowed to use $JS.API.>";
                Finding::failed(what, error.to_string(), fix)
            }
        },
    }
}

fn judge(what: String, info: &Info, clustered: bool) -> Finding {
    if info.config.storage != StorageType::File {
        let fix = "stop the edges, delete the bucket, and let `latchwork provision` make it";
        return Finding::failed(what, "is kept in memory, and lost with the server", fix);
    }
    let detail = format!(
        "copies {}, {} entries, {}",
        info.config.num_replicas,
        info.state.messages,
        mebibytes(info.state.bytes),
    );
    if clustered && info.config.num_replicas == 1 {
        let fix = "set replicas = 3 in [streams]: one copy is lost with its disk";
        return Finding::warning(what, detail, fix);
    }
    Finding::ok(what, detail)
}
