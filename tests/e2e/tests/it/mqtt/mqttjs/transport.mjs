// `transport.mjs URL`: small and large messages of every QoS come back, retained ones stay, a will is left.

import { check, connected, inEachVersion, only, unique } from "./client.mjs";

const url = process.argv[2];
// More than one frame, one TLS record and one buffer of whoever reads it.
const LARGE = Buffer.alloc(200_000, "large ");

await inEachVersion(async (version) => {
    const base = unique("transport");
    const client = await connected(url, version);
    const granted = await client.subscribeAsync(`${base}/#`, { qos: 2 });
    check(granted[0].qos === 2, `QoS 2 was asked for, ${granted[0].qos} given`);
    const sent = [0, 1, 2].flatMap((qos) => [`small ${qos}`, LARGE].map((payload) => ({ qos, payload })));
    for (const { qos, payload } of sent) await client.publishAsync(`${base}/${qos}`, payload, { qos });
    const came = (await only(client, sent.length)).map(({ topic, payload, packet }) => {
        check(topic === `${base}/${packet.qos}`, `${topic} came with QoS ${packet.qos}`);
        return `${packet.qos} ${payload.length}`;
    });
    const expected = sent.map(({ qos, payload }) => `${qos} ${payload.length}`);
    check(came.sort().join() === expected.sort().join(), `${came.join()} came`);

    await client.publishAsync(`${base}/kept`, "kept", { qos: 1, retain: true });
    await only(client, 1);
    const later = await connected(url, version);
    await later.subscribeAsync(`${base}/+`, { qos: 1 });
    const [kept] = await only(later, 1);
    check(kept.packet.retain && `${kept.payload}` === "kept", "the retained message");

    const will = { topic: `${base}/will`, payload: Buffer.from("will"), qos: 1, retain: false };
    const mortal = await connected(url, version, { will });
    mortal.stream.destroy();
    const [left] = await only(later, 1);
    check(`${left.payload}` === "will", "the will");
    await Promise.all([client.endAsync(), later.endAsync()]);
});
