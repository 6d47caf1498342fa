# SPDX-License-Identifier: MIT
"""Scripted ends of a TCP or TLS connection that can break every rule: heads and frames are bytes, written by hand.

A server's script is a function of one Conn; it runs in a thread for each connection, and what it returns is the server's result().
"""
import base64
import hashlib
import os
import queue
import socket
import ssl
import struct
import threading
import time
from typing import NamedTuple, Optional

PATIENCE = 60.0  # seconds until a step that does not happen is an error
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = False

    @property
    def code(self) -> Optional[int]:
        """Of a Close frame; None for an empty one."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None


def mask_bytes(payload, key):
    n = len(payload)
    if not n:
        return b""
    pad = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(n, "big")


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=None, length=None, form=None):
    """mask: True or 4 bytes. length: what the header claims. form: 7, 16 or 64 bits of length, even where fewer would do."""
    if isinstance(payload, str):
        payload = payload.encode()
    n = len(payload) if length is None else length
    form = form or (7 if n < 126 else 16 if n < 65536 else 64)
    second = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    head += {7: lambda: bytes([second | n]), 16: lambda: struct.pack("!BH", second | 126, n),
             64: lambda: struct.pack("!BQ", second | 127, n)}[form]()
    if mask:
        key = os.urandom(4) if mask is True else mask
        return head + key + mask_bytes(payload, key)
    return head + payload


def text(payload, **kw):
    return frame(TEXT, payload, **kw)


def binary(payload, **kw):
    return frame(BINARY, payload, **kw)


def ping(payload=b"", **kw):
    return frame(PING, payload, **kw)


def pong(payload=b"", **kw):
    return frame(PONG, payload, **kw)


def close(code=None, reason=b"", **kw):
    if isinstance(reason, str):
        reason = reason.encode()
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason, **kw)


def accept_of(key):
    if isinstance(key, str):
        key = key.encode()
    return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()


class Head:
    """Of a request or an answer."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("latin-1").split("\r\n")
        self.first = lines[0]
        self.headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:] if ":" in line]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        return (self.all(name) or [default])[0]

    @property
    def target(self):
        return self.first.split(" ")[1]

    @property
    def status(self):
        return int(self.first.split(" ")[1])


def answer_101(head, *, accept=None, drop=(), extra=()):
    """The proper answer to head, with headers left out, replaced or added."""
    headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"),
               ("Sec-WebSocket-Accept", accept or accept_of(head.get("Sec-WebSocket-Key", "")))]
    lines = ["HTTP/1.1 101 Switching Protocols"]
    lines += [f"{n}: {v}" for n, v in headers if n.lower() not in [d.lower() for d in drop]]
    lines += [f"{n}: {v}" for n, v in extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Conn:
    linger = 10  # seconds that close() waits for the other side's end

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.buf = b""
        self.head = None
        self.is_closed = False

    # bytes
    def send(self, data):
        self.sock.sendall(data)

    def send_bytewise(self, data):
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            self.send(data[i:i + 1])

    def recv(self, n=65536):
        """b"" at the end."""
        if self.buf:
            data, self.buf = self.buf[:n], self.buf[n:]
            return data
        return self.sock.recv(n)

    def recv_exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.recv(min(n - len(data), 1 << 20))
            if not more:
                raise EOFError(f"end after {len(data)} of {n} bytes")
            data += more
        return data

    def recv_until(self, mark):
        data = b""
        while mark not in data:
            more = self.recv()
            if not more:
                raise EOFError(f"end before {mark!r}: {data!r}")
            data += more
        data, rest = data.split(mark, 1)
        self.buf = rest + self.buf
        return data + mark

    def drain(self):
        """Everything to the end; a reset is an end as well."""
        data = b""
        try:
            while more := self.recv():
                data += more
        except ConnectionError:
            pass
        return data

    def read_head(self):
        self.head = Head(self.recv_until(b"\r\n\r\n"))
        return self.head

    # the proper handshake, from either side
    def upgrade(self, **kw):
        head = self.read_head()
        self.send(answer_101(head, **kw))
        return head

    def dial(self, target="/", host="localhost", extra=(), key=None):
        key = key or base64.b64encode(os.urandom(16)).decode()
        self.send(request(target, host, extra, key))
        head = self.read_head()
        assert head.status == 101, head.raw
        assert head.get("Sec-WebSocket-Accept") == accept_of(key)
        return head

    # frames
    def read_frame(self):
        """None at the end."""
        try:
            b0, b1 = self.recv_exactly(2)
        except (EOFError, ConnectionError):
            return None
        n = b1 & 0x7f
        if n == 126:
            n, = struct.unpack("!H", self.recv_exactly(2))
        elif n == 127:
            n, = struct.unpack("!Q", self.recv_exactly(8))
        key = self.recv_exactly(4) if b1 & 0x80 else None
        payload = self.recv_exactly(n)
        return Frame(b0 & 15, mask_bytes(payload, key) if key else payload, bool(b0 & 0x80), b0 >> 4 & 7, bool(b1 & 0x80))

    def read_message(self):
        """Of data frames, control frames skipped: (opcode, payload); a Close or the end: None."""
        opcode, payload = None, b""
        while True:
            f = self.read_frame()
            if f is None or f.opcode == CLOSE:
                return None
            if f.opcode in (PING, PONG):
                continue
            opcode = f.opcode if opcode is None else opcode
            payload += f.payload
            if f.fin:
                return opcode, payload

    def read_close(self):
        """Skips to the Close frame; None when the end comes first."""
        while (f := self.read_frame()) is not None:
            if f.opcode == CLOSE:
                return f
        return None

    def frames(self):
        """All up to the Close, with it, or to the end."""
        got = []
        while (f := self.read_frame()) is not None:
            got.append(f)
            if f.opcode == CLOSE:
                break
        return got

    # ends
    def fin(self):
        self.sock.shutdown(socket.SHUT_WR)

    def rst(self):
        self.is_closed = True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        """FIN, then what the other side still sends, so that no RST follows."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(self.linger)
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        self.sock.close()


class TlsConn(Conn):
    """TLS by hand, so that records can be cut, spoilt and left out. The socket below stays plain."""

    def __init__(self, sock, context, server_side=True, name=None):
        super().__init__(sock)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server_side, server_hostname=name)
        self._pump(self.tls.do_handshake)

    def _pump(self, step):
        while True:
            try:
                result = step()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.sock.recv(65536)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            except ssl.SSLError:
                self._flush()
                raise

    def _flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def records(self, data):
        """data as TLS records, not sent."""
        self.tls.write(data)
        return self.outgoing.read()

    def send(self, data):
        self.sock.sendall(self.records(data))

    def send_raw(self, data):
        self.sock.sendall(data)

    def recv(self, n=65536):
        if self.buf:
            return super().recv(n)
        try:
            return self._pump(lambda: self.tls.read(n))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def close_notify(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self._flush()

    def close(self):
        if not self.is_closed:
            try:
                self.close_notify()
            except OSError:
                pass
        super().close()


def request(target="/", host="localhost", extra=(), key="dGhlIHNhbXBsZSBub25jZQ==", drop=(), version="13", method="GET"):
    headers = [("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", key),
               ("Sec-WebSocket-Version", version)]
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{n}: {v}" for n, v in headers if n.lower() not in [d.lower() for d in drop]]
    lines += [f"{n}: {v}" for n, v in extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def connect(host, port, context=None, name=None):
    sock = socket.create_connection((host, port), timeout=PATIENCE)
    return TlsConn(sock, context, server_side=False, name=name) if context else Conn(sock)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it waited to be accepted when the listener was closed
        return False


def eventually(what):
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, f"not in {PATIENCE} seconds"
        time.sleep(0.02)


class Server:
    """scripts: one for every connection, or a list: one for each in turn, the last one for all that follow."""

    def __init__(self, scripts, *, host="127.0.0.1", port=0, tls=None, backlog=64, family=None, rcvbuf=None):
        self.scripts = scripts if isinstance(scripts, (list, tuple)) else [scripts]
        self.tls = tls
        family = family or (socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if rcvbuf:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.listener.bind((host, port))
        self.listener.listen(backlog)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.accepted = 0
        self.results = queue.Queue()
        self.errors = []
        self.socks = []
        self.is_stopping = False
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def url(self, path="/", name=None):
        host = name or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.is_stopping:
                sock.close()
                return
            script = self.scripts[min(self.accepted, len(self.scripts) - 1)]
            self.accepted += 1
            self.socks.append(sock)
            t = threading.Thread(target=self._serve, args=(sock, script), daemon=True)
            self.threads.append(t)
            t.start()

    def _serve(self, sock, script):
        conn = None
        try:
            try:
                conn = TlsConn(sock, self.tls) if self.tls else Conn(sock)
            except (ssl.SSLError, ConnectionError) as e:
                self.results.put(e)
                sock.close()
                return
            result = script(conn)
            conn.close()
            self.results.put(result)
        except (ConnectionError, EOFError, ssl.SSLError) as e:
            self.results.put(e)
            if conn:
                conn.close()
        except Exception as e:  # a script that did not get what it expects fails its test
            if not self.is_stopping:
                self.errors.append(e)
            self.results.put(e)
            sock.close()

    def result(self):
        """What the next script to end returned; the ConnectionError that ended it; other errors are raised."""
        r = self.results.get(timeout=PATIENCE)
        if isinstance(r, Exception) and not isinstance(r, (ConnectionError, ssl.SSLError)):
            raise r
        return r

    def stop(self):
        self.is_stopping = True
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()  # wakes accept
        except OSError:
            pass
        self.listener.close()
        for s in self.socks:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for t in self.threads:
            t.join(5)


class FullListener:
    """A port whose connects are never answered: its backlog is full."""

    def __init__(self, host="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind((host, port))
        self.listener.listen(0)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(8):
            s = socket.socket(family, socket.SOCK_STREAM)
            s.setblocking(False)
            s.connect_ex((host, self.port))
            self.fillers.append(s)

    def stop(self):
        for s in self.fillers:
            s.close()
        self.listener.close()
