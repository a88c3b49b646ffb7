//! What becomes of a message that a rule fails on, drops, refuses or only looks at, and what is counted.

use latchwork::mqtt_client::ReasonCode;

use crate::clients::{connect, publish};
use crate::dead_letters::{await_dead_letters, dead_letters, original_payload};
use crate::kafka_log::everything;
use crate::payloads::unique;
use crate::rules_bed::{Told, action, rule, topic, value};
use crate::testbed::{Setup, Testbed};
use crate::waiting::until;

const STAGE: &str = "transform";

/// Publishes payloads to `t` in order, and waits until all stages are done with them.
async fn publish_all(bed: &Testbed, payloads: &[&str]) {
    let (client, _) = connect(&bed.client("device")).await;
    for payload in payloads {
        let reason = publish(&client, "t", (*payload).to_owned()).await;
        assert_eq!(reason, ReasonCode::SUCCESS);
    }
    bed.drained().await;
}

async fn values(bed: &Testbed, topic: &str) -> Vec<String> {
    let records = everything(&bed.kafka(), topic).await;
    records.iter().map(value).collect()
}

/// Waits until a rule has been counted so often, and gives all figures of that moment: those of a batch
/// are told together.
async fn told(bed: &Testbed, rule: &str, matched: u64) -> Told {
    let mut told = Told::by(bed, STAGE).await;
    until(
        &format!("{rule} to be counted {matched} times"),
        async || {
            told = Told::by(bed, STAGE).await;
            told.rule(rule)[0] == Some(matched)
        },
    )
    .await;
    told
}

fn some<const N: usize>(counts: [u64; N]) -> [Option<u64>; N] {
    counts.map(Some)
}

/// Scenario: of three messages the second lacks the field that one rule's function and another rule's
/// topic need, while a third rule takes all; the same two rules are there again, as such that ignore
/// their failures.
/// Guarantee: the third rule has all three; the second message is a dead letter for each of the first
/// two rules, with the rule's name and cause and the whole payload; of those that ignore it there is
/// none. Every count is exact.
#[tokio::test]
async fn a_failing_rule_makes_a_dead_letter_and_hurts_no_other() {
    let [good, strict, dynamic] = ["good", "strict", "dynamic"].map(unique);
    let kafka = |topic: &str| {
        action(&format!(
            "kafka = {{ topic = \"{topic}\", value = \"${{n}}\" }}"
        ))
    };
    let upper = r#"SELECT payload.n as n, upper(payload.kind) as kind FROM "t""#;
    let plain = r#"SELECT payload.n as n, payload.kind as kind FROM "t""#;
    let by_kind = kafka(&format!("{dynamic}-${{kind}}"));
    let ignore = "on_failure = \"ignore\"\n";
    let text = rule("upper", upper, &kafka(&strict))
        + &rule("kind", plain, &by_kind)
        + &rule("calm-upper", upper, &(ignore.to_owned() + &kafka(&strict)))
        + &rule("calm-kind", plain, &(ignore.to_owned() + &by_kind))
        + &rule("good", plain, &kafka(&good))
        + &topic(&format!("{dynamic}-door"), 1);
    let bed = Setup::new().pipeline(text).start().await;
    let broken = r#"{"n":2}"#;
    let payloads = [
        r#"{"n":1,"kind":"door"}"#,
        broken,
        r#"{"n":3,"kind":"door"}"#,
    ];
    publish_all(&bed, &payloads).await;

    assert_eq!(values(&bed, &good).await, ["1", "2", "3"]);
    assert_eq!(values(&bed, &strict).await, ["1", "1", "3", "3"]);
    let dynamic = values(&bed, &format!("{dynamic}-door")).await;
    assert_eq!(dynamic, ["1", "1", "3", "3"]);
    let told = told(&bed, "good", 3).await;
    let letters = dead_letters(&bed.jetstream().await, STAGE).await;
    let causes: Vec<_> = letters.iter().map(|l| (l.code(), l.detail())).collect();
    let [(failed, of_upper), (unfit, of_kind)] = causes[..] else {
        panic!("two: {causes:?}")
    };
    assert_eq!((failed, unfit), ("rule-failed", "action-failed"));
    assert!(
        of_upper.starts_with("rule upper: upper: argument 1"),
        "{of_upper}"
    );
    assert!(
        of_kind.starts_with("rule kind: action 1: there is no field kind"),
        "{of_kind}"
    );
    assert!(
        letters
            .iter()
            .all(|letter| original_payload(letter) == broken)
    );
    for name in ["upper", "calm-upper"] {
        assert_eq!(told.rule(name), some([3, 2, 1, 1, 0]), "{name}");
        assert_eq!(told.action(name, "1:kafka"), some([2, 2, 0, 0]), "{name}");
    }
    for name in ["kind", "calm-kind"] {
        assert_eq!(told.rule(name), some([3, 3, 0, 0, 0]), "{name}");
        assert_eq!(told.action(name, "1:kafka"), some([3, 2, 1, 0]), "{name}");
    }
    assert_eq!(told.rule("good"), some([3, 3, 0, 0, 0]));
    assert_eq!(told.action("good", "1:kafka"), some([3, 3, 0, 0]));
    let counted = |reason| {
        told.get(
            "latchwork_dead_letters_total",
            &[("stage", STAGE), ("reason", reason)],
        )
    };
    assert_eq!(
        [counted("rule-failed"), counted("action-failed")],
        [Some(1), Some(1)]
    );
}

/// Scenario: a rule before, and a rule and a hook behind, one that drops noise and one that makes dead
/// letters of bad messages; three rules in shadow would write, drop and fail on all of them.
/// Guarantee: what is dropped has only the first rule's record and is no dead letter; what is bad has no
/// record at all, and its dead letter has the rule's words; all else goes to all. The shadows do
/// nothing but count, and every count is exact.
#[tokio::test]
async fn drops_dead_letters_and_shadows_do_what_they_say() {
    let [first, last, hook, shadow] = ["first", "last", "hook", "shadow"].map(unique);
    let all = r#"SELECT * FROM "t""#;
    let kafka = |topic: &str| {
        action(&format!(
            "kafka = {{ topic = \"{topic}\", value = \"${{payload.n}}\" }}"
        ))
    };
    let noise = r#"SELECT * FROM "t" WHERE payload.k = 'noise'"#;
    let bad = r#"SELECT payload.n as n FROM "t" WHERE payload.k = 'bad'"#;
    let quiet = |act: &str| format!("shadow = true\n{act}");
    let fails = r#"SELECT upper(nothing) as x FROM "t""#;
    let text = rule("s-drops", all, &quiet(&action("drop = {}")))
        + &rule("s-writes", all, &quiet(&kafka(&shadow)))
        + &rule("s-fails", fails, &quiet(&kafka(&shadow)))
        + &rule("s-unfit", all, &quiet(&kafka("x-${nothing}")))
        + &rule("first", all, &kafka(&first))
        + &rule("noise", noise, &action("drop = {}"))
        + &rule(
            "bad",
            bad,
            &action("dead_letter = { detail = \"it is ${n}\" }"),
        )
        + &rule("last", all, &kafka(&last))
        + &format!(
            "[[hook]]\nevent = \"message.publish\"\nfilter = \"t\"\nkafka_topic = \"{hook}\"\n"
        );
    let bed = Setup::new().pipeline(text).start().await;
    let payloads = [
        r#"{"n":1,"k":"good"}"#,
        r#"{"n":2,"k":"noise"}"#,
        r#"{"n":3,"k":"bad"}"#,
        r#"{"n":4,"k":"good"}"#,
    ];
    publish_all(&bed, &payloads).await;

    assert_eq!(values(&bed, &first).await, ["1", "2", "4"]);
    assert_eq!(values(&bed, &last).await, ["1", "4"]);
    assert_eq!(everything(&bed.kafka(), &hook).await.len(), 2);
    assert_eq!(values(&bed, &shadow).await, [""; 0]);
    let letters = await_dead_letters(&bed, STAGE, 1).await;
    let [letter] = &letters[..] else {
        panic!("one: {letters:?}")
    };
    assert_eq!(
        (letter.code(), letter.detail()),
        ("rule", "rule bad: it is 3")
    );
    assert_eq!(original_payload(letter), payloads[2]);

    let told = told(&bed, "first", 4).await;
    for (name, of_rule, of_action) in [
        ("s-drops", [4, 4, 0, 0, 0], ("1:drop", [4, 0, 0, 4])),
        ("s-writes", [4, 4, 0, 0, 0], ("1:kafka", [4, 0, 0, 4])),
        ("s-fails", [4, 0, 4, 4, 0], ("1:kafka", [0, 0, 0, 0])),
        ("s-unfit", [4, 4, 0, 0, 0], ("1:kafka", [4, 0, 4, 0])),
        ("first", [4, 4, 0, 0, 0], ("1:kafka", [4, 3, 0, 1])),
        ("noise", [4, 1, 3, 0, 3], ("1:drop", [1, 1, 0, 0])),
        ("bad", [3, 1, 2, 0, 2], ("1:dead_letter", [1, 1, 0, 0])),
        ("last", [2, 2, 0, 0, 0], ("1:kafka", [2, 2, 0, 0])),
    ] {
        assert_eq!(told.rule(name), some(of_rule), "{name}");
        let (action, counts) = of_action;
        assert_eq!(told.action(name, action), some(counts), "{name}");
    }
}
