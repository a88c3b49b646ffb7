//! What mqtt-edge counts besides.

metrics! {
    CONNECTIONS "latchwork.mqtt.connections" => "latchwork_mqtt_connections",
        Gauge, "{connection}", [], "MQTT connections that are open, after CONNECT.";
    SOCKETS "latchwork.mqtt.sockets" => "latchwork_mqtt_sockets",
        Gauge, "{connection}", ["listener"], "Sockets that are open, by port, also before CONNECT.";
    CONNECTIONS_REFUSED "latchwork.mqtt.connections.refused" => "latchwork_mqtt_connections_refused_total",
        Counter, "{connection}", ["reason"], "Connections that were closed as soon as they were accepted, by the limit that they exceeded.";
    HANDSHAKES_FAILED "latchwork.mqtt.handshakes.failed" => "latchwork_mqtt_handshakes_failed_total",
        Counter, "{connection}", ["listener", "reason"], "Connections that ended in TLS or WebSocket, before MQTT.";
    CONNECTS "latchwork.mqtt.connects" => "latchwork_mqtt_connects_total",
        Counter, "{connection}", ["reason"], "Connections by the answer to CONNECT, or by how they ended without one.";
    DISCONNECTS "latchwork.mqtt.disconnects" => "latchwork_mqtt_disconnects_total",
        Counter, "{connection}", ["reason"], "Accepted connections that ended, by the cause.";
    PUBLISHES "latchwork.mqtt.publishes" => "latchwork_mqtt_publishes_total",
        Counter, "{message}", ["reason"], "Messages that clients published, by what PUBACK says of them to MQTT 5 (QoS 0 counts alike).";
    QOS0_DROPPED "latchwork.mqtt.qos0.dropped" => "latchwork_mqtt_qos0_dropped_total",
        Counter, "{message}", [], "QoS 0 messages that a stalled store had no room for.";
    DELIVERIES_DROPPED "latchwork.mqtt.deliveries.dropped" => "latchwork_mqtt_deliveries_dropped_total",
        Counter, "{message}", ["reason"], "Messages that a subscriber did not get: it was too slow, had announced them to be too large, came too late for them, or too many waited for it.";
    PUBACK_LATENCY "latchwork.puback.latency" => "latchwork_puback_latency_seconds",
        Histogram, "s", ["stage"], "From reading a PUBLISH at QoS 1 to writing its PUBACK, every message.";
    COMMAND_CHECKS "latchwork.command.checks" => "latchwork_command_checks_total",
        Counter, "{command}", ["verdict"], "Signed commands that were checked.";
    COMMAND_CHECK_DURATION "latchwork.command.check.duration" => "latchwork_command_check_duration_seconds",
        Histogram, "s", [], "Checking one command, with the claim of its nonce.";
    PARTITIONS "latchwork.partitions" => "latchwork_partitions",
        Gauge, "{partition}", [], "Partitions of the streams: the lanes that the replicas of a stage must own together.";
    STREAM_MESSAGES "latchwork.stream.messages" => "latchwork_stream_messages",
        Gauge, "{message}", ["stream"], "Messages (frames) in a JetStream stream, as the edge sees it.";
    STREAM_BYTES "latchwork.stream.size" => "latchwork_stream_size_bytes",
        Gauge, "By", ["stream"], "Bytes in a JetStream stream, as the edge sees it.";
    STREAM_LIMIT "latchwork.stream.limit" => "latchwork_stream_limit_bytes",
        Gauge, "By", ["stream"], "Bytes that a JetStream stream may hold; absent without a limit.";
}
