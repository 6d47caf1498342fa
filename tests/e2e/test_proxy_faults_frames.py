# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: frames of its own, and frames that do not pass."""
import time

import pytest

from faults import GO, faulty, go, inject, shows
from peers.origin import end_of
from peers.raw import BINARY, CLOSE, PING, PONG, TEXT, close, frame, ping, pong, text


@shows("action close")
@pytest.mark.both_builds
@pytest.mark.parametrize("action,code,reason", [("close 1001", 1001, b""), ('close 1012 "deploy ✓"', 1012, "deploy ✓".encode()),
                                                ("close", None, b""), ("close 1006", 1006, b"")])
def test_close_is_written_to_both_legs_between_two_frames(faulty, action, code, reason):
    p = faulty(f"{GO}: {action} both")
    client, server = p.meet()
    half = text("a" * 100)
    server.send(half[:50])
    assert client.recv_exactly(50) == half[:50]
    go(client)
    p.wait_event("inject")
    server.send(half[50:] + text("too late"))
    assert client.recv_exactly(len(half) - 50) == half[50:]
    for c, masked in ((client, False), (server, True)):
        frames = c.frames()
        assert [f.payload for f in frames[:-1]] in ([], [b"go"])
        assert (frames[-1].opcode, frames[-1].code, frames[-1].payload[2:], frames[-1].masked) == (CLOSE, code, reason, masked)
        c.send(frame(CLOSE, frames[-1].payload, mask=not masked))
        assert end_of(c) == ("fin", b"")
    for leg in ("client", "origin"):
        e = p.wait_event("close", leg=leg)
        assert (e["by"], e["close_sent"]) == ("local", code or 1005)


def test_a_close_on_one_leg_ends_the_other_without_one(faulty):
    p = faulty(f"{GO}: close 1001 client")
    client, server = p.meet()
    go(client)
    assert client.read_close().code == 1001
    client.send(close(1001, mask=True))
    assert end_of(client)[0] == "fin"
    kind, data = end_of(server)
    assert kind == "fin" and b"\x88" not in data[:1]
    assert p.wait_event("lost", leg="origin")["cause"] == "local.relay"


def test_a_close_that_is_not_answered_ends_after_the_close_timeout(faulty):
    p = faulty(f"{GO}: close 1001 client", args=["--close-timeout", "0.3"])
    client, server = p.meet()
    go(client)
    assert client.read_close().code == 1001
    assert end_of(client)[0] == "fin" and end_of(server)[0] == "fin"
    assert p.wait_event("lost", leg="client")["cause"] == "local.fault"


def test_c5_a_close_on_a_held_leg_is_not_followed_by_a_fin(faulty):
    p = faulty(f"{GO}: close 1000 client; hold client", args=["--close-timeout", "0.1"])
    client, server = p.meet()
    go(client)
    assert client.read_close().code == 1000
    client.send(close(1000, mask=True))
    server.fin()
    p.wait_event("lost", leg="origin")
    time.sleep(0.3)  # past the close timeout: what is shown is that nothing ends
    assert not p.snapshot().all("gone", leg="client")
    client.fin()
    assert end_of(client) == ("fin", b"")
    p.wait_event("gone", leg="client")


def test_b6_a_close_to_the_client_while_the_server_hears_nothing(faulty):
    p = faulty(f'{GO}: close 1001 "" client; drop up; hold origin')
    client, server = p.meet()
    go(client)
    assert client.read_close().code == 1001
    client.send(close(1001, mask=True))
    assert end_of(client)[0] == "fin"
    p.wait_event("close", leg="client")
    assert not p.snapshot().all("lost", leg="origin")
    server.send(text("anybody?"))
    server.close()
    p.wait_event("lost", leg="origin")


@shows("action swallow", "moment on frame [OPCODE] [DIR] [text \"GLOB\"]")
@pytest.mark.parametrize("moment,up,data", [
    ("on frame close down", False, close(1012)), ("on frame close up", True, close(1000, mask=True)), ("on frame ping", True, ping("x", mask=True)),
    ("on frame binary down", False, frame(BINARY, b"x")), ("on frame 5 up", True, frame(5, b"x", mask=True)), ("on frame data up", True, text("", mask=True)),
    ('on frame text text "b*d"', True, text("bad", mask=True)), ('on frame any down text "?x"', False, pong("1x")),
    ("on frame continuation", True, frame(0, b"x", fin=False, mask=True)), ("on frame", True, text("x" * 100000, mask=True)),
], ids=lambda value: value if isinstance(value, str) else "" if isinstance(value, bytes) else "up" if value else "down")
def test_swallow_takes_the_frame_that_struck_and_no_other(faulty, moment, up, data):
    p = faulty(f"{moment}: swallow")
    client, server = p.meet()
    a, b = (client, server) if up else (server, client)
    a.send(data)
    inject(p, "swallow")
    a.send(data)
    a.fin()
    assert end_of(b) == ("fin", data)


def test_a_frame_that_does_not_fit_strikes_nothing(faulty):
    p = faulty('on frame text down text "b*d": swallow')
    client, server = p.meet()
    client.send(text("bad", mask=True))
    assert server.read_frame().payload == b"bad"
    for data in (text("good"), frame(BINARY, b"bad"), text("bad", rsv=4), text("badly")):
        server.send(data)
        client.read_frame()
    assert not p.snapshot().all("inject")
    server.send(text("b" + "x" * 3000 + "d"))
    p.wait_event("inject")


def test_c3_the_servers_close_is_swallowed_and_the_client_held(faulty):
    p = faulty("on frame close down: swallow; hold client")
    client, server = p.meet()
    server.send(close(1012))
    server.close()
    assert p.wait_event("lost", leg="origin")["code"] == 1012
    assert not p.snapshot().all("lost", leg="client")
    client.fin()
    assert end_of(client) == ("fin", b"")


@shows("action answer-pings")
def test_answer_pings_answers_and_does_not_pass_them(faulty):
    p = faulty("at open: answer-pings client")
    client, server = p.meet()
    client.send(ping("one", mask=True) + text("x", mask=True) + ping("", mask=True))
    assert [client.read_frame()[:2] for _ in range(2)] == [(PONG, b"one"), (PONG, b"")]
    assert server.read_frame().payload == b"x"
    server.send(ping("passed"))
    assert client.read_frame()[:2] == (PING, b"passed")
    inject(p, "answer-pings client")


def test_pings_of_the_origin_are_answered_with_a_mask(faulty):
    p = faulty("at open: answer-pings origin; drop up")
    client, server = p.meet()
    p.wait_event("inject")
    client.send(text("for nobody", mask=True))
    server.send(ping("one"))
    f = server.read_frame()
    assert (f.opcode, f.payload, f.masked) == (PONG, b"one", True)


@shows("action no-pongs")
@pytest.mark.parametrize("leg", ["client", "origin", "both"])
def test_no_pongs_takes_pongs_out(faulty, leg):
    p = faulty(f"at open: no-pongs {leg}")
    client, server = p.meet()
    client.send(pong("up", mask=True) + text("x", mask=True))
    server.send(pong("down") + text("x"))
    assert server.read_frame().opcode == (TEXT if leg in ("client", "both") else PONG)
    assert client.read_frame().opcode == (TEXT if leg in ("origin", "both") else PONG)
    inject(p, f"no-pongs {leg}")
