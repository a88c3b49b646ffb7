//! `latchwork audit` against files, a real nats-server and an in-memory Kafka.

use std::path::{Path, PathBuf};

use ::audit::{CHECKPOINT_EVERY, Chain, CheckpointKey, Draft, EntryKind, Place};
use clap::Parser;
use kafka::InMemoryKafka;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use record::{FrameBuilder, KafkaRecord};
use serde_json::{Map, Value};
use servers::{NatsOptions, NatsServer};
use stage::{NatsArgs, jetstream_context};
use topology::AUDIT;

use super::{AuditArgs, Verdict, run};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    audit: AuditArgs,
}

/// Runs the command and gives its verdict and what it printed.
async fn audit(arguments: &[&str]) -> anyhow::Result<(Verdict, String)> {
    let cli = Cli::parse_from(["audit"].iter().chain(arguments));
    let mut out = Vec::new();
    let verdict = run(cli.audit, &mut out).await?;
    Ok((verdict, String::from_utf8(out).unwrap()))
}

/// A log of two signed chains, in the order it was written.
struct Log {
    folder: tempfile::TempDir,
    chains: Vec<Chain>,
    entries: Vec<(u16, Vec<u8>)>,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = CheckpointKey::create(&folder.path().join("key")).unwrap();
        let mut chains = vec![Chain::new(0), Chain::new(1)];
        let mut entries = Vec::new();
        for number in 0..CHECKPOINT_EVERY + 5 {
            for chain in &mut chains {
                let data = Map::from_iter([("by".to_owned(), Value::from("local\u{1b}[31m"))]);
                entries.push((
                    chain.number(),
                    chain.append(&Draft {
                        kind: EntryKind::Unlock,
                        ts_ms: 1_574_753_026_269 + number,
                        lock: format!("lock-{}", chain.number()),
                        origin: Place {
                            sequence: number,
                            ..Place::default()
                        },
                        data,
                    }),
                ));
                if chain.since_checkpoint() == CHECKPOINT_EVERY {
                    entries.push((chain.number(), chain.checkpoint(number, &key)));
                }
            }
        }
        Self {
            folder,
            chains,
            entries,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str) -> PathBuf {
        let lines = self.entries.iter();
        let bytes: Vec<u8> = lines
            .flat_map(|(_, entry)| entry.iter().copied().chain([b'\n']))
            .collect();
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn heads(&self) -> Vec<String> {
        let head = |chain: &Chain| {
            let head = chain.head();
            format!("{}:{}:{}", chain.number(), head.sequence, head.hash)
        };
        self.chains.iter().map(head).collect()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Scenario: an exported file is verified as it is, with one byte changed, without its last line,
/// and when it is not there.
/// Guarantee: intact with its heads; the change named with chain, seq and line; the cut end found
/// with a noted head; and a missing file is an error, no verdict.
#[tokio::test]
async fn a_file_is_verified() {
    let log = Log::new();
    let (file, public) = (log.write("log.jsonl"), log.path("key.pub"));
    let arguments = [
        "verify",
        "--file",
        text(&file),
        "--public-key",
        text(&public),
    ];
    let (verdict, printed) = audit(&arguments).await.unwrap();
    assert_eq!(verdict, Verdict::Intact, "{printed}");
    for head in log.heads() {
        assert!(
            printed.contains(&format!("head {head}, signed up to 1001")),
            "{printed}"
        );
    }
    assert!(
        printed.contains("2012 entries in 2 chains, 2 checkpoints: intact"),
        "{printed}"
    );

    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 20;
    bytes[at] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (verdict, printed) = audit(&arguments).await.unwrap();
    assert_eq!(verdict, Verdict::Faulty);
    assert!(
        printed.starts_with("changed: chain 1 seq 1, line 2: "),
        "{printed}"
    );
    let json = [&arguments[..], &["--json"]].concat();
    let (_, printed) = audit(&json).await.unwrap();
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["intact"], false);
    assert_eq!(report["findings"][0]["fault"], "changed");
    assert_eq!(report["findings"][0]["position"], "line 2");

    bytes[at] ^= 1;
    bytes.pop();
    let cut = bytes.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    std::fs::write(&file, &bytes[..cut]).unwrap();
    assert_eq!(audit(&arguments).await.unwrap().0, Verdict::Intact);
    let heads = log.heads();
    let expecting = [&arguments[..], &["--expect-head", &heads[1]]].concat();
    let (verdict, printed) = audit(&expecting).await.unwrap();
    assert_eq!(verdict, Verdict::Faulty);
    assert!(
        printed.starts_with("removed: chain 1 seq 1006, at the end: "),
        "{printed}"
    );

    let missing = log.path("missing");
    let error = audit(&["verify", "--file", text(&missing)])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

/// Scenario: a file whose one line never ends.
/// Guarantee: named, without filling the memory, and the lines behind it keep their numbers.
#[tokio::test]
async fn endless_lines_are_named() {
    let log = Log::new();
    let file = log.path("endless");
    let mut bytes = vec![b'x'; 3 * 1024 * 1024];
    bytes.extend_from_slice(b"\nrubbish\n");
    std::fs::write(&file, bytes).unwrap();
    let (verdict, printed) = audit(&["verify", "--file", text(&file)]).await.unwrap();
    assert_eq!(verdict, Verdict::Faulty);
    assert!(
        printed.starts_with("not an entry, line 1: the line is longer"),
        "{printed}"
    );
    assert!(printed.contains("not an entry, line 2: "), "{printed}");
}

/// Scenario: the log is in the stream AUDIT of a real server, in frames; it is verified, exported,
/// shown for one lock, and read again after somebody put rubbish in.
/// Guarantee: intact, the file holds the same bytes and is never overwritten, only that lock's
/// entries are shown, as harmless text; the rubbish is named by its frame.
#[tokio::test]
async fn the_stream_is_read() {
    let log = Log::new();
    let server = NatsServer::start(NatsOptions::new(log.path("nats")))
        .await
        .unwrap();
    let url = server.url();
    let absent = audit(&["--nats", &url, "verify"]).await.unwrap_err();
    assert!(absent.to_string().contains("no audit log"), "{absent}");

    let context = jetstream_context(&NatsArgs::at(&url).connect("test").await.unwrap());
    let config = async_nats::jetstream::stream::Config {
        name: AUDIT.name.into(),
        subjects: vec![format!("{}.*", AUDIT.subject)],
        ..Default::default()
    };
    context.create_stream(config).await.unwrap();
    let (verdict, printed) = audit(&["--nats", &url, "verify"]).await.unwrap();
    assert_eq!(
        (verdict, printed.as_str()),
        (
            Verdict::Intact,
            "0 entries in 0 chains, 0 checkpoints: intact\n"
        )
    );

    for chain in [0, 1] {
        let of_chain: Vec<_> = log.entries.iter().filter(|(of, _)| *of == chain).collect();
        for entries in of_chain.chunks(100) {
            let mut frame = FrameBuilder::new();
            for (_, entry) in entries {
                frame.push(&KafkaRecord {
                    topic: "lock_audit".into(),
                    value: entry.clone().into(),
                    ..KafkaRecord::default()
                });
            }
            let subject = AUDIT.partition_subject(chain);
            let stored = context.publish(subject, frame.take()).await.unwrap();
            stored.await.unwrap();
        }
    }
    let (verdict, printed) = audit(&["--nats", &url, "verify"]).await.unwrap();
    assert_eq!(verdict, Verdict::Intact, "{printed}");

    let file = log.path("exported");
    let export = ["--nats", &url, "export", text(&file)];
    let (verdict, printed) = audit(&export).await.unwrap();
    assert_eq!(verdict, Verdict::Intact, "{printed}");
    let by_chain = [0, 1].into_iter().flat_map(|chain| {
        let entries = log.entries.iter().filter(move |(of, _)| *of == chain);
        entries.flat_map(|(_, entry)| entry.iter().copied().chain([b'\n']))
    });
    assert!(std::fs::read(&file).unwrap().into_iter().eq(by_chain));
    let error = audit(&export).await.unwrap_err().to_string();
    assert!(error.contains("never overwrites"), "{error}");
    assert!(!log.path("exported.part").exists());

    let shown = ["--nats", &url, "show", "--lock", "lock-1"];
    let (_, printed) = audit(&shown).await.unwrap();
    assert_eq!(printed.lines().count(), 1005);
    let first = printed.lines().next().unwrap();
    assert_eq!(
        first,
        "2019-11-26T07:23:46.269Z unlock     lock-1               by=local\\u{1b}[31m"
    );
    let (_, printed) = audit(&[&shown[..], &["--since", "1h"]].concat())
        .await
        .unwrap();
    assert_eq!(printed, "", "all of them are years old");

    let stored = context
        .publish(AUDIT.partition_subject(0), "rubbish".into())
        .await
        .unwrap();
    let sequence = stored.await.unwrap().sequence;
    let (verdict, printed) = audit(&["--nats", &url, "verify"]).await.unwrap();
    assert_eq!(verdict, Verdict::Faulty);
    let named = format!("not an entry, frame {sequence} index 0: not a frame");
    assert!(printed.starts_with(&named), "{printed}");
}

/// Scenario: the log is in Kafka, in a topic with more partitions than chains, and the sink has
/// sent a part of it twice.
/// Guarantee: intact, the repeats are counted, and the export holds each entry once.
#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_read() {
    let log = Log::new();
    let kafka = InMemoryKafka::start().unwrap();
    kafka.create_topic("lock_audit", 3).unwrap();
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.address())
        .create()
        .unwrap();
    let repeated = log.entries.iter().enumerate().flat_map(|(at, entry)| {
        let repeats = if at == 300 {
            &log.entries[200..300]
        } else {
            &[]
        };
        repeats.iter().chain([entry])
    });
    let mut sent = Vec::new();
    for (chain, entry) in repeated {
        let record = FutureRecord::<(), _>::to("lock_audit")
            .partition(i32::from(*chain))
            .payload(entry);
        sent.push(producer.send_result(record).unwrap());
    }
    for sent in sent {
        sent.await.unwrap().unwrap();
    }
    let address = kafka.address();
    let (verdict, printed) = audit(&["verify", "--kafka", address]).await.unwrap();
    assert_eq!(verdict, Verdict::Intact, "{printed}");
    let summary = "2012 entries in 2 chains, 2 checkpoints, 100 exact repeats: intact";
    assert!(printed.contains(summary), "{printed}");

    let file = log.path("exported");
    audit(&["export", text(&file), "--kafka", address])
        .await
        .unwrap();
    let (verdict, printed) = audit(&["verify", "--file", text(&file)]).await.unwrap();
    assert_eq!(verdict, Verdict::Intact, "{printed}");

    let missing = ["verify", "--kafka", address, "--topic", "no_such_topic"];
    let error = audit(&missing).await.unwrap_err().to_string();
    assert!(error.contains("no_such_topic"), "{error}");
}

/// Scenario: a key is made three times at the same place, the last time with --keep.
/// Guarantee: the first time names both files and the key; the second is refused; the third shows
/// the first one's key.
#[tokio::test]
async fn a_key_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.key");
    let (_, printed) = audit(&["keygen", text(&file)]).await.unwrap();
    let key = CheckpointKey::read(&file).unwrap();
    for word in ["audit.key.pub", key.id(), &key.public().to_hex()] {
        assert!(printed.contains(word), "{printed}");
    }
    assert!(audit(&["keygen", text(&file)]).await.is_err());
    let (_, kept) = audit(&["keygen", text(&file), "--keep"]).await.unwrap();
    assert_eq!(kept, printed);
}
