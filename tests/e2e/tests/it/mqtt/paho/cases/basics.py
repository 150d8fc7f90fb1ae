"""Connecting, publishing, topics."""

from client import V311, Client, connected, unique
from wire import CONNACK, Wire, connect, publish


def messages_of_every_qos_come_back_to_who_subscribed(broker, version):
    topic = unique("basic")
    client = Client(broker, version=version)
    present, _ = client.connect()
    assert not present
    client.disconnect()
    present, _ = client.connect()
    assert not present, "a clean session leaves nothing behind"
    assert client.subscribe(topic, qos=2) == [2]
    for qos in range(3):
        client.publish(topic, f"qos {qos}", qos)
    came = {(message.payload, message.qos, message.topic, message.retain) for message in client.only(3)}
    assert came == {(f"qos {qos}".encode(), qos, topic, False) for qos in range(3)}, came
    client.disconnect()


def a_message_comes_with_the_lower_of_both_qos(broker, version):
    topic, sender = unique("lower"), connected(broker, version=version)
    for wanted in range(3):
        client = connected(broker, version=version)
        assert client.subscribe(topic, qos=wanted) == [wanted]
        for sent in range(3):
            sender.publish(topic, f"{sent}", sent)
            [message] = client.take()
            assert (message.payload, message.qos) == (f"{sent}".encode(), min(sent, wanted)), message.qos
        client.disconnect()


def a_second_connect_on_a_connection_ends_it(broker, version):
    wire = Wire(broker)
    wire.send(connect(unique(), version))
    wire.expect(CONNACK)
    wire.send(connect(unique(), version))
    assert wire.is_thrown_out() in (None, 0x82)


def a_connection_that_speaks_another_protocol_is_closed(broker, version):
    wire = Wire(broker)
    wire.send(connect(unique(), version, protocol="hj"))
    came = wire.read()
    if came:
        kind, _, body = came
        assert kind == CONNACK and body[1] != 0, came
        assert wire.read() is None


def a_client_without_a_name_comes_in_as_its_version_says(broker, version):
    nameless = Client(broker, name="", version=version)
    if version == V311:
        wire = Wire(broker)
        wire.send(connect("", clean=False))
        assert wire.expect(CONNACK)[1] == 2, "identifier rejected"
        assert wire.read() is None
        nameless.connect(clean=True)
    else:
        nameless.connect(clean=False)
        nameless.disconnect()
        nameless.connect(clean=True)
    topic = unique("nameless")
    nameless.subscribe(topic)
    nameless.publish(topic, b"me")
    nameless.take()
    nameless.disconnect()


def a_nameless_client_is_told_the_name_it_got(broker):
    names = set()
    for _ in range(3):
        client = Client(broker, name="")
        _, properties = client.connect()
        names.add(properties.AssignedClientIdentifier)
        client.disconnect()
    assert len(names) == 3 and "" not in names, names


def a_filter_that_begins_with_a_wildcard_does_not_find_dollar_topics(broker, version):
    client, topic = connected(broker, version=version), unique("hidden")
    client.subscribe("+/" + topic + "/#", qos=1)
    wire = Wire(broker)
    wire.send(connect(unique(), version))
    wire.expect(CONNACK)
    # A broker may keep such topics to itself, and end the connection.
    wire.send(publish(f"$hidden/{topic}", b"hidden", 1, version=version))
    wire.read()
    client.publish(f"shown/{topic}", b"shown", 1)
    assert client.only()[0].payload == b"shown"


def who_unsubscribed_hears_no_more(broker, version):
    topics = [unique("left") for _ in range(3)]
    client, sender = connected(broker, version=version), connected(broker, version=version)
    for topic in topics:
        assert client.subscribe(topic, qos=2) == [2]
    assert client.unsubscribe(topics[0]) in ([], [0])
    for topic in topics:
        sender.publish(topic, topic, 1)
    assert {message.topic for message in client.only(2)} == set(topics[1:])


def the_later_of_two_clients_with_one_name_stays(broker, version):
    earlier, later = Wire(broker), Client(broker, version=version)
    earlier.send(connect(later.name, version))
    earlier.expect(CONNACK)
    later.connect()
    assert earlier.is_thrown_out() == (None if version == V311 else 0x8E)
    topic = unique("taken-over")
    later.subscribe(topic)
    later.publish(topic, b"here", 1)
    later.take()
