//! SUBSCRIBE and UNSUBSCRIBE.

use bytes::Bytes;

use super::{Connection, End};
use crate::bus::Bus;
use crate::codec::{ReasonCode, Subscribe, Unsubscribe};

impl<B: Bus> Connection<B> {
    pub(super) async fn subscribe(&mut self, subscribe: Subscribe) -> Result<(), End> {
        if subscribe.subscription_id.is_some() {
            let text = "subscription identifiers are not supported";
            let code = ReasonCode::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED;
            return Err(End::with_text("protocol_error", code, text));
        }
        let mut codes = Vec::with_capacity(subscribe.filters.len());
        for request in &subscribe.filters {
            let granted = request.qos.min(1);
            let client_id = self.template.client_id.clone();
            match self
                .delivering
                .subscribe(&client_id, &request.filter, granted)
                .await
            {
                Ok(()) => codes.push(ReasonCode(granted)),
                Err(error) => {
                    tracing::warn!(%error, "could not subscribe");
                    codes.push(ReasonCode::UNSPECIFIED_ERROR);
                }
            }
        }
        let id = subscribe.packet_id;
        self.outbox
            .send(|encoder, out| encoder.encode_suback(id, &codes, out))
            .map_err(|error| {
                End::with_text(
                    "packet_too_large",
                    ReasonCode::PACKET_TOO_LARGE,
                    error.to_string(),
                )
            })?;
        for (request, code) in subscribe.filters.iter().zip(&codes) {
            if !code.is_failure() {
                self.subscribed(Bytes::copy_from_slice(request.filter.as_bytes()), code.0)
                    .await;
            }
        }
        Ok(())
    }

    pub(super) async fn unsubscribe(&mut self, unsubscribe: Unsubscribe) -> Result<(), End> {
        let mut codes = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            codes.push(match self.delivering.unsubscribe(filter).await {
                Ok(true) => ReasonCode::SUCCESS,
                Ok(false) => ReasonCode::NO_SUBSCRIPTION_EXISTED,
                Err(error) => {
                    tracing::warn!(%error, "could not unsubscribe");
                    ReasonCode::UNSPECIFIED_ERROR
                }
            });
        }
        let id = unsubscribe.packet_id;
        self.outbox
            .send(|encoder, out| encoder.encode_unsuback(id, &codes, out))
            .map_err(|error| {
                End::with_text(
                    "packet_too_large",
                    ReasonCode::PACKET_TOO_LARGE,
                    error.to_string(),
                )
            })?;
        for (filter, code) in unsubscribe.filters.iter().zip(&codes) {
            if *code == ReasonCode::SUCCESS {
                self.unsubscribed(Bytes::copy_from_slice(filter.as_bytes()))
                    .await;
            }
        }
        Ok(())
    }
}
