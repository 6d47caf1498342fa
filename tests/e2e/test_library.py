# SPDX-License-Identifier: MIT
"""The model of websocket-client against the real one: what a server does is done to both, and both must say the same callbacks.

The model hears of it through the log of `wsdiag connect`. Each row of SCENARIOS is what the server does to one connection after the other; then it stays.
"""
import signal
import socket

import pytest

from library import KINDS, App, callbacks_of, model
from peers import raw
from peers.raw import close


def fin(c):
    c.upgrade()
    c.fin()
    c.drain()


def rst(c):
    c.upgrade()
    c.send(raw.ping(b"there?"))  # an RST may overtake the 101, but not the pong
    while (f := c.read_frame()) is not None and f.opcode != raw.PONG:
        pass
    c.rst()


def rst_at_accept(c):
    c.rst()


def dark(c):
    """Reads and answers nothing: no pong comes, until the client leaves."""
    c.upgrade()
    c.drain()


def bad_gateway(c):
    c.read_head()
    c.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")


def broken(c):
    c.upgrade()
    c.send(raw.text("x", rsv=2))
    c.drain()


def closes(code, then_fin=True):
    def script(c):
        c.upgrade()
        c.send(raw.close(code))
        c.read_close()
        if not then_fin:
            c.sock.settimeout(1)  # a client that waits for the FIN gets it in the end
            try:
                c.drain()
            except TimeoutError:
                pass
    return script


PINGS = ("--ping-interval", "1", "--ping-timeout", "0.4")

SCENARIOS = {
    "nothing": [],
    "fin": [fin, fin],
    "rst": [rst, rst],
    "dark": [dark, fin],
    "dark later": [fin, dark],
    "first dials reset": [rst_at_accept, rst_at_accept],
    "fin, dials reset": [fin, rst_at_accept, rst_at_accept, fin],
    "502": [bad_gateway, bad_gateway],
    "fin, 502": [fin, bad_gateway],
    "broken": [broken, broken],
    "close 1000": [closes(1000), fin],
    "close 1001": [closes(1001), closes(1001)],
    "close 1012": [fin, closes(1012, then_fin=False)],
    "close, late fin": [closes(1012, then_fin=False), rst],
    "close without code": [closes(None)],
    "close 4001": [closes(4001), rst_at_accept],
}


class Stage:
    """A server that plays a scenario, and then stays and says so."""

    def __init__(self, begin, scripts):
        self.server = begin([*scripts, self.stay])
        self.url = self.server.url()

    def stay(self, c):
        c.upgrade()
        c.send(raw.text("staying"))
        while (f := c.read_frame()) is not None:
            if f.opcode == raw.CLOSE:
                c.send(raw.close(f.code))
                return
            if f.opcode == raw.PING:
                c.send(raw.pong(f.payload))


def log_of_connect(start, url, options):
    p = start("connect", "-r", "--reconnect-on", "any", "--reconnect-delay", "0.1", "--no-input", *options, url, stdin=None)
    p.wait_event("message", data="staying")
    p.signal(signal.SIGINT)
    return p.finish().events


def hear(app, said):
    """All that the real one says of what the model has said this."""
    if app.dispatcher == "default" or ("lost", "(raised)") in said:
        app.finish()
        return app.heard
    app.wait_heard(len(callbacks_of(said)))  # rel's loop goes on without a connection
    return app.end()


def once(heard):
    """What comes several times in a row, once."""
    return [w for i, w in enumerate(heard) if i == 0 or heard[i - 1] != w]


@pytest.fixture
def app():
    started = []

    def begin(*args):
        started.append(App(*args))
        return started[-1]

    yield begin
    for a in started:
        a.stop()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_model_says_what_the_real_library_says(start, raw, app, name):
    options = PINGS if name.startswith("dark") else ()
    log = log_of_connect(start, Stage(raw, SCENARIOS[name]).url, options)
    apps = []
    for version, dispatcher in KINDS:
        close = ("--close-on", "staying") if dispatcher == "default" else ()  # with rel, app.close() is not told of at all
        apps.append(app(version, dispatcher, Stage(raw, SCENARIOS[name]).url, "--reconnect", "0.1", *options, *close))
    for a in apps:
        said = model(log, a.version, a.dispatcher)
        heard, expected = hear(a, said), callbacks_of(said)
        if (a.version, a.dispatcher) == ("1.9.2", "rel"):  # one end may make several dials; see below
            heard, expected = once(heard), once(expected)
        assert heard == expected, (name, a.version, a.dispatcher, said)


def test_a_refused_dial_says_what_a_failed_one_does(start, app):
    with socket.socket() as s:  # bound and not listening: refused
        s.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{s.getsockname()[1]}/"
        p = start("connect", "-r", "--reconnect-delay", "0.1", "--no-input", url, stdin=None)
        p.wait_event("failed", n=3)
        p.signal(signal.SIGINT)
        failed = [e for e in p.finish().events if e["event"] == "failed"][:3]
        apps = [app(*kind, url, "--reconnect", "0.1") for kind in KINDS]
        for a in apps:
            said = callbacks_of(model(failed, a.version, a.dispatcher))
            a.wait_heard(len(said))
            assert a.heard == said, (a.version, a.dispatcher)
            assert set(said) == {"on_error"} and len(said) == (3 if a.dispatcher == "rel" and a.version < "1.9" else 1)


@pytest.mark.parametrize("scripts", [[fin, closes(1001)], [rst]], ids=["close after a loss", "rst"])
def test_with_rel_one_end_dials_more_than_once(raw, app, scripts):
    """1.9: the Close and the FIN behind it each schedule a dial of their own; of an RST rel tells until the socket is closed."""
    stage = Stage(raw, scripts)
    a = app("1.9.2", "rel", stage.url, "--reconnect", "0.5")
    a.wait_heard(len(scripts) + 2)
    assert a.heard == ["on_open"] + ["on_reconnect"] * (len(scripts) + 1)
    assert stage.server.accepted >= len(scripts) + 2


def test_a_close_without_a_fin_behind_a_loss_holds_the_client(raw, app):
    """1.9: it answers the Close, tells nobody, and stays until the FIN comes."""
    def close_and_wait(c):
        c.upgrade()
        c.send(close(1001))
        c.read_close()
        c.sock.settimeout(2)
        try:
            return "left" if c.recv() == b"" else "spoke"
        except TimeoutError:
            return "stayed"

    stage = Stage(raw, [fin, close_and_wait])
    a = app("1.9.2", "default", stage.url, "--reconnect", "0.1")
    stage.server.result()
    assert stage.server.result() == "stayed"
    a.wait_heard(4)
    assert a.heard == ["on_open", "on_error", "on_reconnect", "on_reconnect"]


def test_a_first_dial_that_fails_takes_on_open_away(raw, app):
    """1.8: "initialise once in on_open" never happens."""
    for version in ("1.8.0", "1.9.2"):
        with_it = app(version, "default", Stage(raw, [rst_at_accept]).url, "--reconnect", "0.1")
        without = app(version, "default", Stage(raw, [rst_at_accept]).url, "--reconnect", "0.1", "--no-on-reconnect")
        with_it.wait_heard(2)
        without.wait_heard(2)
        assert (with_it.heard, without.heard) == (["on_error", "on_reconnect"], ["on_error", "on_open"])
