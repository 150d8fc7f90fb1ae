// `reconnect.mjs URL`: a publisher and a subscriber with lasting sessions go on by themselves after the broker went away and
// came back. Prints `under way` when the broker may go. QoS 1 comes at least once, QoS 2 exactly once.

import { check, connected, eventually, inEachVersion, sleep, unique } from "./client.mjs";

const url = process.argv[2];
const MESSAGES = 600;
const UNDER_WAY = 100;
// After a reconnect the client sends one again when the one before is acknowledged: each waits for the disk, which may be busy.
const PATIENCE_MS = 90_000;

let underWay = 0;

await inEachVersion(async (version) => {
    const topic = unique("reconnect");
    const lasting = {
        clean: false,
        reconnectPeriod: 50,
        ...(version === 5 && { properties: { sessionExpiryInterval: 600 } }),
    };
    const subscriber = await connected(url, version, lasting);
    const publisher = await connected(url, version, lasting);
    for (const client of [subscriber, publisher]) client.on("error", () => {});
    await subscriber.subscribeAsync(`${topic}/+`, { qos: 2 });

    let acknowledged = 0;
    let refused;
    for (let number = 0; number < MESSAGES; number++) {
        const sent = publisher.publishAsync(`${topic}/${1 + (number % 2)}`, `${number}`, { qos: 1 + (number % 2) });
        sent.then(() => acknowledged++, (error) => (refused = error));
        if (number % 20 === 0) await sleep(20);
        if (number === UNDER_WAY && ++underWay === 2) console.log("under way");
    }
    await eventually("every acknowledgement", () => acknowledged === MESSAGES || refused, PATIENCE_MS);
    check(!refused, refused);
    const counts = new Map();
    const distinct = () => {
        for (const { payload } of subscriber.inbox.splice(0)) counts.set(`${payload}`, (counts.get(`${payload}`) ?? 0) + 1);
        return counts.size;
    };
    await eventually("every message", () => distinct() === MESSAGES, PATIENCE_MS);
    await sleep(300);
    distinct();
    for (const [number, count] of counts) {
        check(count === 1 || number % 2 === 0, `message ${number} of QoS 2 came ${count} times`);
    }
    await Promise.all([subscriber.endAsync(true), publisher.endAsync(true)]);
});
