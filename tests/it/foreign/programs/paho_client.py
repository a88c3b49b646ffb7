"""Connections of paho-mqtt, as many as are ordered."""

import queue
import socket
import threading

import lines
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

# Seconds. The test has a deadline of its own.
PATIENCE = 60


class Connection:
    def __init__(self, on):
        self.on = on
        self.answers = queue.Queue()
        self.published = queue.Queue()

    def connect(self, order):
        five = order["version"] == 5
        web = order["transport"] in ("ws", "wss")
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=order["client_id"],
            clean_session=None if five else order["clean"],
            protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311,
            transport="websockets" if web else "tcp",
            reconnect_on_failure=order["reconnect"],
        )
        client = self.client
        client.reconnect_delay_set(1, 1)
        if web:
            client.ws_set_options(path="/mqtt")
        if order["transport"] in ("tls", "wss"):
            client.tls_set(order["ca"], order["certificate"], order["key"])
        if order["user"] is not None:
            client.username_pw_set(order["user"], order["password"])
        if order["will"]:
            self.set_will(order["will"], five)
        client.on_connect = self.connected
        client.on_message = self.arrived
        client.on_publish = lambda _c, _u, _mid, reason, _p: self.published.put(reason.value)
        client.on_subscribe = lambda _c, _u, _mid, codes, _p: self.answers.put(codes[0].value)
        client.on_unsubscribe = lambda *_: self.answers.put(0)
        more = {}
        if five:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = order["expiry"]
            more = {"clean_start": order["clean"], "properties": properties}
        client.connect(order["host"], order["port"], keepalive=30, **more)
        client.loop_start()
        code, present = self.answers.get(timeout=PATIENCE)
        return {"code": code, "session_present": present}

    def set_will(self, will, five):
        properties = None
        if five:
            properties = Properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = will["delay"]
        self.client.will_set(
            will["topic"], lines.payload(will["payload"]), will["qos"], will["retain"], properties
        )

    def connected(self, _client, _userdata, flags, reason, _properties):
        # What comes after the first one is the library's own reconnecting.
        self.answers.put((reason.value, flags.session_present))
        self.client.on_connect = None

    def arrived(self, _client, _userdata, message):
        lines.message(
            self.on, message.topic, message.payload, message.qos, message.retain, message.dup
        )

    def subscribe(self, order):
        self.client.subscribe(order["filter"], order["qos"])
        return {"code": self.answers.get(timeout=PATIENCE)}

    def unsubscribe(self, order):
        self.client.unsubscribe(order["filter"])
        return {"code": self.answers.get(timeout=PATIENCE)}

    def publish(self, order):
        for text in order["payloads"]:
            self.client.publish(order["topic"], lines.payload(text), order["qos"], order["retain"])
        codes = [self.published.get(timeout=PATIENCE) for _ in order["payloads"]]
        return {"code": max(codes)}

    def disconnect(self, _order):
        self.client.disconnect()
        self.client.loop_stop()
        return {}

    def cut(self, _order):
        self.client.socket().shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()
        return {}


def main():
    connections = {}

    def obey(order):
        try:
            on = order["on"]
            if order["do"] == "connect":
                connections[on] = Connection(on)
            lines.done(order, **getattr(connections[on], order["do"])(order))
        except Exception as why:
            lines.failed(order, why)

    for order in lines.orders():
        # A connection that waits for its acknowledgements holds up no other one.
        threading.Thread(target=obey, args=(order,), daemon=True).start()


main()
