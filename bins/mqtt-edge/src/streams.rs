//! How full the streams are. A full UP withholds PUBACKs, so the edge is who must tell before.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::Info;
use parking_lot::Mutex;
use telemetry::metrics::edge::{STREAM_BYTES, STREAM_LIMIT, STREAM_MESSAGES};
use telemetry::{KeyValue, Meter, Metric};
use tokio::time::{MissedTickBehavior, interval};
use topology::STREAMS;

/// A stream of 4 GiB lasts for minutes at any rate that was measured.
const EVERY: Duration = Duration::from_secs(5);

/// What was last seen; empty while NATS does not answer, so that no old figure looks new.
type Seen = Arc<Mutex<Vec<Fill>>>;

/// How full one stream is.
#[derive(Clone, Copy, Debug)]
struct Fill {
    stream: &'static str,
    messages: u64,
    bytes: u64,
    /// `None`: it has no limit.
    limit: Option<u64>,
}

/// Shows every stream that there is, for as long as the edge runs.
pub(crate) fn watch(context: Context, meter: &Meter) {
    let seen = Seen::default();
    show(&STREAM_MESSAGES, meter, &seen, |fill| Some(fill.messages));
    show(&STREAM_BYTES, meter, &seen, |fill| Some(fill.bytes));
    show(&STREAM_LIMIT, meter, &seen, |fill| fill.limit);
    tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let fills = look(&context).await;
            *seen.lock() = fills;
        }
    });
}

fn show(
    metric: &Metric,
    meter: &Meter,
    seen: &Seen,
    figure: impl Fn(&Fill) -> Option<u64> + Send + Sync + 'static,
) {
    let seen = Arc::clone(seen);
    meter
        .u64_observable_gauge(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.meaning)
        .with_callback(move |gauge| {
            for fill in seen.lock().iter() {
                if let Some(figure) = figure(fill) {
                    gauge.observe(figure, &[KeyValue::new("stream", fill.stream)]);
                }
            }
        })
        .build();
}

/// Streams that the pipeline does not have are left out.
async fn look(context: &Context) -> Vec<Fill> {
    let mut fills = Vec::new();
    for spec in STREAMS {
        if let Ok(stream) = context.get_stream(spec.name).await {
            fills.push(fill(spec.name, stream.cached_info()));
        }
    }
    fills
}

fn fill(stream: &'static str, info: &Info) -> Fill {
    Fill {
        stream,
        messages: info.state.messages,
        bytes: info.state.bytes,
        limit: u64::try_from(info.config.max_bytes)
            .ok()
            .filter(|limit| *limit > 0),
    }
}
