//! The compose stack, brought up for real where docker is.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory;
use latchwork::mqtt_client::{ClientOptions, ReasonCode};
use serde_json::Value;
use settings::Pipeline;

use crate::clients::{connect, publish};
use crate::compose_stack::{ComposeStack, compose_config, docker, secured_config, tell};
use crate::crash::ONE_AT_A_TIME;
use crate::dead_letters::dead_letters;
use crate::fleet::{Fleet, Load};
use crate::kafka_log::{KafkaTail, everything, payload};
use crate::payloads::{command, command_topic, state, state_topic};
use crate::waiting::{soon, until};

/// The lock of the articles, and the number of its messages: with these, the payloads are theirs
/// byte for byte.
const LOCK: &str = "10083618796833171";
const NUMBER: u64 = 7_802_441_525_528_958;

/// Bytes of the largest image.
const LARGEST_IMAGE: u64 = 40_000_000;

/// Scenario: the compose file with every profile, as docker reads it.
/// Guarantee: no container has more rights or resources than it needs; each that stays has a health
/// check; ports are open to this machine only, and none but those at the ends of the road, the
/// pages and the mail catcher's.
#[tokio::test]
async fn every_container_is_confined() {
    let config = match compose_config().await {
        Ok(config) => config,
        Err(why) => return tell(&format!("skipped: {why}")),
    };
    assert_eq!(config["networks"]["backend"]["internal"], true);
    let services = config["services"].as_object().unwrap();
    for (name, service) in services {
        let is = |key: &str, wanted: Value| assert_eq!(service[key], wanted, "{key} of {name}");
        is("read_only", true.into());
        is("cap_drop", vec!["ALL"].into());
        is("security_opt", vec!["no-new-privileges:true"].into());
        is("privileged", Value::Null);
        is("cap_add", Value::Null);
        for key in ["mem_limit", "pids_limit"] {
            assert!(!service[key].is_null(), "{name} has no {key}");
        }
        // Kafka's image has a user of its own, which is not root.
        assert!(
            service["user"].is_string() || name == "kafka",
            "{name} has no user"
        );
        let stays = service["restart"] == "unless-stopped" && name != "simulate";
        assert_eq!(
            stays,
            service["healthcheck"].is_object(),
            "health of {name}"
        );
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "a port of {name}");
        }
    }
    let published =
        |(name, service): (&String, &Value)| service["ports"].is_array().then(|| name.clone());
    let published: Vec<String> = services.iter().filter_map(published).collect();
    let wanted = [
        "grafana",
        "jaeger",
        "kafka",
        "mail",
        "mqtt-edge",
        "prometheus",
    ];
    assert_eq!(published, wanted);
}

/// Scenario: the compose file with and without `secured.yaml` over it, as docker reads them.
/// Guarantee: the newcomer's edge listens on its plain ports, and lets anybody in; the secured one is
/// published with TLS alone, asks for users and rules from the mounted folder, and is as confined.
/// The edge knows every variable that it gets.
#[tokio::test]
async fn the_secured_edge_is_published_with_tls_alone() {
    let (plain, secured) = match (compose_config().await, secured_config().await) {
        (Ok(plain), Ok(secured)) => (plain, secured),
        (Err(why), _) | (_, Err(why)) => return tell(&format!("skipped: {why}")),
    };
    let [plain, secured] = [&plain, &secured].map(|config| &config["services"]["mqtt-edge"]);
    assert_eq!(ports(plain), [1883, 8083]);
    assert_eq!(ports(secured), [8084, 8883]);
    for port in secured["ports"].as_array().unwrap() {
        assert_eq!(port["host_ip"], "127.0.0.1");
    }
    for key in ["read_only", "cap_drop", "security_opt", "user", "mem_limit"] {
        assert_eq!(plain[key], secured[key], "{key}");
    }
    let variables = &secured["environment"];
    assert_eq!(plain["environment"]["LATCHWORK_ALLOW_ANONYMOUS"], "true");
    assert_eq!(variables["LATCHWORK_ALLOW_ANONYMOUS"], "false");
    let mounts = secured["volumes"].as_array().unwrap();
    let folder = mounts
        .iter()
        .find(|mount| mount["source"] == "/etc/edge-files");
    let folder = folder.expect("the folder is mounted");
    assert_eq!(folder["read_only"], true);
    for name in ["TLS_CERT", "TLS_KEY", "PASSWORD_FILE", "ACL_FILE"] {
        let file = variables[format!("LATCHWORK_{name}")].as_str().unwrap();
        assert!(
            file.starts_with(folder["target"].as_str().unwrap()),
            "{file}"
        );
    }
    let known = variables_of_the_edge();
    for name in variables.as_object().unwrap().keys() {
        assert!(known.contains(name), "mqtt-edge does not know {name}");
    }
}

/// Scenario: the compose file with and without `secured.yaml` over it, as docker reads them.
/// Guarantee: each stage, and the operator's command, has the folder of the pipeline and not its file
/// alone, so that a file that takes another's place, or a new one among the rules, is seen; it can't
/// write there, and its `--config` is a file of that folder, which is a pipeline.
#[tokio::test]
async fn every_stage_follows_the_folder_of_the_pipeline() {
    let (plain, secured) = match (compose_config().await, secured_config().await) {
        (Ok(plain), Ok(secured)) => (plain, secured),
        (Err(why), _) | (_, Err(why)) => return tell(&format!("skipped: {why}")),
    };
    let stages = topology::stages(|_| true);
    for (config, name) in [&plain, &secured]
        .into_iter()
        .flat_map(|config| stages.iter().map(move |stage| (config, *stage)))
        .chain([(&plain, "latchwork")])
    {
        let service = &config["services"][name];
        let file = service["environment"]["LATCHWORK_CONFIG"].as_str().unwrap();
        let (folder, file) = file.rsplit_once('/').unwrap();
        let mounts = service["volumes"].as_array().unwrap();
        let mount = mounts.iter().find(|mount| mount["target"] == folder);
        let mount = mount.unwrap_or_else(|| panic!("{name} has no {folder}"));
        assert_eq!(mount["type"], "bind", "{name}");
        assert_eq!(mount["read_only"], true, "{name}");
        let here = Path::new(mount["source"].as_str().unwrap());
        Pipeline::load(Some(&here.join(file))).unwrap();
    }
}

/// The ports in the container that are published.
fn ports(service: &Value) -> Vec<u64> {
    let ports = service["ports"].as_array().unwrap().iter();
    let mut ports: Vec<u64> = ports.map(|port| port["target"].as_u64().unwrap()).collect();
    ports.sort_unstable();
    ports
}

/// Of its options, and of those whom it asks by themselves.
fn variables_of_the_edge() -> BTreeSet<String> {
    let cli = latchwork::Cli::command();
    let stage = cli.find_subcommand("stage").unwrap();
    let edge = stage.find_subcommand("mqtt-edge").unwrap();
    let options = edge.get_arguments().filter_map(|option| option.get_env());
    let names = options.map(|name| name.to_str().unwrap().to_owned());
    names.chain(["RUST_LOG".to_owned()]).collect()
}

/// Scenario: a newcomer brings the stack up; the lock of the articles publishes its state and gets
/// a command. Then 20 locks publish while transform is scaled to three replicas, kafka-sink and
/// audit-notifier to two, and one of the three is killed for good.
/// Guarantee: the images are small and have no shell. Both messages are in Kafka, byte for byte. Of
/// the load nothing acknowledged is lost, the order of each lock holds, and what breaks its contract
/// is a dead letter; repeats are at most what was on its way when the one was killed.
#[tokio::test]
async fn the_stack_carries_and_scales() {
    let _turn = ONE_AT_A_TIME.acquire().await.unwrap();
    let stack = match ComposeStack::start().await {
        Ok(stack) => stack,
        Err(why) => return tell(&format!("skipped: {why}")),
    };
    the_images_are_small_and_have_no_shell().await;
    the_messages_of_the_articles_arrive(&stack).await;

    let mut fleet = Fleet::start(stack.mqtt(), "10083618797", Load::LONG);
    fleet.acknowledges(500).await;
    let scales = [
        "--no-recreate",
        "--scale",
        "transform=3",
        "--scale",
        "kafka-sink=2",
        "--scale",
        "audit-notifier=2",
    ];
    stack.up(&scales).await;
    assert_eq!(stack.running("transform").await, 3);
    assert_eq!(stack.running("kafka-sink").await, 2);
    assert_eq!(stack.running("audit-notifier").await, 2);
    fleet.acknowledges(500).await;
    stack.kill("transform", 2).await;
    assert_eq!(stack.running("transform").await, 2);
    fleet.acknowledges(500).await;
    fleet.enough();
    let mut ledger = fleet.finish().await;

    drained(&stack).await;
    let stored = everything(&stack.kafka(), "message_state").await;
    let of_the_fleet: Vec<_> = stored
        .into_iter()
        .filter(|record| record.key.as_deref() != Some(LOCK.as_bytes()))
        .collect();
    ledger.book_stored(&of_the_fleet);
    ledger.book_dead(&dead_letters(&jetstream(&stack).await, "transform").await);
    let repeats = ledger.assert_whole();
    tell(&format!("{repeats:?}"));
    let in_a_second = usize::try_from(Load::LONG.per_second()).unwrap();
    assert!(repeats.recognisable <= in_a_second, "{repeats:?}");
    assert_eq!(repeats.republished, 0, "{repeats:?}");
}

async fn the_images_are_small_and_have_no_shell() {
    let config = compose_config().await.unwrap();
    let images = [
        "mqtt-edge",
        "transform",
        "kafka-sink",
        "audit-notifier",
        "command-keys",
    ]
    .map(|service| config["services"][service]["image"].as_str().unwrap());
    for image in images {
        let size = docker(&["image", "inspect", "--format", "{{.Size}}", image]).await;
        let size: u64 = size.unwrap().trim().parse().unwrap();
        assert!(size < LARGEST_IMAGE, "{image} has {size} bytes");
        for shell in ["/bin/sh", "/bin/bash", "/busybox/sh"] {
            let run = [
                "run",
                "--rm",
                "--network",
                "none",
                "--entrypoint",
                shell,
                image,
            ];
            let why = docker(&run).await.expect_err(shell);
            assert!(why.contains("no such file"), "{image}: {why}");
        }
    }
}

async fn the_messages_of_the_articles_arrive(stack: &ComposeStack) {
    let (lock, mut incoming) = connect(&ClientOptions::new(stack.mqtt(), LOCK)).await;
    soon("SUBACK", lock.subscribe([command_topic(LOCK)]))
        .await
        .unwrap();
    let (app, _) = connect(&ClientOptions::new(stack.mqtt(), "app-1")).await;
    let (said, ordered) = (state(LOCK, NUMBER), command(NUMBER));
    let reason = publish(&lock, state_topic(LOCK), said.clone()).await;
    assert_eq!(reason, ReasonCode::SUCCESS);
    let reason = publish(&app, command_topic(LOCK), ordered.clone()).await;
    assert_eq!(reason, ReasonCode::SUCCESS);
    let obeyed = soon("the command", incoming.next()).await.unwrap();
    assert_eq!(obeyed.payload, ordered);
    for (topic, sent) in [("message_state", said), ("message_command", ordered)] {
        let mut tail = KafkaTail::from_beginning(&stack.kafka(), &[topic]).await;
        let record = &tail.records(1).await[0];
        assert_eq!(record.key.as_deref(), Some(LOCK.as_bytes()));
        assert_eq!(payload(record), sent.as_bytes());
    }
}

/// Waits until everything taken is in Kafka or dead.
async fn drained(stack: &ComposeStack) {
    let context = jetstream(stack).await;
    until("UP and REC to run empty", async || {
        let mut waiting = 0;
        for name in ["UP", "REC"] {
            let stream = context.get_stream(name).await.unwrap();
            waiting += stream.cached_info().state.messages;
        }
        waiting == 0
    })
    .await;
}

async fn jetstream(stack: &ComposeStack) -> async_nats::jetstream::Context {
    let client = soon("NATS to accept", async_nats::connect(stack.nats_url())).await;
    stage::jetstream_context(&client.unwrap())
}
