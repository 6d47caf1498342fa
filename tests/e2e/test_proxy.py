# SPDX-License-Identifier: MIT
"""wsdiag proxy as a relay, with no plan: what goes in comes out, on either leg."""
import json
import os
import shutil
import ssl
import threading

import pytest
import websockets.sync.client
import websockets.sync.server

from peers import raw as r6455
from peers.external import HERE as PEERS
from peers.origin import connect, end_of, meet, strict
from peers.raw import BINARY, CONT, PING, PONG, TEXT, close, frame, ping, pong, request, text

NODE = shutil.which("node") or "node"


def trusting(certs):
    return strict(ssl.create_default_context(cafile=str(certs / "ca.pem")))


def serving(certs):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certs / "server.pem", certs / "server.key")
    return strict(ctx)


def tls_options(certs):
    return ["--cert", certs / "server.pem", "--key", certs / "server.key"]


# what it does

@pytest.mark.both_builds
def test_it_prints_the_url_to_paste_with_the_path_of_the_upstream(proxy):
    p = proxy("ws://127.0.0.1:9/chat?room=1")
    assert p.url == f"ws://127.0.0.1:{p.port}/chat?room=1"
    p.wait_err(p.url)
    assert p.wait_event("listen")["upstream"] == "ws://127.0.0.1:9/chat?room=1"


@pytest.mark.both_builds
def test_an_echo_through_it_is_an_echo(serve, proxy, run):
    server = serve()
    p = proxy(server.url)
    lines = b"".join(b"line %d %s\n" % (i, b"x" * (i % 300)) for i in range(3000))
    r = run(p.url, stdin=lines, log_messages="none")
    assert r.out == lines and r.status == 0
    end = p.wait_event("close", leg="client")
    assert (end["by"], end["code"], end["clean"]) == ("peer", 1000, True)
    assert end["received"]["messages"] == end["sent"]["messages"] == 3000
    assert end["received"]["bytes"] == end["sent"]["bytes"] == len(lines) - 3000
    end = p.wait_event("close", leg="origin")
    assert (end["code"], end["clean"], end["sent"]["messages"]) == (1000, True, 3000)
    assert server.wait_event("close")["code"] == 1000
    p.wait_event("gone", n=2)


def test_both_legs_are_events_of_their_own(serve, proxy, run):
    server = serve()
    p = proxy(server.url)
    assert run(p.url, stdin=b"x\n").status == 0
    p.wait_event("gone", n=2)
    r = p.snapshot()
    assert r.types("listen", "start", "note", "message", "ping", "pong") == ["dial", "open", "open", "close", "close", "gone", "gone"]
    a, b = r.one("open", leg="client"), r.one("open", leg="origin")
    assert a["role"] == b["role"] == "proxy" and a["conn"] == b["conn"] == 1
    assert a["ws_key"] == b["ws_key"] == server.wait_event("open")["ws_key"]
    assert a["url"] == f"ws://127.0.0.1:{p.port}/" and b["url"] == server.url
    assert b["peer"] == f"127.0.0.1:{server.port}" and server.wait_event("open")["peer"] == b["local"]
    assert all(r.all(name, leg=leg) for name in ("close", "gone") for leg in ("client", "origin"))


EXACT = {
    "empty": text(""),
    "text": text("hällo"),
    "fragments": text("a", fin=False) + frame(CONT, "b", fin=False) + ping("between") + frame(CONT, ""),
    "long": frame(BINARY, os.urandom(70000)),
    "wide_length": frame(TEXT, "abc", form=64),
    "rsv": frame(TEXT, "abc", rsv=2),
    "opcode": frame(5, "abc"),
    "control": ping("p" * 125) + pong("unasked"),
    "bad_utf8": text(b"\xff\xfe"),
    "bad_close": close(1006),
    "close_of_one_byte": frame(r6455.CLOSE, b"x"),
    "garbage": bytes(range(256)) * 40,
    "endless_length": frame(TEXT, "abc", length=1 << 62) + b"and so on",
    "impossible_length": frame(TEXT, "abc", length=(1 << 64) - 1) + b"and so on",
    "half_a_header": text("x") + b"\x82",
    "half_a_frame": text("x") + text("abcdefgh")[:6],
}


@pytest.mark.both_builds
@pytest.mark.fault(43)
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("name", EXACT)
def test_bytes_are_relayed_as_they_are(proxy, origin, name, up):
    """Masked or not, whole or not, allowed or not: a relay mends nothing."""
    o = origin()
    client, server = meet(o, proxy(o.url()).port)
    a, b = (client, server) if up else (server, client)
    a.send(EXACT[name])
    a.fin()
    assert end_of(b) == ("fin", EXACT[name])


@pytest.mark.fault(43)
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_masks_are_kept(proxy, origin, up):
    o = origin()
    client, server = meet(o, proxy(o.url()).port)
    a, b = (client, server) if up else (server, client)
    data = text("x" * 300, mask=b"\x01\x02\x03\x04") + ping("p", mask=b"\x00\x00\x00\x00") + close(1000, mask=b"abcd")
    a.send_bytewise(data)
    a.fin()
    assert end_of(b) == ("fin", data)


@pytest.mark.fault(43)
@pytest.mark.parametrize("code,reason", [(1000, ""), (1001, "going"), (1012, "deploy ✓"), (3000, "x" * 120), (4999, ""), (None, "")])
def test_codes_and_reasons_pass_and_are_told(proxy, origin, code, reason):
    o = origin()
    p = proxy(o.url())
    client, server = meet(o, p.port)
    server.send(close(code, reason))
    f = client.read_close()
    assert (f.code, f.payload[2:].decode()) == (code, reason)
    client.send(close(code, mask=True))
    assert server.read_close().code == code
    server.fin()
    client.fin()
    e = p.wait_event("close", leg="origin")
    assert (e["by"], e["code"], e["reason"] or "") == ("peer", code or 1005, reason)
    e = p.wait_event("close", leg="client")
    assert (e["by"], e["close_sent"]) == ("local", code or 1005)


def test_a_violation_is_told_with_its_leg_and_passed(proxy, origin):
    o = origin()
    p = proxy(o.url())
    client, server = meet(o, p.port)
    client.send(text("not masked"))
    assert server.read_frame().payload == b"not masked"
    e = p.wait_event("violation")
    assert e["leg"] == "client" and "not masked" in e["rule"] and e["conn"] == 1


# TLS

@pytest.mark.both_builds
@pytest.mark.parametrize("client_tls", [False, True], ids=["plain_client", "tls_client"])
@pytest.mark.parametrize("origin_tls", [False, True], ids=["plain_origin", "tls_origin"])
def test_tls_on_either_leg(proxy, origin, certs, client_tls, origin_tls):
    o = origin(tls=serving(certs) if origin_tls else None)
    p = proxy(*(tls_options(certs) if client_tls else []), *(["--cacert", certs / "ca.pem"] if origin_tls else []), o.url("/", "localhost"))
    assert p.url.startswith("wss://" if client_tls else "ws://")
    client, server = meet(o, p.port, context=trusting(certs) if client_tls else None, name="localhost")
    assert server.head.get("X-Forwarded-Proto") == ("https" if client_tls else "http")
    big = os.urandom(300000)
    t = threading.Thread(target=lambda: client.send(frame(BINARY, big, mask=True)))
    t.start()
    assert server.read_frame().payload == big
    t.join()
    t = threading.Thread(target=lambda: server.send(frame(BINARY, big)))
    t.start()
    assert client.read_frame().payload == big
    t.join()
    assert bool(p.wait_event("open", leg="client")["tls"]) == client_tls
    assert bool(p.wait_event("open", leg="origin")["tls"]) == origin_tls
    client.send(close(1000, mask=True))
    assert server.read_close().code == 1000
    server.send(close(1000))
    assert client.read_close().code == 1000
    server.fin()
    client.fin()
    assert p.wait_event("close", leg="client")["clean"] and p.wait_event("close", leg="origin")["clean"]


def test_a_certificate_that_is_not_trusted_is_a_502_that_says_so(proxy, raw, certs):
    server = raw(lambda c: c.drain(), tls=serving(certs))
    p = proxy(server.url("/", "localhost"))
    c = connect("127.0.0.1", p.port)
    c.send(request())
    assert c.read_head().status == 502
    assert b"unknown issuer" in c.drain()
    f = p.wait_event("failed")
    assert (f["leg"], f["stage"]) == ("origin", "tls") and f["cause"].startswith("tls.")
    server.result()


def test_insecure_and_tls_name_are_about_the_origin(proxy, origin, certs):
    o = origin(tls=serving(certs))
    for args in (["-k", o.url("/", "localhost")], ["--cacert", certs / "ca.pem", "--tls-name", "localhost", o.url()]):
        meet(o, proxy(*args).port)


# real peers

@pytest.fixture
def python_echo():
    servers = []

    def begin(**how):
        def handler(ws):
            for m in ws:
                ws.send(m)

        s = websockets.sync.server.serve(handler, "127.0.0.1", 0, max_size=None, **how)
        threading.Thread(target=s.serve_forever, daemon=True).start()
        servers.append(s)
        return f"ws://127.0.0.1:{s.socket.getsockname()[1]}/"

    yield begin
    for s in servers:
        s.shutdown()


@pytest.mark.both_builds
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_python_websockets_through_it(proxy, python_echo, compression):
    """With permessage-deflate the frames carry RSV1 and bytes that only the two ends understand."""
    p = proxy(python_echo(compression=compression))
    with websockets.sync.client.connect(p.url, compression=compression, max_size=None) as ws:
        for m in ("", "hällo" * 1000, b"\x00\xff" * 70000, "x"):
            ws.send(m)
            assert ws.recv() == m
        ws.send(iter(["a", "b", "c"]))
        assert ws.recv() == "abc"
        assert ws.ping().wait(30)
    e = p.wait_event("close", leg="client")
    assert e["code"] == 1000 and e["received"]["messages"] == 5
    o = p.wait_event("open", leg="client")
    assert ("permessage-deflate" in (o["extensions"] or "")) == (compression is not None)
    assert not p.snapshot().all("violation")


@pytest.mark.parametrize("deflate", [False, True])
def test_node_ws_through_it(proxy, external, deflate):
    server = external([NODE, PEERS / "ws_server.js", json.dumps({"deflate": deflate, "subprotocol": "v1"})])
    p = proxy(f"ws://127.0.0.1:{server.port}/room")
    how = {"send": ["one", "é" * 5000], "protocols": ["v1"], "ping": "p", "close": [4001, "enough"], "options": {"perMessageDeflate": deflate}}
    client = external([NODE, PEERS / "ws_client.js", p.url, json.dumps(how)], ready=False)
    said = client.finish()
    assert [e["data"] for e in said if e["event"] == "message"] == ["one", "é" * 5000]
    assert [e["protocol"] for e in said if e["event"] == "open"] == ["v1"]
    assert [e["data"] for e in said if e["event"] == "pong"] == ["p"]
    assert server.wait("open")["url"] == "/room"
    assert server.wait("close") == {"event": "close", "code": 4001, "reason": "enough"}
    assert p.wait_event("close", leg="origin")["close_sent"] == 4001


# what it tells

def test_verbose_heads_and_frames_have_their_leg(proxy, origin):
    o = origin()
    p = proxy("-vv", o.url())
    client, server = meet(o, p.port)
    client.send(text("abc", mask=True))
    server.read_frame()
    server.send(pong("p"))
    client.read_frame()
    p.wait_err("pong")
    lines = bytes(p.err).decode()
    assert lines.count("GET / HTTP/1.1") == 2 and lines.count("HTTP/1.1 101") == 2, lines
    assert "Via: 1.1 wsdiag" in lines


def test_json_has_heads_and_frames_with_their_leg(proxy, origin):
    o = origin()
    p = proxy("--json", "-vv", o.url())
    client, server = meet(o, p.port)
    client.send(text("abc", mask=True))
    server.read_frame()
    server.send(pong("p"))
    client.read_frame()
    p.wait_out(b'"pong"')
    events = [json.loads(line) for line in bytes(p.out).splitlines()]
    heads = [(e["leg"], e["dir"]) for e in events if e["event"] == "head"]
    assert heads == [("client", "in"), ("origin", "out"), ("origin", "in"), ("client", "out")]
    frames = [(e["leg"], e["opcode"], e["length"], e["masked"]) for e in events if e["event"] == "frame"]
    assert frames == [("client", "text", 3, True), ("origin", "pong", 1, False)]
    assert bytes(p.err) == b""


def test_secrets_of_the_request_are_not_told(proxy, origin):
    o = origin()
    p = proxy("-vv", o.url())
    client, _ = meet(o, p.port, extra=[("Authorization", "Basic c2VjcmV0"), ("Cookie", "id=secret"), ("Sec-WebSocket-Protocol", "mqtt, bearer, c2VjcmV0"),
                                        ("X-Forwarded-Uri", "/?code=c2VjcmV0"), ("X-Forwarded-Host", "u:c2VjcmV0@front.example")])
    p.wait_event("open", leg="client")
    client.rst()
    p.wait_event("lost", leg="client")
    assert "c2VjcmV0" not in json.dumps(p.snapshot().events) and b"c2VjcmV0" not in bytes(p.err) and b"id=secret" not in bytes(p.err)


def test_a_tag_tells_sessions_apart(proxy, serve, start):
    p = proxy(serve().url)
    c = start("--tag", p.url, stdin=None)
    session = c.wait_event("open")["session"]
    assert p.wait_event("open", leg="client")["dial"] == 1
    assert session in p.wait_event("open", leg="client")["session"] or p.wait_event("open", leg="client")["session"]


# one slow side

@pytest.mark.fault(43)
@pytest.mark.parametrize("up", [True, False], ids=["origin_is_slow", "client_is_slow"])
def test_a_side_that_does_not_read_slows_its_own_pair_only(proxy, origin, release, up):
    """The sender is stopped by the windows; what the proxy holds of it is bounded."""
    o = origin(rcvbuf=4096)
    p = proxy(o.url(), binary=release)
    client, server = meet(o, p.port)
    before = p.rss()
    sender = client if up else server
    sender.sock.settimeout(3)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 1 << 30:
            sent += sender.sock.send(frame(BINARY, b"x" * 65000, mask=b"\x00\x00\x00\x00" if up else None))
    assert sent < 64 << 20
    other, far = meet(o, p.port)
    for i in range(20):
        other.send(text(str(i), mask=True))
        assert far.read_frame().payload == b"%d" % i
        far.send(text(str(i)))
        assert other.read_frame().payload == b"%d" % i
    assert p.rss() - before < 16 << 20
    ticks = p.cpu_ticks()
    with pytest.raises(Exception):
        p.process.wait(1)
    assert p.cpu_ticks() - ticks < 50, "it spins"
    # What was stopped goes on as soon as somebody reads.
    receiver = server if up else client
    receiver.sock.settimeout(30)
    taken = 0
    while taken < min(sent, 1 << 20):
        taken += len(receiver.recv())


def test_a_large_file_goes_through_both_ways(proxy, origin):
    o = origin()
    client, server = meet(o, proxy(o.url()).port)
    data = os.urandom(20 << 20)
    for a, b, mask in ((client, server, True), (server, client, None)):
        wire = frame(BINARY, data, mask=mask)
        t = threading.Thread(target=a.send, args=(wire,))
        t.start()
        assert b.recv_exactly(len(wire)) == wire
        t.join()


def test_messages_are_counted_whatever_they_are_cut_into(proxy, origin):
    o = origin()
    p = proxy(o.url())
    client, server = meet(o, p.port)
    client.send(text("a", fin=False, mask=True) + ping("p", mask=True) + frame(CONT, "bc", mask=True) + text("", mask=True))
    assert server.read_frame() and server.read_frame().opcode == PING
    server.send(frame(PONG, "p"))
    client.rst()
    e = p.wait_event("lost", leg="client")
    assert e["received"] == {"messages": 2, "bytes": 3} and e["sent"] == {"messages": 0, "bytes": 0}
