# SPDX-License-Identifier: MIT
"""A server whose connections are handed to the test, which holds both ends of a proxy in one hand; and how an end is told from another."""
import queue
import ssl
import threading

from . import raw

PATIENCE = 60.0
LINGER = 0.3


class Origin:
    """upgrades: False leaves the request to be read by the test; then how is for raw.Server. answer: for Conn.upgrade()."""

    def __init__(self, make, *, upgrades=True, answer=None, **how):
        self.conns = queue.Queue()
        self.is_over = threading.Event()

        def script(c):
            if upgrades:
                c.upgrade(**(answer or {}))
            self.conns.put(c)
            self.is_over.wait(4 * PATIENCE)

        self.server = make(script, **how)
        self.url, self.port = self.server.url, self.server.port

    def take(self):
        """The next connection."""
        c = self.conns.get(timeout=PATIENCE)
        c.linger = LINGER
        return c

    def let_go(self):
        self.is_over.set()


def connect(*where):
    """A client of ours through a proxy: its end is waited for no longer than it takes, for the same hand holds the other one."""
    c = raw.connect(*where)
    c.linger = LINGER
    return c


def strict(context):
    """Python takes an end without close_notify for one with it unless it is told not to."""
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context


def end_of(c):
    """("fin" | "rst" | "notify" | "cut", what came before): notify and cut are TLS's, with and without close_notify. Contexts: see strict()."""
    data, c.buf = c.buf, b""
    try:
        if isinstance(c, raw.TlsConn):
            while True:
                try:
                    more = c._pump(lambda: c.tls.read(65536))
                    if not more:
                        return "notify", data
                    data += more
                except ssl.SSLZeroReturnError:
                    return "notify", data
                except ssl.SSLError as e:
                    if "EOF" not in str(e):
                        raise
                    return "cut", data
        while more := c.sock.recv(65536):
            data += more
        return "fin", data
    except ConnectionResetError:
        return "rst", data


def meet(origin, port, *, target="/", context=None, name=None, **how):
    """A client that dials through a proxy at port, and the origin's end of it, both open."""
    client = connect("127.0.0.1", port, context, name)
    client.dial(target, host=f"127.0.0.1:{port}", **how)
    return client, origin.take()
