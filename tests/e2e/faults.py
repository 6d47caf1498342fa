# SPDX-License-Identifier: MIT
"""What the tests of the proxy's plans have in common: a proxy with lines, and a note of which words of the language a test is about."""
import pytest

from peers.origin import connect, meet
from peers.raw import request, text

SHOWN = set()
GO = 'on frame text up text "go"'


def shows(*names):
    """Which rows of `wsdiag dump-plans` a test is about: "action fin", "moment after N msgs [DIR]"."""

    def mark(test):
        SHOWN.update(names)
        return test

    return mark


@pytest.fixture
def faulty(proxy, origin):
    """faulty(line, ..., args=(), upgrades=True) -> a proxy with these lines as --fault, and its origin."""

    def begin(*lines, args=(), how=None, **origin_how):
        o = origin(**origin_how)
        p = proxy(*args, *[a for line in lines for a in ("--fault", line)], o.url("/", "localhost" if origin_how.get("tls") else None), **(how or {}))
        p.origin = o
        p.meet = lambda **kw: meet(o, p.port, **kw)
        return p

    return begin


def go(client, word="go"):
    client.send(text(word, mask=True))


def ask(p, target="/", **how):
    c = connect("127.0.0.1", p.port)
    c.send(request(target, f"127.0.0.1:{p.port}", **how))
    return c


def both_talk(client, server, word="still here"):
    client.send(text(word, mask=True))
    assert server.read_frame().payload == word.encode()
    server.send(text(word))
    assert client.read_frame().payload == word.encode()


def inject(p, action, *, line=1, n=1, conn=1, accept=None, client=None):
    """The event of a line that struck."""
    e = p.wait_event("inject", n=n, line=line)
    assert (e["plan"], e["action"], e["role"]) == ("--fault", action, "proxy"), e
    assert e.get("conn") == conn and e["accept"] == (accept or conn or 1), e
    if client is not None:
        assert e["peer"] == "%s:%d" % client.sock.getsockname()
    return e
