//! Has JetStream room for what the streams may hold?

use std::collections::HashSet;

use async_nats::Client;
use async_nats::jetstream::account::Account;
use futures::TryStreamExt;
use settings::Pipeline;
use stage::jetstream::StreamSettings;
use stage::jetstream_context;
use topology::STREAMS;

use super::finding::Finding;
use super::streams::mebibytes;

const WHAT: &str = "JetStream room";

/// Compares what the streams may fill with what the account may.
pub(super) async fn examine(client: Client, pipeline: Pipeline) -> Vec<Finding> {
    vec![match ask(&client, &pipeline).await {
        Ok((account, to_make)) => judge(&account, to_make),
        Err(error) => {
            let fix = "allow the user $JS.API.INFO, and look at nats-server's log";
            Finding::failed_by(WHAT, error, fix)
        }
    }]
}

/// The account, and the bytes that streams which are not there yet will reserve.
async fn ask(client: &Client, pipeline: &Pipeline) -> anyhow::Result<(Account, u64)> {
    let context = jetstream_context(client);
    let account = context.query_account().await?;
    let made: HashSet<String> = context.stream_names().try_collect().await?;
    Ok((account, to_make(&made, pipeline)))
}

/// Compares what the streams may fill with the server's `max_file_store`.
pub(super) async fn of_server(
    client: &Client,
    pipeline: &Pipeline,
    limit: u64,
    reserved: u64,
) -> Finding {
    let what = "JetStream store";
    let to_make = match ask(client, pipeline).await {
        // One server has at most one copy of each.
        Ok((_, to_make)) => to_make / pipeline.streams().replicas.unwrap_or(1).max(1) as u64,
        Err(error) => return Finding::failed_by(what, error, "look at nats-server's log"),
    };
    let detail = format!(
        "{} reserved, {} still to be reserved, of {} (max_file_store)",
        mebibytes(reserved),
        mebibytes(to_make),
        mebibytes(limit)
    );
    if reserved.saturating_add(to_make) > limit {
        let fix = "lower the sizes in [streams], or raise max_file_store (by default it is three \
                   quarters of the free disk): the stages can't make their streams";
        return Finding::failed(what, detail, fix);
    }
    Finding::ok(what, detail)
}

/// Bytes that the streams which are not there yet will reserve.
fn to_make(made: &HashSet<String>, pipeline: &Pipeline) -> u64 {
    let settings = StreamSettings::from(pipeline);
    let copies = settings.replicas.unwrap_or(1) as u64;
    let missing = STREAMS
        .iter()
        .filter(|spec| pipeline.has(spec.part) && !made.contains(spec.name));
    let bytes = missing.map(|spec| {
        let set = settings
            .max_bytes
            .iter()
            .find(|(name, _)| *name == spec.name);
        let limit = set.map_or(spec.max_bytes, |(_, bytes)| *bytes);
        // Without a limit nothing is reserved.
        u64::try_from(limit).unwrap_or(0)
    });
    bytes.sum::<u64>() * copies
}

fn judge(account: &Account, to_make: u64) -> Finding {
    let (used, reserved) = (account.storage, account.reserved_storage);
    let held = format!("{} used, {} reserved", mebibytes(used), mebibytes(reserved));
    let limit = account
        .limits
        .max_storage
        .and_then(|limit| u64::try_from(limit).ok());
    let Some(limit) = limit else {
        let detail = format!(
            "{held}, {} still to be reserved; the account has no limit, so max_file_store and the \
             server's disk decide",
            mebibytes(to_make)
        );
        return Finding::ok(WHAT, detail);
    };
    let detail = format!("{held}, of {}", mebibytes(limit));
    if reserved.saturating_add(to_make) > limit {
        let detail = format!("{detail}; {} are still to be reserved", mebibytes(to_make));
        let fix = "lower the sizes in [streams], or raise the account's max_file";
        return Finding::failed(WHAT, detail, fix);
    }
    Finding::ok(WHAT, detail)
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::account::Limits;

    use super::*;
    use crate::doctor::finding::Verdict;

    /// Scenario: an account without a limit, with enough room, and with too little.
    /// Guarantee: only the last has failed, and its row says how much is missing.
    #[test]
    fn too_little_room_fails() {
        let account = |max_storage| Account {
            reserved_storage: 1 << 30,
            limits: Limits {
                max_storage,
                ..Limits::default()
            },
            ..Account::default()
        };
        assert_eq!(judge(&account(None), 1 << 40).verdict, Verdict::Ok);
        assert_eq!(judge(&account(Some(1 << 31)), 1 << 30).verdict, Verdict::Ok);
        let tight = judge(&account(Some(1 << 31)), (1 << 30) + 1);
        assert_eq!(tight.verdict, Verdict::Failed);
        assert!(tight.detail.contains("1025 MiB are still"), "{tight:?}");
    }

    /// Scenario: nothing is there yet; one stream is; the pipeline file asks for three small copies.
    /// Guarantee: what is still to be made counts, with its copies.
    #[test]
    fn what_is_not_there_is_counted() {
        let built_in = Pipeline::load(None).unwrap();
        let nothing = HashSet::new();
        // UP and REC of 4 GiB, DLQ and DOWN of one, PUB of a quarter.
        assert_eq!(to_make(&nothing, &built_in), (10 << 30) + (256 << 20));
        let up = HashSet::from(["UP".to_owned()]);
        assert_eq!(to_make(&up, &built_in), (6 << 30) + (256 << 20));
        let text = "[streams]\nreplicas = 3\nup_max_bytes = \"1MiB\"\nrec_max_bytes = \"1MiB\"\n\
                    dlq_max_bytes = \"1MiB\"\ndown_max_bytes = \"1MiB\"\npub_max_bytes = \"1MiB\"\n";
        let small = Pipeline::read(std::path::Path::new("small.toml"), text).unwrap();
        assert_eq!(to_make(&nothing, &small), 15 << 20);
    }
}
