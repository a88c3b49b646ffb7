//! An edge, its nats-server, and what it stores in UP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::context::Context;
use record::{Frame, Kind, Origin, Record};
use rules::event::{Event as _, RecordEvent};
use servers::{ChildCommand, ChildProcess, NatsOptions, NatsServer, Output, free_port};
use stage::{NatsArgs, jetstream_context};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::Instant;
use topology::UP;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One partition: everything that the edge stores is in one order.
const ONE_PARTITION: &str = "[streams]\npartitions = 1\n";

/// A rule about what FROM names.
pub(crate) fn rule(from: &str) -> String {
    format!(
        "[[rule]]\nname = \"r\"\nsql = '''SELECT * FROM \"{from}\"'''\n[[rule.action]]\nkafka = {{ topic = \"t\" }}\n"
    )
}

pub(crate) struct Bed {
    pub(crate) mqtt: SocketAddr,
    context: Context,
    file: PathBuf,
    _edge: ChildProcess,
    _nats: NatsServer,
    _folder: TempDir,
}

impl Bed {
    /// With this pipeline, and options of the edge; a file `acl` with this text is beside it.
    pub(crate) async fn start(pipeline: &str, acl: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let nats = NatsServer::start(NatsOptions::new(path("nats")))
            .await
            .unwrap();
        let mqtt = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        std::fs::write(path("acl"), acl).unwrap();
        let file = path("pipeline.toml");
        std::fs::write(&file, ONE_PARTITION.to_owned() + pipeline).unwrap();
        let command = ChildCommand::new("mqtt-edge", env!("CARGO_BIN_EXE_mqtt-edge"))
            .args(["--nats", &nats.url(), "--mqtt", &mqtt.to_string()])
            .arg("--config")
            .arg(&file)
            .args(options)
            .folder(folder.path())
            .env("LATCHWORK_LOG_FORMAT", "human")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "")
            .output(Output::File(path("edge.log")));
        let edge = ChildProcess::spawn(command).unwrap();
        let client = NatsArgs::at(&nats.url()).connect("test").await.unwrap();
        let bed = Self {
            mqtt,
            context: jetstream_context(&client),
            file,
            _edge: edge,
            _nats: nats,
            _folder: folder,
        };
        until("the edge to listen", async || {
            TcpStream::connect(mqtt).await.is_ok()
        })
        .await;
        bed
    }

    /// Replaces the pipeline, at once and whole.
    pub(crate) fn write(&self, pipeline: &str) {
        let next = self.file.with_extension("next");
        std::fs::write(&next, ONE_PARTITION.to_owned() + pipeline).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    /// Everything that was stored, in order.
    pub(crate) async fn stored(&self) -> Vec<Record> {
        let stream = self.context.get_stream(UP.name).await.unwrap();
        let state = &stream.cached_info().state;
        let mut records = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            records.extend(Frame::<Record>::read(message.payload).unwrap().items);
        }
        records
    }

    /// What is stored of a client, once there is such a record as `last` accepts.
    pub(crate) async fn stored_of(
        &self,
        client_id: &str,
        last: impl Fn(&Record) -> bool,
    ) -> Vec<Record> {
        let of_client = async || -> Vec<Record> {
            let stored = self.stored().await.into_iter();
            stored
                .filter(|record| record.client_id() == client_id)
                .collect()
        };
        let what = format!("the last record of {client_id}");
        until(&what, async || of_client().await.iter().any(&last)).await;
        of_client().await
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A field of an event, as a rule sees it, as JSON.
pub(crate) fn field(record: &Record, name: &str) -> String {
    let value = RecordEvent::new(record, Origin::default()).field(name);
    String::from_utf8(value.to_json().to_vec()).unwrap()
}

pub(crate) fn kinds(records: &[Record]) -> Vec<Kind> {
    records.iter().map(Record::kind).collect()
}

/// The one record of a kind.
pub(crate) fn only(records: &[Record], kind: Kind) -> &Record {
    let mut found = records.iter().filter(|record| record.kind() == kind);
    let first = found.next();
    assert!(found.next().is_none(), "more than one {kind:?}");
    first.unwrap_or_else(|| panic!("no {kind:?}"))
}
