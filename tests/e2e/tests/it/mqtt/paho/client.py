"""A paho-mqtt client whose every wait has an end: it connects, subscribes and publishes in one call each.

Property names are those of paho: `MessageExpiryInterval=5`, `UserProperty=[("a", "1")]`.
"""

import itertools
import os
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

V311, V5 = mqtt.MQTTv311, mqtt.MQTTv5
PATIENCE_S = 8.0
QUIET_S = 0.3

_numbers = itertools.count(1)


class Refused(Exception):
    """The broker said no; `code` is how."""

    def __init__(self, what, code):
        super().__init__(f"{what} was refused: {code}")
        self.code = code


def unique(what="client"):
    """A name that nobody else uses."""
    return f"{what}-{os.getpid()}-{next(_numbers)}"


def eventually(what, holds, seconds=PATIENCE_S):
    """Waits until something holds, and returns it."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds} s"
        time.sleep(0.01)
    return answer


def properties(packet, named):
    """The properties of a packet; None when there are none."""
    if not named:
        return None
    made = Properties(packet)
    for name, value in named.items():
        for one in value if isinstance(value, list) else [value]:
            setattr(made, name, one)
    return made


class Client:
    """One client. `version` is V311 or V5; other settings go into CONNECT."""

    def __init__(self, broker, name=None, version=V5, manual_ack=False):
        self.broker, self.version = broker, version
        self.name = unique() if name is None else name
        own = {"clean_session": True} if version == V311 else {}
        self.paho = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            self.name,
            protocol=version,
            manual_ack=manual_ack,
            reconnect_on_failure=False,
            **own,
        )
        self.changed = threading.Condition()
        self.inbox, self.answers, self.closed = [], {}, None
        self.paho.on_connect = lambda _c, _u, flags, reason, props: self._note("connack", (flags, reason, props))
        self.paho.on_subscribe = lambda _c, _u, mid, reasons, _p: self._note(("suback", mid), reasons)
        self.paho.on_unsubscribe = lambda _c, _u, mid, reasons, _p: self._note(("unsuback", mid), reasons)
        self.paho.on_publish = lambda _c, _u, mid, reason, _p: self._note(("published", mid), reason)
        self.paho.on_message = self._message
        self.paho.on_disconnect = self._disconnected

    def connect(self, clean=True, keepalive=60, will=None, **connect):
        """Connects; returns whether there was a session, and the CONNACK's properties.

        A will is (topic, payload, {"qos": 1, "retain": False, and properties}).
        """
        self.answers.pop("connack", None)
        self.closed = None
        if will:
            topic, payload, options = will
            options = dict(options)
            qos, retain = options.pop("qos", 1), options.pop("retain", False)
            self.paho.will_set(topic, payload, qos, retain, properties(PacketTypes.WILLMESSAGE, options))
        own = {}
        if self.version == V5:
            own = {"clean_start": clean, "properties": properties(PacketTypes.CONNECT, connect)}
        else:
            self.paho._clean_session = clean
        self.paho.connect(*self.broker, keepalive=keepalive, **own)
        self.paho.loop_start()
        flags, reason, props = self._answer("connack", "CONNACK")
        if reason.is_failure:
            raise Refused("the connection", reason)
        return flags.session_present, props

    def subscribe(self, *filters, qos=0, identifier=None, **options):
        """Subscribes to every filter with the same options; returns the reason codes as numbers."""
        if self.version == V5:
            wanted = [(one, SubscribeOptions(qos=qos, **options)) for one in filters]
            named = {} if identifier is None else {"SubscriptionIdentifier": identifier}
            _, mid = self.paho.subscribe(wanted, properties=properties(PacketTypes.SUBSCRIBE, named))
        else:
            _, mid = self.paho.subscribe([(one, qos) for one in filters])
        return [reason.value for reason in self._answer(("suback", mid), "SUBACK")]

    def unsubscribe(self, *filters):
        """Unsubscribes; returns the reason codes as numbers, none in 3.1.1."""
        _, mid = self.paho.unsubscribe(list(filters))
        return [reason.value for reason in self._answer(("unsuback", mid), "UNSUBACK")]

    def publish(self, topic, payload=b"", qos=0, retain=False, **named):
        """Publishes and waits for the last acknowledgement; returns its reason code as a number."""
        reason = self._answer(("published", self.send(topic, payload, qos, retain, **named)), "PUBACK")
        if reason.is_failure:
            raise Refused(f"a message to `{topic}`", reason)
        return reason.value

    def send(self, topic, payload=b"", qos=0, retain=False, **named):
        """Publishes without waiting; returns the packet's number."""
        return self.paho.publish(topic, payload, qos, retain, properties(PacketTypes.PUBLISH, named)).mid

    def take(self, count=1, seconds=PATIENCE_S):
        """The next messages, which must come."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.inbox) >= count, seconds)
            assert came, f"{self.name}: {count} messages were expected, {self.payloads()} came"
            taken, self.inbox = self.inbox[:count], self.inbox[count:]
            return taken

    def payloads(self):
        """The payloads that nobody has taken."""
        return [message.payload for message in self.inbox]

    def hears_nothing(self, seconds=QUIET_S):
        """No message comes for a while."""
        time.sleep(seconds)
        assert not self.inbox, f"{self.name}: nothing was expected, {self.payloads()} came"

    def only(self, count=1, seconds=PATIENCE_S):
        """So many messages and then no more."""
        taken = self.take(count, seconds)
        self.hears_nothing()
        return taken

    def rest(self, seconds=QUIET_S):
        """Whatever came or comes within a while."""
        time.sleep(seconds)
        with self.changed:
            taken, self.inbox = self.inbox, []
            return taken

    def ack(self, message):
        """Acknowledges a message by hand."""
        self.paho.ack(message.mid, message.qos)

    def pause(self):
        """Reads and writes nothing from here on."""
        # loop_stop alone waits for the end of a select of one second.
        self.paho._thread_terminate = True
        self.paho._sockpairW.send(b"\0")
        self.paho.loop_stop()

    def vanish(self):
        """Is gone without a word."""
        self.pause()
        self.paho.socket().close()

    def disconnect(self, reason=0, **named):
        """Says goodbye."""
        code = ReasonCode(PacketTypes.DISCONNECT, identifier=reason) if self.version == V5 else None
        self.paho.disconnect(code, properties(PacketTypes.DISCONNECT, named))
        eventually("the end of the connection", lambda: self.closed is not None)
        self.paho.loop_stop()


    def _answer(self, key, what):
        with self.changed:
            came = self.changed.wait_for(lambda: key in self.answers or self.closed is not None, PATIENCE_S)
            if key not in self.answers and self.closed is not None:
                raise Refused(f"{self.name}, which waited for {what},", self.closed)
            assert came, f"{self.name}: no {what} came"
            return self.answers.pop(key)

    def _note(self, key, value):
        with self.changed:
            self.answers[key] = value
            self.changed.notify_all()

    def _message(self, _client, _userdata, message):
        with self.changed:
            self.inbox.append(message)
            self.changed.notify_all()

    def _disconnected(self, _client, _userdata, _flags, reason, _properties):
        with self.changed:
            self.closed = reason.value
            self.changed.notify_all()


def connected(broker, name=None, version=V5, manual_ack=False, **connect):
    """A client that is connected."""
    client = Client(broker, name, version, manual_ack)
    client.connect(**connect)
    return client
