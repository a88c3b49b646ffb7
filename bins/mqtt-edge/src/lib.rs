//! The MQTT front: acknowledges a message when JetStream has it.
//!
//! Bytes come in through [`listener`] as [`wire`]s, become packets in [`codec`], are handled in [`connection`],
//! are stored through [`uplink`], and reach local subscribers over [`bus`].

mod args;
pub mod bus;
pub mod codec;
mod commands;
pub mod connection;
mod edge;
mod in_force;
pub mod listener;
mod meters;
mod publishing;
mod retained;
mod sessions;
mod streams;
mod sys;
mod topics;
pub mod uplink;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use access::Access;
use bytes::Bytes;
use settings::Pipeline;
use stage::{LaneDied, Runtime, StageArgs};
use telemetry::metrics::edge::{PARTITIONS, PUBACK_LATENCY};
use telemetry::{Operation, SpanShape, StageMetrics};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use topology::{MQTT_EDGE, UP};
use tracing::{info, warn};

pub use args::Args;
use bus::RouterBus;
use codec::Limits;
use commands::CommandCheck;
use edge::Edge;
use in_force::InForce;
use listener::PublishLimits;
use listener::admission::Admission;
use meters::Meters;
use publishing::Publishing;
use sessions::{DurableIndex, Stores};
use uplink::{Lane, LaneParts, Uplink};

/// Bytes of the NATS server's largest message that a packet must leave free: so that the record,
/// and a dead letter with its cause, still fit.
const RECORD_ROOM: usize = 256 * 1024;

/// The same for the headers of a frame.
const FRAME_ROOM: usize = 1024;

/// How soon a dead router is noticed: locks that wait for a command wait no longer than that for
/// the restart to begin.
const CHECK_ROUTER_EVERY: Duration = Duration::from_secs(1);

/// Runs the edge until it is told to stop.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let pipeline = Pipeline::load(args.stage.config.as_deref())?;
    let listeners = listener::bind(&args.listeners).await?;
    let runtime = Runtime::start(&MQTT_EDGE, &args.stage, &pipeline).await?;
    let (bus, router) = RouterBus::start()?;
    let (meter, context) = (
        runtime.telemetry.meter(),
        runtime.connections.publishing.clone(),
    );
    PARTITIONS
        .gauge(&meter)
        .record(runtime.partitions.into(), &[]);
    streams::watch(context.clone(), &meter);
    let commands = CommandCheck::new(pipeline.commands(), context, &meter).await?;
    let access = Arc::new(Access::open(args.access.settings())?);
    if !access.lets_anybody_in() {
        warn!(
            "nobody can log in: give --password-file, --jwt-key-file or --tls-identity, or let \
             everybody in with --allow-anonymous"
        );
    }
    let stores = Stores::open(&pipeline, &runtime, &args.node_name()).await?;
    let pipelines = stage::follow(args.stage.config.clone(), pipeline, &meter);
    let parts = Parts {
        bus,
        versions: in_force::follow(pipelines),
        commands,
        stores,
        access,
        admission: listeners.admission(),
    };
    let edge = Arc::new(edge(&args, &runtime, parts));
    sessions::restore_all(&edge).await?;
    let mut along = JoinSet::new();
    along.spawn(sessions::watch_deadlines(Arc::clone(&edge)));
    along.spawn(sys::tell(Arc::clone(&edge)));
    along.spawn(watch_router(edge.bus.clone()));
    along.spawn(Arc::clone(&edge.access).watch());
    along.spawn(reload_at_hangup(Arc::clone(&edge.access)));
    for (kind, address) in listeners.addresses() {
        info!(listener = kind.name(), address = %address?, node = args.node_name(), "taking MQTT connections");
    }
    runtime.working.set(true);

    let metrics = runtime.telemetry.stage_metrics(MQTT_EDGE.stage);
    let mut lanes = start_lanes(&edge, &runtime, &metrics);
    let mut publishing = Publishing::start(&edge, &runtime);
    let announced = tokio::spawn(runtime.announced(&MQTT_EDGE, metrics));
    tokio::select! {
        () = listener::accept(Arc::clone(&edge), listeners, &meter, args.stage.drain_deadline() / 2) => {}
        () = router.died() => anyhow::bail!(
            "the router thread died; start the edge again (nothing acknowledged is lost)"
        ),
        Some(_) = lanes.join_next() => return Err(LaneDied { stage: MQTT_EDGE.stage }.into()),
        error = publishing.died() => return Err(error),
    }
    drain(&edge, publishing, lanes, &args.stage).await;
    announced.abort();
    drop(along);
    runtime.telemetry.shutdown();
    Ok(())
}

/// A router that has died while nobody published anything is noticed all the same.
async fn watch_router(bus: RouterBus) {
    while bus.check().await.is_ok() {
        tokio::time::sleep(CHECK_ROUTER_EVERY).await;
    }
}

/// SIGHUP reads the files of users and rules again, now.
async fn reload_at_hangup(access: Arc<Access>) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => {
            warn!(%error, "SIGHUP will not reload the files of users and rules");
            return;
        }
    };
    while hangups.recv().await.is_some() {
        let access = Arc::clone(&access);
        // Reading files blocks; what was wrong with them is in the log.
        tokio::task::spawn_blocking(move || access.reload())
            .await
            .ok();
    }
}

/// What the edge is made of, besides its settings.
struct Parts {
    bus: RouterBus,
    versions: watch::Receiver<Arc<InForce>>,
    commands: Option<CommandCheck>,
    stores: Stores,
    access: Arc<Access>,
    admission: Arc<Admission>,
}

fn edge(args: &Args, runtime: &Runtime, parts: Parts) -> Edge<RouterBus> {
    let max_payload = runtime.connections.publisher(&UP, 0).max_payload();
    Edge {
        node: Bytes::from(args.node_name()),
        uplink: Uplink::new(runtime.partitions, max_payload.saturating_sub(FRAME_ROOM)),
        bus: parts.bus,
        registry: Arc::default(),
        durable: DurableIndex::default(),
        stores: Arc::new(parts.stores),
        max_sessions: args.max_sessions,
        max_session_expiry_secs: args.max_session_expiry,
        max_keep_alive_secs: args.max_keep_alive,
        versions: parts.versions,
        commands: parts.commands,
        sampling: runtime.telemetry.sampling(),
        limits: limits(args, max_payload),
        receive_maximum: args.receive_maximum.max(1),
        access: parts.access,
        admission: parts.admission,
        packet_limit: args.listeners.limits.packet_limit(),
        publish_limits: PublishLimits::new(&args.listeners.publish),
        meters: Arc::new(Meters::new(&runtime.telemetry.meter())),
        stop: runtime.stop.clone(),
    }
}

/// A packet that NATS could not take must be refused at the door: what is acknowledged is stored.
fn limits(args: &Args, max_payload: usize) -> Limits {
    let storable = u32::try_from(max_payload.saturating_sub(RECORD_ROOM)).unwrap_or(u32::MAX);
    if storable < args.max_packet {
        warn!(
            storable,
            "the NATS server takes smaller messages than --max-packet; packets are limited to that \
             (raise max_payload in its configuration)"
        );
    }
    Limits {
        max_packet_size: args.max_packet.min(storable),
        topic_alias_max: connection::MAX_TOPIC_ALIASES,
        ..Limits::default()
    }
}

fn start_lanes(
    edge: &Arc<Edge<RouterBus>>,
    runtime: &Runtime,
    metrics: &StageMetrics,
) -> JoinSet<()> {
    let started_ms = stage::now_ms();
    let mut lanes = JoinSet::new();
    for (partition, intake) in edge.uplink.intakes() {
        let parts = LaneParts {
            publisher: runtime.connections.publisher(&UP, partition),
            bus: edge.bus.clone(),
            stores: Arc::clone(&edge.stores),
            meters: Arc::clone(&edge.meters),
            id_prefix: uplink::id_prefix(&edge.node, started_ms, partition),
            metrics: metrics.clone(),
            puback: runtime.telemetry.latency(&PUBACK_LATENCY, MQTT_EDGE.stage),
            tracer: runtime.telemetry.tracer(),
            frame_shape: frame_shape(partition),
        };
        lanes.spawn(Lane::new(intake, parts).run());
    }
    lanes
}

/// The spans of the frames that are stored.
fn frame_shape(partition: u16) -> SpanShape {
    let template = UP.subject_of("{partition}");
    SpanShape::new(Operation::Send, "nats", &template).at(UP.partition_subject(partition))
}

/// The sessions have ended; what they left in the lanes is stored, and what was taken from PUB.
async fn drain(
    edge: &Edge<RouterBus>,
    publishing: Publishing,
    mut lanes: JoinSet<()>,
    args: &StageArgs,
) {
    let dry = async {
        publishing.drained().await;
        edge.uplink.close();
        while lanes.join_next().await.is_some() {}
    };
    if tokio::time::timeout(args.drain_deadline(), dry)
        .await
        .is_err()
    {
        warn!("the last records could not be stored in time; they were never acknowledged");
    }
}
