# SPDX-License-Identifier: MIT
"""The incident with the real library: every fault, through `wsdiag proxy`, between websocket-client or `wsdiag connect` and Django Channels or `wsdiag serve`.

What is heard is the table of wsdiag-incident(7); scripts/incident-table writes it anew.
"""
import os

import pytest

from incident import (FAULTS, PINGS, SERVER_PINGS, Channels, Heard, Serve, check_server, entry_of, has_two, library_lines, server_line, table,
                      write)
from library import KINDS, App, callbacks_of, name_of

OPENS = ("on_open", "on_reconnect", "open", "reconnect")
TOLD = ("open", "reconnect", "lost", "close", "failed")
VERDICTS = ("overlap", "replay", "orphan")


@pytest.fixture(scope="session")
def channels():
    server = Channels()
    yield server
    server.stop()


@pytest.fixture
def app():
    started = []

    def begin(*args):
        started.append(App(*args))
        return started[-1]

    yield begin
    for a in started:
        a.stop()


@pytest.fixture
def through(start):
    """through(plan, upstream, version, dispatcher) -> a proxy with .url, that says what this library would tell."""

    def begin(plan, upstream, *kind):
        says = ("--as", name_of(*kind)) if kind else ()
        p = start("proxy", "--plan", plan, "--speed", str(FAULTS[plan].speed), *says, upstream, stdin=None)
        p.url = p.wait_event("listen")["url"]
        return p

    return begin


def options_of(fault):
    return ["--reconnect", "0.2",
            *(PINGS if fault.pings else ()),
            *(("--say", fault.say) if fault.say else ()),
            *(("--say", "bye", "--at", str(fault.opens), "--close-on", "bye") if fault.bye else ()),
            *(("--timeout", str(fault.timeout)) if fault.timeout else ())]


def n_opens(heard):
    return sum(w.split()[0] in OPENS for w in heard)


def until_open(heard, n):
    """Up to the nth open; all of it when there are not so many."""
    at = [i for i, w in enumerate(heard) if w.split()[0] in OPENS]
    return heard[:at[n - 1] + 1] if len(at) >= n else heard


def hear(app, fault):
    """What it hears until it has opened as often as it should, or never will again. With rel, the loop goes on with nothing in it."""
    def is_over():
        return app.heard[-1:] == ["raised"] or any(w.startswith("on_close") for w in app.heard)

    app.wait_until("the last open", lambda: is_over() or (not fault.bye and n_opens(app.heard) >= fault.opens))
    return app.heard if fault.bye else until_open(app.heard, fault.opens)


def check_model(proxy, fault, heard):
    """`proxy --as` says what the real one hears, from what it sees of the client leg."""
    def says():
        said = callbacks_of((e["event"], e["callback"]) for e in list(proxy.events) if e["event"] == "hears")
        return said if fault.bye else until_open(said, fault.opens)

    proxy._wait(f"{heard} from --as", lambda: says() == heard)


def connect(start, plan, proxy):
    fault = FAULTS[plan]
    return start("connect", "-r", "--reconnect-on", "any", "--reconnect-delay", "0.2", "--close-timeout", "1", *PINGS, "--no-input",
                 *(("-x", fault.say) if fault.say else ("--tag",)), *(("--connect-timeout", str(fault.timeout)) if fault.timeout else ()),
                 f"{proxy.url}?who={plan}-wsdiag", stdin=None)


def connect_tells(p, fault):
    """Its events up to the last open, and the overlap that comes with it."""
    opens = 2 if fault.wsdiag else fault.opens
    p.wait_event("reconnect", n=opens - 1) if opens > 1 else p.wait_event("open")
    told = until_open([f"{e['event']} ({e['cause']})" if "cause" in e else e["event"] for e in list(p.events) if e["event"] in TOLD], opens)
    if has_two(fault.wsdiag or fault.server) and told[-2:][0] == "lost (ws.ping_timeout)":
        p.wait_event("overlap")
        told.append("overlap")
    return told


def verdicts_of(server, session, seen):
    """What `wsdiag serve` says of it by itself: overlap exactly where it has two."""
    two = has_two(seen)
    if two:
        server.server.wait_event("overlap", session=session)
    said = {e["event"] for e in server.events(session) if e["event"] in VERDICTS}
    assert two is None or ("overlap" in said) == two, server.events(session)
    return sorted(said) if two is not None else []


@pytest.mark.parametrize("plan", FAULTS)
def test_what_is_heard_of(plan, through, serve, start, channels, app):
    fault = FAULTS[plan]
    server = Serve(serve("--ping-interval", SERVER_PINGS[0], "--ping-timeout", SERVER_PINGS[1], "--tag-query", "who"))
    runs = [(channels, *kind) for kind in KINDS]
    # Only Channels closes when a message asks for it.
    runs += [(server, *kind) for kind in KINDS if not fault.say]
    proxies = [through(plan, s.url, *kind) for s, *kind in runs]
    whos = [f"{plan}-{version}-{dispatcher}".replace(".", "_") for _, version, dispatcher in runs]  # a point would end the name of a tag
    apps = [app(version, dispatcher, f"{p.url}?who={who}", *options_of(fault)) for (_, version, dispatcher), p, who in zip(runs, proxies, whos)]
    direct = connect(start, plan, through(plan, channels.url if fault.say else server.url))

    heard = {}
    for (s, *kind), p, who, a in zip(runs, proxies, whos, apps):
        got = hear(a, fault)
        check_server(s, who, fault.server if n_opens(got) >= fault.opens else "+1 -1")
        a.end()  # the proxy tells how a leg ended when it has
        check_model(p, fault, got)
        assert heard.setdefault(tuple(kind), got) == got, f"{kind} hears something else from wsdiag serve: {heard}, {got}"
    lines = [*library_lines(heard), server_line(fault.server), Heard("wsdiag connect", ", ".join(connect_tells(direct, fault)))]
    if not fault.say:
        session, seen = direct.wait_event("open")["session"], fault.wsdiag or fault.server
        check_server(server, session, seen)
        verdicts = verdicts_of(server, session, seen)
        lines += [Heard("wsdiag serve", ", ".join(verdicts))] if verdicts else []

    entry = entry_of(plan, lines)
    if os.environ.get("WSDIAG_WRITE_TABLE"):
        write(plan, entry)
    assert table().get(plan) == entry, "scripts/incident-table writes what is observed into man/wsdiag-incident.7"


def test_the_manual_has_every_fault_and_no_other():
    assert list(table()) == list(FAULTS)
