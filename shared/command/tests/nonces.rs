//! Nonces on a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{Context, ContextBuilder};
use async_nats::jetstream::kv;
use bytes::BytesMut;
use command::{Claim, Nonces, OpenError, Unavailable};
use futures::future::join_all;
use servers::{NatsOptions, NatsServer, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const LOCK: &str = "10083618796833171";
const MINUTE: Duration = Duration::from_mins(1);

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(30);

struct Nats {
    server: NatsServer,
    _folder: tempfile::TempDir,
}

impl Nats {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = NatsServer::start(NatsOptions::new(folder.path()))
            .await
            .unwrap();
        Self {
            server,
            _folder: folder,
        }
    }

    /// What one edge has: a connection of its own.
    async fn context(&self) -> Context {
        context_at(&self.server.url()).await
    }

    async fn nonces(&self, ttl: Duration) -> Nonces {
        Nonces::open(self.context().await, ttl).await.unwrap()
    }
}

async fn context_at(url: &str) -> Context {
    let client = async_nats::ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(20))
        .connect(url)
        .await
        .unwrap();
    ContextBuilder::new()
        .timeout(Duration::from_millis(500))
        .build(client)
}

/// Claims until NATS answers, as the edge does.
async fn claim(nonces: &Nonces, client_id: &str, nonce: &str) -> Claim {
    settled(nonces.claim(client_id, nonce).await).await
}

/// Repeats a claim until NATS answers.
async fn settled(mut answer: Result<Claim, Unavailable>) -> Claim {
    let repeat = async {
        loop {
            match answer {
                Ok(claim) => return claim,
                Err(unavailable) => answer = unavailable.retry().await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, repeat).await.unwrap()
}

/// Scenario: two edges claim each of 200 nonces at the same time.
/// Guarantee: of each nonce, exactly one claim wins; both locks may use the same nonce.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_claims_wins() {
    let nats = Nats::start().await;
    let (one, other) = (nats.nonces(MINUTE).await, nats.nonces(MINUTE).await);
    let race = |number: u32| {
        let (one, other) = (one.clone(), other.clone());
        async move {
            let nonce = format!("n{number}");
            let claims = tokio::join!(claim(&one, LOCK, &nonce), claim(&other, LOCK, &nonce));
            [claims.0, claims.1]
        }
    };
    for claims in join_all((0..200).map(race)).await {
        let won = claims
            .iter()
            .filter(|claim| **claim == Claim::Claimed)
            .count();
        assert_eq!(won, 1, "{claims:?}");
    }
    assert_eq!(claim(&one, "another", "n0").await, Claim::Claimed);
}

/// Scenario: a nonce is claimed; nats-server is killed and started again; a new edge claims.
/// Guarantee: the claim during the outage is unavailable, no verdict; then the nonce is replayed.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_refused_after_a_restart() {
    let mut nats = Nats::start().await;
    let nonces = nats.nonces(MINUTE).await;
    assert_eq!(claim(&nonces, LOCK, "n").await, Claim::Claimed);
    nats.server.kill().await.unwrap();
    let unavailable = nonces.claim(LOCK, "n").await.unwrap_err();
    assert!(
        unavailable.to_string().contains("NATS has not answered"),
        "{unavailable}"
    );
    nats.server.restart().await.unwrap();
    assert_eq!(claim(&nonces, LOCK, "n").await, Claim::Replayed);
    let after = nats.nonces(MINUTE).await;
    assert_eq!(claim(&after, LOCK, "n").await, Claim::Replayed);
    assert_eq!(claim(&after, LOCK, "m").await, Claim::Claimed);
}

/// Scenario: nonces are kept for one second.
/// Guarantee: a nonce is refused first and free again later; nothing of it stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_expires() {
    let nats = Nats::start().await;
    let nonces = nats.nonces(Duration::from_secs(1)).await;
    assert_eq!(claim(&nonces, LOCK, "n").await, Claim::Claimed);
    assert_eq!(claim(&nonces, LOCK, "n").await, Claim::Replayed);
    let mut bucket = nats.context().await.get_stream("KV_nonce").await.unwrap();
    let gone = async || bucket.info().await.unwrap().state.messages == 0;
    wait_until(DEADLINE, "the claim to expire", gone)
        .await
        .unwrap();
    assert_eq!(claim(&nonces, LOCK, "n").await, Claim::Claimed);
}

/// Scenario: nonces and client ids with every byte that means something to NATS.
/// Guarantee: each is claimed once, for itself alone.
#[tokio::test(flavor = "multi_thread")]
async fn any_nonce_can_be_claimed() {
    let nats = Nats::start().await;
    let nonces = nats.nonces(MINUTE).await;
    let long = "x".repeat(65_535);
    let all: String = (b'!'..=b'~').map(char::from).collect();
    let hostile = [
        "*", ">", ".", "..", "a.b", "$KV", "=", "=2e", "/", "A", "a", &all,
    ];
    for nonce in hostile {
        for client_id in ["", "a b", "\u{95e8}", "*", long.as_str()] {
            let first = claim(&nonces, client_id, nonce).await;
            assert_eq!(first, Claim::Claimed, "{nonce:?}");
            let again = claim(&nonces, client_id, nonce).await;
            assert_eq!(again, Claim::Replayed, "{nonce:?}");
        }
    }
}

/// Scenario: the claim is stored, but its answer is lost on the way and the connection breaks; then
/// the same claim is tried again, and a replay follows. The same with a nonce that was used.
/// Guarantee: our own claim is claimed, not replayed; the replays are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_no_replay() {
    let nats = Nats::start().await;
    let direct = nats.nonces(MINUTE).await;
    let road = LossyRoad::open(nats.server.port()).await;
    let nonces = Nonces::open(context_at(&road.url).await, MINUTE)
        .await
        .unwrap();
    assert_eq!(claim(&direct, LOCK, "used").await, Claim::Claimed);

    road.lose_answers(true);
    let ours = nonces.claim(LOCK, "n").await.unwrap_err();
    let used = nonces.claim(LOCK, "used").await.unwrap_err();
    // The claim has arrived although nothing came back.
    assert_eq!(claim(&direct, LOCK, "n").await, Claim::Replayed);
    road.lose_answers(false);

    assert_eq!(settled(Err(ours)).await, Claim::Claimed);
    assert_eq!(settled(Err(used)).await, Claim::Replayed);
    assert_eq!(claim(&nonces, LOCK, "n").await, Claim::Replayed);
}

/// Scenario: the bucket is there, made by something else without a life per message; and a time to
/// keep nonces that NATS can't count.
/// Guarantee: an error that says what to do, not a list that forgets.
#[tokio::test(flavor = "multi_thread")]
async fn an_unfit_bucket_is_refused() {
    let nats = Nats::start().await;
    let context = nats.context().await;
    let short = Nonces::open(context.clone(), Duration::from_millis(900)).await;
    assert!(matches!(short, Err(OpenError::Ttl)));
    let bucket = kv::Config {
        bucket: "nonce".to_owned(),
        ..kv::Config::default()
    };
    context.create_key_value(bucket).await.unwrap();
    let error = Nonces::open(context, MINUTE).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)));
    assert!(
        error.to_string().contains("Remove the stream KV_nonce"),
        "{error}"
    );
}

/// A TCP road to nats-server that can lose what comes back; it then breaks, as a half-read
/// connection is of no use.
struct LossyRoad {
    url: String,
    lose: Arc<watch::Sender<bool>>,
}

impl LossyRoad {
    async fn open(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let lose = Arc::new(watch::Sender::new(false));
        let losing = Arc::clone(&lose);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(near, far, losing.subscribe()));
            }
        });
        Self { url, lose }
    }

    fn lose_answers(&self, lose: bool) {
        self.lose.send_replace(lose);
    }
}

/// Carries bytes both ways; ends when either side does, or when answers were lost and no more are.
async fn carry(near: TcpStream, far: TcpStream, mut lose: watch::Receiver<bool>) {
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let requests = tokio::io::copy(&mut near_read, &mut far_write);
    let answers = async {
        let mut buffer = BytesMut::new();
        let mut lost = false;
        loop {
            tokio::select! {
                changed = lose.changed() => {
                    if changed.is_err() || lost {
                        return;
                    }
                }
                read = far_read.read_buf(&mut buffer) => {
                    if !read.is_ok_and(|length| length > 0) {
                        return;
                    }
                    lost |= *lose.borrow();
                    let answer = buffer.split();
                    if !lost && near_write.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        _ = requests => {}
        () = answers => {}
    }
}
