# SPDX-License-Identifier: MIT
"""wsdiag proxy: how connections end on either leg, when the origin cannot be had, when it is told to stop, and what it refuses to start with."""
import resource
import select
import signal
import socket
import ssl
import threading

import pytest

from peers import acts
from peers.origin import connect, end_of, meet
from peers.raw import FullListener, close, request, text
from test_proxy import serving, tls_options, trusting

BOTH_WAYS = pytest.mark.parametrize("up", [True, False], ids=["up", "down"])


def leg_names(up):
    """Of the end that acts, and of the other."""
    return ("client", "origin") if up else ("origin", "client")


# ends are passed on as they come

@pytest.mark.both_builds
@BOTH_WAYS
def test_a_half_close_is_passed_and_the_other_direction_goes_on(proxy, origin, up):
    o = origin()
    p = proxy(o.url())
    client, server = meet(o, p.port)
    a, b = (client, server) if up else (server, client)
    words = text("last words", mask=up)
    a.send(words)
    a.fin()
    assert end_of(b) == ("fin", words)
    for i in range(20):
        b.send(text(f"still {i}", mask=not up))
        assert a.read_frame().payload == b"still %d" % i
    b.fin()
    assert end_of(a) == ("fin", b"")
    acted, other = leg_names(up)
    e = p.wait_event("lost", leg=acted)
    assert (e["by"], e["cause"], e["synthesised"]) == ("peer", "tcp.closed", 1006)
    e = p.wait_event("lost", leg=other)
    assert (e["by"], e["cause"]) == ("local", "local.relay")
    p.wait_event("gone", n=2)


@pytest.mark.both_builds
@pytest.mark.fault(42)
@BOTH_WAYS
def test_a_reset_is_passed_as_a_reset(proxy, origin, up):
    o = origin()
    p = proxy(o.url())
    client, server = meet(o, p.port)
    p.wait_event("open", leg="client")
    a, b = (client, server) if up else (server, client)
    a.rst()
    assert end_of(b)[0] == "rst"
    acted, other = leg_names(up)
    assert (p.wait_event("lost", leg=acted)["by"], p.wait_event("lost", leg=acted)["cause"]) == ("peer", "tcp.reset")
    assert (p.wait_event("lost", leg=other)["by"], p.wait_event("lost", leg=other)["cause"]) == ("local", "local.relay")
    p.wait_event("gone", n=2)


@BOTH_WAYS
def test_what_came_before_an_end_is_delivered_before_it(proxy, origin, up):
    o = origin()
    client, server = meet(o, proxy(o.url()).port)
    a, b = (client, server) if up else (server, client)
    data = text("x" * 50000, mask=up) * 100
    t = threading.Thread(target=lambda: (a.send(data), a.fin()))
    t.start()
    assert end_of(b) == ("fin", data)
    t.join()


def both_tls(proxy, origin, certs, client_tls, origin_tls):
    o = origin(tls=serving(certs) if origin_tls else None)
    p = proxy(*(tls_options(certs) if client_tls else []), *(["--cacert", certs / "ca.pem"] if origin_tls else []), o.url("/", "localhost"))
    return p, *meet(o, p.port, context=trusting(certs) if client_tls else None, name="localhost")


@pytest.mark.both_builds
@BOTH_WAYS
def test_a_tls_connection_that_is_cut_is_cut_on_the_other_leg(proxy, origin, certs, up):
    p, client, server = both_tls(proxy, origin, certs, True, True)
    a, b = (client, server) if up else (server, client)
    a.fin()  # of TCP, with no close_notify
    assert end_of(b)[0] == "cut"
    acted, other = leg_names(up)
    assert p.wait_event("lost", leg=acted)["cause"] == "tls.truncated"
    assert p.wait_event("lost", leg=other)["cause"] == "local.relay"


@BOTH_WAYS
def test_a_cut_inside_a_record_is_a_cut_too(proxy, origin, certs, up):
    p, client, server = both_tls(proxy, origin, certs, True, True)
    a, b = (client, server) if up else (server, client)
    a.send_raw(a.records(text("x" * 1000, mask=up))[:500])
    a.fin()
    assert end_of(b) == ("cut", b"")
    assert "inside a record" in p.wait_event("lost", leg=leg_names(up)[0])["text"]


@BOTH_WAYS
def test_a_cut_becomes_a_fin_where_the_other_leg_is_plain(proxy, origin, certs, up):
    p, client, server = both_tls(proxy, origin, certs, up, not up)
    a, b = (client, server) if up else (server, client)
    a.fin()
    assert end_of(b)[0] == "fin"
    assert p.wait_event("lost", leg=leg_names(up)[0])["cause"] == "tls.truncated"


@BOTH_WAYS
def test_close_notify_is_passed_and_the_other_direction_goes_on(proxy, origin, certs, up):
    """Of TLS 1.3 a half-close; what follows in the other direction still arrives below, so it is the end that is compared."""
    p, client, server = both_tls(proxy, origin, certs, True, True)
    a, b = (client, server) if up else (server, client)
    a.close_notify()
    a.fin()
    assert end_of(b)[0] == "notify"
    b.close()
    acted, other = leg_names(up)
    assert p.wait_event("lost", leg=acted)["cause"] == "tls.closed"
    p.wait_event("lost", leg=other)
    p.wait_event("gone", n=2)


def test_a_reset_while_the_other_side_does_not_read_ends_both(proxy, origin):
    o = origin(rcvbuf=4096)
    p = proxy(o.url())
    client, server = meet(o, p.port)
    client.sock.settimeout(2)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.send(text("x" * 60000, mask=b"\x00" * 4))
    client.rst()
    p.wait_event("lost", leg="client")
    assert end_of(server)[0] == "rst"
    p.wait_event("gone", n=2)


# the origin cannot be had

def refused_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    return s, s.getsockname()[1]


def answer_of(c):
    head = c.read_head()
    body = c.drain()
    assert len(body) == int(head.get("Content-Length")) and "close" in head.get("Connection").lower()
    return head.status, body.decode()


def ask(p):
    c = connect("127.0.0.1", p.port)
    c.send(request())
    return c


@pytest.mark.both_builds
@pytest.mark.fault(42)
def test_an_origin_that_refuses_is_a_502(proxy):
    s, port = refused_port()
    p = proxy(f"ws://127.0.0.1:{port}/")
    status, body = answer_of(ask(p))
    assert status == 502 and "refused" in body and str(port) in body
    e = p.wait_event("reject")
    assert (e["leg"], e["status"], e["cause"]) == ("client", 502, "tcp.refused")
    f = p.wait_event("failed")
    assert (f["leg"], f["stage"], f["cause"]) == ("origin", "tcp", "tcp.refused")
    s.close()


EARLY = {
    "fin": (acts.answers(b"", then="fin"), "tcp.closed"),
    "rst": (acts.answers(b"", then="rst"), "tcp.reset"),
    "half_an_answer": (acts.answers(b"HTTP/1.1 101 Swi", then="fin"), "tcp.closed"),
    "half_an_answer_then_rst": (acts.answers(b"HTTP/1.1 101 Swi", then="rst"), "tcp.reset"),
    "garbage": (acts.answers(b"\x15\x03\x01\x00\x02\x02\x28 no HTTP\r\n\r\n"), "http.not_http"),
    "invalid": (acts.answers(b"HTTP/1.1 101 OK\r\nno colon here\r\n\r\n"), "http.invalid"),
    "endless": (acts.answers(b"HTTP/1.1 101 OK\r\nX: " + b"y" * (128 << 10)), "http.too_large"),
}


@pytest.mark.fault(42)
@pytest.mark.parametrize("name", EARLY)
def test_an_origin_that_ends_before_its_answer_is_a_502(proxy, raw, name):
    script, cause = EARLY[name]
    p = proxy(raw(script).url())
    c = ask(p)
    status, body = answer_of(c)
    assert status == 502 and len(body) > 20
    c.close()
    f = p.wait_event("failed")
    assert (f["leg"], f["stage"]) == ("origin", "upgrade")
    # An RST may take what came before it along.
    assert f["cause"] == cause or name == "half_an_answer_then_rst"
    e = p.wait_event("reject")
    assert (e["leg"], e["status"], e["cause"]) == ("client", 502, f["cause"])


@pytest.mark.fault(42)
@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 101 Switching"], ids=["nothing", "half_an_answer"])
def test_an_origin_that_stalls_before_its_answer_is_a_504(proxy, raw, part):
    server = raw(acts.answers(part, then="wait"))
    p = proxy("--connect-timeout", "0.3", server.url())
    status, _ = answer_of(ask(p))
    assert status == 504
    assert p.wait_event("failed")["cause"] == "dial.timed_out"
    assert p.wait_event("reject")["status"] == 504
    assert isinstance(server.result(), (bytes, ConnectionError))


@pytest.mark.fault(42)
def test_a_connect_that_is_never_answered_is_a_504(proxy):
    full = FullListener()
    p = proxy("--connect-timeout", "0.3", f"ws://127.0.0.1:{full.port}/")
    assert answer_of(ask(p))[0] == 504
    f = p.wait_event("failed")
    assert (f["leg"], f["stage"], f["cause"]) == ("origin", "tcp", "dial.timed_out")
    full.stop()


def test_a_name_that_does_not_exist_is_a_502(proxy):
    p = proxy("ws://no-such-host.invalid/")
    status, body = answer_of(ask(p))
    assert status == 502 and "no-such-host.invalid" in body
    assert p.wait_event("failed")["stage"] == "dns"


@pytest.mark.fault(42)
def test_others_are_served_while_an_origin_stalls(proxy, origin):
    o = origin(upgrades=False)
    p = proxy(o.url())
    a, b = ask(p), ask(p)
    first, second = o.take(), o.take()
    second.upgrade()  # whosever it is: of the two that wait one is answered
    assert len(select.select([a.sock, b.sock], [], [], 60)[0]) == 1
    first.upgrade()
    assert [c.read_head().status for c in (a, b)] == [101, 101]


# the client goes before the answer

@pytest.mark.parametrize("how,cause", [("fin", "tcp.closed"), ("rst", "tcp.reset")])
def test_a_client_that_goes_before_the_answer_takes_the_origin_along(proxy, origin, how, cause):
    o = origin(upgrades=False)
    p = proxy(o.url())
    c = ask(p)
    server = o.take()
    server.read_head()
    getattr(c, how)()
    assert end_of(server)[0] == how
    e = p.wait_event("reject")
    assert (e["status"], e["cause"]) == (None, cause) and "before the answer" in e["text"]
    c.close()


@pytest.mark.parametrize("how,cause", [("fin", "tcp.closed"), ("rst", "tcp.reset")])
def test_a_client_that_goes_during_the_dial_ends_it(proxy, how, cause):
    full = FullListener()
    p = proxy("-v", f"ws://127.0.0.1:{full.port}/")
    c = ask(p)
    p.wait_event("dial")
    getattr(c, how)()
    assert p.wait_event("reject")["cause"] == cause
    full.stop()


@pytest.mark.parametrize("part", [b"", b"GET / HT"], ids=["nothing", "half_a_request"])
def test_a_client_that_goes_before_its_request_is_told(proxy, part):
    p = proxy("ws://127.0.0.1:9/")
    c = connect("127.0.0.1", p.port)
    c.send(part)
    c.fin()
    assert end_of(c)[0] == "fin"
    assert p.wait_event("reject")["cause"] == "tcp.closed"
    assert not p.snapshot().all("dial")


# bad clients

@pytest.mark.fault(39)
@pytest.mark.parametrize("part", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["idle", "slow_line", "slow_head"])
def test_a_request_that_does_not_come_times_out(proxy, part):
    p = proxy("--upgrade-timeout", "0.3", "ws://127.0.0.1:9/")
    c = connect("127.0.0.1", p.port)
    c.send(part)
    assert answer_of(c)[0] == 408
    e = p.wait_event("reject")
    assert (e["status"], e["cause"]) == (408, "http.timed_out")
    c.close()


def test_a_tls_handshake_that_does_not_come_times_out(proxy, certs):
    p = proxy("--upgrade-timeout", "0.3", *tls_options(certs), "ws://127.0.0.1:9/")
    c = connect("127.0.0.1", p.port)
    c.drain()
    assert p.wait_event("reject")["cause"] == "http.timed_out"


@pytest.mark.fault(40)
def test_tls_to_a_plain_port_is_named(proxy, origin):
    o = origin()
    p = proxy(o.url())
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", p.port)) as s, pytest.raises((ssl.SSLError, ConnectionError)):
        ctx.wrap_socket(s)
    assert "TLS" in p.wait_event("reject")["text"]
    meet(o, p.port)


@pytest.mark.fault(12)
def test_plain_to_a_tls_port_is_named(proxy, origin, certs):
    o = origin()
    p = proxy(*tls_options(certs), o.url())
    c = ask(p)
    c.drain()
    c.close()
    e = p.wait_event("reject")
    assert e["cause"] in ("tls.not_tls", "tls.handshake") and "TLS" in e["text"]
    meet(o, p.port, context=trusting(certs), name="localhost")


@pytest.mark.fault(38)
@pytest.mark.parametrize("data,status", [(b"\x00\x01\x02 what\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
                                         (b"GET / HTTP/1.1\r\nX: " + b"a" * (70 << 10), 431)], ids=["garbage", "invalid", "too_large"])
def test_what_is_no_request_is_answered_here(proxy, data, status):
    p = proxy("ws://127.0.0.1:9/")
    c = connect("127.0.0.1", p.port)
    c.send(data)
    assert answer_of(c)[0] == status
    assert p.wait_event("reject")["status"] == status and not p.snapshot().all("dial")


def test_more_than_max_connections_are_reset_and_there_is_room_again(proxy, origin):
    o = origin()
    p = proxy("--max-connections", "2", o.url())
    (a, _), (b, _) = meet(o, p.port), meet(o, p.port)
    with pytest.raises(ConnectionError):
        c = connect("127.0.0.1", p.port)
        while c.sock.recv(1):
            pass
    assert "--max-connections" in p.wait_event("note")["text"]
    a.rst()
    p.wait_event("gone", n=2)
    for _ in range(200):  # its place is free a moment after both legs are gone
        try:
            meet(o, p.port)
            break
        except (ConnectionError, EOFError):
            continue
    else:
        raise AssertionError("no room again")
    b.rst()


# told to stop

@pytest.mark.both_builds
@pytest.mark.fault(41)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_says_1001_to_both_legs(proxy, origin, number):
    o = origin()
    p = proxy("--close-timeout", "1000", o.url())
    pairs = [meet(o, p.port) for _ in range(5)]
    p.wait_event("open", n=10)
    p.signal(number)
    for client, server in pairs:
        f = client.read_close()
        assert f.code == 1001 and not f.masked
        client.send(close(1001, mask=True))
        assert end_of(client) == ("fin", b"")
        f = server.read_close()
        assert f.code == 1001 and f.masked
        server.send(close(1001))
        assert end_of(server) == ("fin", b"")
        client.close()
        server.close()
    r = p.finish()
    assert r.signal == number and r.one("end")["exit"] == 128 + number
    assert len(r.all("close")) == 10 and all((e["by"], e["close_sent"]) == ("local", 1001) for e in r.all("close"))
    assert r.one("end")["conns"] == 5


@pytest.mark.fault(41)
def test_a_second_signal_does_not_wait(proxy, origin):
    o = origin()
    p = proxy("--close-timeout", "1000", o.url())
    client, server = meet(o, p.port)
    p.wait_event("open", n=2)
    p.signal(signal.SIGTERM)
    assert client.read_close().code == 1001 and server.read_close().code == 1001
    p.signal(signal.SIGTERM)
    r = p.finish()
    assert end_of(client)[0] == "rst" and end_of(server)[0] == "rst"
    assert r.signal == signal.SIGTERM
    assert [e["cause"] for e in r.all("lost")] == ["local.interrupt"] * 2


def test_closes_that_are_not_answered_time_out(proxy, origin):
    o = origin()
    p = proxy("--close-timeout", "0.3", o.url())
    meet(o, p.port)
    p.wait_event("open", n=2)
    p.signal(signal.SIGTERM)
    r = p.finish()
    assert len(r.all("lost")) == 2 and r.signal == signal.SIGTERM


def test_a_signal_after_a_finished_closing_handshake_does_not_wait_for_the_fins(proxy, origin):
    o = origin()
    p = proxy("--close-timeout", "0.3", o.url())
    client, server = meet(o, p.port)
    server.send(close(1000))
    assert client.read_close().code == 1000
    client.send(close(1000, mask=True))
    assert server.read_close().code == 1000
    p.signal(signal.SIGTERM)
    r = p.finish()
    assert r.signal == signal.SIGTERM and len(r.all("close")) == 2


@pytest.mark.parametrize("stage", ["accepted", "half_a_request", "dial", "answer", "body"])
def test_a_signal_at_each_stage_ends_it(proxy, origin, stage):
    full = FullListener()
    o = origin(upgrades=False)
    p = proxy(f"ws://127.0.0.1:{full.port}/" if stage == "dial" else o.url())
    c = connect("127.0.0.1", p.port)
    if stage == "half_a_request":
        c.send(b"GET / HT")
    elif stage != "accepted":
        c.send(request())
        p.wait_event("dial") if stage == "dial" else o.take().read_head()
    if stage == "body":
        d = ask(p)
        server = o.take()
        server.read_head()
        server.send(acts.http(200, "OK", length=False) + b"x")
        d.read_head()
    p.signal(signal.SIGTERM)
    r = p.finish()
    assert end_of(c)[0] == "rst"
    assert r.signal == signal.SIGTERM and r.all("reject", cause="local.interrupt") or stage == "accepted"
    full.stop()


def test_no_new_clients_while_it_drains(proxy, origin):
    o = origin()
    p = proxy("--close-timeout", "1000", o.url())
    client, _ = meet(o, p.port)
    p.wait_event("open", n=2)
    p.signal(signal.SIGTERM)
    assert client.read_close().code == 1001
    with pytest.raises((ConnectionError, EOFError)):
        meet(o, p.port)


# what it does not start with

@pytest.mark.fault(41)
def test_a_busy_port_is_a_clear_error(serve, run):
    server = serve()
    r = run("proxy", "-l", str(server.port), "ws://127.0.0.1:9/", log=False)
    assert r.status == 7 and str(server.port) in r.err and "in use" in r.err and "-l" in r.err


@pytest.mark.parametrize("args,status,words", [
    ([], 2, "UPSTREAM"),
    (["ws://a/", "ws://b/"], 2, "ws://b/"),
    (["ws:///nowhere"], 3, "no host"),
    (["ftp://host/"], 3, "ftp"),
    (["-l", "what:ever:else", "ws://a/"], 2, "ADDRESS:PORT"),
    (["-l", "99999", "ws://a/"], 2, "99999"),
    (["--no-such-option", "ws://a/"], 2, "--no-such-option"),
    (["-4", "-6", "ws://a/"], 2, "exclude"),
    (["--speed", "0", "ws://a/"], 2, "--speed"),
    (["--speed", "fast", "ws://a/"], 2, "fast"),
    (["--like", "ngnix", "ws://a/"], 2, "nginx"),
    (["--plan", "seed-917", "ws://a/"], 2, "seed-971"),
    (["--fault", "conn 1 after 7s: fni both", "ws://a/"], 2, "fin"),
    (["--fault", "conn 1 after: fin both", "ws://a/"], 2, "--fault:1:"),
    (["--key", "x.pem", "ws://a/"], 2, "--cert"),
    (["--upstream-key", "x.pem", "wss://a/"], 2, "--upstream-cert"),
    (["--cert", "/nowhere.pem", "ws://a/"], 58, "/nowhere.pem"),
    (["--cacert", "/nowhere.pem", "wss://a/"], 77, "/nowhere.pem"),
    (["--connect-timeout", "soon", "ws://a/"], 2, "soon"),
    (["--max-connections", "0", "ws://a/"], 2, "max-connections"),
])
def test_what_cannot_be_is_said_before_anything_else(run, args, status, words):
    r = run("proxy", *args, log=False)
    assert r.status == status and words in r.err, r
    assert r.out == b""


# row 40

@pytest.mark.fault(40)
def test_300_connections_that_end_in_every_way_leave_no_descriptor(proxy, origin, raw):
    o = origin()
    p = proxy("--connect-timeout", "5", o.url())
    before = p.descriptors()
    opened = 0
    for i in range(300):
        way = i % 10
        c = connect("127.0.0.1", p.port)
        if way == 0:
            c.rst()
            continue
        if way == 1:
            c.send(b"GET / HT")
            c.rst()
            continue
        if way == 2:
            c.send(b"\x00\x00\r\n\r\n")
            c.drain()
            c.close()
            continue
        c.send(request())
        server = o.take()
        assert c.read_head().status == 101
        opened += 1
        if way == 3:
            c.rst()
        elif way == 4:
            server.rst()
        elif way == 5:
            c.send(text("half", mask=True)[:5])
            c.rst()
        elif way == 6:
            c.fin()
            server.fin()
        elif way == 7:
            server.send(close(1000))
            assert c.read_close()
            c.send(close(1000, mask=True))
            server.fin()
            c.fin()
        elif way == 8:
            server.fin()
            assert end_of(c)[0] == "fin"
            c.rst()
        else:
            c.send(text("x" * 100000, mask=True))
            server.rst()
            c.rst()
    p.wait_event("gone", n=2 * opened)
    p.wait_event("reject", n=90)
    meet(o, p.port)  # what was reset is gone by the time that a later one is served
    assert p.descriptors() <= before + 2


def test_when_descriptors_run_out_those_that_are_open_go_on(proxy, origin):
    o = origin()
    p = proxy("--upgrade-timeout", "60", o.url(), preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)))
    client, server = meet(o, p.port)
    silent = [socket.create_connection(("127.0.0.1", p.port)) for _ in range(60)]
    client.send(text("served meanwhile", mask=True))
    assert server.read_frame().payload == b"served meanwhile"
    ticks = p.cpu_ticks()
    with pytest.raises(Exception):
        p.process.wait(1.5)
    assert p.cpu_ticks() - ticks < 75, "it spins"
    for s in silent:
        s.close()
    c = ask(p)
    assert c.read_head().status == 101
