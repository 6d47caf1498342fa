# SPDX-License-Identifier: MIT
"""Whatever a server does, the log of a session adds up."""
import random

import pytest

from peers import acts
from peers.raw import close, text


def upgraded_then(*steps):
    def script(c):
        c.upgrade()
        for step in steps:
            step(c)

    return script


LIVES = [
    lambda c: c.rst(),
    lambda c: c.close(),
    acts.answers(acts.http(503, "busy")),
    upgraded_then(lambda c: c.close()),
    upgraded_then(lambda c: c.send(text("a")), lambda c: c.rst()),
    upgraded_then(lambda c: c.send(text("cut", fin=False)), lambda c: c.close()),
    upgraded_then(lambda c: c.send(close(1012)), lambda c: c.read_close(), lambda c: c.close()),
    upgraded_then(lambda c: c.send(b"\xc1\x00"), lambda c: c.read_close(), lambda c: c.close()),
]


@pytest.mark.parametrize("seed", range(6))
def test_random_lives_keep_the_invariants(run, raw, seed):
    choose = random.Random(seed)
    lives = [choose.choice(LIVES) for _ in range(25)] + [upgraded_then(lambda c: c.send(close(1000)), lambda c: c.read_close(), lambda c: c.close())]
    r = run("-r", "--reconnect-delay", "0", "--no-input", "-vv", raw(lives).url())
    of = {name: [e for e in r.events if e["event"] == name] for name in ("dial", "failed", "open", "reconnect", "lost", "close", "gone", "retry", "end")}

    # Each dial ends exactly once; each connection too, and is gone once.
    opened = of["open"] + of["reconnect"]
    ended = sorted(of["lost"] + of["close"], key=lambda e: e["seq"])
    assert sorted([e["dial"] for e in of["failed"] + opened]) == [e["dial"] for e in of["dial"]] == list(range(1, len(lives) + 1))
    assert [e["conn"] for e in ended] == [e["conn"] for e in opened] == list(range(1, len(opened) + 1))
    assert sorted(e["conn"] for e in of["gone"]) == [e["conn"] for e in opened]

    # One open in a session, before every reconnect.
    assert len(of["open"]) == (1 if opened else 0) and opened[0] is of["open"][0] if opened else True

    # Nothing is told of a connection behind its end but that it is gone, and nothing at all behind the end.
    for end in ended:
        assert {e["event"] for e in r.events if e.get("conn") == end["conn"] and e["seq"] > end["seq"]} <= {"gone"}
    assert r.events[-1] is of["end"][0] and len(of["end"]) == 1
    assert [e["seq"] for e in r.events] == list(range(1, len(r.events) + 1))

    # Counts add up.
    end = of["end"][0]
    assert (end["dials"], end["failed"], end["conns"], end["lost"]) == (len(of["dial"]), len(of["failed"]), len(opened), len(of["lost"]))
    assert sum(end["causes"].values()) == end["lost"] and len(of["retry"]) == len(lives) - 1
    for key in ("sent", "received"):
        assert end[key] == {n: sum(e[key][n] for e in ended) for n in ("messages", "bytes")}
    assert end["up"] + end["down"] <= end["total"] + 1e-3
    assert r.status == 0
