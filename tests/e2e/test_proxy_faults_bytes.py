# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: what becomes of the bytes."""
import os
import time

import pytest

from faults import GO, both_talk, faulty, go, inject, shows
from peers.origin import end_of
from peers.raw import BINARY, frame, text


@shows("action drop")
@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_drop_throws_away_and_still_passes_ends(faulty, direction):
    p = faulty(f"{GO}: drop {direction}")
    client, server = p.meet()
    both_talk(client, server)
    go(client)
    p.wait_event("inject")
    up = text("up", mask=True)
    client.send(up)
    server.send(text("down"))
    client.fin()
    gone, came = direction in ("up", "both"), end_of(server)
    assert came[0] == "fin" and came[1].endswith(up) == (not gone) and (came[1] == b"") == gone
    server.fin()
    assert end_of(client) == ("fin", b"" if direction in ("down", "both") else text("down"))
    inject(p, f"drop {direction}")


def test_a_drop_that_ends_leaves_out_whole_frames(faulty):
    p = faulty(f"{GO}: drop up for 0.3s")
    client, server = p.meet()
    go(client)
    p.wait_event("inject")
    big = frame(BINARY, b"x" * 100000, mask=True)
    client.send(big[:50000])
    time.sleep(0.6)  # past the drop's end, inside a frame that it has begun to take
    client.send(big[50000:] + text("after", mask=True))
    assert server.read_frame().payload == b"after"


@shows("action stall")
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_stall_reads_nothing_and_loses_nothing(faulty, up):
    direction = "up" if up else "down"
    p = faulty(f"{GO}: stall {direction} for 0.5s")
    client, server = p.meet()
    go(client)
    assert server.read_frame().payload == b"go"
    p.wait_event("inject")
    began = time.monotonic()
    a, b = (client, server) if up else (server, client)
    a.send(text("late", mask=up))
    b.send(text("the other way", mask=not up))
    assert a.read_frame().payload == b"the other way"
    assert b.read_frame().payload == b"late"
    assert p.snapshot().one("inject")["action"] == f"stall {direction} for 0.5s"
    assert time.monotonic() - began >= 0.4


def test_a_stalled_window_fills_and_a_reset_is_survived(faulty):
    p = faulty("at open: stall up")
    client, server = p.meet()
    p.wait_event("inject")
    client.sock.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.send(b"\x00" * 65536)
    client.rst()
    assert end_of(server)[0] == "rst"
    other, far = p.meet()
    far.send(text("x"))
    assert other.read_frame().payload == b"x"


@pytest.mark.parametrize("held", [True, False], ids=["held", "not_held"])
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_a_reset_ends_a_stall(faulty, up, held):
    p = faulty(f"at open: stall {'up' if up else 'down'}{'; hold ' + ('origin' if up else 'client') if held else ''}")
    client, server = p.meet()
    p.wait_event("inject")
    a, b = (client, server) if up else (server, client)
    a.rst()
    e = p.wait_event("lost", leg="client" if up else "origin")
    assert e["cause"] == "tcp.reset", e
    if not held:
        assert end_of(b)[0] == "rst"


@shows("action delay", "action jitter")
@pytest.mark.parametrize("action", ["delay", "jitter"])
@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_delay_and_jitter_keep_bytes_and_order(faulty, action, direction):
    p = faulty(f"{GO}: {action} 0.2s {direction}")
    client, server = p.meet()
    go(client)
    server.read_frame()
    p.wait_event("inject")
    began = time.monotonic()
    up = b"".join(text(f"up {i}", mask=True) for i in range(100))
    down = b"".join(text(f"down {i}") for i in range(100))
    for c, data in ((client, up), (server, down)):
        for i in range(0, len(data), 100):
            c.send(data[i:i + 100])
    assert server.recv_exactly(len(up)) == up and client.recv_exactly(len(down)) == down
    if action == "delay":
        assert time.monotonic() - began >= 0.19
    client.fin()
    assert end_of(server) == ("fin", b"")


@shows("action throttle")
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_throttle_lets_bytes_through_slowly_and_all(faulty, up):
    direction = "up" if up else "down"
    p = faulty(f"at open: throttle 50K {direction}")
    client, server = p.meet()
    a, b = (client, server) if up else (server, client)
    data = frame(BINARY, os.urandom(40000), mask=up)
    began = time.monotonic()
    a.send(data)
    a.fin()
    assert end_of(b) == ("fin", data)
    assert time.monotonic() - began >= 0.5
    inject(p, f"throttle 50K {direction}")


def test_a_throttled_flow_to_somebody_who_does_not_read_does_not_spin(faulty, release):
    p = faulty("at open: throttle 100M down", how={"binary": release})
    client, server = p.meet()
    server.sock.settimeout(2)
    with pytest.raises(TimeoutError):
        while True:
            server.sock.send(b"\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff" + b"x" * 65000)
    ticks = p.cpu_ticks()
    with pytest.raises(Exception):
        p.process.wait(1)
    assert p.cpu_ticks() - ticks < 50, "it spins"


@shows("action slice")
def test_slices_are_of_that_size(faulty):
    p = faulty("at open: slice 7 down")
    client, server = p.meet()
    server.send(frame(BINARY, b"x" * 698))
    got = []
    while sum(map(len, got)) < 702:
        got.append(client.recv())
    assert all(len(piece) % 7 == 0 for piece in got[:-1])
    inject(p, "slice 7 down")


@shows("action corrupt")
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_corrupt_flips_one_bit_once(faulty, up):
    direction = "up" if up else "down"
    p = faulty(f"at open: corrupt {direction}")
    client, server = p.meet()
    a, b = (client, server) if up else (server, client)
    a.send(frame(BINARY, b"\x00" * 1000, mask=up) * 2)
    first, second = b.read_frame().payload, b.read_frame().payload
    assert sum(bin(byte).count("1") for byte in first) == 1 and len(first) == 1000
    assert second == b"\x00" * 1000
    inject(p, f"corrupt {direction}")


@shows("action truncate")
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_truncate_is_half_a_frame_and_a_fin(faulty, up):
    direction = "up" if up else "down"
    p = faulty(f"at open: truncate {direction}")
    client, server = p.meet()
    a, b = (client, server) if up else (server, client)
    data = frame(BINARY, b"x" * 1000, mask=b"\x00" * 4 if up else None)
    a.send(data)
    assert end_of(b) == ("fin", data[:len(data) - 500])
    assert end_of(a)[0] == "fin"
    inject(p, f"truncate {direction}")
    assert p.wait_event("lost", leg="origin" if up else "client")["cause"] == "local.fault"
