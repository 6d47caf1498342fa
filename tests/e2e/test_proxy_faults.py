# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: every action and every moment of the language, and what both real ends see of it."""
import os
import select
import signal
import subprocess
import time

import pytest

from harness import environment
from peers import acts
from peers.origin import connect, end_of, meet
from peers.raw import BINARY, CLOSE, PING, PONG, TEXT, close, eventually, frame, ping, pong, refuses, request, text
from test_proxy import serving, tls_options, trusting

SHOWN = set()
GO = 'on frame text up text "go"'


def shows(*names):
    """Which rows of `wsdiag dump-plans` a test is about: "action fin", "moment after N msgs [DIR]"."""

    def mark(test):
        SHOWN.update(names)
        return test

    return mark


@pytest.fixture
def faulty(proxy, origin):
    """faulty(line, ..., args=(), upgrades=True) -> a proxy with these lines as --fault, and its origin."""

    def begin(*lines, args=(), how=None, **origin_how):
        o = origin(**origin_how)
        p = proxy(*args, *[a for line in lines for a in ("--fault", line)], o.url("/", "localhost" if origin_how.get("tls") else None), **(how or {}))
        p.origin = o
        p.meet = lambda **kw: meet(o, p.port, **kw)
        return p

    return begin


def go(client, word="go"):
    client.send(text(word, mask=True))


def ask(p, target="/", **how):
    c = connect("127.0.0.1", p.port)
    c.send(request(target, f"127.0.0.1:{p.port}", **how))
    return c


def both_talk(client, server, word="still here"):
    client.send(text(word, mask=True))
    assert server.read_frame().payload == word.encode()
    server.send(text(word))
    assert client.read_frame().payload == word.encode()


def inject(p, action, *, line=1, n=1, conn=1, accept=None, client=None):
    """The event of a line that struck."""
    e = p.wait_event("inject", n=n, line=line)
    assert (e["plan"], e["action"], e["role"]) == ("--fault", action, "proxy"), e
    assert e.get("conn") == conn and e["accept"] == (accept or conn or 1), e
    if client is not None:
        assert e["peer"] == "%s:%d" % client.sock.getsockname()
    return e


def test_every_word_of_the_language_has_a_test(binary):
    said = subprocess.run([binary, "dump-plans"], capture_output=True, text=True, check=True, env=environment()).stdout
    rows = [line.split("\t") for line in said.splitlines()]
    actions = {f"action {r[1]}" for r in rows if r[0] == "action"}
    moments = {f"moment {r[1]} {r[2]}".strip() for r in rows if r[0] == "moment"}
    assert len(actions) > 20 and len(moments) > 10
    assert (actions | moments) - SHOWN == set()
    assert SHOWN - (actions | moments) == set()


# ends

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


# bytes

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


@pytest.mark.parametrize("moment,action", [(moment, action) for moment in ("at accept", "at request", "at response")
                                           for action in ("delay 0.2s", "delay 0.2s; status 503", "delay 0.2s; rst client")
                                           if moment != "at accept" or "status" not in action])
def test_a_delay_before_the_opening_makes_that_step_wait(faulty, moment, action):
    """And what else the line does."""
    p = faulty(f"{moment}: {action}")
    began = time.monotonic()
    c = ask(p)
    if action == "delay 0.2s":
        assert c.read_head().status == 101
        both_talk(c, p.origin.take())
    elif "status" in action:
        assert c.read_head().status == 503
    else:
        assert end_of(c) == ("rst", b"")
    assert time.monotonic() - began >= 0.19
    p.wait_event("inject")


def test_a_delayed_refusal_arrives_whole(proxy, raw):
    """Although the origin has closed behind it long before."""
    answer = acts.http(403, "Forbidden", "Connection: close", body=b"x" * 10000)
    p = proxy("--fault", "at response: delay 0.3s", raw(acts.answers(answer)).url())
    c = ask(p)
    assert end_of(c) == ("fin", answer)
    assert len(p.snapshot().all("failed")) == 1 and p.wait_event("reject")["status"] == 403


def test_b5_an_answer_too_late_and_the_origin_held_is_an_orphan(faulty):
    p = faulty("at response: delay 0.3s; hold origin")
    c = ask(p)
    server = p.origin.take()
    c.fin()
    assert p.wait_event("reject", leg="client")["cause"] == "tcp.closed"
    p.wait_event("open", leg="origin")
    time.sleep(0.5)  # past the delay: what is shown is that nothing ends
    assert not p.snapshot().all("lost", leg="origin")
    server.send(ping("anybody?"))
    server.close()
    assert p.wait_event("lost", leg="origin")["by"] == "peer"


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


# frames

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


# the opening

@shows("action status", "moment at request", "moment at response")
@pytest.mark.parametrize("moment", ["at request", "at response"])
def test_status_answers_instead_of_the_origin(faulty, moment):
    p = faulty(f'dial 1 {moment}: status 503 "try later"')
    c = ask(p)
    head = c.read_head()
    assert head.status == 503 and b"try later" in c.drain()
    e = p.wait_event("reject")
    assert (e["status"], e["cause"]) == (503, "local.fault")
    asked = p.origin.take() if moment == "at response" else None
    inject(p, 'status 503 "try later"', conn=1 if asked else None)
    if asked:
        assert end_of(asked)[0] == "fin"
    both_talk(*p.meet())


@shows("action drop-header", "action set-header")
def test_headers_of_the_request_are_changed(faulty):
    p = faulty("at request: drop-header Cookie; set-header Origin: https://other.example; set-header Host: x.example; set-header X-New: \"a;b\"")
    c = ask(p, extra=[("Cookie", "a=b"), ("Origin", "https://one.example"), ("cookie", "c=d")])
    head = p.origin.take().head
    assert head.all("Cookie") == [] and head.all("Origin") == ["https://other.example"]
    assert head.all("Host") == ["x.example"] and head.all("X-New") == ["a;b"]
    assert c.read_head().status == 101


def test_headers_of_the_answer_are_changed(faulty):
    p = faulty("at response: drop-header upgrade; set-header Sec-WebSocket-Accept: wrong; set-header X-New: yes")
    c = ask(p, extra=[("Cookie", "kept")])
    assert p.origin.take().head.get("Cookie") == "kept"
    head = c.read_head()
    assert head.status == 101 and head.all("Upgrade") == [] and head.all("Sec-WebSocket-Accept") == ["wrong"] and head.get("X-New") == "yes"


@shows("action replay")
def test_replay_sends_the_request_twice_with_one_key(faulty):
    p = faulty("at request: replay")
    client, first = p.meet()
    second = p.origin.take()
    assert first.head.raw == second.head.raw
    client.send(text("x", mask=True))
    heard = select.select([first.sock, second.sock], [], [], 60)[0]
    assert len(heard) == 1
    one, other = (first, second) if heard[0] is first.sock else (second, first)
    assert one.read_frame().payload == b"x"
    other.send(text("for nobody"))
    one.send(text("y"))
    assert client.read_frame().payload == b"y"
    one.close()
    client.close()
    assert end_of(other) == ("fin", b"")
    inject(p, "replay", conn=None)


@shows("action never", "moment at accept")
@pytest.mark.parametrize("moment", ["at accept", "at request", "at response"])
def test_never_leaves_the_socket_open_and_silent(faulty, moment):
    p = faulty(f"dial 1 {moment}: never", args=["--upgrade-timeout", "0.2", "--connect-timeout", "0.2"])
    c = ask(p)
    p.wait_event("inject")
    both_talk(*p.meet() if moment != "at response" else (p.origin.take(), p.meet())[1])
    time.sleep(0.4)  # past both timeouts: what is shown is that nothing happens
    c.fin()
    assert end_of(c) == ("fin", b"")
    assert p.wait_event("reject", cause="local.fault")["status"] is None


@pytest.mark.parametrize("moment", ["at accept", "at request", "at response"])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_ends_before_the_answer(faulty, moment, how):
    p = faulty(f"dial 1 {moment}: {how} client")
    try:
        c = connect("127.0.0.1", p.port)
        c.send(request())
        kind, data = end_of(c)
    except ConnectionError:  # an RST may come before connect or send is over
        kind, data = "rst", b""
    assert data == b"" and kind in (how, "rst" if moment == "at accept" else how)
    assert p.wait_event("reject")["cause"] == "local.fault"
    if moment == "at response":
        assert end_of(p.origin.take())[0] == how
    both_talk(*p.meet())


# everybody

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


# moments

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


# whom

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


def test_plans_are_files_too_and_speed_shortens_them(proxy, origin, tmp_path):
    (tmp_path / "my.plan").write_text("# mine\nconn 1 after 200s: fin both  # in time\n")
    o = origin()
    p = proxy("--plan", tmp_path / "my.plan", "--speed", "1000", o.url())
    client, _ = meet(o, p.port)
    assert end_of(client)[0] == "fin"
    e = p.wait_event("inject")
    assert e["line"] == 2 and "my" in e["plan"]


def test_an_error_in_a_plan_names_line_and_column(run, tmp_path):
    (tmp_path / "bad.plan").write_text("conn 1 after 1s: fin both\nconn 1 after 1s: fin bath\n")
    r = run("proxy", "--plan", tmp_path / "bad.plan", "ws://127.0.0.1:9/", log=False)
    assert r.status == 2 and ":2:22" in r.err and "bath" in r.err


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
