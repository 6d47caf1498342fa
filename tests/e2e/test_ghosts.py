# SPDX-License-Identifier: MIT
"""Silence, ghosts and overlap on both ends; tags; time that goes missing."""
import base64
import os
import signal
import time

import pytest

from peers import acts
from peers.raw import connect, text

WATCHFUL = ("-r", "--reconnect-delay", "0", "--ping-interval", "0.2", "--ping-timeout", "0.5", "--no-input")


def kinds(p, *wanted):
    return [e["event"] for e in p.events if e["event"] in wanted]


def test_a_stopped_server_is_lost_to_silence_and_its_ghost_is_told_when_it_wakes(start, serve):
    server = serve()
    p = start(*WATCHFUL, server.url)
    p.wait_event("pong")
    server.signal(signal.SIGSTOP)
    try:
        lost = p.wait_event("lost")
    finally:
        server.signal(signal.SIGCONT)
    worry = [e for e in p.events if e["event"] == "ping" and e["waiting"] is not None][0]
    assert worry["tcp"] == "acked" and worry["usual_rtt"] is not None and worry["seq"] < lost["seq"]
    assert (lost["cause"], lost["by"], lost["held"], lost["synthesised"]) == ("ws.ping_timeout", "local", True, 1006)
    ghost = p.wait_event("ghost")
    assert ghost["conn"] == lost["conn"] and ghost["ended"]
    assert p.wait_event("reconnect")["conn"] == 2
    p.signal(signal.SIGINT)
    assert p.finish().status == 130


def silent(release):
    """Reads and says nothing; then one late message, and the end."""
    def script(c):
        c.upgrade()
        release.wait(20)
        try:
            c.send(text("late"))
        except ConnectionError:
            pass

    return script


@pytest.fixture
def released():
    import threading
    event = threading.Event()
    yield event
    event.set()


def test_a_second_open_while_the_first_is_only_declared_lost_is_an_overlap(start, raw, released):
    p = start(*WATCHFUL, raw([silent(released), acts.echo]).url())
    overlap = p.wait_event("overlap")
    assert (overlap["conn"], overlap["with"], overlap["held"]) == (2, 1, False) and overlap["since"] is not None
    released.set()
    ghost = p.wait_event("ghost")
    assert (ghost["conn"], ghost["ended"], ghost["with"]) == (1, True, 2) and ghost["overlap"] > 0
    assert ghost["received"]["messages"] == 1
    p.signal(signal.SIGINT)
    r = p.finish()
    assert r.out == b"" and r.one("end")["overlaps"] == 1
    assert kinds(p, "open", "lost", "reconnect", "overlap", "ghost", "close") == ["open", "lost", "reconnect", "overlap", "ghost", "close"]


def test_hold_lost_open_makes_an_overlap_on_purpose_and_says_so(start, raw, released):
    p = start(*WATCHFUL, "--hold-lost=open", raw([silent(released), acts.echo]).url())
    assert p.wait_event("overlap")["held"] is True
    assert [e for e in p.events if e["event"] == "lost"][0]["held_open"] is True
    p.signal(signal.SIGINT)
    assert p.finish().status == 130


def test_hold_lost_0_lets_go_at_once(start, raw, released):
    p = start(*WATCHFUL, "--hold-lost", "0", raw([silent(released), acts.echo]).url())
    p.wait_event("reconnect")
    p.signal(signal.SIGINT)
    p.finish()
    assert kinds(p, "ghost", "overlap") == [] and [e for e in p.events if e["event"] == "lost"][0]["held"] is False


def test_ghosts_are_bounded_and_never_delay_the_end(start, raw, released):
    p = start(*WATCHFUL, "--ping-interval", "0.02", "--ping-timeout", "0.05", "--hold-lost", "1000", raw([silent(released)] * 25).url())
    p.wait_event("reconnect", n=18)
    p.signal(signal.SIGINT)
    r = p.finish()
    let_go = [e for e in r.events if e["event"] == "ghost"]
    assert r.status == 130 and let_go and not any(e["ended"] for e in let_go)
    assert let_go[0]["conn"] == 1  # the oldest, when the seventeenth came
    alive = most = 0
    for e in r.events:
        alive += (e["event"] == "lost" and e["held"]) - (e["event"] == "ghost")
        most = max(most, alive)
    assert most <= 17 and alive == 0


def test_no_pong_leaves_pings_unanswered(start, serve):
    server = serve("--ping-interval", "0.2", "--ping-timeout", "0.5")
    p = start("--no-pong", "--no-input", server.url)
    assert server.wait_event("lost")["cause"] == "ws.ping_timeout"
    assert p.wait_event("lost")["cause"] in ("tcp.closed", "tcp.reset")


# what a server sees

@pytest.mark.parametrize("tag, options", [("--tag", ()), ("--tag=query:who", ("--tag-query", "who"))])
def test_a_tag_names_session_and_dial_at_the_server(run, serve, tag, options):
    server = serve(*options)
    r = run(tag, server.url, stdin=b"x\n")
    seen = server.wait_event("open")
    assert (seen["session"], seen["dial"]) == (r.one("open")["session"], 1)


def tagged(server, session, dial, key=None):
    c = connect("127.0.0.1", server.port)
    c.dial(host=f"127.0.0.1:{server.port}", extra=[("Wsdiag-Session", f"{session}; dial={dial}")], key=key)
    return c


def test_a_dial_whose_successor_opened_first_is_an_orphan(serve):
    server = serve()
    ends = [tagged(server, "s", 2), tagged(server, "s", 1)]
    orphan = server.wait_event("orphan")
    assert (orphan["conn"], orphan["dial"], orphan["successor"]) == (2, 1, 2)
    assert server.wait_event("overlap")["with"] == 1
    assert len(ends) == 2


def test_one_key_twice_is_a_replay(serve):
    server = serve()
    key = base64.b64encode(os.urandom(16)).decode()
    ends = [tagged(server, "a", 1, key), tagged(server, "b", 1), tagged(server, "c", 1, key)]
    replay = server.wait_event("replay")
    assert (replay["conn"], replay["with"], replay["ws_key"]) == (3, 1, key)
    assert len(ends) == 3


# time

@pytest.mark.fault(34)
def test_a_stopped_client_says_that_it_did_not_run(start, serve):
    p = start("--no-input", serve().url)
    p.wait_event("open")
    p.signal(signal.SIGSTOP)
    time.sleep(5)  # the one thing that cannot be waited for: nothing happens
    p.signal(signal.SIGCONT)
    suspend = p.wait_event("suspend")
    assert suspend["stalled"] >= 3 and suspend["slept"] == 0
    p.signal(signal.SIGINT)
    assert p.finish().status == 130


@pytest.mark.fault(35)
@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_jump_of_the_wall_clock_is_told_and_moves_no_duration(start, serve, release, tmp_path, jump):
    now = tmp_path / "now"
    now.write_text("+0\n")
    fake = {"LD_PRELOAD": "libfaketime.so.1", "LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu/faketime:/usr/lib/aarch64-linux-gnu/faketime",
            "FAKETIME_TIMESTAMP_FILE": str(now), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    p = start("--no-input", serve().url, binary=release, env=fake)
    opened = p.wait_event("open")
    now.write_text(f"{jump:+d}\n")
    told = p.wait_event("clock")
    assert abs(told["jump"] - jump) < 5
    p.signal(signal.SIGINT)
    r = p.finish()
    ended = r.one("close")
    assert r.status == 130 and 0 <= ended["age"] < 60 and abs(ended["mono"] - opened["mono"] - ended["age"]) < 1
