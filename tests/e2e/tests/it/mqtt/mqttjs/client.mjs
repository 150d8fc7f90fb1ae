// MQTT.js with an end to every wait. Where it lies comes in AISLE_MQTTJS.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const mqtt = createRequire(import.meta.url)(process.env.AISLE_MQTTJS);

export const VERSIONS = [4, 5];
const PATIENCE_MS = 15_000;
const QUIET_MS = 300;

let numbers = 0;

/** A name that nobody else uses. */
export const unique = (what = "client") => `${what}-js-${process.pid}-${++numbers}`;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Fails by name when the condition does not hold. */
export function check(holds, what) {
    if (!holds) throw new Error(what);
}

/** Waits until something holds. */
export async function eventually(what, holds, patienceMs = PATIENCE_MS) {
    const deadline = Date.now() + patienceMs;
    while (!holds()) {
        check(Date.now() < deadline, `${what} did not come about within ${patienceMs} ms`);
        await sleep(10);
    }
}

/** A connected client with an inbox. */
export async function connected(url, protocolVersion, options = {}) {
    const ca = process.env.AISLE_CA && readFileSync(process.env.AISLE_CA);
    const client = await mqtt.connectAsync(url, {
        clientId: unique(),
        protocolVersion,
        reconnectPeriod: 0,
        connectTimeout: PATIENCE_MS,
        ...(ca && { ca }),
        ...options,
    });
    client.inbox = [];
    client.on("message", (topic, payload, packet) => client.inbox.push({ topic, payload, packet }));
    return client;
}

/** So many messages and then no more. */
export async function only(client, count) {
    await eventually(`message ${count} (${client.inbox.length} came)`, () => client.inbox.length >= count);
    await sleep(QUIET_MS);
    check(client.inbox.length === count, `${count} messages were expected, ${client.inbox.length} came`);
    return client.inbox.splice(0);
}

/** Runs a scenario in every version at once; the process fails when one of them does. */
export async function inEachVersion(scenario, versions = VERSIONS) {
    const outcomes = await Promise.allSettled(versions.map((version) => scenario(version)));
    outcomes.forEach((outcome, index) => {
        if (outcome.status === "rejected") console.error(`protocol level ${versions[index]}:`, outcome.reason);
    });
    process.exit(outcomes.some((outcome) => outcome.status === "rejected") ? 1 : 0);
}
