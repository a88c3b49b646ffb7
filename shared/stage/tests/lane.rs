//! The runner over doubles in memory: what is stored, rejected, retried and settled.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use record::{DeadLetter, KafkaRecord, Origin, Original, TraceContext};
use stage::conformance::numbered;
use stage::lease::Lease;
use stage::memory::{MemorySink, MemorySource, MemoryStream};
use stage::{Handler, Lane, Observer, Outputs, Reject};
use telemetry::{Operation, SpanShape, StageMetrics, Tracer};

/// Doubles each record; rejects those whose value is `poison`, after a first output.
struct Doubling;

impl Handler for Doubling {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn handle(
        &mut self,
        item: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        out.push(item.clone());
        if item.value == "poison" {
            return Err(Reject::new("poison", "told to reject"));
        }
        out.push(item.clone());
        Ok(())
    }
}

struct Bench {
    stream: MemoryStream<KafkaRecord>,
    sink: MemorySink<KafkaRecord>,
    letters: MemorySink<DeadLetter>,
}

impl Bench {
    fn new() -> Self {
        Self {
            stream: MemoryStream::default(),
            sink: MemorySink::default(),
            letters: MemorySink::default(),
        }
    }

    fn lane(
        &self,
    ) -> Lane<MemorySource<KafkaRecord>, Doubling, MemorySink<KafkaRecord>, MemorySink<DeadLetter>>
    {
        self.lane_of(Doubling)
    }

    fn lane_of<H>(
        &self,
        handler: H,
    ) -> Lane<MemorySource<KafkaRecord>, H, MemorySink<KafkaRecord>, MemorySink<DeadLetter>> {
        let shape = SpanShape::new(Operation::Process, "nats", "memory");
        Lane {
            source: self.stream.source(),
            handler,
            sink: self.sink.clone(),
            dead_letters: self.letters.clone(),
            observer: Observer::new(
                "test",
                0,
                StageMetrics::disabled(),
                Tracer::default(),
                shape,
            ),
            lease: Lease::unlimited(),
        }
    }

    fn stored(&self) -> Vec<String> {
        let text = |record: &KafkaRecord| String::from_utf8(record.value.to_vec()).unwrap();
        self.sink.stored().iter().map(text).collect()
    }
}

fn record(value: &str) -> KafkaRecord {
    KafkaRecord {
        value: Bytes::from(value.to_owned()),
        ..numbered(&Bytes::new(), 0)
    }
}

/// Scenario: a frame with a poisoned record between two good ones, and a message that is no frame.
/// Guarantee: the neighbours pass; each bad one is a dead letter with its cause, its place and its
/// bytes, and has left no output behind; all frames are settled.
#[tokio::test]
async fn poison_becomes_a_dead_letter_and_its_neighbours_pass() {
    let bench = Bench::new();
    bench
        .stream
        .append(vec![record("a"), record("poison"), record("b")]);
    bench.stream.append_broken(&b"\xff\xff"[..]);
    let lane = tokio::spawn(bench.lane().run());
    bench.letters.wait_for(2).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stored(), ["a", "a", "b", "b"]);
    let letters = bench.letters.stored();
    let [poison, broken] = letters.as_slice() else {
        panic!("two letters: {letters:?}")
    };
    assert_eq!(
        (poison.code(), poison.stage(), poison.sequence, poison.index),
        ("poison", "test", 1, 1)
    );
    assert_eq!(
        poison.original,
        Some(Original::KafkaRecord(record("poison")))
    );
    assert_eq!((broken.code(), broken.sequence), ("frame", 2));
    assert_eq!(
        broken.original,
        Some(Original::Bytes(Bytes::from_static(b"\xff\xff")))
    );
    assert_eq!(bench.stream.settled(), [1, 2]);
}

/// Scenario: the sink is away for three tries, and fails once in the middle of a batch.
/// Guarantee: the same batch is sent again under the same name until it is stored, in order, and
/// nothing is settled before.
#[tokio::test(start_paused = true)]
async fn what_is_unavailable_is_tried_again_in_place() {
    let bench = Bench::new();
    bench.sink.fail_next(3);
    bench.sink.fail_next_after(1);
    bench.stream.append(vec![record("a"), record("b")]);
    let lane = tokio::spawn(bench.lane().run());
    bench.sink.wait_for(5).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stored(), ["a", "a", "a", "b", "b"]);
    assert_eq!(bench.sink.batches(), ["MEMORY:1-1"]);
    assert_eq!(bench.stream.settled(), [1]);
}

/// Scenario: a send hangs for minutes.
/// Guarantee: the source hears that the batch is in progress, so that it is not delivered again;
/// it is settled once the send is through.
#[tokio::test(start_paused = true)]
async fn a_hanging_send_is_kept_in_progress() {
    let bench = Bench::new();
    bench.sink.hang();
    bench.stream.append(vec![record("a")]);
    let lane = tokio::spawn(bench.lane().run());
    tokio::time::sleep(std::time::Duration::from_mins(2)).await;
    assert!((4..=6).contains(&bench.stream.in_progress_count()));
    assert!(bench.stream.settled().is_empty());
    bench.sink.go_on();
    bench.sink.wait_for(2).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stream.settled(), [1]);
}

/// Scenario: the dead-letter stream is away when a record is rejected.
/// Guarantee: the frame is not settled before the letter is stored.
#[tokio::test]
async fn nothing_is_settled_before_its_dead_letter_is_stored() {
    let bench = Bench::new();
    bench.letters.hang();
    bench.stream.append(vec![record("poison")]);
    let lane = tokio::spawn(bench.lane().run());
    bench.stream.append(vec![record("later")]);
    tokio::task::yield_now().await;
    assert!(bench.stream.settled().is_empty());
    bench.letters.go_on();
    bench.letters.wait_for(1).await;
    bench.sink.wait_for(2).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stream.settled(), [1, 2]);
}

/// Scenario: the sink refuses one output for ever.
/// Guarantee: that output is a dead letter with the place of the record it was made from.
#[tokio::test]
async fn a_refused_output_becomes_a_dead_letter() {
    let bench = Bench::new();
    bench
        .sink
        .refuse_if("refused", |record| record.value == "b");
    bench
        .stream
        .append(vec![record("a"), record("b"), record("c")]);
    let lane = tokio::spawn(bench.lane().run());
    bench.letters.wait_for(2).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stored(), ["a", "a", "c", "c"]);
    assert!(
        bench
            .letters
            .stored()
            .iter()
            .all(|letter| (letter.index, letter.code()) == (1, "refused"))
    );
}

/// Scenario: nobody exports spans.
/// Guarantee: outputs carry on the trace of the record they were made from.
#[tokio::test]
async fn outputs_carry_the_trace_on() {
    let bench = Bench::new();
    let trace = Bytes::copy_from_slice(&TraceContext::root(true).to_binary());
    bench.stream.append(vec![KafkaRecord {
        trace: trace.clone(),
        ..record("a")
    }]);
    let lane = tokio::spawn(bench.lane().run());
    bench.sink.wait_for(2).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert!(
        bench
            .sink
            .stored()
            .iter()
            .all(|record| record.trace == trace)
    );
}

/// Rejects everything, but lets a word go on; says the time at each tick.
struct Telling;

impl Handler for Telling {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn handle(
        &mut self,
        item: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        out.push(item.clone());
        Err(Reject::new("never", "told to reject"))
    }

    fn rejected(
        &mut self,
        _item: &KafkaRecord,
        _origin: Origin,
        reject: &Reject,
        out: &mut Outputs<KafkaRecord>,
    ) {
        out.push(record(reject.code));
    }

    const TICK: Option<Duration> = Some(Duration::from_secs(1));

    fn tick(&mut self, now_ms: u64, out: &mut Outputs<KafkaRecord>) {
        assert!(now_ms > 0);
        out.push(record("tick"));
    }
}

/// Scenario: a handler rejects its item, and says something about it; then nothing comes in for
/// three seconds.
/// Guarantee: what it says is stored, what it had put out before is not, and the item is a dead
/// letter; time alone makes outputs too.
#[tokio::test(start_paused = true)]
async fn rejects_and_time_have_outputs_of_their_own() {
    let bench = Bench::new();
    bench.stream.append(vec![record("a")]);
    let lane = tokio::spawn(bench.lane_of(Telling).run());
    bench.sink.wait_for(4).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stored()[..4], ["never", "tick", "tick", "tick"]);
    assert_eq!(bench.letters.stored().len(), 1);
    assert_eq!(bench.stream.settled(), [1]);
}

/// Puts each item out and rejects something of it, too; counts batches and their items.
#[derive(Default)]
struct Counting {
    open: usize,
    told: Arc<Mutex<Vec<usize>>>,
}

impl Handler for Counting {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn begin(&mut self) {
        assert_eq!(self.open, 0, "the batch before has ended");
    }

    fn handle(
        &mut self,
        item: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        self.open += 1;
        out.reject(Reject::new("half", "one of its rules failed"));
        out.push(item.clone());
        Ok(())
    }

    fn end(&mut self) {
        self.told.lock().unwrap().push(self.open);
        self.open = 0;
    }
}

/// Scenario: a handler makes a record of each item and can't make another; the sink is away at first.
/// Guarantee: each item is stored and a dead letter, too, each once; a batch begins and ends once,
/// however often its outputs are sent.
#[tokio::test(start_paused = true)]
async fn what_fails_in_part_goes_on_in_part() {
    let bench = Bench::new();
    bench.sink.fail_next(2);
    bench.stream.append(vec![record("a"), record("b")]);
    let counting = Counting::default();
    let told = Arc::clone(&counting.told);
    let lane = tokio::spawn(bench.lane_of(counting).run());
    bench.sink.wait_for(2).await;
    bench.stream.stop();
    lane.await.unwrap();
    assert_eq!(bench.stored(), ["a", "b"]);
    let letters = bench.letters.stored();
    let codes: Vec<_> = letters.iter().map(DeadLetter::code).collect();
    assert_eq!(codes, ["half", "half"]);
    assert_eq!(*told.lock().unwrap(), [2]);
}

/// Puts each item out ten thousand times.
struct Multiplying;

impl Handler for Multiplying {
    type In = KafkaRecord;
    type Out = KafkaRecord;

    fn handle(
        &mut self,
        item: &KafkaRecord,
        _origin: Origin,
        out: &mut Outputs<KafkaRecord>,
    ) -> Result<(), Reject> {
        (0..10_000).for_each(|_| out.push(item.clone()));
        Ok(())
    }
}

/// Scenario: a batch makes 200,000 records, and the sink is away at first.
/// Guarantee: it is stored in parts, in order and each once; the batch is settled when all are stored.
#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_stored_in_parts() {
    let bench = Bench::new();
    bench.sink.fail_next(2);
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let records = names.iter().map(|name| record(name)).collect();
    bench.stream.append(records);
    let lane = tokio::spawn(bench.lane_of(Multiplying).run());
    bench.sink.wait_for(200_000).await;
    bench.stream.stop();
    lane.await.unwrap();
    let expected = names
        .iter()
        .flat_map(|name| std::iter::repeat_n(name, 10_000));
    assert!(bench.stored().iter().eq(expected));
    let mut batches = bench.sink.batches();
    batches.dedup();
    assert_eq!(batches, ["MEMORY:1-1+6", "MEMORY:1-1+13", "MEMORY:1-1"]);
    assert_eq!(bench.stream.settled(), [1]);
}
