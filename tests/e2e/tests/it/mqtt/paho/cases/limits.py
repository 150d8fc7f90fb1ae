"""What each side tells the other not to exceed."""

import struct

from client import Client, connected, unique
from wire import (
    CONNACK,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    Wire,
    connect,
    packet,
    publish,
    text,
)

MALFORMED_PACKET, PROTOCOL_ERROR = 0x81, 0x82
RECEIVE_MAXIMUM_EXCEEDED, TOPIC_ALIAS_INVALID, PACKET_TOO_LARGE = 0x93, 0x94, 0x95


def _alias(number):
    return b"\x23" + struct.pack("!H", number)


def _connected_wire(broker):
    wire = Wire(broker)
    wire.send(connect(unique(), 5))
    wire.expect(CONNACK)
    return wire


def a_client_may_shorten_its_topics(broker):
    topic, client = unique("alias"), Client(broker)
    _, properties = client.connect()
    assert properties.TopicAliasMaximum >= 2, "the broker of this test takes aliases"
    client.subscribe(topic + "/+", qos=2)
    client.publish(topic + "/1", b"named 1", 1, TopicAlias=1)
    client.publish(topic + "/2", b"named 2", 1, TopicAlias=2)
    client.publish("", b"alias 1", 1, TopicAlias=1)
    client.publish("", b"alias 2", 0, TopicAlias=2)
    client.publish(topic + "/3", b"anew", 2, TopicAlias=1)
    client.publish("", b"alias 3", 2, TopicAlias=1)
    came = {message.payload: message.topic for message in client.only(6)}
    named = {"named 1": 1, "named 2": 2, "alias 1": 1, "alias 2": 2, "anew": 3, "alias 3": 3}
    assert came == {payload.encode(): f"{topic}/{number}" for payload, number in named.items()}, came


def an_alias_ends_with_the_connection(broker):
    topic, name = unique("alias-gone"), unique()
    lasting = b"\x11" + struct.pack("!I", 99)
    wire = Wire(broker)
    wire.send(connect(name, 5, properties=lasting))
    wire.expect(CONNACK)
    wire.send(publish(topic, b"named", 1, mid=1, properties=_alias(1)), publish("", b"", 1, 2, properties=_alias(1)))
    wire.expect(PUBACK)
    wire.expect(PUBACK)
    wire.close()
    wire = Wire(broker)
    wire.send(connect(name, 5, clean=False, properties=lasting))
    assert wire.expect(CONNACK)[0] == 1, "the session goes on"
    wire.send(publish("", b"forgotten", 1, properties=_alias(1)))
    assert wire.is_thrown_out() in (TOPIC_ALIAS_INVALID, PROTOCOL_ERROR)


def an_alias_that_cannot_be_is_refused(broker):
    _, properties = Client(broker).connect()
    for number in (0, properties.TopicAliasMaximum + 1):
        wire = _connected_wire(broker)
        wire.send(publish("some/topic", b"", qos=1, properties=_alias(number)))
        allowed = (TOPIC_ALIAS_INVALID,) if number else (TOPIC_ALIAS_INVALID, PROTOCOL_ERROR, MALFORMED_PACKET)
        reason = wire.is_thrown_out()
        assert reason in allowed, (number, reason)


def the_broker_shortens_topics_for_who_allows_it(broker):
    topic, client = unique("server-alias"), Client(broker)
    client.connect(TopicAliasMaximum=1)
    client.subscribe(topic + "/+", qos=2)
    for qos in range(3):
        client.publish(topic + "/a", b"", qos)
    first, second, third = client.only(3)
    assert (first.topic, first.properties.TopicAlias) == (topic + "/a", 1)
    assert [(message.topic, message.properties.TopicAlias) for message in (second, third)] == [("", 1)] * 2
    client.publish(topic + "/b", b"", 1)
    [message] = client.only()
    alias = getattr(message.properties, "TopicAlias", None)
    assert message.topic == topic + "/b" and alias in (None, 1), (message.topic, alias)


def the_broker_shortens_no_topics_for_who_does_not(broker):
    for allowed in ({}, {"TopicAliasMaximum": 0}):
        topic, client = unique("no-alias"), Client(broker)
        client.connect(**allowed)
        client.subscribe(topic, qos=2)
        for qos in range(3):
            client.publish(topic, b"", qos)
        for message in client.only(3):
            assert message.topic == topic and not hasattr(message.properties, "TopicAlias")
        client.disconnect()


def a_packet_that_is_too_long_for_the_broker_ends_the_connection(broker):
    _, properties = Client(broker).connect()
    longest = properties.MaximumPacketSize
    wire = _connected_wire(broker)
    # One byte more than the broker takes; it need not wait for the rest to see it.
    wire.send(publish("some/topic", b"." * longest, qos=1)[:4096])
    assert wire.is_thrown_out() == PACKET_TOO_LARGE


def a_packet_that_is_too_long_for_the_client_is_not_sent(broker):
    topic, client, sender = unique("long"), Client(broker), connected(broker)
    client.connect(MaximumPacketSize=64)
    client.subscribe(topic, qos=2)
    sender.publish(topic, b"." * 20, 0)
    client.take()
    for qos in range(3):
        sender.publish(topic, b"." * 64, qos)
    client.hears_nothing()
    sender.publish(topic, b"short", 1)
    assert client.only()[0].payload == b"short", "the next one comes"


def the_broker_may_ask_for_an_earlier_sign_of_life(broker):
    # The broker of this case takes no keep alive above 60 s.
    for asked, given in ((120, 60), (0, 60), (30, None)):
        client = Client(broker)
        _, properties = client.connect(keepalive=asked)
        assert getattr(properties, "ServerKeepAlive", None) == given, (asked, properties)
        client.disconnect()


def a_client_gets_no_more_at_once_than_it_takes(broker):
    topic, sender = unique("window"), connected(broker)
    client = Client(broker, manual_ack=True)
    client.connect(ReceiveMaximum=2)
    client.subscribe(topic, qos=2)
    for number in range(6):
        sender.publish(topic, f"{number}", 1 + number % 2)
    wire = client.rest()
    assert [message.payload for message in wire] == [b"0", b"1"], wire
    for number in range(2, 6):
        client.ack(wire.pop(0))
        [message] = client.only()
        assert message.payload == f"{number}".encode(), message.payload
        wire.append(message)


def acknowledgements_pass_a_full_window(broker):
    topic, wire = unique("passing"), Wire(broker)
    wire.send(connect(unique(), 5, properties=b"\x21" + struct.pack("!H", 1)))
    wire.expect(CONNACK)
    wire.send(packet(SUBSCRIBE, 2, struct.pack("!H", 1) + b"\0" + text(topic) + b"\1"))
    wire.expect(SUBACK)
    # Its own first message fills the window; its acknowledgements must come through it.
    wire.send(*(publish(topic, b"", qos=1, mid=mid) for mid in range(10, 15)))
    kinds = [wire.read()[0] for _ in range(6)]
    assert sorted(kinds) == sorted([PUBLISH] + [PUBACK] * 5), kinds


def who_sends_more_at_once_than_the_broker_takes_is_thrown_out(broker):
    _, properties = Client(broker).connect()
    most = getattr(properties, "ReceiveMaximum", 65_535)
    wire = _connected_wire(broker)
    for mid in range(1, most + 2):
        wire.send(publish("some/topic", b"", qos=2, mid=mid))
    assert wire.is_thrown_out() == RECEIVE_MAXIMUM_EXCEEDED
