//! `latchwork status`: what the rules did, over all replicas of transform.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use stage::lease::LEASE_BUCKET;
use tokio::task::JoinSet;
use topology::{TRANSFORM, UP};

use crate::clients::{connect, publish};
use crate::replica::{Replica, share};
use crate::run_command::latchwork;
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

/// Where the processes of transform are asked.
const RULES_ADDRESS: &str = "latchwork.replica.rules";

/// How often a replica renews its keys.
const RENEW_EVERY: Duration = Duration::from_millis(750);

const CLIENTS: u32 = 20;
const EACH: u32 = 5;

/// A rule that always passes, one that passes sometimes and one of whose actions fails sometimes, one
/// that fails sometimes, and one in shadow. Nobody reads REC.
const PIPELINE: &str = r#"
[streams]
partitions = 2
[[rule]]
name = "guide"
sql = 'SELECT payload.temp as temp FROM "sensors/+"'
[[rule.action]]
kafka = { topic = "it-status-rules", value = "${temp}" }
[[rule]]
name = "hot"
on_failure = "ignore"
sql = 'SELECT * FROM "sensors/+" WHERE payload.temp > 60'
[[rule.action]]
kafka = { topic = "it-status-rules-${payload.room}" }
[[rule.action]]
kafka = { topic = "it-status-rules" }
[[rule]]
name = "loud"
on_failure = "ignore"
sql = 'SELECT upper(payload.room) as room FROM "sensors/+"'
[[rule.action]]
kafka = { topic = "it-status-rules" }
[[rule]]
name = "dark"
shadow = true
sql = 'SELECT * FROM "sensors/+"'
[[rule.action]]
kafka = { topic = "it-status-rules" }
"#;

/// Every third message has no room.
fn payload(number: u32) -> String {
    if number.is_multiple_of(3) {
        format!("{{\"temp\":{number}}}")
    } else {
        format!("{{\"temp\":{number},\"room\":\"a\"}}")
    }
}

/// An edge, and replicas of transform that the test starts.
async fn bed() -> Testbed {
    let setup = Setup::new().stages(&["mqtt-edge"]);
    setup.pipeline(PIPELINE).start().await
}

fn transform(bed: &Testbed, pipeline: &str) -> Replica {
    Replica::start(bed, "transform", Some(pipeline), &[])
}

/// All clients publish; returns when transform has done with it.
async fn publish_all(bed: &Testbed) {
    for client in 0..CLIENTS {
        let (client_id, begin) = (format!("sensor-{client}"), client * EACH);
        let (sensor, _) = connect(&bed.client(&client_id)).await;
        for number in begin..begin + EACH {
            publish(&sensor, format!("sensors/{client}"), payload(number)).await;
        }
    }
    let context = bed.jetstream().await;
    until("UP to run empty", async || {
        let stream = context.get_stream(UP.name).await;
        stream.is_ok_and(|stream| stream.cached_info().state.messages == 0)
    })
    .await;
}

/// What `status` tells, as JSON.
async fn status(bed: &Testbed) -> Value {
    let outcome = latchwork(&["status", "--json", "--nats", bed.nats_url()]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// What it tells of the rules when these messages were handled while it did not look.
fn expected() -> Value {
    let count = |wanted: fn(&u32) -> bool| (0..CLIENTS * EACH).filter(wanted).count();
    let all = count(|_| true);
    let no_room = count(|number| number.is_multiple_of(3));
    let hot = count(|number| *number > 60);
    let hot_no_room = count(|number| *number > 60 && number.is_multiple_of(3));
    let rule = |name: &str, shadow, [passed, exception, no_result]: [usize; 3], actions: Value| {
        json!({
            "name": name, "shadow": shadow, "matched": all, "passed": passed,
            "failed": exception + no_result, "failed.exception": exception,
            "failed.no_result": no_result, "matched_per_s": 0.0, "actions": actions,
        })
    };
    let action = |name: &str, success: usize, failed: usize, dropped: usize| {
        json!({
            "name": name, "matched": success + failed + dropped, "success": success,
            "failed": failed, "dropped": dropped, "rate": 0.0,
        })
    };
    let hot_actions = json!([
        action("1:kafka", hot - hot_no_room, hot_no_room, 0),
        action("2:kafka", hot, 0, 0)
    ]);
    let one = |success, dropped| json!([action("1:kafka", success, 0, dropped)]);
    let quiet = no_room;
    json!([
        rule("guide", false, [all, 0, 0], one(all, 0)),
        rule("hot", false, [hot, 0, all - hot], hot_actions),
        rule("loud", false, [all - quiet, quiet, 0], one(all - quiet, 0)),
        rule("dark", true, [all, 0, 0], one(0, all)),
    ])
}

fn texts(shown: &Value) -> Vec<&str> {
    let remarks = shown["remarks"].as_array().unwrap().iter();
    remarks
        .map(|remark| remark["text"].as_str().unwrap())
        .collect()
}

/// Scenario: two replicas of transform share two partitions; a hundred messages of twenty clients go
/// through four rules; then nats-server is killed and comes back without the leases.
/// Guarantee: both replicas had a part, and the counts are the sums, exactly, under EMQX's names; the
/// table has a line for each rule and action; both answer on their new connections.
#[tokio::test]
async fn counts_are_those_of_all_replicas() {
    let bed = bed().await;
    let replicas = [transform(&bed, PIPELINE), transform(&bed, PIPELINE)];
    let shares = [(&replicas[0], 1), (&replicas[1], 1)];
    share(&bed, TRANSFORM.name, &shares).await;
    publish_all(&bed).await;
    let shown = status(&bed).await;
    assert_eq!(shown["rules"], expected(), "{shown:#}");
    assert_eq!(shown["rules_versions"][0]["replicas"], 2, "{shown:#}");
    // What grew before the first look is old.
    let texts = texts(&shown);
    assert!(
        !texts.iter().any(|text| text.starts_with("transform: ")),
        "{texts:?}"
    );
    both_had_a_part(&shown);
    the_table_has_them(&bed, &shown).await;

    bed.kill("nats-server").await;
    share(&bed, TRANSFORM.name, &shares).await;
    until("the same counts over new connections", async || {
        status(&bed).await["rules"] == expected()
    })
    .await;
}

fn both_had_a_part(shown: &Value) {
    let rows = shown["replicas"].as_array().unwrap().iter();
    let transforms = rows.filter(|row| row["flow"] == TRANSFORM.name);
    let taken: Vec<u64> = transforms
        .map(|row| row["counts"]["taken"].as_u64().unwrap())
        .collect();
    assert!(
        taken.len() == 2 && taken.iter().all(|taken| *taken > 0),
        "{taken:?}"
    );
}

async fn the_table_has_them(bed: &Testbed, shown: &Value) {
    let table = latchwork(&["status", "--nats", bed.nats_url()])
        .await
        .stdout;
    let version = shown["rules_versions"][0]["version"].as_str().unwrap();
    assert!(
        table.contains(&format!("\nRULES version {version}\n")),
        "{table}"
    );
    let dark = table.lines().find(|line| line.starts_with("dark "));
    assert!(dark.unwrap().ends_with("shadow"), "{table}");
    let hot = table.lines().find(|line| line.starts_with("hot/1:kafka "));
    let cells: Vec<&str> = hot.unwrap().split_whitespace().collect();
    assert_eq!(cells, ["hot/1:kafka", "26", "13", "0", "0"], "{table}");
}

/// Scenario: no transform runs; then two that follow different files, and one of an older build, whose
/// answer can't be read.
/// Guarantee: without transform there is no word of rules; later both versions are told and named in a
/// warning, rules that nothing was counted of are there, and the older build is no error.
#[tokio::test]
async fn replicas_of_other_versions() {
    let bed = bed().await;
    let none = latchwork(&["status", "--nats", bed.nats_url()]).await;
    assert_eq!(none.code, Some(0), "{none:#?}");
    assert!(!none.stdout.contains("RULE"), "{none:#?}");
    let one = transform(&bed, PIPELINE);
    share(&bed, TRANSFORM.name, &[(&one, 2)]).await;
    let changed = PIPELINE.replace("\"dark\"", "\"black\"");
    let other = transform(&bed, &changed);
    share(&bed, TRANSFORM.name, &[(&one, 1), (&other, 1)]).await;
    let _old = OldBuild::start(&bed).await;
    let shown = status(&bed).await;
    let rules = shown["rules"].as_array().unwrap().iter();
    let mut names: Vec<&str> = rules.map(|rule| rule["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["black", "dark", "guide", "hot", "loud"]);
    assert_eq!(
        shown["rules_versions"].as_array().unwrap().len(),
        2,
        "{shown:#}"
    );
    let rows = shown["replicas"].as_array().unwrap().iter();
    let mut ids = rows.map(|row| row["id"].as_str().unwrap());
    assert!(ids.any(|id| id == OldBuild::ID), "{shown:#}");
    let texts = texts(&shown);
    let named = "transform: replicas follow different versions: ";
    assert!(
        texts.iter().any(|text| text.starts_with(named)),
        "{texts:?}"
    );
}

/// A replica of transform as an older program would be: it renews its key, and knows of no rules.
struct OldBuild {
    _at_work: JoinSet<()>,
}

impl OldBuild {
    const ID: &str = "old-00000000";

    async fn start(bed: &Testbed) -> Self {
        let context = bed.jetstream().await;
        let (client, store) = (context.client(), context.get_key_value(LEASE_BUCKET).await);
        let store = store.unwrap();
        let key = format!("replica.{}.{}", TRANSFORM.name, Self::ID);
        let about = json!({
            "host": "old", "pid": 1, "version": "0.0.1", "started_ms": 0,
            "counts": {"taken": 0, "stored": 0, "dead_letters": 0, "retries": 0, "in_flight": 0},
        });
        let about = about.to_string();
        store.put(&key, about.clone().into()).await.unwrap();
        let mut asked = client.subscribe(RULES_ADDRESS).await.unwrap();
        client.flush().await.unwrap();
        let mut at_work = JoinSet::new();
        at_work.spawn(async move {
            let mut ticks = tokio::time::interval(RENEW_EVERY);
            loop {
                ticks.tick().await;
                store.put(&key, about.clone().into()).await.ok();
            }
        });
        at_work.spawn(async move {
            while let Some(question) = asked.next().await {
                if let Some(reply) = question.reply {
                    client.publish(reply, "here".into()).await.ok();
                }
            }
        });
        Self { _at_work: at_work }
    }
}
