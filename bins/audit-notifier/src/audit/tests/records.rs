//! Records as the edge makes them.

use bytes::Bytes;
use record::{Kind, Record, Verdict};
use serde_json::json;

pub(super) const LOCK: &str = "10083618796833171";

/// A state report.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) process: &'static str,
    pub(super) action: &'static str,
    pub(super) reported: i64,
    pub(super) battery: Option<f64>,
    pub(super) version: f64,
}

/// A locked door with a good battery.
pub(super) const LOCKED: State = State {
    process: "1",
    action: "lock",
    reported: 0,
    battery: Some(83.4),
    version: 1.1,
};

/// An open one.
pub(super) const OPEN: State = State {
    process: "2",
    action: "unlock",
    reported: 1,
    ..LOCKED
};

impl State {
    pub(super) fn at(&self, second: u64) -> Record {
        self.of(LOCK, second)
    }

    pub(super) fn of(&self, lock: &str, second: u64) -> Record {
        let mut payload = json!({
            "process_id": self.process, "action": self.action, "lock_state": self.reported,
            "version": self.version, "client_id": lock,
        });
        if let Some(battery) = self.battery {
            payload["battery"] = battery.into();
        }
        Record {
            topic: Bytes::from(format!("devices/{lock}/state")),
            payload: Bytes::from(payload.to_string()),
            ..record(Kind::Publish, lock, second)
        }
    }
}

/// A record of a kind by a client.
pub(super) fn record(kind: Kind, client: &str, second: u64) -> Record {
    Record {
        kind: kind.into(),
        client_id: Bytes::from(client.to_owned()),
        node: Bytes::from_static(b"edge-1"),
        received_at_ms: second * 1000,
        session_epoch: 1,
        qos: 1,
        ..Record::default()
    }
}

/// A command as the application `app` publishes it.
pub(super) fn command(process: &str, action: &str, verdict: Verdict, second: u64) -> Record {
    command_to(LOCK, process, action, verdict, second)
}

pub(super) fn command_to(
    lock: &str,
    process: &str,
    action: &str,
    verdict: Verdict,
    second: u64,
) -> Record {
    let payload = json!({"process_id": process, "action": action, "nonce_str": "n", "ts": 1});
    Record {
        username: Bytes::from_static(b"alice"),
        topic: Bytes::from(format!("devices/{lock}/command")),
        payload: Bytes::from(payload.to_string()),
        verdict: verdict.into(),
        ..record(Kind::Publish, "app", second)
    }
}

/// The lock took that command.
pub(super) fn taken(command: &Record, second: u64) -> Record {
    let topic = command.topic().split('/').nth(1).unwrap().to_owned();
    Record {
        kind: Kind::Acked.into(),
        client_id: Bytes::from(topic),
        username: Bytes::new(),
        from_client_id: command.client_id.clone(),
        from_username: command.username.clone(),
        received_at_ms: second * 1000,
        verdict: Verdict::Unchecked.into(),
        ..command.clone()
    }
}

pub(super) fn connected(epoch: u64, second: u64) -> Record {
    Record {
        session_epoch: epoch,
        ..record(Kind::Connected, LOCK, second)
    }
}

pub(super) fn disconnected(epoch: u64, reason: &'static str, second: u64) -> Record {
    Record {
        session_epoch: epoch,
        reason: Bytes::from_static(reason.as_bytes()),
        ..record(Kind::Disconnected, LOCK, second)
    }
}

/// A payload on the lock's state topic that broke its contract.
pub(super) fn rejected(client: &str, reason: &'static str, second: u64) -> Record {
    Record {
        topic: Bytes::from(format!("devices/{LOCK}/state")),
        reason: Bytes::from_static(reason.as_bytes()),
        ..record(Kind::Rejected, client, second)
    }
}
