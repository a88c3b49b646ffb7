"""Connections of gmqtt, as many as are ordered."""

import asyncio
import ssl
import threading

import gmqtt
import lines


class Connection:
    def __init__(self, on):
        self.on = on
        self.answers = asyncio.Queue()

    async def connect(self, order):
        five = order["version"] == 5
        properties = {"session_expiry_interval": order["expiry"]} if five else {}
        self.client = gmqtt.Client(
            order["client_id"],
            clean_session=order["clean"],
            will_message=self.will(order["will"], five),
            **properties,
        )
        client = self.client
        client.set_config({"reconnect_delay": 1, "reconnect_retries": -1})
        client.on_message = self.arrived
        client.on_connect = lambda _c, present, code, _p: self.answers.put_nowait((code, present))
        client.on_subscribe = lambda _c, _mid, codes, _p: self.answers.put_nowait(codes[0])
        client.on_unsubscribe = lambda *_: self.answers.put_nowait(0)
        if order["user"] is not None:
            client.set_auth_credentials(order["user"], order["password"])
        self.reconnect = order["reconnect"]
        try:
            await client.connect(
                order["host"],
                order["port"],
                ssl=self.tls(order),
                keepalive=30,
                version=5 if five else 4,
            )
        except gmqtt.mqtt.handler.MQTTConnectError as refused:
            client._is_active = False
            return {"code": refused._code, "session_present": False}
        code, present = await self.answers.get()
        client.on_connect = lambda *_: None
        if not self.reconnect:
            # The library's only switch counts down from the next loss on.
            client._is_active = False
        return {"code": code, "session_present": bool(present)}

    @staticmethod
    def will(will, five):
        if not will:
            return None
        properties = {"will_delay_interval": will["delay"]} if five else {}
        return gmqtt.Message(
            will["topic"],
            lines.payload(will["payload"]),
            qos=will["qos"],
            retain=will["retain"],
            **properties,
        )

    @staticmethod
    def tls(order):
        if order["transport"] != "tls":
            return False
        context = ssl.create_default_context(cafile=order["ca"])
        if order["certificate"]:
            context.load_cert_chain(order["certificate"], order["key"])
        return context

    def arrived(self, _client, topic, payload, qos, properties):
        lines.message(self.on, topic, payload, qos, properties["retain"], properties["dup"])
        return 0

    async def subscribe(self, order):
        self.client.subscribe(order["filter"], qos=order["qos"])
        return {"code": await self.answers.get()}

    async def unsubscribe(self, order):
        self.client.unsubscribe(order["filter"])
        return {"code": await self.answers.get()}

    async def publish(self, order):
        stored = self.client._persistent_storage
        for text in order["payloads"]:
            self.client.publish(
                order["topic"], lines.payload(text), qos=order["qos"], retain=order["retain"]
            )
        await stored.wait_empty()
        return {"code": 0}

    async def disconnect(self, _order):
        await self.client.disconnect()
        return {}

    async def cut(self, _order):
        self.client._connection._transport.abort()
        return {}


async def main():
    connections = {}

    async def obey(order):
        try:
            on = order["on"]
            if order["do"] == "connect":
                connections[on] = Connection(on)
            lines.done(order, **await getattr(connections[on], order["do"])(order))
        except Exception as why:
            lines.failed(order, why)

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def read():
        for order in lines.orders():
            asyncio.run_coroutine_threadsafe(obey(order), loop)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, daemon=True).start()
    await ended.wait()


asyncio.run(main())
