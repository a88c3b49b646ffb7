//! What an operator does with a lock goes into the audit log.

use async_nats::jetstream::context::Context;
use bytes::Bytes;
use record::{FrameBuilder, Kind, Record, partition_of};
use serde_json::Value;
use stage::jetstream::{FramePublisher, stored_partitions};
use stage::now_ms;
use topology::EV;

/// Tells the audit of an action. Where there is no audit, nobody is told.
pub(crate) async fn tell_audit(
    context: &Context,
    lock: &str,
    action: &str,
    details: Value,
) -> anyhow::Result<()> {
    let Some(partitions) = stored_partitions(context, &EV).await? else {
        return Ok(());
    };
    let operator = std::env::var("USER").unwrap_or_default();
    let payload = serde_json::json!({"action": action, "operator": operator, "details": details});
    let mut frame = FrameBuilder::default();
    frame.push(&Record {
        kind: Kind::Operator.into(),
        client_id: Bytes::copy_from_slice(lock.as_bytes()),
        payload: payload.to_string().into(),
        node: Bytes::from_static(b"latchwork"),
        received_at_ms: now_ms(),
        ..Record::default()
    });
    let subject = EV.partition_subject(partition_of(lock.as_bytes(), partitions));
    let id = format!("operator:{:032x}", fastrand::u128(..));
    let publisher = FramePublisher::new(context.clone(), EV.name, subject);
    publisher.publish(&id, frame.take(), None).await?;
    Ok(())
}
