"""What a session keeps, and for how long."""

import time

from client import V311, Client, connected, unique

LONG_S = 99_999


def _lasting(version):
    """The settings of a session that outlives its connection."""
    return {} if version == V311 else {"SessionExpiryInterval": LONG_S}


def messages_wait_for_a_session_whose_client_is_away(broker, version):
    base = unique("away")
    client = Client(broker, version=version)
    client.connect(clean=True)
    client.disconnect()
    client.connect(clean=False, **_lasting(version))
    client.subscribe(base + "/+", qos=2)
    client.disconnect()
    sender = connected(broker, version=version)
    for qos in range(3):
        sender.publish(f"{base}/{qos}", f"qos {qos}", qos)
    present, _ = client.connect(clean=False, **_lasting(version))
    assert present
    came = {message.payload: message.qos for message in client.take(2) + client.rest()}
    # QoS 0 may be kept or not.
    came.pop(b"qos 0", None)
    assert came == {b"qos 1": 1, b"qos 2": 2}, came


def what_was_not_acknowledged_comes_again_after_a_reconnect(broker, version):
    topic = unique("again")
    client = Client(broker, version=version, manual_ack=True)
    client.connect(clean=False, **_lasting(version))
    client.subscribe(topic + "/#", qos=2)
    sender = connected(broker, version=version)
    client.pause()
    sender.publish(topic + "/1", b"qos 1", 1)
    sender.publish(topic + "/2", b"qos 2", 2)
    client.vanish()
    present, _ = client.connect(clean=False, **_lasting(version))
    assert present
    came = {(message.payload, message.qos) for message in client.only(2)}
    assert came == {(b"qos 1", 1), (b"qos 2", 2)}, came
    client.vanish()
    # Seen, but never acknowledged: QoS 1 comes again and says so.
    client.connect(clean=False, **_lasting(version))
    again = [message for message in client.take() if message.qos == 1]
    assert [(message.payload, message.dup) for message in again] == [(b"qos 1", True)], again
    client.ack(again[0])
    client.disconnect()


def the_order_of_a_topic_holds_over_a_reconnect(broker, version):
    topic = unique("order")
    client = Client(broker, version=version)
    client.connect(clean=False, **_lasting(version))
    client.subscribe(topic, qos=1)
    client.vanish()
    sender = connected(broker, version=version)
    for number in range(50):
        sender.send(topic, f"{number}", 1)
    sender.publish(topic, b"50", 1)
    client.connect(clean=False, **_lasting(version))
    assert [message.payload for message in client.only(51)] == [f"{number}".encode() for number in range(51)]


def a_clean_start_forgets_the_session(broker, version):
    topic = unique("forgotten")
    client = Client(broker, version=version)
    client.connect(clean=False, **_lasting(version))
    client.subscribe(topic, qos=1)
    client.disconnect()
    connected(broker).publish(topic, b"lost", 1)
    present, _ = client.connect(clean=True, **_lasting(version))
    assert not present
    client.hears_nothing()
    connected(broker).publish(topic, b"lost too", 1)
    client.hears_nothing()


def a_session_lives_as_long_as_it_asked_to(broker):
    def session(expiry):
        client = Client(broker)
        present, _ = client.connect(clean=True, SessionExpiryInterval=expiry)
        assert not present
        client.subscribe(unique("expiry"), qos=2)
        return client

    def is_there(client, expiry=0):
        present, _ = client.connect(clean=False, SessionExpiryInterval=expiry)
        return present

    none, gone, short, longer, ended = session(0), session(1), session(1), session(1), session(LONG_S)
    none.disconnect()
    assert not is_there(none), "0 ends with the connection"
    gone.vanish()
    short.disconnect()
    assert is_there(short, expiry=1), "1 s has not passed"
    short.disconnect()
    longer.disconnect(SessionExpiryInterval=LONG_S)
    ended.disconnect(SessionExpiryInterval=0)
    assert not is_there(ended), "DISCONNECT may end it"
    time.sleep(2.5)
    assert not is_there(short), "1 s has passed"
    assert not is_there(gone), "1 s has passed after a connection that broke, too"
    assert is_there(longer), "DISCONNECT may prolong it"


def a_message_that_waited_too_long_does_not_come(broker):
    topic = unique("stale")
    client = Client(broker)
    client.connect(clean=True, SessionExpiryInterval=LONG_S)
    client.subscribe(topic, qos=2)
    client.disconnect()
    sender = connected(broker)
    for qos in (1, 2):
        sender.publish(topic, f"{qos} short", qos, MessageExpiryInterval=1)
        sender.publish(topic, f"{qos} long", qos, MessageExpiryInterval=60)
    time.sleep(2.1)
    client.connect(clean=False, SessionExpiryInterval=LONG_S)
    came = client.only(2)
    assert {message.payload for message in came} == {b"1 long", b"2 long"}, came
    for message in came:
        assert 50 <= message.properties.MessageExpiryInterval <= 58, message.properties
