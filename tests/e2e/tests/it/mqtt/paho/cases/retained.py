"""Retained messages."""

import time

from client import connected, unique

USER = [("a", "2"), ("c", "3")]


def retained_messages_wait_for_who_subscribes_later(broker, version):
    base = unique("retained")
    client = connected(broker, version=version)
    for qos in range(3):
        client.publish(f"{base}/{qos}", f"qos {qos}", qos, retain=True)
    client.subscribe(base + "/+", qos=2)
    came = {(message.topic, message.payload, message.qos, message.retain) for message in client.only(3)}
    assert came == {(f"{base}/{qos}", f"qos {qos}".encode(), qos, True) for qos in range(3)}, came


def an_empty_retained_message_clears_the_one_before(broker, version):
    base = unique("cleared")
    client = connected(broker, version=version)
    for qos in range(3):
        client.publish(f"{base}/{qos}", b"old", qos, retain=True)
    for qos in range(3):
        client.publish(f"{base}/{qos}", b"", qos, retain=True)
    client.publish(f"{base}/last", b"last", 1)
    client.subscribe(base + "/+", qos=2)
    client.hears_nothing()


def the_last_retained_message_is_the_one_that_is_kept(broker, version):
    topic = unique("last")
    client = connected(broker, version=version)
    for number in range(5):
        client.publish(topic, f"{number}", 1, retain=True)
    client.publish(topic, b"passing", 1)
    client.subscribe(topic, qos=1)
    [message] = client.only()
    assert message.payload == b"4"


def a_retained_message_keeps_its_properties(broker):
    base = unique("retained-properties")
    client = connected(broker)
    for qos in range(3):
        client.publish(f"{base}/{qos}", f"qos {qos}", qos, retain=True, UserProperty=USER, ContentType="x")
    client.subscribe(base + "/+", qos=2)
    came = client.only(3)
    assert {message.qos for message in came} == {0, 1, 2}
    for message in came:
        assert message.properties.UserProperty == USER, message.properties
        assert message.properties.ContentType == "x", message.properties


def a_retained_message_expires(broker):
    base = unique("retained-expiry")
    client = connected(broker)
    client.publish(base + "/short", b"short", 1, retain=True, MessageExpiryInterval=1)
    client.publish(base + "/long", b"long", 1, retain=True, MessageExpiryInterval=60)
    time.sleep(2.1)
    client.subscribe(base + "/+", qos=1)
    [message] = client.only()
    assert message.payload == b"long"
    assert 50 <= message.properties.MessageExpiryInterval <= 58, message.properties
