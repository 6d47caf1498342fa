# SPDX-License-Identifier: MIT
"""wsdiag serve, told from the other end: good clients, bad ones, and many."""
import json
import random
import resource
import signal
import socket
import ssl
import threading

import pytest

from peers import raw as r6455
from peers.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, binary, close, connect, frame, ping, request, text


def dial(server, **how):
    c = connect("127.0.0.1", server.port)
    c.dial(host=f"127.0.0.1:{server.port}", **how)
    return c


def say(c, data):
    c.send(text(data, mask=True))
    return c.read_message()


def leave(c, code=1000):
    c.send(close(code, mask=True))
    answer = c.read_close()
    c.close()
    return answer


# what it does

@pytest.mark.both_builds
def test_it_prints_the_url_to_paste_on_loopback_and_a_free_port(serve):
    server = serve()
    assert server.url == f"ws://127.0.0.1:{server.port}/" or server.url == f"ws://127.0.0.1:{server.port}"
    server.wait_err(server.url)
    with socket.socket() as s, pytest.raises(OSError):
        s.bind(("127.0.0.1", server.port))


@pytest.mark.parametrize("operand", ["127.0.0.2:0", "[::1]:0", "localhost:0", "0"])
def test_the_operand_is_address_and_port(serve, operand):
    server = serve(operand)
    address = server.wait_event("listen")["address"]
    assert address.startswith({"127.0.0.2:0": "127.0.0.2:", "[::1]:0": "[::1]:", "localhost:0": ("127.0.0.1:", "[::1]:"),
                               "0": "127.0.0.1:"}[operand])


def test_with_json_the_url_is_in_a_line_on_stdout(serve):
    server = serve("--json")
    server.wait_out(b"listen")
    lines = [json.loads(line) for line in bytes(server.out).splitlines()]
    assert [e["url"] for e in lines if e["event"] == "listen"] == [server.url]
    assert bytes(server.err) == b""


@pytest.mark.both_builds
def test_it_echoes_texts_binaries_and_fragments(serve):
    server = serve()
    c = dial(server)
    assert say(c, "hällo") == (TEXT, "hällo".encode())
    assert say(c, "") == (TEXT, b"")
    c.send(binary(b"\x00\xff" * 500, mask=True))
    assert c.read_message() == (BINARY, b"\x00\xff" * 500)
    c.send(text("a", fin=False, mask=True) + ping("p", mask=True) + frame(CONT, "b", mask=True))
    # The pong may come before or between, the message is whole.
    frames = []
    while not frames or not (frames[-1].fin and frames[-1].opcode in (TEXT, CONT)):
        frames.append(c.read_frame())
    assert b"".join(f.payload for f in frames if f.opcode in (TEXT, CONT)) == b"ab"
    if PONG not in [f.opcode for f in frames]:
        frames.append(c.read_frame())
    assert [f.payload for f in frames if f.opcode == PONG] == [b"p"]
    assert not any(f.masked for f in frames)
    assert leave(c).code == 1000


def test_it_echoes_what_is_large(serve):
    server = serve()
    c = dial(server)
    data = random.Random(1).randbytes(3 << 20)
    t = threading.Thread(target=lambda: c.send(binary(data, mask=True)))
    t.start()
    assert c.read_message() == (BINARY, data)
    t.join()
    assert leave(c).code == 1000


def test_sink_only_reads(serve):
    server = serve("--sink")
    c = dial(server)
    c.send(text("one", mask=True) + text("two", mask=True))
    assert [f.opcode for f in (lambda: (c.send(close(1000, mask=True)), c.frames())[1])()] == [CLOSE]
    c.close()
    e = server.wait_event("close")
    assert e["received"]["messages"] == 2 and e["sent"]["messages"] == 0


def test_send_broadcasts_the_lines_of_a_file(serve, tmp_path):
    (tmp_path / "lines").write_text("one\ntwo\nthree\n")
    server = serve("--send", tmp_path / "lines")
    c = dial(server)
    assert [c.read_message()[1] for _ in range(3)] == [b"one", b"two", b"three"]


def test_send_broadcasts_the_lines_of_stdin_to_everyone(serve):
    server = serve("--send", "-", stdin="open")
    a, b = dial(server), dial(server)
    server.wait_event("open", n=2)
    for line in (b"one", b"two"):
        server.write(line + b"\n")
        assert a.read_message() == (TEXT, line) and b.read_message() == (TEXT, line)
    leave(a)
    server.wait_event("close")
    server.write(b"three\n")
    assert b.read_message() == (TEXT, b"three")


def test_the_first_of_our_subprotocols_that_is_offered_is_chosen(serve):
    server = serve("-s", "v2", "--subprotocol", "v1")
    for offered, chosen in ((["v1", "v2"], ("v1", "v2")), (["v1"], ("v1",)), (["v9"], (None,))):
        c = connect("127.0.0.1", server.port)
        head = c.dial(extra=[("Sec-WebSocket-Protocol", ", ".join(offered))])
        assert head.get("Sec-WebSocket-Protocol") in chosen
        c.close()


def test_extensions_are_declined(serve):
    c = connect("127.0.0.1", serve().port)
    head = c.dial(extra=[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")])
    assert head.get("Sec-WebSocket-Extensions") is None
    assert say(c, "x") == (TEXT, b"x")


def test_open_tells_key_peer_and_forwarded_for(serve):
    server = serve()
    key = "AQIDBAUGBwgJCgsMDQ4PEA=="
    c = dial(server, target="/room?x=1", key=key, extra=[("X-Forwarded-For", "192.0.2.7, 10.0.0.1"), ("Cookie", "a=secret")])
    o = server.wait_event("open")
    assert o["role"] == "server" and o["ws_key"] == key and o["conn"] == 1
    assert o["peer"] == "%s:%d" % c.sock.getsockname()
    assert "192.0.2.7" in o["forwarded_for"]
    assert "/room" in o["url"]
    assert "secret" not in json.dumps(o)


def test_each_connection_has_a_number_of_its_own(serve):
    server = serve()
    cs = [dial(server) for _ in range(3)]
    server.wait_event("open", n=3)
    assert sorted(e["conn"] for e in server.snapshot().all("open")) == [1, 2, 3]
    leave(cs[1])
    assert server.wait_event("close")["conn"] == 2


# closing

@pytest.mark.parametrize("code", [1000, 1001, 1012, 3000, 4999])
def test_a_close_is_answered_with_its_code_and_the_server_ends_tcp(serve, code):
    server = serve()
    c = dial(server)
    c.send(close(code, "because", mask=True))
    f = c.read_close()
    assert f.code == code and not f.masked
    assert c.recv() == b"", "the server ends TCP first (RFC 6455 7.1.1)"
    e = server.wait_event("close")
    assert (e["by"], e["code"], e["reason"], e["clean"]) == ("peer", code, "because", True)
    server.wait_event("gone")


def test_queued_echoes_go_out_before_the_close_reply(serve):
    server = serve()
    c = dial(server)
    n = 2000
    t = threading.Thread(target=lambda: c.send(b"".join(text("x" * 1000, mask=True) for _ in range(n)) + close(1000, mask=True)))
    t.start()
    frames = c.frames()
    t.join()
    assert [f.opcode for f in frames] == [TEXT] * n + [CLOSE]


@pytest.mark.parametrize("how,cause", [("fin", "tcp.closed"), ("rst", "tcp.reset")])
def test_an_end_without_close_is_lost(serve, how, cause):
    server = serve()
    c = dial(server)
    assert say(c, "x")
    getattr(c, how)()
    e = server.wait_event("lost")
    assert (e["by"], e["cause"], e["code"], e["synthesised"]) == ("peer", cause, None, 1006)
    server.wait_event("gone")


VIOLATIONS = {
    "not_masked": (text("x"), 1002, "not masked"),
    "rsv1": (text("x", rsv=4, mask=True), 1002, "RSV1"),
    "reserved_opcode": (frame(5, b"x", mask=True), 1002, "reserved opcode"),
    "long_ping": (ping("x" * 126, mask=True), 1002, "125"),
    "bad_utf8": (text(b"\xff", mask=True), 1007, "UTF-8"),
    "close_1006": (close(1006, mask=True), 1002, "close code"),
    "close_1_byte": (frame(CLOSE, b"x", mask=True), 1002, "one byte"),
}


@pytest.mark.fault(16, 17, 19)
@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_answered_and_named_and_others_go_on(serve, name):
    data, code, rule = VIOLATIONS[name]
    server = serve()
    good, bad = dial(server), dial(server)
    bad.send(data)
    assert bad.read_close().code == code
    bad.close()
    assert rule in server.wait_event("violation")["rule"]
    assert server.wait_event("lost")["cause"] in ("ws.protocol", "ws.utf8")
    assert say(good, "still here") == (TEXT, b"still here")


def test_max_message_is_kept(serve):
    server = serve("--max-message", "1K")
    c = dial(server)
    assert say(c, "x" * 1024)[1] == b"x" * 1024
    c.send(text("x" * 1025, mask=True))
    while (f := c.read_frame()) is not None and f.opcode != CLOSE:
        pass
    assert f.code == 1009
    assert server.wait_event("lost")["cause"] == "ws.too_big"


def test_a_silent_client_is_lost_to_the_ping_timeout(serve):
    server = serve("--ping-interval", "0.1", "--ping-timeout", "0.3")
    c = dial(server)
    assert c.read_frame().opcode == PING
    e = server.wait_event("lost")
    assert e["cause"] == "ws.ping_timeout" and e["by"] == "local"
    c.close()


def test_a_client_that_answers_pings_stays(serve):
    server = serve("--ping-interval", "0.1", "--ping-timeout", "5")
    c = dial(server)
    for _ in range(5):
        f = c.read_frame()
        assert f.opcode == PING
        c.send(frame(PONG, f.payload, mask=True))
    server.wait_event("pong", n=4)
    assert leave(c).code == 1000


def test_a_close_of_ours_that_is_ignored_times_out(serve):
    server = serve("--close-timeout", "0.3")
    c = dial(server)
    server.wait_event("open")
    server.signal(signal.SIGTERM)
    assert c.read_close().code == 1001
    r = server.finish()
    assert r.ended["cause"] == "ws.close_timeout"
    c.close()


# row 38

def good(**how):
    return request(**how)


REFUSED = {
    "no_key": (good(drop=["Sec-WebSocket-Key"]), 400),
    "short_key": (good(key="c2hvcnQ="), 400),
    "key_not_base64": (good(key="!!!!!!!!!!!!!!!!!!!!!!=="), 400),
    "two_keys": (good(extra=[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]), 400),
    "no_version": (good(drop=["Sec-WebSocket-Version"]), (400, 426)),
    "version_8": (good(version="8"), 426),
    "post": (good(method="POST"), 405),
    "no_host": (good(drop=["Host"]), 400),
    "two_hosts": (good(extra=[("Host", "other")]), 400),
    "no_upgrade": (good(drop=["Upgrade"]), 426),
    "plain_get": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
    "upgrade_h2c": (good(drop=["Upgrade"], extra=[("Upgrade", "h2c")]), (400, 426)),
    "no_connection": (good(drop=["Connection"]), (400, 426)),
    "http_1_0": (good().replace(b"HTTP/1.1", b"HTTP/1.0"), (400, 426, 505)),
    "http_2": (good().replace(b"HTTP/1.1", b"HTTP/2.0"), (400, 505)),
    "body": (good(extra=[("Content-Length", "5")]) + b"hello", 400),
    "chunked_body": (good(extra=[("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n", 400),
    "garbage": (b"\x00\x01\x02\x03 what\r\n\r\n", 400),
    "no_such_line": (b"GET\r\n\r\n", 400),
}


@pytest.mark.fault(38)
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_an_upgrade_gets_a_proper_answer(serve, name):
    data, wanted = REFUSED[name]
    server = serve()
    c = connect("127.0.0.1", server.port)
    c.send(data)
    head = c.read_head()
    body = c.drain()
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert head.first.startswith("HTTP/1.1 ") and head.status in wanted, head.raw
    assert "close" in head.get("Connection", "").lower() and len(body) == int(head.get("Content-Length"))
    assert len(body.strip()) > 10, "a sentence"
    if head.status == 426 or "version" in name:
        assert head.get("Sec-WebSocket-Version") == "13"
    if head.status == 426:
        assert head.get("Upgrade", "").lower() == "websocket"
    if head.status == 405:
        assert head.get("Allow") == "GET"
    c.close()
    e = server.wait_event("reject")
    assert e["status"] == head.status and e["text"]
    assert say(dial(server), "next") == (TEXT, b"next")


@pytest.mark.fault(38)
def test_a_head_over_the_limit_is_431(serve):
    server = serve()
    c = connect("127.0.0.1", server.port)
    try:
        c.send(b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"a" * (128 << 10))
        assert c.read_head().status in (400, 431)
    except ConnectionError:
        pass
    server.wait_event("reject")
    c.close()


# row 39

@pytest.mark.fault(39)
@pytest.mark.parametrize("part", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["idle", "slow_line", "slow_head"])
def test_a_head_that_does_not_come_times_out(serve, part):
    server = serve("--upgrade-timeout", "0.3")
    c = connect("127.0.0.1", server.port)
    c.send(part)
    answer = c.drain()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")
    assert server.wait_event("reject")["cause"] == "http.timed_out"
    c.close()


@pytest.mark.fault(39)
def test_a_good_client_is_served_among_300_silent_ones(serve):
    server = serve("--upgrade-timeout", "60")
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
    assert say(dial(server), "hello") == (TEXT, b"hello")
    for s in silent:
        s.close()


@pytest.mark.fault(39)
def test_when_descriptors_run_out_it_neither_spins_nor_dies(serve):
    server = serve("--upgrade-timeout", "60", preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)))
    c = dial(server)
    silent = []
    for _ in range(80):
        s = socket.socket()
        s.settimeout(5)
        s.connect(("127.0.0.1", server.port))
        silent.append(s)
    assert say(c, "served meanwhile") == (TEXT, b"served meanwhile")
    before = server.cpu_ticks()
    with pytest.raises(Exception):
        server.process.wait(1.5)
    assert server.cpu_ticks() - before < 75, "it spins"
    for s in silent:
        s.close()
    assert say(dial(server), "after") == (TEXT, b"after")


@pytest.mark.fault(39)
def test_max_connections_refuses_and_recovers(serve):
    server = serve("--max-connections", "2")
    a, b = dial(server), dial(server)
    c = connect("127.0.0.1", server.port)
    c.send(request())
    answer = c.drain()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 503")
    assert server.wait_event("reject")["cause"] == "local.limit"
    assert say(a, "x") and say(b, "y")
    leave(a)
    server.wait_event("gone")
    assert say(dial(server), "room again") == (TEXT, b"room again")


# row 40

@pytest.mark.fault(40)
def test_resets_at_each_stage_leave_others_and_descriptors_alone(serve):
    server = serve()
    good = dial(server)
    before = server.descriptors()
    for stage in range(5):
        c = connect("127.0.0.1", server.port)
        if stage == 1:
            c.send(b"GET / HT")
        if stage == 2:
            c.send(request())
        if stage == 3:
            c.dial()
        if stage == 4:
            c.dial()
            c.send(text("half", mask=True)[:5])
        c.rst()
    assert say(good, "unaffected") == (TEXT, b"unaffected")
    assert leave(good).code == 1000
    c = dial(server)  # what was reset is gone by the time that a later one is served and closed
    assert leave(c).code == 1000
    server.wait_event("close", n=2)
    server.wait_event("gone", n=4)
    assert server.descriptors() <= before


@pytest.mark.fault(40)
def test_tls_to_a_plain_port_is_named(serve):
    server = serve()
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", server.port)) as s, pytest.raises((ssl.SSLError, ConnectionError)):
        ctx.wrap_socket(s)
    assert "TLS" in server.wait_event("reject")["text"]
    assert say(dial(server), "x") == (TEXT, b"x")


@pytest.mark.fault(40)
def test_half_close_is_a_loss_and_others_go_on(serve):
    server = serve()
    c = dial(server)
    assert say(c, "last words") == (TEXT, b"last words")
    c.fin()
    assert c.drain() == b""
    assert server.wait_event("lost")["cause"] == "tcp.closed"
    assert say(dial(server), "x") == (TEXT, b"x")


# row 41

@pytest.mark.fault(41)
def test_a_busy_port_is_a_clear_error(serve, run):
    server = serve()
    r = run("serve", str(server.port), log=False)
    assert r.status not in (0, 99) and str(server.port) in r.err and "in use" in r.err
    assert r.signal is None


@pytest.mark.fault(41)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_shutdown_under_load_drains_then_says_1001(serve, number):
    server = serve()
    clients = [dial(server) for _ in range(5)]
    server.wait_event("open", n=5)
    for c in clients:
        c.send(text("x" * 1000, mask=True) * 200)
        assert c.read_message() == (TEXT, b"x" * 1000)
    server.signal(number)
    for c in clients:
        while (f := c.read_frame()) is not None and f.opcode != CLOSE:
            assert f.payload == b"x" * 1000
        assert f is not None and f.code == 1001
        c.send(close(1001, mask=True))
    for c in clients:
        c.drain()
        c.close()
    r = server.finish()
    assert r.signal == number
    assert len(r.all("close")) == 5 and all(e["close_sent"] == 1001 and e["by"] == "local" for e in r.all("close"))
    assert r.one("end")["exit"] == 128 + number


@pytest.mark.fault(41)
def test_a_second_signal_does_not_wait_for_clients(serve):
    server = serve("--close-timeout", "1000")
    c = dial(server)
    server.wait_event("open")
    server.signal(signal.SIGTERM)
    assert c.read_close().code == 1001
    server.signal(signal.SIGTERM)
    r = server.finish()
    assert r.signal == signal.SIGTERM
    assert r.ended["cause"] == "local.interrupt"


def test_no_new_clients_during_the_shutdown(serve):
    server = serve("--close-timeout", "1000")
    c = dial(server)
    server.wait_event("open")
    server.signal(signal.SIGTERM)
    assert c.read_close().code == 1001
    with pytest.raises((ConnectionError, EOFError)):
        dial(server)
    c.close()


# TLS

def client_context(certs):
    ctx = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    return ctx


@pytest.mark.both_builds
def test_tls_with_cert_and_key(serve, certs):
    server = serve("--cert", certs / "server.pem", "--key", certs / "server.key")
    assert server.url.startswith("wss://")
    c = connect("127.0.0.1", server.port, client_context(certs), "localhost")
    c.dial()
    assert say(c, "x" * 100000) == (TEXT, b"x" * 100000)
    assert server.wait_event("open")["tls"]["version"] in ("TLSv1.2", "TLSv1.3")
    c.send(close(1000, mask=True))
    assert c.read_close().code == 1000
    c.close()
    assert server.wait_event("close")["clean"]


@pytest.mark.both_builds
@pytest.mark.fault(12)
def test_plain_to_a_tls_port_is_named(serve, certs):
    server = serve("--cert", certs / "server.pem", "--key", certs / "server.key")
    c = connect("127.0.0.1", server.port)
    c.send(request())
    c.drain()
    c.close()
    e = server.wait_event("reject")
    assert e["cause"] in ("tls.not_tls", "tls.handshake") and "TLS" in e["text"]
    d = connect("127.0.0.1", server.port, client_context(certs), "localhost")
    d.dial()
    assert say(d, "x") == (TEXT, b"x")


@pytest.mark.both_builds
def test_resets_within_tls_handshakes_are_survived(serve, certs):
    server = serve("--cert", certs / "server.pem", "--key", certs / "server.key")
    for n in (0, 1, 50, 200):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.sendall((b"\x16\x03\x01\x00\xfa" + b"\x01" * 250)[:n])
        r6455.Conn(s).rst()
    d = connect("127.0.0.1", server.port, client_context(certs), "localhost")
    d.dial()
    assert say(d, "x") == (TEXT, b"x")


@pytest.mark.parametrize("args", [["--cert", "server.pem", "--key", "mismatched.key"], ["--cert", "missing.pem", "--key", "server.key"],
                                  ["--cert", "server.pem", "--key", "missing.key"]])
def test_a_certificate_that_cannot_be_used_is_status_58(run, certs, args):
    args = [str(certs / a) if not a.startswith("--") else a for a in args]
    r = run("serve", *args, log=False)
    assert r.status == 58 and r.err


def test_a_slow_reader_does_not_hold_up_others(serve):
    server = serve()
    slow = connect("127.0.0.1", server.port)
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.dial()
    stuck = threading.Event()

    def flood():
        slow.sock.settimeout(2)
        try:
            for _ in range(400):
                slow.send(text("x" * 60000, mask=True))
        except OSError:
            pass
        stuck.set()

    t = threading.Thread(target=flood)
    t.start()
    good = dial(server)
    for i in range(50):
        assert say(good, str(i)) == (TEXT, str(i).encode())
    assert stuck.wait(60)
    t.join()
    assert say(good, "end") == (TEXT, b"end")
    slow.rst()
