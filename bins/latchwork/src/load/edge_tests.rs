//! The load against a real edge with a real nats-server.

use std::time::Duration;

use clap::Parser;
use rmqtt_codec::types::QoS;
use servers::{NatsOptions, NatsServer, free_port};
use tokio_util::sync::CancellationToken;

use super::{LoadReport, LoadSettings, NamedProcess, run};
use crate::mqtt_client::Version;

/// 500 messages a second from 10 clients for a second.
fn settings(port: u16) -> LoadSettings {
    LoadSettings {
        clients: 10,
        rate: 500,
        warmup: Duration::from_millis(100),
        duration: Duration::from_secs(1),
        ..LoadSettings::new(format!("127.0.0.1:{port}"))
    }
}

async fn load(settings: LoadSettings) -> LoadReport {
    let load = run(settings, CancellationToken::new(), |_| {});
    let load = tokio::time::timeout(Duration::from_mins(1), load);
    load.await.expect("it never ended").unwrap()
}

/// Each `QoS` in each version.
async fn every_qos(port: u16) {
    for version in [Version::V311, Version::V5] {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            let report = load(LoadSettings {
                version,
                qos,
                ..settings(port)
            })
            .await;
            let audit = report.audit;
            assert_eq!((audit.sent, audit.acknowledged), (550, 550), "{report}");
            assert_eq!(
                (audit.refused, audit.broken_connections),
                (0, 0),
                "{report}"
            );
            let measured = if qos == QoS::AtMostOnce { 0 } else { 500 };
            assert_eq!(report.publish_to_puback.count, measured, "{report}");
            let json = serde_json::to_value(&report).unwrap();
            assert_eq!(json["conditions"]["qos"], qos.value());
            assert!(json["accepted_per_s"].as_f64().unwrap() > 400.0, "{json}");
        }
    }
}

/// 300 idle connections, without and with a subscription.
async fn idle(port: u16) {
    for (version, idle_subscribe) in [(Version::V311, false), (Version::V5, true)] {
        let report = load(LoadSettings {
            version,
            idle: 300,
            idle_subscribe,
            processes: vec![NamedProcess {
                name: "edge".to_owned(),
                pid: std::process::id(),
            }],
            ..settings(port)
        })
        .await;
        let idle = report.idle.as_ref().unwrap();
        assert_eq!((idle.connections, idle.handshake.count), (300, 300));
        assert_eq!((idle.failed_attempts, idle.gone), (0, 0), "{report}");
        assert!(idle.handshakes_per_s > 0.0 && idle.memory.len() == 1);
        assert!(report.to_string().contains("bytes per idle connection"));
        assert_eq!(report.audit.acknowledged, 550);
    }
}

/// 20 hostile connections in both versions.
async fn hostile(port: u16) {
    for version in [Version::V311, Version::V5] {
        let report = load(LoadSettings {
            version,
            hostile: 20,
            hostile_rate: 20,
            duration: Duration::from_secs(2),
            slice: Duration::from_millis(500),
            ..settings(port)
        })
        .await;
        let hostile = report.hostile.as_ref().unwrap();
        assert!(hostile.left_open.is_empty(), "{report}");
        assert_eq!(hostile.unreachable, 0, "{report}");
        // A second of hostile slices allows 400; a slow machine makes fewer.
        assert!((20..=440).contains(&hostile.attempts), "{report}");
        assert_eq!(hostile.closed, hostile.attempts, "{report}");
        // An eighth of each of the two slices is not compared.
        assert!(hostile.quiet.count.abs_diff(437) < 10, "{report}");
        assert!(hostile.hostile.count.abs_diff(437) < 10, "{report}");
        assert!(hostile.p99_ratio_of_pairs.is_some());
        assert_eq!(report.audit.broken_connections, 0, "{report}");
        assert!(report.to_string().contains("hostile to quiet: p50"));
    }
}

/// Scenario: an edge takes loads of every `QoS` in both versions, then idle and then hostile
/// connections besides.
/// Guarantee: every message is acknowledged once in the way of its `QoS`; idle connections stay and
/// are measured; each malformed packet closes its own connection and no other, and the slices have
/// their messages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_takes_every_kind_of_load() {
    let folder = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(NatsOptions::new(folder.path()))
        .await
        .unwrap();
    let port = free_port().unwrap();
    let (nats_url, address) = (nats.url(), format!("127.0.0.1:{port}"));
    let args = mqtt_edge::Args::parse_from([
        "mqtt-edge",
        "--nats",
        &nats_url,
        "--mqtt",
        &address,
        "--allow-anonymous",
        "--health",
        "127.0.0.1:0",
    ]);
    let checks = async {
        every_qos(port).await;
        idle(port).await;
        hostile(port).await;
    };
    tokio::select! {
        ended = Box::pin(mqtt_edge::run(args)) => panic!("the edge ended: {ended:?}"),
        () = checks => {}
    }
}
