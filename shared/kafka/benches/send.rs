//! CPU per record of `KafkaSink::send`, beside a bare producer that does the same work.
//!
//! The in-memory Kafka runs in another process, so that `/proc/self/stat` counts the client only.
//! Run with `cargo bench -p kafka`; one line per case.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::io::BufRead;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use kafka::{InMemoryKafka, KafkaConnection, KafkaProducer, UnknownTopic};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};
use record::{KafkaRecord, TraceContext};
use stage::Sink;
use tokio::sync::Notify;

const TOPIC: &str = "message_state";
const RECORDS: usize = 600_000;
const SERVE: &str = "serve-in-memory-kafka";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == SERVE) {
        return serve();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut child, address) = start_kafka()?;
    for size in [1000, 300, 100] {
        let batch: Vec<_> = (0..size).map(record).collect();
        for run in 1..=2 {
            let figures = runtime.block_on(with_sink(&address, &batch))?;
            println!("batch {size:>4}, run {run}, sink:          {figures}");
            let figures = runtime.block_on(with_bare_producer(&address, &batch))?;
            println!("batch {size:>4}, run {run}, bare producer: {figures}");
        }
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Serves until standard input ends, that is, until the parent is gone.
fn serve() -> Result<(), Box<dyn Error>> {
    let kafka = InMemoryKafka::start()?;
    kafka.create_topic(TOPIC, 4)?;
    println!("{}", kafka.address());
    std::io::stdin().lines().for_each(drop);
    Ok(())
}

fn start_kafka() -> Result<(Child, String), Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let output = child.stdout.take().ok_or("the child has no output")?;
    std::io::BufReader::new(output).read_line(&mut address)?;
    Ok((child, address.trim().into()))
}

/// What an envelope of a lock's state looks like, 450 bytes.
fn record(number: u64) -> KafkaRecord {
    let device = format!("lock-{}", number % 500);
    KafkaRecord {
        topic: Bytes::from_static(TOPIC.as_bytes()),
        key: Some(device.clone().into()),
        value: format!("{{\"device\": \"{device}\", \"filler\": \"{number:0>410}\"}}").into(),
        client_id: device.into(),
        origin_node: Bytes::from_static(b"edge-1"),
        origin_sequence: number,
        timestamp_ms: 1_574_753_026_269,
        trace: TraceContext::root(true).to_binary().to_vec().into(),
        ..KafkaRecord::default()
    }
}

async fn with_sink(address: &str, batch: &[KafkaRecord]) -> Result<String, Box<dyn Error>> {
    let connection = KafkaConnection::new(address)?;
    let producer = KafkaProducer::new(&connection, UnknownTopic::Wait)?;
    let mut sink = producer.sink()?;
    sink.send("warm-up", batch).await?;
    let meter = Meter::start()?;
    for _ in 0..RECORDS / batch.len() {
        sink.send("batch", batch).await?;
    }
    meter.read(RECORDS)
}

/// The least that can be done: two headers, one decrement per report, one wake per batch.
async fn with_bare_producer(
    address: &str,
    batch: &[KafkaRecord],
) -> Result<String, Box<dyn Error>> {
    let reports = Reports::default();
    let producer: ThreadedProducer<Reports> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "1")
        .set("partitioner", "murmur2_random")
        .create_with_context(reports.clone())?;
    enqueue_all(&producer, &reports, batch).await?;
    let meter = Meter::start()?;
    for _ in 0..RECORDS / batch.len() {
        enqueue_all(&producer, &reports, batch).await?;
    }
    meter.read(RECORDS)
}

async fn enqueue_all(
    producer: &ThreadedProducer<Reports>,
    reports: &Reports,
    batch: &[KafkaRecord],
) -> Result<(), Box<dyn Error>> {
    reports.0.left.store(batch.len(), Ordering::Release);
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    for (index, record) in batch.iter().enumerate() {
        let headers = OwnedHeaders::new_with_capacity(2)
            .insert(header("traceparent", &[b'0'; 55][..]))
            .insert(header("lw-seq", &[b'0'; 16][..]));
        let message = BaseRecord::<[u8], [u8], usize>::with_opaque_to(TOPIC, index)
            .payload(&record.value)
            .key(record.key.as_deref().unwrap_or_default())
            .timestamp(1_574_753_026_269)
            .headers(headers);
        producer.send(message).map_err(|(error, _)| error)?;
    }
    while reports.0.left.load(Ordering::Acquire) > 0 {
        reports.0.done.notified().await;
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Reports(Arc<Counter>);

#[derive(Default)]
struct Counter {
    left: AtomicUsize,
    done: Notify,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, _: &DeliveryResult<'_>, _: usize) {
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.done.notify_one();
        }
    }
}

/// Wall and CPU time of this process, all its threads.
struct Meter {
    start: Instant,
    cpu_us: u64,
}

impl Meter {
    fn start() -> Result<Self, Box<dyn Error>> {
        let cpu_us = cpu_us()?;
        let start = Instant::now();
        Ok(Self { start, cpu_us })
    }

    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    fn read(&self, records: usize) -> Result<String, Box<dyn Error>> {
        let records = records as f64;
        let cpu = (cpu_us()? - self.cpu_us) as f64 / records;
        let rate = records / self.start.elapsed().as_secs_f64() / 1000.0;
        Ok(format!("{cpu:.2} us CPU per record, {rate:.0} k records/s"))
    }
}

/// User and system time, fields 14 and 15 of `/proc/self/stat`, in ticks of 10 ms.
fn cpu_us() -> Result<u64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
    let mut ticks = 0;
    for field in after_name.split_whitespace().skip(11).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(ticks * 10_000)
}
