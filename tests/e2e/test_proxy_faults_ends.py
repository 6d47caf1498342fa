# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: what ends a leg, holds it, or ends everybody, and what both real ends see of it."""
import signal
import time

import pytest

from faults import GO, both_talk, faulty, go, inject, shows
from peers.origin import connect, end_of
from peers.raw import close, eventually, ping, refuses, request, text
from test_proxy import serving, tls_options, trusting


@shows("action fin", "action rst")
@pytest.mark.both_builds
@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("leg", ["client", "origin", "both"])
def test_an_end_on_a_leg_is_passed_on_to_the_other(faulty, how, leg):
    p = faulty(f"{GO}: {how} {leg}")
    client, server = p.meet()
    p.wait_event("open", leg="client")
    go(client)
    assert end_of(client)[0] == how and end_of(server)[0] == how
    inject(p, f"{how} {leg}", client=client)
    for name in ("client", "origin"):
        e = p.wait_event("lost", leg=name)
        assert (e["by"], e["cause"]) == ("local", "local.fault" if leg in (name, "both") else "local.relay")
        assert e["text"].startswith(f"our {how.upper()}")


@shows("action cut-tls")
@pytest.mark.parametrize("is_tls", [True, False], ids=["tls", "plain"])
def test_cut_tls_leaves_close_notify_out(faulty, certs, is_tls):
    how = {"args": [*tls_options(certs), "--cacert", certs / "ca.pem"], "tls": serving(certs)} if is_tls else {}
    p = faulty(f"{GO}: cut-tls client", **how)
    client, server = p.meet(**({"context": trusting(certs), "name": "localhost"} if is_tls else {}))
    go(client)
    assert end_of(client)[0] == end_of(server)[0] == ("cut" if is_tls else "fin")
    inject(p, "cut-tls client")


def test_fin_is_a_close_notify_where_there_is_tls(faulty, certs):
    p = faulty(f"{GO}: fin both", args=[*tls_options(certs), "--cacert", certs / "ca.pem"], tls=serving(certs))
    client, server = p.meet(context=trusting(certs), name="localhost")
    go(client)
    assert end_of(client)[0] == end_of(server)[0] == "notify"


@shows("action half-close")
def test_half_close_still_reads_that_leg(faulty):
    p = faulty(f"{GO}: half-close client")
    client, server = p.meet()
    go(client)
    assert end_of(client) == ("fin", b"")
    assert server.read_frame().payload == b"go"
    for i in range(5):
        client.send(text(f"up {i}", mask=True))
        assert server.read_frame().payload == b"up %d" % i
        server.send(text("for nobody"))
    client.fin()
    assert end_of(server)[0] == "fin"
    inject(p, "half-close client")
    assert p.wait_event("lost", leg="client")["cause"] == "local.fault"


@shows("action hold")
@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("first", [True, False], ids=["hold_first", "hold_last"])
def test_a_held_leg_outlives_the_other(faulty, how, first):
    p = faulty(f"{GO}: " + (f"hold origin; {how} client" if first else f"{how} client; hold origin"))
    client, server = p.meet()
    p.wait_event("open", leg="client")
    go(client)
    assert end_of(client)[0] == how
    p.wait_event("lost", leg="client")
    server.read_frame()
    for _ in range(20):
        server.send(text("anybody?"))
    again, far = p.meet()  # meanwhile a second connection: two at the server
    both_talk(again, far)
    assert not p.snapshot().all("lost", leg="origin")
    server.close()
    assert p.wait_event("lost", leg="origin")["by"] == "peer"


def test_a_client_that_is_held_hears_nothing_of_the_end(faulty):
    p = faulty("at open: hold client")
    client, server = p.meet()
    both_talk(client, server)
    server.close()
    assert p.wait_event("lost", leg="origin")
    client.send(ping("p", mask=True))
    client.fin()
    assert end_of(client) == ("fin", b"")
    assert p.wait_event("lost", leg="client")["by"] == "peer"


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_hold_that_is_over_ends_the_leg_as_the_other_went(faulty, how):
    p = faulty(f"{GO}: {how} client; hold origin for 0.3s")
    client, server = p.meet()
    p.wait_event("open", leg="client")
    began = time.monotonic()
    go(client)
    assert end_of(client)[0] == how
    assert end_of(server)[0] == how
    assert time.monotonic() - began >= 0.3
    assert p.wait_event("lost", leg="origin")["cause"] == "local.relay"


def test_a_hold_that_is_over_before_anything_ended_does_nothing(faulty):
    p = faulty("at request: hold both for 1ms", "after 0.1s: hold client for 1ms", "after 0.2s: delay 0s")
    client, server = p.meet()
    p.wait_event("inject", line=3)
    both_talk(client, server)
    server.fin()
    assert end_of(client)[0] == "fin"


@shows("action unlisten", "moment on signal USR1|USR2")
def test_unlisten_refuses_with_nobody_there_and_listens_again(faulty):
    p = faulty("on signal USR1: unlisten for 2s")
    for n in (1, 2):
        p.signal(signal.SIGUSR1)
        e = p.wait_event("inject", n=n)
        assert e.get("conn") is None and not e.get("accept") and e["action"] == "unlisten for 2s"
        eventually(lambda: refuses(p.port))
        eventually(lambda: not refuses(p.port))
    both_talk(*p.meet())


def test_unlisten_for_ever_keeps_those_who_are_there(faulty):
    p = faulty(f"{GO}: unlisten")
    client, server = p.meet()
    other, far = p.meet()
    go(client)
    inject(p, "unlisten", client=client)
    eventually(lambda: refuses(p.port))
    assert server.read_frame().payload == b"go"
    both_talk(client, server)
    both_talk(other, far)
    p.signal(signal.SIGTERM)
    for c in (client, other):
        assert c.read_close().code == 1001


def test_unlisten_for_ever_with_nobody_there_goes_on_running(faulty):
    p = faulty("on signal USR2: unlisten")
    p.signal(signal.SIGUSR2)
    p.wait_event("inject")
    eventually(lambda: refuses(p.port))
    assert p.process.poll() is None
    p.signal(signal.SIGTERM)
    assert p.finish().signal == signal.SIGTERM


def test_unlisten_while_it_stops(faulty):
    p = faulty("on frame close up: unlisten for 1ms; kill-all rst", "on signal USR1: unlisten")
    client, _ = p.meet()
    p.wait_event("open", n=2)
    p.signal(signal.SIGTERM)
    assert client.read_close().code == 1001
    p.signal(signal.SIGUSR1)
    client.send(close(1001, mask=True))
    assert p.finish().signal == signal.SIGTERM


@shows("action kill-all")
@pytest.mark.both_builds
@pytest.mark.parametrize("how,kind", [("", "fin"), (" fin", "fin"), (" rst within 0.2s", "rst"), (' close 1012 "deploy" within 0.2s', "close")])
def test_kill_all_ends_everybody_and_those_who_come_later_not(faulty, how, kind):
    p = faulty(f"on signal USR1: kill-all{how}", args=["--close-timeout", "0.2"])
    pairs = [p.meet() for _ in range(5)]
    p.wait_event("open", n=10)
    p.signal(signal.SIGUSR1)
    for c in [c for pair in pairs for c in pair]:
        if kind == "close":
            f = c.read_close()
            assert (f.code, f.payload[2:]) == (1012, b"deploy")
        else:
            assert end_of(c)[0] == kind
    p.wait_event("gone", n=10)
    assert len(p.snapshot().all("inject")) == 1, "once, and not once per connection"
    both_talk(*p.meet())
    p.signal(signal.SIGUSR1)
    p.wait_event("inject", n=2)
    p.wait_event("gone", n=12)


def test_kill_all_by_one_connection_strikes_it_too(faulty):
    p = faulty(f"conn 2 {GO}: kill-all rst")
    first, second = p.meet(), p.meet()
    p.wait_event("open", n=4)
    go(first[0])
    assert first[1].read_frame()
    go(second[0])
    assert end_of(first[0])[0] == end_of(second[0])[0] == "rst"
    inject(p, "kill-all rst", conn=2, client=None)


def test_two_hundred_faults_leave_no_descriptor(faulty):
    p = faulty("dial every 5 at accept: rst", "dial every 7 at request: status 503", "conn every 3 at open: rst both", "conn every 4 at open: close 1001 both",
               "conn every 5 at open: fin client; hold origin for 1ms", args=["--close-timeout", "0.01"])
    before = p.descriptors()
    for _ in range(200):
        try:  # an RST at accept may end the connect itself
            c = connect("127.0.0.1", p.port)
            c.send(request())
            c.recv()
            c.rst()
        except (ConnectionError, EOFError):
            continue
    p.origin.let_go()
    for _ in range(600):
        if p.descriptors() <= before:
            break
        time.sleep(0.1)
    assert p.descriptors() <= before
