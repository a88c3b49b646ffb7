//! From HTTP to WebSocket.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_PROTOCOL,
};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::wire::WebSocketWire;

/// Where MQTT is.
const PATH: &str = "/mqtt";

/// What it is called (MQTT 5.0 section 6).
const PROTOCOL: &str = "mqtt";

/// Bytes that a connection keeps for what it reads: some messages of a lock with their frames.
const READ_BUFFER: usize = 2 * 1024;

/// What a message may be larger than the largest MQTT packet: clients send several in one.
const MESSAGE_ROOM: usize = 64 * 1024;

/// Answers the client's request. `max_packet`: bytes of the largest MQTT packet.
pub(super) async fn upgrade<S>(stream: S, max_packet: u32) -> Result<WebSocketWire<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let most = usize::try_from(max_packet)
        .unwrap_or(usize::MAX)
        .saturating_add(MESSAGE_ROOM);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // Each frame goes out at once.
        .write_buffer_size(0)
        .max_message_size(Some(most))
        .max_frame_size(Some(most));
    let socket = accept_hdr_async_with_config(stream, MqttOnly, Some(config)).await?;
    Ok(WebSocketWire::new(socket))
}

struct MqttOnly;

impl Callback for MqttOnly {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        if request.uri().path() != PATH {
            return Err(refusal(StatusCode::NOT_FOUND, "MQTT is at /mqtt\n"));
        }
        // MQTT-6.0.0-3 and MQTT-6.0.0-4.
        if !offers_mqtt(request) {
            let why = "the WebSocket subprotocol has to be mqtt\n";
            return Err(refusal(StatusCode::BAD_REQUEST, why));
        }
        let protocol = HeaderValue::from_static(PROTOCOL);
        response
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        Ok(response)
    }
}

fn offers_mqtt(request: &Request) -> bool {
    request
        .headers()
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|offered| offered.to_str().ok())
        .flat_map(|offered| offered.split(','))
        .any(|offered| offered.trim() == PROTOCOL)
}

fn refusal(status: StatusCode, why: &'static str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(why.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, why.len().into());
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
