"""The lines that a Python client program speaks: see ../orders.rs."""

import base64
import json
import sys
import threading

_one_at_a_time = threading.Lock()


def orders():
    for line in sys.stdin:
        yield json.loads(line)


def payload(text):
    return base64.b64decode(text)


def tell(line):
    with _one_at_a_time:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def done(order, **what):
    tell({"answers": order["id"], "done": what})


def failed(order, why):
    tell({"answers": order["id"], "failed": f"{type(why).__name__}: {why}"})


def message(on, topic, payload, qos, retain, dup):
    tell(
        {
            "on": on,
            "message": {
                "topic": topic,
                "payload": base64.b64encode(payload).decode(),
                "qos": qos,
                "retain": bool(retain),
                "dup": bool(dup),
            },
        }
    )
