# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: when a line strikes, and whom."""
import signal
import time

import pytest

from faults import GO, ask, both_talk, faulty, go, inject, shows
from peers.origin import end_of
from peers.raw import eventually, pong, refuses, text


@shows("moment at open", "moment after TIME", "moment age TIME")
@pytest.mark.parametrize("moment,wait", [("at open", 0), ("after 0.2s", 0.2), ("age 200ms", 0.2)])
def test_time(faulty, moment, wait):
    p = faulty(f"{moment}: fin both")
    began = time.monotonic()
    client, _ = p.meet()
    assert end_of(client)[0] == "fin"
    assert time.monotonic() - began >= wait
    inject(p, "fin both")


@shows("moment after N msgs [DIR]", "moment after SIZE [DIR]")
@pytest.mark.parametrize("moment,ups,downs", [("after 3 msgs up", 3, 0), ("after 3 msgs down", 0, 3), ("after 3 msgs", 2, 1), ("after 3 msgs both", 1, 2),
                                              ("after 25 bytes up", 3, 0), ("after 25 bytes down", 0, 3), ("after 25 bytes", 1, 2)])
def test_counts(faulty, moment, ups, downs):
    p = faulty(f"{moment}: rst both")
    client, server = p.meet()
    p.wait_event("open", leg="client")
    order = [True] * ups + [False] * downs
    for i, up in enumerate(order):
        assert not p.snapshot().all("inject")
        a, b = (client, server) if up else (server, client)
        a.send(text("0123456789", mask=up))
        if i < len(order) - 1:
            assert b.read_frame().payload == b"0123456789"
    assert end_of(client)[0] == end_of(server)[0] == "rst"
    inject(p, "rst both")


@shows("moment idle [DIR] TIME")
@pytest.mark.parametrize("moment", ["idle 0.5s", "idle both 0.5s", "idle down 0.5s", "idle up 0.5s"])
def test_idle(faulty, moment):
    p = faulty(f"{moment}: fin both")
    began = time.monotonic()
    client, server = p.meet()
    # What keeps it from being idle: any byte of that direction.
    quiet_up = "down" not in moment
    a = client if quiet_up else server
    for _ in range(4):
        time.sleep(0.1)
        a.send(pong(mask=quiet_up))
    assert end_of(client)[0] == "fin"
    assert time.monotonic() - began >= 0.8
    inject(p, "fin both")


def test_the_other_direction_does_not_keep_it_from_being_idle(faulty):
    p = faulty("idle down 0.3s: fin both")
    client, _ = p.meet()
    with pytest.raises(ConnectionError):
        for _ in range(1200):
            client.send(text("x", mask=True))
            time.sleep(0.05)
    inject(p, "fin both")


@shows("moment on line WORD")
def test_a_typed_line(faulty):
    p = faulty("conn 1 on line boom: rst both", "on line calm: unlisten", how={"stdin": "open"})
    first, second = p.meet(), p.meet()
    p.wait_event("open", n=4)
    p.write(b"bo\n\nboom boom\n  boom \n")
    assert end_of(first[0])[0] == "rst"
    inject(p, "rst both")
    both_talk(*second)
    p.write(b"calm\n")
    assert p.wait_event("inject", n=1, line=2).get("conn") is None
    eventually(lambda: refuses(p.port))
    assert len(p.snapshot().all("inject")) == 2


def test_a_line_or_a_signal_that_nothing_waits_for_is_told(faulty):
    p = faulty("on line cut: fin both", "on line deploy: kill-all", how={"stdin": "open"})
    p.write(b"\n  depoly\x1b \n")
    note = p.wait_event("note")["text"]
    assert "depoly" in note and "cut, deploy" in note
    p.write(b"deploy\n")
    p.wait_event("inject", line=2)
    p.signal(signal.SIGUSR1)
    assert '"USR1"' in p.wait_event("note", n=2)["text"]
    assert "\x1b" not in p.snapshot().err


def test_a_signal_strikes_each_that_matches(faulty):
    p = faulty("conn 2-3 on signal USR2: close 4000 client", args=["--close-timeout", "0.1"])
    pairs = [p.meet() for _ in range(4)]
    p.wait_event("open", n=8)
    p.signal(signal.SIGUSR2)
    for c, _ in pairs[1:3]:
        assert c.read_close().code == 4000
    both_talk(*pairs[0])
    both_talk(*pairs[3])
    p.wait_event("inject", n=2)
    assert sorted(e["conn"] for e in p.snapshot().all("inject")) == [2, 3]


@pytest.mark.parametrize("subject,struck", [("conn 2", [2]), ("dial 2-3", [2, 3]), ("conn every 2", [2, 4]), ("conn *", [1, 2, 3, 4]),
                                            ("conn path=/b*", [2]), ("dial header=X-N:3", [3]), ("conn 100%", [1, 2, 3, 4])])
def test_whom(faulty, subject, struck):
    p = faulty(f"{subject} {GO}: rst client")
    for i in range(1, 5):
        client, server = p.meet(target=["/a", "/bcd", "/c", "/d"][i - 1], extra=[("X-N", str(i))])
        go(client)
        if i in struck:
            assert end_of(client)[0] == "rst"
        else:
            both = server.read_frame()
            assert both.payload == b"go"
    p.wait_event("inject", n=len(struck))
    assert [e["conn"] for e in p.snapshot().all("inject")] == struck


def test_chance_is_the_same_each_time(faulty):
    def run():
        p = faulty("dial 50% seed 7 at request: status 503")
        got = []
        for _ in range(12):
            c = ask(p)
            got.append(c.read_head().status)
            c.rst()
        return got

    first = run()
    assert first == run() and set(first) == {101, 503}
