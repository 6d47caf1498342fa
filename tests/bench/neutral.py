# SPDX-License-Identifier: MIT
"""The neutral peer of scripts/bench: raw sockets that do as little as can be done, so that what is measured is the other end.

All messages of a run are the same text, so frames are made once and sent in bulk, and what comes is counted in bytes and never decoded. A ping behind the
messages is the barrier: once its pong is here, everything before it was taken in by the other end and not only by some kernel's buffer.
"""
import base64
import hashlib
import os
import re
import socket
import ssl
import struct
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BULK = 256 * 1024  # bytes of frames in one send
MASK = b"\x12\x34\x56\x78"
TEXT, CLOSE, PING = 1, 8, 9
PATIENCE = 30


class Trouble(Exception):
    """A figure that cannot be had, and why."""


def message(size):
    return b"0123456789abcdef" * (size // 16)


def frame(opcode, payload, masked):
    n = len(payload)
    mask_bit = 0x80 if masked else 0
    if n < 126:
        head = struct.pack("!BB", 0x80 | opcode, mask_bit | n)
    elif n < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, mask_bit | 126, n)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, mask_bit | 127, n)
    if not masked:
        return head + payload
    key = (MASK * (n // 4 + 1))[:n]
    return head + MASK + (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(n, "big")


def read_head(sock):
    """An HTTP head, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise Trouble("it closed instead of sending a head")
        data += more
    head, rest = data.split(b"\r\n\r\n", 1)
    return head, rest


class Link:
    """One open WebSocket; is_client says which end of it this is."""

    def __init__(self, sock, rest, is_client, size):
        self.sock, self.rest, self.is_client, self.size = sock, rest, is_client, size
        self.ours = frame(TEXT, message(size), is_client)
        self.theirs = len(frame(TEXT, message(size), not is_client))
        self.into = memoryview(bytearray(BULK))

    def read(self):
        """Bytes, as a view."""
        if self.rest:
            rest, self.rest = self.rest, b""
            return memoryview(rest)
        n = self.sock.recv_into(self.into)
        if n == 0:
            raise Trouble("it closed in the middle")
        return self.into[:n]

    def first(self):
        """Bytes of the first frame or more; what is counted must be what was asked for."""
        data = b""
        while len(data) < 2:
            data += bytes(self.read())
        if data[0] != 0x80 | TEXT or data[1] & 0x7f != min(self.size, 126 if self.size < 65536 else 127):
            raise Trouble("its messages are not the ones that were asked for (%s...)" % data[:8].hex())
        return len(data)

    def count(self, warm, span, handle=lambda n: None):
        """Messages per second that come in during span seconds, after warm seconds."""
        handle(self.first())
        end = time.perf_counter() + warm
        while (now := time.perf_counter()) < end:
            handle(len(self.read()))
        begin, end, got = now, now + span, 0
        while (now := time.perf_counter()) < end:
            n = len(self.read())
            got += n
            handle(n)
        return got / self.theirs / (now - begin)

    def echo(self, warm, span):
        """As count(), while one message is sent back for each that came."""
        bulk = memoryview(self.ours * max(1, BULK // len(self.ours)))
        owed = 0

        def answer(n):
            nonlocal owed
            owed += n
            back = owed // self.theirs * len(self.ours)
            owed %= self.theirs
            while back > 0:
                part = min(back, len(bulk))
                self.sock.sendall(bulk[:part])
                back -= part

        return self.count(warm, span, answer)

    def send_for(self, seconds):
        bulk = self.ours * max(1, BULK // len(self.ours))
        begin, sent = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            self.sock.sendall(bulk)
            sent += len(bulk) // len(self.ours)
        return sent

    def barrier(self):
        self.sock.sendall(frame(PING, b"barrier!", self.is_client))
        want, got = 10 + (0 if self.is_client else 4), len(self.rest)
        self.rest = b""
        while got < want:
            got += len(self.read())

    def send(self, warm, span):
        """Messages per second that the other end takes in."""
        self.send_for(warm)
        self.barrier()
        begin = time.perf_counter()
        sent = self.send_for(span)
        self.barrier()
        return sent / (time.perf_counter() - begin)

    def ask(self, warm, span, in_flight):
        """Echoes per second of a server: a bulk is always on its way while another comes back."""
        bulk = self.ours * max(1, min(in_flight, BULK // len(self.ours)))
        per_bulk = len(bulk) // len(self.ours) * self.theirs
        self.sock.sendall(bulk)
        left = per_bulk

        def answer(n):
            nonlocal left
            left -= n
            while left <= per_bulk // 2:
                self.sock.sendall(bulk)
                left += per_bulk

        return self.count(warm, span, answer)

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class Listener:
    """Where clients connect to."""

    def __init__(self, certs=None):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=16)
        # What waits in buffers is time at the barrier.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BULK)
        self.sock.settimeout(PATIENCE)
        self.tls = None
        if certs:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certs / "server.pem", certs / "server.key")
            self.tls.maximum_version = ssl.TLSVersion.TLSv1_2
        self.url = "%s://localhost:%d/" % ("wss" if certs else "ws", self.sock.getsockname()[1])

    def accept(self, size):
        sock, _ = self.sock.accept()
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True)
        head, rest = read_head(sock)
        key = re.search(rb"(?i)\r\nsec-websocket-key: *([^\r]*)", head)
        if not key:
            raise Trouble("it did not ask for an upgrade")
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        return Link(sock, rest, False, size)

    def close(self):
        self.sock.close()


def connect(port, size, certs=None):
    """To a server that is about to listen."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
            break
        except OSError as e:
            if time.monotonic() > end:
                raise Trouble("it does not listen: %s" % e) from None
            time.sleep(0.02)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if certs:
        tls = ssl.create_default_context(cafile=certs / "ca.pem")
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
        sock = tls.wrap_socket(sock, server_hostname="localhost")
    key = base64.b64encode(os.urandom(16))
    sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
    head, rest = read_head(sock)
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise Trouble("it refused: %s" % head.split(b"\r\n", 1)[0].decode(errors="replace"))
    return Link(sock, rest, True, size)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Drain(threading.Thread):
    """Reads a pipe for ever; told tells when its first byte came."""

    def __init__(self, fd):
        super().__init__(daemon=True)
        self.fd, self.told, self.at = fd, threading.Event(), None
        self.start()

    def run(self):
        while os.read(self.fd, 65536):
            if not self.at:
                self.at = time.perf_counter()
                self.told.set()
