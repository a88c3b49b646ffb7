//! One connection of a client, whatever library is behind it.

use tokio::sync::{mpsc, oneshot};

use super::orders::{Asked, Done, Fault, Message, Order, base64};
use crate::waiting::DEADLINE;

/// Messages and orders that wait for the test.
pub(super) const BACKLOG: usize = 16_384;

/// Messages that a library gets at once. The edge's Receive Maximum is 1024, and not every library
/// keeps to it: mqtt.js never does, paho-mqtt does not when it publishes again.
const AT_ONCE: usize = 500;

/// One connection of a client.
pub(super) struct Connection {
    on: String,
    orders: mpsc::Sender<Asked>,
    messages: mpsc::Receiver<Message>,
    /// CONNACK's.
    pub(super) session_present: bool,
    /// CONNACK's return or reason code.
    pub(super) code: u8,
}

impl Connection {
    /// Asks for the connection, and gives it when CONNACK is there.
    pub(super) async fn open(
        on: String,
        orders: mpsc::Sender<Asked>,
        messages: mpsc::Receiver<Message>,
        connect: Order,
    ) -> Result<Self, Fault> {
        let mut connection = Self {
            on,
            orders,
            messages,
            session_present: false,
            code: 0,
        };
        let done = connection.ask(connect).await?;
        connection.session_present = done.session_present;
        connection.code = done.code;
        Ok(connection)
    }

    async fn ask(&self, order: Order) -> Result<Done, Fault> {
        let what = || name(&order);
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            on: self.on.clone(),
            order: order.clone(),
            answer,
        };
        let gone = |()| format!("nobody does {} any more", what());
        let sent = self.orders.send(asked).await;
        sent.map_err(|_| gone(()))?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(why))) => Err(format!("{} of {}: {why}", what(), self.on)),
            Ok(Err(_)) => Err(gone(())),
            Err(_) => Err(format!("{} of {} was not answered", what(), self.on)),
        }
    }

    /// The filter must be granted this very `QoS`.
    pub(super) async fn subscribe(&self, filter: &str, qos: u8) -> Result<(), Fault> {
        let filter = filter.to_owned();
        let told = format!("SUBACK for {filter} at QoS {qos}");
        let code = self.ask(Order::Subscribe { filter, qos }).await?.code;
        same(&told, &code, &qos)
    }

    pub(super) async fn unsubscribe(&self, filter: &str) -> Result<(), Fault> {
        let filter = filter.to_owned();
        self.ask(Order::Unsubscribe { filter }).await.map(drop)
    }

    /// Publishes one message, and waits for its acknowledgement.
    pub(super) async fn publish(&self, topic: &str, payload: &str, qos: u8) -> Result<(), Fault> {
        self.publish_all(topic, &[payload.as_bytes().to_vec()], qos)
            .await
    }

    /// The same with RETAIN.
    pub(super) async fn retain(&self, topic: &str, payload: &str, qos: u8) -> Result<(), Fault> {
        let payloads = [payload.as_bytes().to_vec()];
        self.send(topic, &payloads, qos, true).await
    }

    /// Publishes messages, up to [`AT_ONCE`] without waiting for an acknowledgement.
    pub(super) async fn publish_all(
        &self,
        topic: &str,
        payloads: &[Vec<u8>],
        qos: u8,
    ) -> Result<(), Fault> {
        for some in payloads.chunks(AT_ONCE) {
            self.send(topic, some, qos, false).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        topic: &str,
        payloads: &[Vec<u8>],
        qos: u8,
        retain: bool,
    ) -> Result<(), Fault> {
        let order = Order::Publish {
            topic: topic.to_owned(),
            qos,
            retain,
            payloads: payloads.iter().map(|payload| base64(payload)).collect(),
        };
        match self.ask(order).await?.code {
            // 0x10 says that nobody has subscribed.
            0 | 0x10 => Ok(()),
            // A PUBREL came again: no error then (MQTT 5.0, section 3.7.2.1).
            0x92 if qos == 2 => Ok(()),
            code => Err(format!("a message to {topic} is refused: {code:#04x}")),
        }
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Result<Message, Fault> {
        match tokio::time::timeout(DEADLINE, self.messages.recv()).await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(format!("{} gets nothing any more", self.on)),
            Err(_) => Err(format!("{} waited in vain for a message", self.on)),
        }
    }

    /// The next message must have this text.
    pub(super) async fn expect(&mut self, text: &str) -> Result<Message, Fault> {
        let message = self
            .next()
            .await
            .map_err(|why| format!("{why}, {text:?}"))?;
        let got = String::from_utf8_lossy(&message.payload).into_owned();
        same(&format!("message to {}", self.on), got.as_str(), text)?;
        Ok(message)
    }

    pub(super) async fn disconnect(self) -> Result<(), Fault> {
        self.ask(Order::Disconnect).await.map(drop)
    }

    /// Ends without DISCONNECT.
    pub(super) async fn cut(self) -> Result<(), Fault> {
        self.ask(Order::Cut).await.map(drop)
    }
}

fn name(order: &Order) -> &'static str {
    match order {
        Order::Connect(_) => "CONNECT",
        Order::Subscribe { .. } => "SUBSCRIBE",
        Order::Unsubscribe { .. } => "UNSUBSCRIBE",
        Order::Publish { .. } => "PUBLISH",
        Order::Disconnect => "DISCONNECT",
        Order::Cut => "cutting the connection",
    }
}

/// A fault that shows both, unless they are the same.
pub(super) fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    got: &T,
    expected: &T,
) -> Result<(), Fault> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, not {expected:?}"))
}
