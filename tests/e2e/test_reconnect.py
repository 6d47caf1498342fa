# SPDX-License-Identifier: MIT
"""Reconnecting: each dial, loss and reopening told, and when it gives up."""
import signal
import socket
import ssl
import threading

import pytest

from peers import acts
from peers.acts import answers, closes, http
from peers.raw import FullListener, close
from peers.reverse_proxy import ReverseProxy

AT_ONCE = ("-r", "--reconnect-delay", "0")


def context(certs, name="server"):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certs / f"{name}.pem", certs / f"{name}.key")
    return ctx


def counts_add_up(r):
    """The summary says what the events said."""
    end = r.one("end")
    assert end["dials"] == len(r.all("dial")) == end["conns"] + end["failed"]
    assert end["conns"] == len(r.all("open")) + len(r.all("reconnect"))
    assert end["failed"] == len(r.all("failed"))
    assert end["lost"] == len(r.all("lost")) == sum(end["causes"].values())
    assert end["overlaps"] == len(r.all("overlap"))
    for cause, n in end["causes"].items():
        assert len(r.all("lost", cause=cause)) == n
    assert r.events[-1] == end and [e["seq"] for e in r.events] == list(range(1, len(r.events) + 1))
    return end


# how it ends, and whether it dials again

@pytest.mark.parametrize("how,event,cause,code,status", [
    (acts.fin, "lost", "tcp.closed", None, 56),
    (acts.rst, "lost", "tcp.reset", None, 56),
    (closes(1001, "bye"), "close", "ws.close", 1001, 112),
    (closes(1012), "close", "ws.close", 1012, 112),
    (closes(1013), "close", "ws.close", 1013, 112),
    (closes(1014), "close", "ws.close", 1014, 112),
], ids=["fin", "rst", "1001", "1012", "1013", "1014"])
def test_it_dials_again(run, raw, how, event, cause, code, status):
    server = raw([how, closes(1000)])
    r = run(*AT_ONCE, server.url())
    assert r.types() == ["dial", "open", event, "retry", "dial", "reconnect", "close", "giveup", "end"]
    first = [e for e in r.events if e["event"] == event][0]
    assert (first["by"], first["cause"], first["code"], first["conn"], first["dial"]) == ("peer", cause, code, 1, 1)
    again = r.one("reconnect")
    assert (again["conn"], again["dial"], again["failed"]) == (2, 2, 0) and again["down"] >= 0
    assert r.one("open")["down"] is None
    assert r.one("retry")["delay"] == 0 and r.one("retry")["dial"] == 2
    assert {e["session"] for e in r.events if e["event"] not in ("note",)} == {r.one("open")["session"]}
    assert "for good" in r.one("giveup")["text"]
    assert r.status == 0
    end = counts_add_up(r)
    assert end["causes"] == ({cause: 1} if event == "lost" else {}) and end["conns"] == 2
    # without -r the same end is the end of all, with a status of its own
    r = run(raw(how).url())
    assert r.types() == ["dial", "open", event, "end"] and r.status == status


@pytest.mark.parametrize("code,wire,status", [(1000, 1000, 0), (None, 1005, 0), (1008, 1008, 113), (1011, 1011, 113), (4000, 4000, 113)])
def test_a_close_for_good_is_the_end(run, raw, code, wire, status):
    r = run(*AT_ONCE, raw(closes(code)).url())
    assert r.types() == ["dial", "open", "close", "giveup", "end"]
    assert (r.ended["code"], r.ended["clean"], r.ended["by"]) == (wire, True, "peer")
    assert r.status == status
    counts_add_up(r)


@pytest.mark.parametrize("code", [None, 1000, 1008, 4000])
def test_reconnect_on_any_dials_after_every_close(start, raw, code):
    server = raw([closes(code), acts.echo])
    p = start(*AT_ONCE, "--reconnect-on", "any", server.url())
    p.wait_event("reconnect")
    p.signal(signal.SIGINT)
    r = p.finish()
    assert r.types() == ["dial", "open", "close", "retry", "dial", "reconnect", "close", "end"]
    assert r.status == 130


@pytest.mark.parametrize("cut,cause", [(False, "tls.closed"), (True, "tls.truncated")], ids=["close_notify", "no_close_notify"])
def test_tls_ends_with_and_without_close_notify(run, raw, certs, cut, cause):
    def first(c):
        c.upgrade()
        if cut:
            c.fin()
            c.drain()

    server = raw([first, closes(1000)], tls=context(certs))
    r = run(*AT_ONCE, "--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.types() == ["dial", "open", "lost", "retry", "dial", "reconnect", "close", "giveup", "end"]
    assert r.one("lost")["cause"] == cause and r.status == 0
    assert counts_add_up(r)["causes"] == {cause: 1}


# dials that fail

def test_the_first_dial_is_retried_and_open_comes_once(run, raw):
    """websocket-client 1.8 calls on_reconnect here, and on_open never."""
    busy = answers(http(503, "Busy"))
    server = raw([busy, busy, acts.fin, busy, closes(1000)])
    r = run(*AT_ONCE, server.url())
    assert r.types() == ["dial", "failed", "retry", "dial", "failed", "retry", "dial", "open", "lost", "retry", "dial", "failed", "retry", "dial",
                         "reconnect", "close", "giveup", "end"]
    first, again = r.one("open"), r.one("reconnect")
    assert (first["conn"], first["dial"], first["down"], first["failed"]) == (1, 3, None, 0)
    assert (again["conn"], again["dial"], again["failed"]) == (2, 5, 1)
    assert again["down"] >= r.all("failed")[2]["took"]
    assert [(f["dial"], f["stage"], f["cause"], f["status"]) for f in r.all("failed")] == [
        (n, "upgrade", "http.refused", 503) for n in (1, 2, 4)]
    assert [f["failures"] for f in r.all("retry")] == [1, 2, 0, 1]
    end = counts_add_up(r)
    assert (end["dials"], end["conns"], end["failed"], end["lost"]) == (5, 2, 3, 1)
    assert end["down"] >= again["down"] and end["up"] + end["down"] <= end["total"]
    assert r.status == 0


def test_refused_until_the_tries_are_used_up(run, raw):
    dead = raw(acts.fin)
    dead.stop()
    r = run(*AT_ONCE, "--reconnect-tries", "3", dead.url())
    assert r.types() == ["dial", "failed", "retry"] * 2 + ["dial", "failed", "giveup", "end"]
    assert {(f["stage"], f["cause"]) for f in r.all("failed")} == {("tcp", "tcp.refused")}
    assert r.one("giveup")["failures"] == 3
    assert r.status == 7
    counts_add_up(r)


def test_tries_count_failures_in_a_row(run, raw):
    busy = answers(http(503, "Busy"))
    server = raw([busy, acts.fin, busy, acts.fin, busy, busy])
    r = run(*AT_ONCE, "--reconnect-tries", "2", server.url())
    assert r.types() == ["dial", "failed", "retry", "dial", "open", "lost", "retry", "dial", "failed", "retry", "dial", "reconnect", "lost",
                         "retry", "dial", "failed", "retry", "dial", "failed", "giveup", "end"]
    assert r.status == 22, "of the last cause"
    counts_add_up(r)


def test_the_last_cause_is_the_exit_status(run, raw):
    """Lost to silence (110) first; then nothing listens."""
    def silent(c):
        c.upgrade()
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        return c.frames()

    server = raw(silent)
    r = run(*AT_ONCE, "--reconnect-tries", "1", "--ping-interval", "0.1", "--ping-timeout", "0.2", "--hold-lost", "0", server.url())
    assert r.types() == ["dial", "open", "lost", "retry", "dial", "failed", "giveup", "end"]
    assert r.one("lost")["cause"] == "ws.ping_timeout" and r.one("failed")["cause"] == "tcp.refused"
    assert r.status == 7


def test_who_accepts_and_never_answers(run, raw):
    def mute(c):
        c.read_head()
        c.drain()

    r = run(*AT_ONCE, "--reconnect-tries", "2", "--connect-timeout", "0.2", raw(mute).url())
    assert r.types() == ["dial", "failed", "retry", "dial", "failed", "giveup", "end"]
    assert {(f["stage"], f["cause"]) for f in r.all("failed")} == {("upgrade", "dial.timed_out")}
    assert r.status == 28


def test_who_never_accepts(run):
    full = FullListener()
    try:
        r = run(*AT_ONCE, "--reconnect-tries", "2", "--connect-timeout", "0.2", f"ws://127.0.0.1:{full.port}/")
    finally:
        full.stop()
    assert {(f["stage"], f["cause"]) for f in r.all("failed")} == {("tcp", "dial.timed_out")}
    assert r.types() == ["dial", "failed", "retry", "dial", "failed", "giveup", "end"] and r.status == 28


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_will_not_change_is_not_tried_again(run, raw, status):
    r = run(*AT_ONCE, raw(answers(http(status, "No"))).url())
    assert r.types() == ["dial", "failed", "giveup", "end"] and r.status == 22
    r = run(*AT_ONCE, "--reconnect-on", "any", "--reconnect-tries", "2", raw(answers(http(status, "No"))).url())
    assert r.types() == ["dial", "failed", "retry", "dial", "failed", "giveup", "end"] and r.status == 22


def test_a_certificate_does_not_become_better(run, raw, certs):
    server = raw(acts.fin, tls=context(certs, "expired"))
    r = run(*AT_ONCE, "--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.types() == ["dial", "failed", "giveup", "end"]
    assert r.one("failed")["cause"] == "tls.cert.expired" and r.status == 60
    r = run(*AT_ONCE, "--cacert", certs / "ca.pem", "--reconnect-on", "any", "--reconnect-tries", "2", server.url(name="localhost"))
    assert r.types() == ["dial", "failed", "retry", "dial", "failed", "giveup", "end"] and r.status == 60


# delays

def test_retry_after_is_honoured_and_sigint_ends_the_wait(start, raw):
    server = raw(answers(http(503, "Busy", "Retry-After: 3600")))
    p = start("-r", "--reconnect-delay", "2", server.url())
    assert p.wait_event("retry")["delay"] == 3600
    p.signal(signal.SIGINT)
    r = p.finish(timeout=30)
    assert r.types() == ["dial", "failed", "retry", "end"]
    assert r.status == 130 and r.signal == signal.SIGINT
    assert counts_add_up(r)["total"] < 1800


def test_the_first_delay_is_random_up_to_5_seconds(start, raw):
    """RFC 6455 section 7.2.3."""
    p = [start("-r", raw(answers(http(503, "Busy"))).url()) for _ in range(3)]
    delays = [q.wait_event("retry")["delay"] for q in p]
    for q in p:
        q.signal(signal.SIGTERM)
        assert q.finish(timeout=30).status == 143
    assert all(0 <= d <= 5 for d in delays) and len(set(delays)) > 1


def test_delays_grow_from_min_to_max(run, raw):
    dead = raw(acts.fin)
    dead.stop()
    r = run("-r", "--reconnect-delay", "0.01:0.1", "--reconnect-tries", "8", dead.url())
    delays = [e["delay"] for e in r.all("retry")]
    assert len(delays) == 7 and all(0.01 <= d <= 0.1 for d in delays)
    assert min(delays[4:]) >= 0.05, "half of the most, once grown"
    r = run("-r", "--reconnect-delay", "0.02", "--reconnect-tries", "4", dead.url())
    assert [e["delay"] for e in r.all("retry")] == [0.02] * 3, "a single number is just that"


# signals

def test_sigint_in_the_middle_of_a_dial(start, raw):
    def mute(c):
        c.read_head()
        c.drain()

    p = start(*AT_ONCE, raw([acts.fin, mute]).url())
    p.wait_event("dial", dial=2)
    p.signal(signal.SIGINT)
    r = p.finish(timeout=30)
    assert r.types() == ["dial", "open", "lost", "retry", "dial", "failed", "end"]
    assert r.one("failed")["cause"] == "local.interrupt" and r.status == 130
    counts_add_up(r)


# elsewhere

def test_the_server_moves_to_another_address(run, raw):
    """The name has both; nothing listens at the first any more."""
    def leaves(c):
        c.upgrade()
        old.listener.shutdown(socket.SHUT_RDWR)
        old.listener.close()

    old = raw(leaves)
    new = raw(closes(1000), host="127.0.0.2", port=old.port)
    r = run(*AT_ONCE, "--resolve", f"moves.test:{old.port}:127.0.0.1,127.0.0.2", f"ws://moves.test:{old.port}/")
    assert r.types() == ["dial", "open", "lost", "retry", "dial", "reconnect", "close", "giveup", "end"]
    assert r.one("open")["peer"] == f"127.0.0.1:{old.port}"
    again = r.one("reconnect")
    assert again["peer"] == f"127.0.0.2:{new.port}"
    assert [(a["address"], a["cause"]) for a in again["attempts"]] == [(f"127.0.0.1:{old.port}", "tcp.refused")]


def test_every_retry_begins_at_the_url_as_given(run, raw):
    one, two = raw(acts.fin), raw(closes(1000))
    front = raw([answers(http(302, "Found", f"Location: {s.url('/here')}")) for s in (one, two)])
    r = run(*AT_ONCE, "-L", front.url())
    assert r.types() == ["dial", "failed", "dial", "open", "lost", "retry", "dial", "failed", "dial", "reconnect", "close", "giveup", "end"]
    assert front.accepted == 2 and one.accepted == 1 and two.accepted == 1
    assert (r.one("open")["url"], r.one("reconnect")["url"]) == (one.url("/here"), two.url("/here"))
    counts_add_up(r)


def test_redirects_without_end_are_given_up(run, raw):
    r = run(*AT_ONCE, "-L", "--max-redirects", "1", raw(answers(http(302, "Found", "Location: /again"))).url())
    assert r.types() == ["dial", "failed", "dial", "failed", "giveup", "end"] and r.status == 47
    counts_add_up(r)


# behind a hop

@pytest.mark.parametrize("kind,how", [("nginx", {"more": "proxy_read_timeout 1s;"}), ("haproxy", {"tunnel": "1s"})], ids=["nginx", "haproxy"])
def test_losses_to_an_idle_timeout_show_equal_silence(start, serve, tmp_path, kind, how):
    server = serve()
    hop = ReverseProxy(kind, tmp_path / kind, server.port, **how)
    try:
        p = start(*AT_ONCE, "--tag", hop.url())
        p.wait_event("lost", n=3)
        p.signal(signal.SIGINT)
        r = p.finish()
    finally:
        hop.stop()
    assert r.types()[:9] == ["dial", "open", "lost", "retry", "dial", "reconnect", "lost", "retry", "dial"]
    silences = [e["silent_rx"] for e in r.all("lost")]
    assert all(0.9 <= s <= 2.5 for s in silences) and max(silences) - min(silences) < 0.5, silences
    assert {(e["code"], e["held"]) for e in r.all("lost")} == {(None, False)}
    assert not r.all("overlap"), "each was seen to end"
    # the server tells the same story, each loss before the next open
    server.wait_event("lost", n=3)
    server.signal(signal.SIGINT)
    seen = server.finish()
    assert [t for t in seen.types() if t in ("open", "reconnect", "lost")][:6] == ["open", "lost", "reconnect", "lost", "reconnect", "lost"]
    assert [e["dial"] for e in seen.all("lost")][:3] == [1, 2, 3] and not seen.all("overlap")


# storms

def test_a_thousand_reconnects_cost_nothing(start, raw, release):
    half, done, go = threading.Event(), threading.Event(), threading.Event()

    def at_half(c):
        c.upgrade()
        half.set()
        assert go.wait(60)

    def last(c):
        c.upgrade()
        done.set()
        c.send(close(c.read_close().code))

    server = raw([acts.fin] * 200 + [at_half] + [acts.rst, acts.fin] * 400 + [last])
    p = start(*AT_ONCE, server.url(), binary=release, stdin=None)
    assert half.wait(60)
    rss, descriptors = p.rss("VmRSS"), p.descriptors()
    go.set()
    assert done.wait(120)
    assert p.wait_event("reconnect", conn=1002)
    assert p.descriptors() <= descriptors + 1
    assert p.rss("VmRSS") <= rss + 512 * 1024
    p.signal(signal.SIGINT)
    r = p.finish()
    assert r.status == 130
    assert {e["delay"] for e in r.all("retry")} == {0}
    end = counts_add_up(r)
    assert (end["conns"], end["lost"], end["failed"]) == (1002, 1001, 0)
    assert end["causes"] == {"tcp.closed": 601, "tcp.reset": 400}
