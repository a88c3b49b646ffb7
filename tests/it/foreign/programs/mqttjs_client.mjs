// Connections of mqtt.js, as many as are ordered. The lines are those of ../orders.rs.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const mqtt = createRequire(`${process.env.NODE_MODULES}/`)("mqtt");
const connections = new Map();

// Reason code of a PUBCOMP for a PUBREL that comes again: no error then (MQTT 5.0, section 3.7.2.1).
const NOT_FOUND = 0x92;

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const payload = (text) => Buffer.from(text, "base64");
const file = (path) => (path ? readFileSync(path) : undefined);
const schemes = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" };

const will = ({ topic, payload: text, qos, retain, delay }, version) => ({
  topic,
  payload: payload(text),
  qos,
  retain,
  properties: version === 5 ? { willDelayInterval: delay } : undefined,
});

function options(order) {
  return {
    clientId: order.client_id,
    protocolVersion: order.version,
    clean: order.clean,
    keepalive: 30,
    resubscribe: false,
    reconnectPeriod: order.reconnect ? 500 : 0,
    properties: order.version === 5 ? { sessionExpiryInterval: order.expiry } : undefined,
    will: order.will ? will(order.will, order.version) : undefined,
    username: order.user ?? undefined,
    password: order.password ?? undefined,
    ca: file(order.ca),
    cert: file(order.certificate),
    key: file(order.key),
  };
}

function arrived(on, topic, body, packet) {
  const { qos, retain, dup } = packet;
  tell({ on, message: { topic, payload: body.toString("base64"), qos, retain, dup } });
}

const orders = {
  connect: (order) =>
    new Promise((done, fail) => {
      const url = `${schemes[order.transport]}://${order.host}:${order.port}/mqtt`;
      const client = mqtt.connect(url, options(order));
      connections.set(order.on, client);
      client.on("message", (...what) => arrived(order.on, ...what));
      client.once("connect", (connack) => done({ code: 0, session_present: connack.sessionPresent }));
      client.on("error", (why) => {
        if (typeof why.code !== "number") return fail(why);
        done({ code: why.code, session_present: false });
      });
      client.once("close", () => fail(new Error("closed without CONNACK")));
    }),
  subscribe: async ({ on, filter, qos }) => {
    const granted = await connections.get(on).subscribeAsync(filter, { qos });
    return { code: granted[0].qos };
  },
  unsubscribe: async ({ on, filter }) => {
    await connections.get(on).unsubscribeAsync(filter);
    return { code: 0 };
  },
  publish: async ({ on, topic, payloads, qos, retain }) => {
    const publish = (text) => connections.get(on).publishAsync(topic, payload(text), { qos, retain });
    const unless = (why) => {
      if (why.code !== NOT_FOUND) throw why;
    };
    await Promise.all(payloads.map((text) => publish(text).catch(unless)));
    return { code: 0 };
  },
  disconnect: async ({ on }) => {
    await connections.get(on).endAsync();
    return {};
  },
  cut: async ({ on }) => {
    connections.get(on).stream.destroy();
    return {};
  },
};

async function obey(order) {
  try {
    tell({ answers: order.id, done: await orders[order.do](order) });
  } catch (why) {
    tell({ answers: order.id, failed: String(why) });
  }
}

createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => process.exit(0));
