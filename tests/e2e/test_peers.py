# SPDX-License-Identifier: MIT
"""Against what others have written: Python websockets, Node ws, Django Channels on Daphne, nginx, HAProxy, wscat, websocket-client."""
import json
import shutil
import ssl
import subprocess
import threading

import pytest
import websocket
import websockets.exceptions
import websockets.sync.client
import websockets.sync.server

from harness import environment
from peers import acts
from peers.external import HERE as PEERS
from peers.external import NODE_MODULES, PYTHON
from peers.reverse_proxy import ReverseProxy

pytestmark = pytest.mark.both_builds
NODE = shutil.which("node") or "node"


@pytest.fixture
def node_server(external):
    def begin(**options):
        return external([NODE, PEERS / "ws_server.js", json.dumps({k: str(v) if hasattr(v, "joinpath") else v for k, v in options.items()})])

    return begin


@pytest.fixture
def node_client(external):
    def begin(url, **options):
        return external([NODE, PEERS / "ws_client.js", url, json.dumps(options)], ready=False)

    return begin


@pytest.fixture
def daphne(external):
    def begin(*pings):
        return external([PYTHON, "-m", "peers.channels_app", *map(str, pings)], cwd=PEERS.parent)

    return begin


@pytest.fixture
def python_server():
    servers = []

    def begin(handler, **how):
        s = websockets.sync.server.serve(handler, "127.0.0.1", 0, max_size=None, **how)
        t = threading.Thread(target=s.serve_forever, daemon=True)
        t.start()
        servers.append((s, t))
        return s.socket.getsockname()[1]

    yield begin
    for s, t in servers:
        s.shutdown()
        t.join(10)


@pytest.fixture
def behind(tmp_path):
    proxies = []

    def begin(kind, port, **how):
        p = ReverseProxy(kind, tmp_path / f"{kind}{len(proxies)}", port, **how)
        proxies.append(p)
        return p

    yield begin
    for p in proxies:
        p.stop()


def echo(ws):
    for m in ws:
        ws.send(m)


LINES = b"".join(f"line {i} é€🙂 {'x' * (i % 300)}\n".encode() for i in range(2000))


# wsdiag as the client

def test_python_websockets_echoes(run, python_server):
    port = python_server(echo, compression=None)
    r = run(f"ws://127.0.0.1:{port}/", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0
    assert r.ended["event"] == "close" and r.ended["code"] == 1000


def test_python_websockets_with_compression_on_offer(run, python_server):
    """It would compress if it were asked to; nobody does."""
    port = python_server(echo)
    r = run(f"ws://127.0.0.1:{port}/", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.one("open")["extensions"] is None


def test_python_websockets_closes_with_a_reason(run, python_server):
    port = python_server(lambda ws: ws.close(4008, "enough ✓"))
    r = run(f"ws://127.0.0.1:{port}/")
    assert (r.ended["code"], r.ended["reason"], r.ended["by"]) == (4008, "enough ✓", "peer")
    assert r.status == 113


def test_python_websockets_sees_our_close(start, python_server):
    seen = []
    done = threading.Event()

    def handler(ws):
        try:
            for _ in ws:
                pass
        finally:
            seen.append((ws.close_code, ws.close_reason))
            done.set()

    p = start("-w", "0", f"ws://127.0.0.1:{python_server(handler)}/", stdin=b"bye\n")
    assert p.finish().status == 0
    assert done.wait(30)
    assert seen[0][0] == 1000


def test_python_websockets_over_tls(run, python_server, certs):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certs / "server.pem", certs / "server.key")
    port = python_server(echo, ssl=ctx)
    r = run("--cacert", certs / "ca.pem", f"wss://localhost:{port}/", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0


def test_node_ws_echoes(run, node_server):
    node = node_server(subprotocol="v1")
    r = run("-s", "v1", "-s", "v2", f"ws://127.0.0.1:{node.port}/path", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0
    assert r.one("open")["subprotocol"] == "v1"
    assert node.wait("close")["code"] == 1000


def test_node_ws_with_compression_on_offer(run, node_server):
    r = run(f"ws://127.0.0.1:{node_server(deflate=True).port}/", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0


def test_node_ws_over_tls(run, node_server, certs):
    node = node_server(key=certs / "server.key", cert=certs / "server.pem")
    r = run("--cacert", certs / "ca.pem", f"wss://localhost:{node.port}/", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0


def test_node_ws_closes_pings_and_terminates(run, node_server):
    r = run(f"ws://127.0.0.1:{node_server(close=[1012, 'deploy'], greet=['hi']).port}/")
    assert r.out == b"hi\n" and r.ended["code"] == 1012 and r.status == 112
    node = node_server(ping="p")
    r = run("-1", "-w", "5", f"ws://127.0.0.1:{node.port}/", stdin=b"x\n")
    node.wait("pong")
    assert r.status == 0
    r = run(f"ws://127.0.0.1:{node_server(terminate=True).port}/")
    assert r.ended["event"] == "lost" and r.status == 56


def test_daphne_echoes_and_sees_our_close(run, daphne):
    server = daphne()
    r = run("-s", "a", "-s", "b", f"ws://127.0.0.1:{server.port}/echo", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0
    assert r.one("open")["subprotocol"] == "b"
    assert server.wait("disconnect")["code"] == 1000


def test_daphne_closes_with_a_code(run, daphne):
    r = run("-w", "forever", f"ws://127.0.0.1:{daphne().port}/echo", stdin=b"close 4001\n")
    assert (r.ended["event"], r.ended["code"]) == ("close", 4001) and r.status == 113


def test_daphne_refuses_with_403(run, daphne):
    r = run(f"ws://127.0.0.1:{daphne().port}/closed")
    assert r.one("failed")["status"] == 403 and r.status == 22


def test_daphnes_pings_are_answered(start, daphne):
    p = start("-P", f"ws://127.0.0.1:{daphne(1, 2).port}/echo")
    p.wait_event("ping", n=4)  # longer than its timeout
    p.write(b"still here\n")
    p.wait_out(b"still here\n")
    p.end_input()
    assert p.finish().status == 0


# wsdiag as the server

def test_python_client_talks_to_serve(serve):
    server = serve()
    with websockets.sync.client.connect(server.url, max_size=None) as ws:
        for m in ("text é€🙂", b"\x00\xff", "", "x" * 300000, b"y" * 100000):
            ws.send(m)
            assert ws.recv() == m
        ws.ping().wait(10)
    e = server.wait_event("close")
    assert (e["code"], e["clean"], e["by"]) == (1000, True, "peer")


def test_python_client_over_tls_talks_to_serve(serve, certs):
    server = serve("--cert", certs / "server.pem", "--key", certs / "server.key")
    ctx = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    with websockets.sync.client.connect(f"wss://localhost:{server.port}/", ssl=ctx, max_size=None,
                                        sock=None) as ws:
        ws.send("x" * 300000)
        assert ws.recv() == "x" * 300000
    assert server.wait_event("close")["clean"]


def test_python_client_sees_1001_at_shutdown(serve):
    server = serve()
    with websockets.sync.client.connect(server.url) as ws:
        ws.send("x")
        assert ws.recv() == "x"
        server.signal(15)
        with pytest.raises(websockets.exceptions.ConnectionClosed) as e:
            ws.recv()
        assert e.value.rcvd.code == 1001
    assert server.finish().one("close")["clean"]


def test_node_client_talks_to_serve(serve, node_client):
    server = serve("-s", "v1")
    said = node_client(server.url, send=["a", "é€🙂", "x" * 100000], protocols=["v1"], ping="are you there").finish()
    assert [e["data"] for e in said if e["event"] == "message"] == ["a", "é€🙂", "x" * 100000]
    assert [e["data"] for e in said if e["event"] == "pong"] == ["are you there"]
    assert said[-1] == {"event": "close", "code": 1000, "reason": ""}
    assert server.wait_event("close")["code"] == 1000


def test_node_client_closes_with_a_code_and_reason(serve, node_client):
    server = serve()
    node_client(server.url, send=["a"], close=[4321, "déjà vu"]).finish()
    e = server.wait_event("close")
    assert (e["code"], e["reason"]) == (4321, "déjà vu")


def test_websocket_client_talks_to_serve(serve):
    server = serve()
    ws = websocket.create_connection(server.url, timeout=30)
    ws.send("hello")
    assert ws.recv() == "hello"
    ws.close()
    assert server.wait_event("close")["clean"]


def test_wscat_talks_to_serve(serve):
    server = serve()
    argv = [NODE, str(NODE_MODULES / "wscat" / "bin" / "wscat"), "-c", server.url, "-x", "hello", "-w", "1"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as p:
        out = p.stdout.read()  # its stdin stays open: at the end of that it would leave at once
    assert out == b"hello\n"
    assert server.wait_event("close")["by"] == "peer"


def test_wsdiag_talks_to_itself(serve, run):
    server = serve()
    r = run(server.url, stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0
    theirs = server.wait_event("open")
    ours = r.one("open")
    assert theirs["ws_key"] == ours["ws_key"], "the key joins the two logs"
    assert theirs["peer"] == ours["local"] and theirs["local"] == ours["peer"]


def test_wsdiag_talks_to_itself_over_tls(serve, run, certs, has_tls13):
    server = serve("--cert", certs / "server.pem", "--key", certs / "server.key")
    r = run("--cacert", certs / "ca.pem", f"wss://localhost:{server.port}/", stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0
    assert r.one("open")["tls"]["version"] == ("TLSv1.3" if has_tls13 else "TLSv1.2")


# behind a reverse proxy

@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_through_a_reverse_proxy(run, serve, behind, certs, kind, tls):
    server = serve()
    how = {"cert": certs / "server.pem", "key": certs / "server.key"} if tls else {}
    proxy = behind(kind, server.port, **how)
    r = run("--cacert", certs / "ca.pem", proxy.url("/a?b=c", host="localhost" if tls else "127.0.0.1"), stdin=LINES, log_messages="none")
    assert r.out == LINES and r.status == 0
    theirs = server.wait_event("open")
    assert theirs["ws_key"] == r.one("open")["ws_key"], "the key passes through"
    assert theirs["forwarded_for"] == "127.0.0.1"
    assert server.wait_event("close")["code"] == 1000


@pytest.mark.parametrize("kind,hop", [("nginx", "nginx"), ("haproxy", None)])
def test_a_dead_origin_is_a_refusal_by_the_hop(run, behind, raw, kind, hop):
    dead = raw(acts.holds)
    dead.stop()
    r = run(behind(kind, dead.port).url())
    f = r.one("failed")
    assert f["status"] in (502, 503) and f["cause"] == "http.refused"
    assert f["hop"] is None or hop in f["hop"]
    assert r.status == 22


def test_nginxs_idle_timeout_ends_without_close(run, behind, serve):
    server = serve()
    proxy = behind("nginx", server.port, more="proxy_read_timeout 1s;")
    r = run(proxy.url())
    assert (r.ended["event"], r.ended["cause"], r.ended["code"]) == ("lost", "tcp.closed", None)
    assert r.status == 56
    assert server.wait_event("lost")["cause"] == "tcp.closed"


def test_haproxys_idle_timeout_ends_without_close(run, behind, serve):
    server = serve()
    proxy = behind("haproxy", server.port, tunnel="1s")
    r = run(proxy.url())
    assert r.ended["event"] == "lost" and r.ended["code"] is None
    assert r.status == 56
    assert server.wait_event("lost")["by"] == "peer"


def test_pings_keep_nginx_from_its_idle_timeout(start, behind, serve):
    server = serve()
    proxy = behind("nginx", server.port, more="proxy_read_timeout 1s;")
    p = start("--ping-interval", "0.2", proxy.url())
    p.wait_event("pong", n=12)  # well past a second
    p.write(b"alive\n")
    p.wait_out(b"alive\n")
    p.end_input()
    assert p.finish().status == 0


def test_an_nginx_that_does_not_pass_the_upgrade_is_named(run, behind, serve):
    server = serve()
    r = run(behind("nginx", server.port).url("/plain/"))
    f = r.one("failed")
    assert f["status"] in (400, 426, 505) and f["hop"] and "nginx" in f["hop"]
    assert r.status == 22
