# SPDX-License-Identifier: MIT
"""Scripts for raw.Server that many tests share."""
from . import raw


def echo(c):
    """Returns the messages it got, as (opcode, payload), and the Close frame (None: none came)."""
    c.upgrade()
    got = []
    while True:
        m, control = read(c)
        if m is None:
            if control is not None:
                c.send(raw.frame(raw.CLOSE, control.payload))
            return got, control
        got.append(m)
        c.send(raw.frame(*m))


def sink(c):
    """As echo, but says nothing until the Close."""
    c.upgrade()
    got = []
    while True:
        m, control = read(c)
        if m is None:
            if control is not None:
                c.send(raw.frame(raw.CLOSE, control.payload))
            return got, control
        got.append(m)


def read(c):
    """The next message, or the Close: (message, None) or (None, Close or None)."""
    opcode, payload = None, b""
    while True:
        f = c.read_frame()
        if f is None:
            return None, None
        if f.opcode == raw.CLOSE:
            return None, f
        if f.opcode == raw.PING:
            c.send(raw.pong(f.payload))
        if f.opcode >= 8:
            continue
        opcode = f.opcode if opcode is None else opcode
        payload += f.payload
        if f.fin:
            return (opcode, payload), None


def sends(*frames, close=1000, **how):
    """Upgrades, sends the frames and a Close, and returns all frames that the client sent."""

    def script(c):
        c.upgrade(**how)
        c.send(b"".join(frames) + (raw.close(close) if close else b""))
        return c.frames()

    return script


def holds(c):
    """Upgrades, answers nothing, not even a Close, and stays until the client goes; returns its frames."""
    c.upgrade()
    return list(iter(c.read_frame, None))


def answers(data, *, then="close"):
    """Reads the request, sends data instead of a proper answer, and returns what the client sent behind the request."""

    def script(c):
        c.read_head()
        c.send(data)
        if then == "fin":
            c.fin()
        elif then == "rst":
            c.rst()
            return b""
        elif then == "close":
            c.close()
            return b""
        return c.drain()

    return script


def http(status, reason="", *headers, body=b"", length=True):
    lines = [f"HTTP/1.1 {status} {reason}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


# ends of a connection that opened, for reconnecting

def fin(c):
    """No Close frame."""
    c.upgrade()


def rst(c):
    c.upgrade()
    c.rst()


def closes(code=None, reason=b""):
    """A finished closing handshake; returns the client's frames."""

    def script(c):
        c.upgrade()
        c.send(raw.close(code, reason))
        return c.frames()

    return script
