"""What is published for a client that went without saying so."""

import time

from client import V5, Client, connected, unique
from wire import CONNACK, Wire, connect

USER = [("a", "2"), ("c", "3")]


def a_client_that_vanishes_leaves_its_will(broker, version):
    topic = unique("will")
    heir = connected(broker, version=version)
    heir.subscribe(topic, qos=2)
    for qos in range(3):
        client = connected(broker, version=version, will=(topic, f"{qos}", {"qos": qos}))
        client.vanish()
        [message] = heir.take()
        assert (message.payload, message.qos) == (f"{qos}".encode(), qos)
    heir.hears_nothing()


def a_client_that_says_goodbye_leaves_none(broker, version):
    topic = unique("no-will")
    heir = connected(broker, version=version)
    heir.subscribe(topic, qos=2)
    connected(broker, version=version, will=(topic, b"will", {})).disconnect()
    heir.hears_nothing()


def a_client_may_say_goodbye_and_leave_its_will_all_the_same(broker):
    topic = unique("with-will")
    heir = connected(broker)
    heir.subscribe(topic, qos=2)
    connected(broker, will=(topic, b"will", {})).disconnect(reason=0x04)
    assert heir.only()[0].payload == b"will"


def a_retained_will_is_kept(broker, version):
    topic = unique("retained-will")
    heir = connected(broker, version=version)
    heir.subscribe(topic, qos=1)
    connected(broker, version=version, will=(topic, b"gone", {"retain": True})).vanish()
    heir.take()
    later = connected(broker, version=version)
    later.subscribe(topic, qos=1)
    [message] = later.only()
    assert (message.payload, message.retain) == (b"gone", True)


def a_will_keeps_its_properties(broker):
    topic = unique("will-properties")
    heir = connected(broker)
    heir.subscribe(topic, qos=2)
    named = {"UserProperty": USER, "ContentType": "text/plain", "PayloadFormatIndicator": 1}
    connected(broker, will=(topic, b"will", {"WillDelayInterval": 0, **named})).vanish()
    [message] = heir.only()
    assert message.properties.UserProperty == USER, message.properties
    assert message.properties.ContentType == "text/plain", message.properties
    assert message.properties.PayloadFormatIndicator == 1, message.properties
    assert not hasattr(message.properties, "WillDelayInterval"), message.properties


def a_client_that_falls_silent_is_taken_for_gone(broker, version):
    topic = unique("silent")
    heir = connected(broker, version=version, keepalive=0)
    heir.subscribe(topic, qos=2)
    wire = Wire(broker)
    wire.send(connect(unique(), version, keepalive=1, will=(topic, b"silent")))
    began = time.monotonic()
    wire.expect(CONNACK)
    [message] = heir.only()
    took = time.monotonic() - began
    assert message.payload == b"silent"
    assert 1.4 <= took <= 5, f"after {took:.1f} s; one and a half times the keep alive was expected"
    assert wire.is_thrown_out() in ((None, 0x8D) if version == V5 else (None,))


def a_client_that_pings_is_not(broker, version):
    topic = unique("pinging")
    heir = connected(broker, version=version)
    heir.subscribe(topic, qos=2)
    client = connected(broker, version=version, keepalive=1, will=(topic, b"silent", {}))
    heir.hears_nothing(2.5)
    assert client.closed is None


def a_will_waits_for_its_delay_or_the_end_of_the_session(broker):
    base = unique("delayed")
    heir = connected(broker)
    heir.subscribe(base + "/+", qos=2)
    # name: (delay, session expiry)
    clients = {}
    for name, delay, expiry in (("delay", 1, 9), ("expiry", 9, 2), ("clean", 9, 0), ("back", 1, 9)):
        clients[name] = Client(broker)
        will = (f"{base}/{name}", name, {"WillDelayInterval": delay})
        clients[name].connect(SessionExpiryInterval=expiry, will=will)
    began = time.monotonic()
    for client in clients.values():
        client.vanish()
    present, _ = clients["back"].connect(clean=False, SessionExpiryInterval=9)
    assert present

    took = {}
    for _ in range(3):
        [message] = heir.take()
        took[message.payload.decode()] = time.monotonic() - began
    heir.hears_nothing()
    assert took.keys() == {"clean", "delay", "expiry"}, took
    assert took["clean"] < 0.9 <= took["delay"] < 8, took
    assert 1.9 <= took["expiry"] < 8, took
