# SPDX-License-Identifier: MIT
"""Beside test_ghosts.py: what exactly is on the wire, in the log and in the counts when a connection goes silent, is held as a ghost, and overlaps the next."""
import os
import signal
import threading

import pytest

from peers.raw import PING, PONG, close, ping, pong, text
from test_reconnect import context, counts_add_up

QUICK = ("-r", "--reconnect-delay", "0", "--ping-interval", "0.1", "--ping-timeout", "0.4")


def answers_pings(c):
    """Until the Close, which it answers; returns the frames."""
    got = []
    c.upgrade()
    while (f := c.read_frame()) is not None:
        got.append(f)
        if f.opcode == PING:
            c.send(pong(f.payload))
        if f.code and f.opcode == 8:
            c.send(close(f.code))
            break
    return got


class Silent:
    """Answers nothing on its connection, reads to the client's FIN, and does what it is told in the end."""

    def __init__(self, then=lambda c: None, reads=True):
        self.go, self.at_fin = threading.Event(), threading.Event()
        self.then, self.reads = then, reads

    def __call__(self, c):
        c.upgrade()
        if self.reads:
            assert all(f.opcode == PING for f in iter(c.read_frame, None))
            self.at_fin.set()
        assert self.go.wait(60)
        return self.then(c)


def stop(p):
    p.signal(signal.SIGINT)
    return p.finish(timeout=30)


# pings

def test_pings_and_what_they_are_answered(start, raw):
    def script(c):
        c.upgrade()
        one = c.read_frame()
        c.send(pong(b"unasked") + pong(one.payload))
        two = c.read_frame()
        c.send(pong(two.payload))
        c.send(close(1000))
        return one, two, c.frames()

    server = raw(script)
    p = start("--ping-interval", "0.05", "-P", server.url())
    r = p.finish()
    one, two, _ = server.result()
    run = r.events[0]["run"]
    assert (one.payload, two.payload) == (f"wsdiag {run} 1".encode(), f"wsdiag {run} 2".encode())
    assert [e["data"] for e in r.all("pong")][:2] == ["unasked", one.payload.decode()]
    rtts = [e["rtt"] for e in r.all("pong")]
    assert rtts[0] is None, "it answers no ping of ours"
    assert all(t > 0 for t in rtts[1:])
    end = r.one("end")
    assert end["rtt_min"] == min(rtts[1:]) and end["rtt_max"] == max(rtts[1:]) and end["rtt_min"] <= end["rtt_median"] <= end["rtt_max"]
    assert r.ended["rtt"] == rtts[-1]


def test_no_pong_leaves_pings_unanswered(run, raw):
    def script(c):
        c.upgrade()
        c.send(ping(b"a") + ping(b"b") + close(1000))
        return c.frames()

    for option, n in ((("--no-pong",), 0), ((), 1)):
        server = raw(script)
        r = run(*option, server.url())
        assert len([f for f in server.result() if f.opcode == PONG]) == n
        assert len(r.all("ping", dir="in")) == 2 and r.status == 0


def test_serve_without_pongs_is_found_by_the_clients_timeout(start, serve):
    server = serve("--no-pong")
    p = start("--ping-interval", "0.1", "--ping-timeout", "0.3", server.url)
    r = p.finish()
    assert r.ended["cause"] == "ws.ping_timeout" and r.status == 110


def test_any_data_is_life(start, raw):
    """No pong at all, but messages."""
    def script(c):
        c.upgrade()
        for i in range(30):
            c.read_frame()
            c.send(text("%d" % i))
        c.send(close(1000))
        return c.frames()

    p = start("--ping-interval", "0.1", "--ping-timeout", "1.5", raw(script).url())
    r = p.finish()
    assert r.types() == ["dial", "open", "close", "end"] and len(r.messages) == 30
    assert not [e for e in r.all("ping") if e["waiting"] is not None]


@pytest.mark.fault(27)
@pytest.mark.fault(32)
def test_no_timeout_while_we_do_not_read(start, raw):
    """stdout is blocked: their pongs wait in our socket, and no silence is theirs."""
    def floods(c):
        c.upgrade()
        c.sock.settimeout(1.5)
        try:
            while True:
                c.send(text("x" * 65536))
        except TimeoutError:
            blocked.set()
        assert go.wait(60)
        c.rst()

    blocked, go = threading.Event(), threading.Event()
    read_end, write_end = os.pipe()
    p = start("--ping-interval", "0.1", "--ping-timeout", "0.3", raw(floods).url(), stdin=None, stdout=write_end, log_messages="none")
    os.close(write_end)
    assert blocked.wait(60)
    p.wait_event("ping", n=6)
    assert not p.snapshot().all("lost")
    go.set()
    lost = p.wait_event("lost")
    os.close(read_end)
    p.finish()
    assert lost["cause"] == "tcp.reset" and lost["paused_rx"] > 0.5


# a server that is stopped

def test_a_stopped_server_is_found_by_the_ping_timeout(start, serve):
    server = serve()
    p = start("-r", "--reconnect-delay", "0", "--ping-interval", "0.1", "--ping-timeout", "1", "-P", "--tag", server.url)
    p.wait_event("pong", n=2)
    server.signal(signal.SIGSTOP)
    lost = p.wait_event("lost")
    server.signal(signal.SIGCONT)
    assert (lost["by"], lost["cause"], lost["code"], lost["held"], lost["held_open"]) == ("local", "ws.ping_timeout", None, True, False)
    assert "ping timeout 1" in lost["text"] and "TCP acked: far side silent" in lost["text"]
    assert lost["silent_rx"] >= 1 and lost["rtt"] > 0
    worry = [e for e in p.snapshot().all("ping", dir="out") if e["waiting"] is not None]
    assert len(worry) == 1 and worry[0]["waiting"] >= 0.5 and worry[0]["tcp"] == "acked"
    assert worry[0]["usual_rtt"] == lost["rtt"] and worry[0]["seq"] < lost["seq"]
    p.wait_event("reconnect")
    ghost = p.wait_event("ghost")
    assert (ghost["conn"], ghost["ended"]) == (1, True) and "peer FIN" in ghost["text"]
    r = stop(p)
    assert r.types("overlap", "ghost", "gone", "start", "note", "ping", "pong") == ["dial", "open", "lost", "retry", "dial", "reconnect", "close", "end"]
    assert r.status == 130
    end = counts_add_up(r)
    assert end["causes"] == {"ws.ping_timeout": 1}
    # how the server saw it: our FIN
    seen = server.wait_event("lost", conn=1)
    assert (seen["cause"], seen["dial"]) == ("tcp.closed", 1)


# overlap

def test_overlap_and_the_ghosts_end(start, raw):
    def speaks(c):
        c.send(text("late") + text("later"))

    old = Silent(speaks)
    server = raw([old, answers_pings])
    p = start(*QUICK, server.url())
    overlap = p.wait_event("overlap")
    assert old.at_fin.wait(60), "half-closed"
    assert (overlap["conn"], overlap["with"], overlap["held"]) == (2, 1, False) and overlap["since"] >= 0
    old.go.set()
    ghost = p.wait_event("ghost")
    assert (ghost["conn"], ghost["ended"], ghost["with"]) == (1, True, 2)
    assert ghost["received"] == {"messages": 2, "bytes": len(text("late") + text("later"))}
    assert ghost["after"] > ghost["overlap"] > 0
    p.wait_event("gone", conn=1)
    r = stop(p)
    assert r.types("start", "note", "ping", "pong") == ["dial", "open", "lost", "retry", "dial", "reconnect", "overlap", "ghost", "gone", "close",
                                                       "gone", "end"]
    assert r.out == b"", "nothing of a ghost is shown"
    assert not r.all("message")
    assert counts_add_up(r)["overlaps"] == 1
    assert "the server may hold both" in r.err and "peer FIN" in r.err


def test_a_ghosts_close_is_told_and_not_answered(start, raw):
    def closes(c):
        c.send(ping(b"?") + close(1011, "too late"))
        return c.drain()

    old = Silent(closes)
    server = raw([old, answers_pings])
    p = start(*QUICK, server.url())
    p.wait_event("overlap")
    old.go.set()
    ghost = p.wait_event("ghost")
    assert ghost["code"] == 1011 and "1011" in ghost["text"] and ghost["ended"]
    assert server.result() == b"", "neither pong nor Close"
    r = stop(p)
    assert not r.all("close", conn=1)


def test_a_ghost_that_is_reset(start, raw):
    old = Silent(lambda c: c.rst())
    p = start(*QUICK, raw([old, answers_pings]).url())
    p.wait_event("overlap")
    old.go.set()
    ghost = p.wait_event("ghost")
    assert ghost["ended"] and "peer RST" in ghost["text"]
    stop(p)


def test_a_ghost_over_tls_gets_close_notify_and_fin(start, raw, certs):
    old = Silent()
    p = start(*QUICK, "--cacert", certs / "ca.pem", raw([old, answers_pings], tls=context(certs)).url(name="localhost"))
    p.wait_event("overlap")
    assert old.at_fin.wait(60)
    old.go.set()
    assert p.wait_event("ghost")["ended"]
    assert stop(p).status == 130


def test_hold_lost_open_provokes_it(start, raw):
    def still_open(c):
        c.sock.setblocking(False)
        try:
            while (data := c.recv()):
                assert data
            return "FIN"
        except BlockingIOError:
            return "open"
        finally:
            c.sock.settimeout(60)

    old = Silent(still_open, reads=False)
    server = raw([old, answers_pings])
    p = start(*QUICK, "--hold-lost=open", server.url())
    lost, overlap = p.wait_event("lost"), p.wait_event("overlap")
    assert (lost["held"], lost["held_open"]) == (True, True) and overlap["held"] is True
    old.go.set()
    assert server.result() == "open"
    assert p.wait_event("ghost")["ended"]
    r = stop(p)
    assert "held open by us" in r.err


def test_a_ghost_is_let_go_after_hold_lost_seconds(start, raw):
    old = Silent()
    p = start(*QUICK, "--hold-lost", "0.3", raw([old, answers_pings]).url())
    ghost = p.wait_event("ghost")
    assert not ghost["ended"] and ghost["after"] > 0.25 and "let go" in ghost["text"]
    p.wait_event("gone", conn=1)
    old.go.set()
    stop(p)


def test_without_reconnect_nothing_is_held(run, raw):
    old = Silent()
    old.go.set()
    r = run("--ping-interval", "0.1", "--ping-timeout", "0.3", raw(old).url())
    assert r.types() == ["dial", "open", "lost", "end"] and r.status == 110
    assert r.one("lost")["held"] is False


def test_at_most_16_ghosts_and_none_delays_the_end(start, raw):
    held = [Silent() for _ in range(17)]
    p = start("-r", "--reconnect-delay", "0", "--ping-interval", "0.02", "--ping-timeout", "0.05", raw(held + [answers_pings]).url())
    p.wait_event("reconnect", conn=18)
    before = p.snapshot()
    assert [(g["conn"], g["ended"]) for g in before.all("ghost")] == [(1, False)], "the oldest gave way to the 17th"
    assert before.all("lost", conn=17)[0]["seq"] < before.all("ghost")[0]["seq"]
    assert len(before.all("overlap", conn=17)) == 16
    r = stop(p)
    for s in held:
        s.go.set()
    assert r.events[-1]["event"] == "end" and len(r.all("ghost")) == 17
    assert sorted(e["conn"] for e in r.all("gone")) == list(range(1, 19))
    assert all(not g["ended"] for g in r.all("ghost"))
    assert r.status == 130
    counts_add_up(r)


def test_giving_up_lets_the_ghosts_go(start, raw):
    def leaves(c):
        c.upgrade()
        server.listener.shutdown(2)
        server.listener.close()
        assert go.wait(60)

    go = threading.Event()
    server = raw(leaves)
    r = start(*QUICK, "--reconnect-tries", "1", server.url(), stdin=None).finish(timeout=25)
    go.set()
    assert r.types() == ["dial", "open", "lost", "retry", "dial", "failed", "giveup", "ghost", "end"]
    assert r.one("ghost")["ended"] is False and r.one("ghost")["with"] in (0, None)
    assert r.status == 7
