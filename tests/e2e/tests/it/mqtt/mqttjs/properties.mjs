// `properties.mjs URL`: what MQTT 5 adds, as MQTT.js uses it: aliases by itself in both directions, a request with its answer,
// properties of a subscription and of a message.

import { check, connected, inEachVersion, only, unique } from "./client.mjs";

const url = process.argv[2];

await inEachVersion(async (version) => {
    const base = unique("properties");
    const screen = await connected(url, version, { properties: { topicAliasMaximum: 4, requestProblemInformation: true } });
    const sensor = await connected(url, version, { autoAssignTopicAlias: true });
    await screen.subscribeAsync(`${base}/+`, { qos: 2, properties: { subscriptionIdentifier: 7 } });
    for (let round = 0; round < 4; round++) {
        // Not QoS 2: MQTT.js gives such a message without its topic when that came as an alias.
        for (const topic of ["a", "b", "c"]) await sensor.publishAsync(`${base}/${topic}`, topic, { qos: round % 2 });
    }
    for (const { topic, payload, packet } of await only(screen, 12)) {
        check(topic === `${base}/${payload}`, `${topic} came for ${payload}`);
        check(packet.properties.subscriptionIdentifier === 7, "the subscription's identifier");
    }

    await sensor.subscribeAsync(`${base}-answers`, { qos: 1, nl: true });
    const properties = {
        responseTopic: `${base}-answers`,
        correlationData: Buffer.from([3, 0, 3]),
        contentType: "text/plain",
        payloadFormatIndicator: true,
        messageExpiryInterval: 60,
        userProperties: { shelf: "4", aisle: ["a", "b"] },
    };
    await sensor.publishAsync(`${base}/request`, "how warm?", { qos: 1, properties });
    const [request] = await only(screen, 1);
    const got = request.packet.properties;
    check(got.contentType === "text/plain" && got.payloadFormatIndicator === true, "content type and format");
    check(got.messageExpiryInterval > 50 && got.messageExpiryInterval <= 60, `expires in ${got.messageExpiryInterval}`);
    check(got.userProperties.shelf === "4" && got.userProperties.aisle.join() === "a,b", "user properties");
    await screen.publishAsync(got.responseTopic, "4 degrees", {
        qos: 1,
        properties: { correlationData: got.correlationData },
    });
    const [answer] = await only(sensor, 1);
    check(answer.packet.properties.correlationData.equals(properties.correlationData), "correlation data");
    await Promise.all([screen.endAsync(), sensor.endAsync()]);
}, [5]);
