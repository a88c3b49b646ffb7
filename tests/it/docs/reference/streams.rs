//! `nats.md`: the streams, subjects, durables and buckets of `topology`.

use topology::{End, FLOWS, Flow, Part, Retention, STREAMS, StreamSpec, Token};

use super::markdown::{MADE, code, codes, table};

/// The KV buckets: a scenario over running stages compares them with what is there.
pub(in super::super) const BUCKETS: &[(&str, &str, &str, &str)] = &[
    (
        topology::LOCK_BUCKET,
        "`state.PARTITION.LOCK`, `contact.LOCK`",
        "each lock's last known state, and its contacts",
        "for ever",
    ),
    (
        stage::lease::LEASE_BUCKET,
        "`lane.FLOW.TOKEN`, `replica.FLOW.ID`",
        "who owns which lane, and how each replica fares",
        "in memory, 3 s without renewal",
    ),
    (
        topology::SESSION_BUCKET,
        "`CLIENT`",
        "each MQTT session that outlives its connection",
        "until the session expires",
    ),
    (
        topology::RETAINED_BUCKET,
        "`TOPIC`",
        "the retained message of each topic",
        "until it is cleared or expires",
    ),
    (
        "nonce",
        "`LOCK.NONCE`",
        "nonces of commands that were used",
        "as long as a command may be old",
    ),
    (
        "sent",
        "the id of a message to people",
        "what is being sent, and what was",
        "`dedupe_window_s` of `[notify]`",
    ),
];

pub(super) fn page() -> String {
    let streams = table(
        &[
            "Stream",
            "Subjects",
            "Holds",
            "Written by",
            "Read by: durables",
            "Forgets",
            "Limit",
            "Made",
        ],
        STREAMS.iter().map(stream),
    );
    let flows = table(
        &[
            "Flow",
            "Stage",
            "Does",
            "Takes from",
            "Gives to",
            "Dead letters",
        ],
        FLOWS.iter().map(flow),
    );
    let buckets = BUCKETS.iter().map(|(name, keys, holds, forgets)| {
        vec![
            code(name),
            (*keys).to_owned(),
            (*holds).to_owned(),
            (*forgets).to_owned(),
        ]
    });
    let buckets = table(&["Bucket", "Keys", "Holds", "Kept"], buckets);
    let (major, minor) = topology::MINIMUM_NATS_SERVER;
    format!(
        "# Streams, subjects, durables and buckets\n\n{MADE}\n\n\
         nats-server {major}.{minor} or newer, with JetStream. `latchwork provision` makes all of it, and so \
         does the start of every stage. A partition is the xxh3 hash of the client id modulo the number \
         of partitions, which is fixed when the streams are made (metadata `{}`, at most {}). What \
         messages hold is in [`schemas/latchwork.proto`](../../schemas/latchwork.proto).\n\n\
         ## Streams\n\n{streams}\n\
         Limits are settings of `[streams]` in the [pipeline file](pipeline.md). In a work queue a full \
         stream refuses, and that is the back-pressure.\n\n\
         ## Flows\n\n{flows}\n\
         ## Buckets\n\n{buckets}\n\
         In keys, client ids are escaped: letters, digits, `-` and `_` stay, any other byte is `=` and \
         two hexadecimal digits.\n",
        topology::PARTITIONS_KEY,
        topology::MAX_PARTITIONS,
    )
}

fn stream(stream: &StreamSpec) -> Vec<String> {
    let writers = FLOWS
        .iter()
        .filter(|flow| flow.to.contains(&End::Stream(*stream)));
    let writers = match stream.token {
        Token::Flow => "every flow".to_owned(),
        Token::Client => code(topology::MQTT_EDGE.name),
        Token::Partition | Token::Word(_) => codes(writers.map(|flow| flow.name)),
    };
    let readers = FLOWS.iter().filter(|flow| flow.source() == Some(*stream));
    let readers = readers.map(|flow| flow.durable(last_token(stream)));
    let readers = match stream.token {
        Token::Client => format!("{}, without a durable", code(topology::MQTT_EDGE.name)),
        _ => codes(readers),
    };
    vec![
        code(stream.name),
        code(stream.subject_of(&last_token(stream))),
        stream.holds.to_owned(),
        writers,
        readers,
        forgets(stream),
        limit(stream.max_bytes),
        made(stream.part).to_owned(),
    ]
}

fn last_token(stream: &StreamSpec) -> String {
    match stream.token {
        Token::Partition => "PARTITION".to_owned(),
        Token::Word(words) => format!("{{{}}}", words.join(",")),
        Token::Flow => "FLOW".to_owned(),
        Token::Client => "CLIENT".to_owned(),
    }
}

fn forgets(stream: &StreamSpec) -> String {
    match stream.retention {
        Retention::WorkQueue => "what its reader has acknowledged".to_owned(),
        Retention::Interest => "what every durable has acknowledged".to_owned(),
        Retention::Limits { max_age } => {
            let days = max_age.as_secs() / (24 * 3600);
            match stream.queue {
                Some(entries) => format!(
                    "what the client has, or after {days} days; refuses more than {entries} entries \
                     for one client (`queue` of `[sessions]`)"
                ),
                None => format!("after {days} days, or the oldest when full"),
            }
        }
        Retention::Log => "nothing".to_owned(),
    }
}

fn limit(bytes: i64) -> String {
    match bytes {
        ..0 => "none".to_owned(),
        bytes if bytes >= 1 << 30 => format!("{} GiB", bytes >> 30),
        bytes => format!("{} MiB", bytes >> 20),
    }
}

fn made(part: Part) -> &'static str {
    match part {
        Part::Road => "always",
        Part::Audit => "with `[audit]`",
        Part::Notify => "with `[audit]` and `[notify]`",
    }
}

fn flow(flow: &Flow) -> Vec<String> {
    vec![
        code(flow.name),
        code(flow.stage),
        flow.does.to_owned(),
        end(flow.from),
        flow.to
            .iter()
            .copied()
            .map(end)
            .collect::<Vec<_>>()
            .join(", "),
        code(flow.dead_letters()),
    ]
}

fn end(end: End) -> String {
    match end {
        End::Mqtt => "MQTT".to_owned(),
        End::Stream(stream) => code(stream.name),
        End::Kafka => "Kafka".to_owned(),
        End::People => "people".to_owned(),
    }
}
