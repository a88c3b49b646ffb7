//! Does JetStream sync every write, and how much may it store? Only the monitoring port of
//! nats-server tells.

use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use settings::Pipeline;

use super::finding::Finding;
use super::http::fetch;
use super::room;

const WHAT: &str = "JetStream sync";

/// nats-server's default.
const DEFAULT_INTERVAL: Duration = Duration::from_mins(2);

/// What `/varz` says that matters here.
#[derive(Deserialize)]
struct Varz {
    #[serde(default)]
    server_id: String,
    #[serde(default)]
    jetstream: JetStream,
}

#[derive(Default, Deserialize)]
struct JetStream {
    config: Option<Config>,
    #[serde(default)]
    stats: Stats,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    reserved_storage: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// Nanoseconds.
    sync_interval: u64,
    sync_always: bool,
    max_storage: i64,
}

/// Without a monitoring port it can't be seen, and the row says so.
pub(super) fn unseen() -> Finding {
    let detail = "can't be seen: NATS clients are not told whether writes are synced";
    let fix = "start nats-server with `-m 8222`, and name http://HOST:8222 with --nats-monitor";
    Finding::skipped(WHAT, detail).with_fix(fix)
}

/// Reads the setting, and how much may be stored, from `URL/varz`.
pub(super) async fn examine(client: Client, url: String, pipeline: Pipeline) -> Vec<Finding> {
    let copies = pipeline.streams().replicas.unwrap_or(1);
    let fix = "check --nats-monitor: the port is `http` (-m) in nats-server's configuration";
    let answered = match read(&url).await {
        Ok(varz) => varz,
        Err(reason) => return vec![Finding::failed(WHAT, reason, fix)],
    };
    let server = client.server_info();
    if server.cluster.is_none() && answered.server_id != server.server_id {
        let detail = format!("{url} is the monitoring of another server than --nats");
        return vec![Finding::failed(WHAT, detail, fix)];
    }
    let JetStream { config, stats } = answered.jetstream;
    let Some(config) = config else {
        let detail = format!("{url} knows of no JetStream");
        return vec![Finding::failed(WHAT, detail, fix)];
    };
    let mut findings = vec![judge(&config, copies)];
    if let Some(limit) = u64::try_from(config.max_storage)
        .ok()
        .filter(|limit| *limit > 0)
    {
        let reserved = stats.reserved_storage;
        findings.push(room::of_server(&client, &pipeline, limit, reserved).await);
    }
    findings
}

async fn read(url: &str) -> Result<Varz, String> {
    let address = format!("{}/varz", url.trim_end_matches('/'));
    let request = Request::get(&address).body(Full::<Bytes>::default());
    let request = request.map_err(|error| format!("{address}: {error}"))?;
    match fetch(request).await {
        Ok((StatusCode::OK, body)) => serde_json::from_slice(&body)
            .map_err(|error| format!("{address} is not nats-server's monitoring: {error}")),
        Ok((status, _)) => Err(format!("{address} answered {status}")),
        Err(reason) => Err(format!("{address}: {reason}")),
    }
}

fn judge(config: &Config, copies: usize) -> Finding {
    if config.sync_always {
        return Finding::ok(WHAT, "every write is on the disk before it is acknowledged");
    }
    let interval = match config.sync_interval {
        0 => DEFAULT_INTERVAL,
        nanos => Duration::from_nanos(nanos),
    };
    let fix =
        "write `sync_interval: always` into the jetstream block of nats-server's configuration";
    if copies >= 3 {
        let detail = format!(
            "synced every {interval:?}: a power cut at most of the {copies} copies at once loses \
             what was acknowledged since"
        );
        return Finding::warning(WHAT, detail, fix);
    }
    let detail =
        format!("synced every {interval:?}: a power cut loses what was acknowledged since");
    Finding::failed(WHAT, detail, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    /// Scenario: a server that syncs always, one with the default, one with three copies.
    /// Guarantee: ok; failed with the interval and the fix; a warning.
    #[test]
    fn the_interval_is_judged() {
        let config = |sync_always, sync_interval| Config {
            sync_interval,
            sync_always,
            ..Config::default()
        };
        assert_eq!(judge(&config(true, 0), 1).verdict, Verdict::Ok);
        let default = judge(&config(false, 0), 1);
        assert_eq!(default.verdict, Verdict::Failed);
        assert!(default.detail.contains("every 120s"), "{default:?}");
        assert!(default.fix.unwrap().contains("sync_interval: always"));
        assert_eq!(
            judge(&config(false, 1_000_000_000), 3).verdict,
            Verdict::Warning
        );
    }
}
