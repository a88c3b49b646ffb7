//! The view, and how it is shown.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use serde_json::Value;

use super::fixture::{a_second_before, alert, healthy, lane, letters, replica, stream};
use super::observation::Observation;
use super::screen::draw;
use super::view::View;
use super::{cells, json, table};

fn view(now: &Observation) -> View {
    View::new(now, Some(&a_second_before(now)))
}

fn verdict(now: &Observation) -> (Value, String) {
    let view = view(now);
    (json::of(&view)["verdict"].clone(), cells::verdict(&view).1)
}

/// Scenario: an edge and a transform run, which has taken 500 records in a second.
/// Guarantee: healthy; the rates are those; each lane has its owner, and the replica its lanes.
#[test]
fn a_healthy_pipeline() {
    let now = healthy();
    assert_eq!(verdict(&now), ("healthy".into(), "healthy".to_owned()));
    let view = view(&now);
    let transform = &view.replicas[1];
    assert_eq!((transform.flow.as_str(), transform.lanes), ("transform", 2));
    assert_eq!(transform.taken_per_s, Some(500.0));
    assert_eq!(transform.stored_per_s, Some(400.0));
    let owners: Vec<_> = view
        .lanes
        .iter()
        .map(|lane| lane.owner.as_deref())
        .collect();
    assert_eq!(owners, [Some("one-2"), Some("one-2")]);
    assert_eq!(View::new(&now, None).replicas[1].taken_per_s, None);
}

/// Scenario: a lane has no key; another's owner is gone, though its key is still there; a channel
/// that nobody uses has neither.
/// Guarantee: the first two have no owner, and the verdict names them; the channel disturbs nobody
/// until something waits for it.
#[test]
fn a_lane_without_an_owner() {
    let mut now = healthy();
    now.leases.lanes.remove(0);
    now.lanes[0].pending = 7;
    let mut sms = lane("sms");
    (sms.flow, sms.needs_owner) = ("send", false);
    now.lanes.push(sms);
    let one = "transform: no owner of lane 0; 7 frames wait";
    assert_eq!(verdict(&now), ("broken".into(), one.to_owned()));
    now.leases
        .replicas
        .retain(|replica| replica.flow != "transform");
    let both = "transform: no owner of lanes 0, 1; 7 frames wait";
    assert_eq!(verdict(&now).1, both);
    now.lanes[2].pending = 1;
    assert!(verdict(&now).1.ends_with("(and 1 more)"));
}

/// Scenario: frames wait, fewer than an owner may hold, and more; then fewer than a second ago.
/// Guarantee: lag grows only where many wait and more come.
#[test]
fn lag_that_grows() {
    let with = |pending| {
        let mut now = healthy();
        now.lanes[1].pending = pending;
        now
    };
    let judged = |now: u64, before: u64| View::new(&with(now), Some(&with(before))).remarks;
    assert_eq!(judged(60, 10), []);
    assert_eq!(judged(100, 200), []);
    let growing = judged(200, 100);
    assert_eq!(
        growing[0].text,
        "transform: lag grows on lane 1; 200 frames wait"
    );
}

/// Scenario: a stream that refuses is nearly full, then full; one that forgets is full.
/// Guarantee: a warning, then worse than that; the other is full on purpose.
#[test]
fn streams_that_are_full() {
    let mut now = healthy();
    now.streams = vec![stream("UP", 850), stream("DLQ", 1000)];
    assert_eq!(
        verdict(&now),
        ("warning".into(), "UP is 85 % full".to_owned())
    );
    now.streams[0].bytes = 995;
    assert_eq!(verdict(&now).0, "broken");
}

/// Scenario: dead letters are old; then two are new and of one cause, and a replica sends again.
/// Guarantee: only what is new is remarked on, with its cause; causes are counted of all.
#[test]
fn dead_letters_and_retries() {
    let mut now = healthy();
    now.letters = letters("kafka-topic", &[900_000, 800_000]);
    assert_eq!(verdict(&now).0, "healthy");
    let old = now.letters.iter().cloned();
    now.letters = old
        .chain(
            letters("kafka-too-large", &[2000, 1000, 900_000])
                .iter()
                .cloned(),
        )
        .collect();
    now.leases.replicas[1].about.counts.retries = 3;
    let before = a_second_before(&healthy());
    let view = View::new(&now, Some(&before));
    let texts: Vec<&str> = view
        .remarks
        .iter()
        .map(|remark| remark.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "transform sends again what was not taken; its log says why",
            "2 new dead letters in five minutes, mostly kafka-too-large of kafka-sink; see \
             `latchwork dlq list`"
        ]
    );
    assert!(
        cells::rejects(&view).starts_with("of the latest 5: 3 kafka-too-large of kafka-sink, 2")
    );
}

/// Scenario: no stage has ever run; or every one but the edge does.
/// Guarantee: the verdict says so.
#[test]
fn what_does_not_run() {
    assert!(
        verdict(&Observation {
            at_ms: 2000,
            ..Observation::default()
        })
        .1
        .contains("no stage has run")
    );
    let mut now = healthy();
    now.leases.replicas.remove(0);
    assert_eq!(
        verdict(&now).1,
        "mqtt-edge does not run: no lock can connect"
    );
}

/// Scenario: a host's name and an alert try to move the cursor.
/// Guarantee: the table has a line for everything, nothing moves the cursor, and colours are only
/// where they are wanted.
#[test]
fn the_table_is_harmless() {
    let mut now = healthy();
    now.leases
        .replicas
        .push(replica("kafka-sink", "evil\x1b[2J"));
    now.alerts = vec![alert("the door\nis open")];
    let text = |colours| {
        let mut out = Vec::new();
        table::write(&view(&now), &mut out, colours).unwrap();
        String::from_utf8(out).unwrap()
    };
    let plain = text(false);
    assert!(!plain.contains('\x1b'), "{plain}");
    for words in [
        "healthy",
        "transform/1",
        "one-2",
        "DLQ",
        "DEAD LETTERS none",
        "the door\\nis open",
    ] {
        assert!(plain.contains(words), "{words:?} is not in it: {plain}");
    }
    assert!(text(true).starts_with("\x1b[32m"));
}

fn screen(view: Option<&View>, trouble: Option<&str>, size: (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, view, trouble)).unwrap();
    terminal
}

fn text(terminal: &Terminal<TestBackend>) -> String {
    terminal.backend().to_string()
}

/// Scenario: a terminal of 120 by 30 and one of 20 by 5; a lane without an owner below forty others.
/// Guarantee: verdict, replicas, lanes, streams and alerts are on the large one, the lane without an
/// owner in red and on top; the small one breaks nothing.
#[test]
fn the_screen_shows_trouble_first() {
    let mut now = healthy();
    now.alerts = vec![alert("The door is open.")];
    now.lanes = (0..40).map(|token: u32| lane(&token.to_string())).collect();
    let owners =
        (0..39).map(|token: u32| super::fixture::owner("transform", &token.to_string(), "one-2"));
    now.leases.lanes = owners.collect();
    let view = view(&now);
    let terminal = screen(Some(&view), None, (120, 30));
    let shown = text(&terminal);
    for words in [
        "no owner of lane 39",
        "mqtt-edge",
        "more)",
        "Streams",
        "The door is open.",
        "leaves",
    ] {
        assert!(shown.contains(words), "{words:?} is not in it:\n{shown}");
    }
    let lines: Vec<&str> = shown.lines().collect();
    let row = lines
        .iter()
        .position(|line| line.contains("NO OWNER"))
        .unwrap();
    assert!(
        lines[row - 1].contains("WAITING"),
        "it is not on top:\n{shown}"
    );
    let column = u16::try_from(lines[row].find("transform/39").unwrap()).unwrap();
    let cell = terminal
        .backend()
        .buffer()
        .cell((column, u16::try_from(row).unwrap()));
    assert_eq!(cell.unwrap().fg, Color::Red);
    screen(Some(&view), None, (20, 5));
}

/// Scenario: nothing was told yet; then NATS does not answer after it has.
/// Guarantee: the screen says so, and an old verdict is not taken for one of now.
#[test]
fn the_screen_without_nats() {
    assert!(text(&screen(None, None, (80, 5))).contains("asking NATS"));
    let view = view(&healthy());
    let shown = text(&screen(
        Some(&view),
        Some("NATS does not answer"),
        (100, 24),
    ));
    assert!(shown.contains("NATS does not answer"), "{shown}");
    assert!(!shown.contains("healthy"), "{shown}");
}
