//! Are the streams and durables there, as the stages need them, and with room?

use async_nats::Client;
use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::{Info, StorageType};
use futures::TryStreamExt;
use settings::Pipeline;
use stage::jetstream::stored_partitions;
use stage::{ProvisionError, jetstream_context};
use topology::{FLOWS, STREAMS, StreamSpec};

use super::finding::Finding;

/// Percent of its limit at which a stream is nearly full.
const NEARLY_FULL: u64 = 80;

/// A stream as it was found, and the settings that it is held against.
struct Found<'p> {
    spec: &'p StreamSpec,
    info: Info,
    partitions: u16,
    missing: Vec<String>,
    clustered: bool,
    pipeline: &'p Pipeline,
}

/// One row for each stream of the pipeline, with its durables.
pub(super) async fn examine(client: Client, pipeline: Pipeline) -> Vec<Finding> {
    let context = jetstream_context(&client);
    let clustered = client.server_info().cluster.is_some();
    let mut findings = Vec::new();
    for spec in STREAMS.iter().filter(|spec| pipeline.has(spec.part)) {
        findings.push(one(&context, spec, clustered, &pipeline).await);
    }
    findings
}

fn row(spec: &StreamSpec) -> String {
    format!("stream {}", spec.name)
}

async fn one(
    context: &Context,
    spec: &StreamSpec,
    clustered: bool,
    pipeline: &Pipeline,
) -> Finding {
    let failed = |error: &dyn std::fmt::Display| {
        let fix = "look at nats-server's log; the user must be allowed to use $JS.API.>";
        Finding::failed_by(row(spec), error, fix)
    };
    let partitions = match stored_partitions(context, spec).await {
        Ok(Some(partitions)) => partitions,
        Ok(None) => {
            let fix = "nothing, if no stage has run yet: each makes it at its start; \
                       `latchwork provision` makes it now";
            return Finding::warning(row(spec), "is not there", fix);
        }
        // Its other words are those of somebody who makes streams.
        Err(ProvisionError::Refused { reason, .. }) => return failed(&reason),
        Err(error) => return failed(&error),
    };
    let stream = match context.get_stream(spec.name).await {
        Ok(stream) => stream,
        Err(error) => return failed(&error),
    };
    let names: Vec<String> = match stream.consumer_names().try_collect().await {
        Ok(names) => names,
        Err(error) => return failed(&error),
    };
    let missing = durables(spec, partitions, pipeline).filter(|name| !names.contains(name));
    judge(&Found {
        spec,
        info: stream.cached_info().clone(),
        partitions,
        missing: missing.collect(),
        clustered,
        pipeline,
    })
}

/// The durables that the flows of this pipeline read the stream with.
fn durables(
    spec: &StreamSpec,
    partitions: u16,
    pipeline: &Pipeline,
) -> impl Iterator<Item = String> {
    let readers = FLOWS
        .iter()
        .filter(|flow| pipeline.has(flow.part) && flow.source() == Some(*spec));
    let tokens = spec.token.all(partitions);
    readers.flat_map(move |flow| {
        let names: Vec<String> = tokens.iter().map(|token| flow.durable(token)).collect();
        names
    })
}

fn judge(found: &Found<'_>) -> Finding {
    let what = row(found.spec);
    let (config, state) = (&found.info.config, &found.info.state);
    let asked = found.pipeline.streams();
    if config.storage != StorageType::File {
        let fix = "drain the pipeline, delete the stream, and let `latchwork provision` make it";
        return Finding::failed(what, "is kept in memory, and lost with the server", fix);
    }
    if let Some(wanted) = asked
        .partitions
        .filter(|wanted| *wanted != found.partitions)
    {
        let detail = format!(
            "has {} partitions; {wanted} are asked for",
            found.partitions
        );
        let fix = format!("set partitions = {} in [streams]", found.partitions);
        return Finding::failed(what, detail, fix);
    }
    if !found.missing.is_empty() {
        let detail = format!("nobody reads it as {}", found.missing.join(", "));
        return Finding::failed(
            what,
            detail,
            "run `latchwork provision`, or start the stages again",
        );
    }
    let detail = figures(found);
    let full = u64::try_from(config.max_bytes)
        .ok()
        .filter(|limit| *limit > 0);
    if full.is_some_and(|limit| state.bytes.saturating_mul(100) / limit >= NEARLY_FULL) {
        let fix = "find out who does not read it (`latchwork status`), or raise its max_bytes in \
                   [streams]";
        return Finding::warning(what, format!("nearly full: {detail}"), fix);
    }
    if found.clustered && config.num_replicas == 1 {
        let fix = "set replicas = 3 in [streams]: one copy is lost with its disk";
        return Finding::warning(what, detail, fix);
    }
    Finding::ok(what, detail)
}

fn figures(found: &Found<'_>) -> String {
    let (config, state) = (&found.info.config, &found.info.state);
    let limit = match u64::try_from(config.max_bytes) {
        Ok(limit) if limit > 0 => format!("of {}", mebibytes(limit)),
        _ => "without a limit".to_owned(),
    };
    format!(
        "partitions {}, copies {}, {} messages, {} {limit}",
        found.partitions,
        config.num_replicas,
        state.messages,
        mebibytes(state.bytes),
    )
}

/// Bytes for people.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}
