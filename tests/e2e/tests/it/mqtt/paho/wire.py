"""Packets by hand, for what no client library would send."""

import socket
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC = range(1, 6)
SUBSCRIBE, SUBACK, DISCONNECT = 8, 9, 14
TIMEOUT_S = 8.0


def number(value):
    """A length of one to four bytes."""
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value):
    """A text or bytes with their length before them."""
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(value)) + value


def packet(kind, flags, body):
    """A whole packet."""
    return bytes([kind << 4 | flags]) + number(len(body)) + body


def connect(name, version=4, keepalive=0, clean=True, will=None, protocol="MQTT", properties=b""):
    """CONNECT. A will is (topic, payload)."""
    flags = (0x02 if clean else 0) | (0x04 if will else 0)
    body = text(protocol) + bytes([version, flags]) + struct.pack("!H", keepalive)
    if version == 5:
        body += number(len(properties)) + properties
    body += text(name)
    if will:
        body += (b"\0" if version == 5 else b"") + text(will[0]) + text(will[1])
    return packet(CONNECT, 0, body)


def publish(topic, payload, qos=0, mid=1, version=5, properties=b""):
    """PUBLISH."""
    body = text(topic) + (struct.pack("!H", mid) if qos else b"")
    if version == 5:
        body += number(len(properties)) + properties
    return packet(PUBLISH, qos << 1, body + payload)


class Wire:
    """A connection without a client behind it."""

    def __init__(self, broker):
        self.socket = socket.create_connection(broker, TIMEOUT_S)

    def send(self, *packets):
        """Sends packets as they are."""
        self.socket.sendall(b"".join(packets))

    def read(self):
        """The next packet as (kind, flags, body); None at the end of the connection."""
        try:
            head = self.socket.recv(1)
            if not head:
                return None
            length, shift = 0, 0
            while True:
                byte = self._bytes(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            return head[0] >> 4, head[0] & 0x0F, self._bytes(length)
        except ConnectionError:
            return None

    def expect(self, kind):
        """The body of the next packet, which must be of this kind."""
        came = self.read()
        assert came and came[0] == kind, f"packet {kind} was expected, {came} came"
        return came[2]

    def is_thrown_out(self):
        """Waits for the end of the connection; returns the reason code of the DISCONNECT before it, if any came."""
        reason = None
        while came := self.read():
            if came[0] == DISCONNECT:
                reason = came[2][0] if came[2] else 0
        return reason

    def close(self):
        """Is gone without a word."""
        self.socket.close()

    def _bytes(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data
