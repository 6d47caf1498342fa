# SPDX-License-Identifier: MIT
"""From a URL to a connection: names, addresses, families, time limits."""
import socket

import pytest

from peers import acts
from peers.raw import FullListener, close


def opens(c):
    head = c.upgrade()
    c.send(close(1000))
    return head


@pytest.fixture
def silent_port():
    """A port that never answers a connect."""
    f = FullListener()
    yield f.port
    f.stop()


@pytest.fixture
def free_port():
    """A port where nothing listens; held, so that nobody else gets it."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


@pytest.mark.parametrize("command", [[], ["connect"]])
def test_a_bare_host_and_port_means_ws(run, raw, command):
    server = raw(opens)
    r = run(*command, f"127.0.0.1:{server.port}/path?q=1")
    assert server.result().target == "/path?q=1"
    assert r.one("open")["url"] == f"ws://127.0.0.1:{server.port}/path?q=1"
    assert r.types() == ["dial", "open", "close", "end"]
    assert r.status == 0


@pytest.mark.parametrize("path,target", [("", "/"), ("/", "/"), ("?a=b", "/?a=b"), ("/a%20b/%C3%A9?x=%26", "/a%20b/%C3%A9?x=%26")])
def test_path_and_query_are_sent_as_given(run, raw, path, target):
    server = raw(opens)
    run(f"ws://127.0.0.1:{server.port}{path}")
    assert server.result().target == target


def test_open_tells_addresses_and_times(run, raw):
    server = raw(opens)
    o = run(server.url()).one("open")
    assert o["peer"] == f"127.0.0.1:{server.port}"
    assert o["local"].startswith("127.0.0.1:")
    assert o["status"] == 101 and o["tls"] is None
    assert o["timing"]["tcp"] >= 0 and o["timing"]["upgrade"] >= 0 and o["timing"]["tls"] is None


def test_an_ipv6_literal(run, raw):
    server = raw(opens, host="::1")
    r = run(f"ws://[::1]:{server.port}/")
    assert server.result().get("Host") == f"[::1]:{server.port}"
    assert r.one("open")["peer"] == f"[::1]:{server.port}"


def test_localhost_is_resolved(run, raw):
    server = raw(opens)
    r = run(f"ws://localhost:{server.port}/")
    assert server.result().get("Host") == f"localhost:{server.port}"
    assert r.one("open")["timing"]["dns"] is not None


def test_resolve_pins_a_name_to_an_address(run, raw):
    server = raw(opens)
    r = run("--resolve", f"edge.test:{server.port}:127.0.0.1", f"ws://edge.test:{server.port}/")
    assert server.result().get("Host") == f"edge.test:{server.port}"
    assert r.one("open")["peer"] == f"127.0.0.1:{server.port}"


def test_resolve_pins_any_name_with_a_star(run, raw):
    server = raw(opens)
    r = run("--resolve", f"*:{server.port}:127.0.0.1", f"ws://any.test:{server.port}/")
    assert server.result().get("Host") == f"any.test:{server.port}" and r.status == 0


def test_c_is_the_url_as_wscat_has_it(run, raw):
    server = raw(opens)
    r = run("-c", server.url("/x"))
    assert server.result().target == "/x" and r.status == 0


@pytest.mark.parametrize("option,host", [("-4", "127.0.0.1"), ("-6", "::1")])
def test_4_and_6_choose_the_family(run, raw, option, host):
    server = raw(opens, host=host)
    r = run(option, "--resolve", f"both.test:{server.port}:127.0.0.1,[::1]", f"ws://both.test:{server.port}/")
    assert r.status == 0
    assert r.one("open")["peer"] == server.url("").split("//")[1]


@pytest.mark.fault(9)
def test_a_refusing_address_is_passed_over_and_told(run, raw):
    server = raw(opens)
    r = run("--resolve", f"two.test:{server.port}:127.0.0.2,127.0.0.1", f"ws://two.test:{server.port}/")
    o = r.one("open")
    assert o["peer"] == f"127.0.0.1:{server.port}"
    assert [(a["address"], a["cause"]) for a in o["attempts"]] == [(f"127.0.0.2:{server.port}", "tcp.refused")]
    assert r.status == 0


@pytest.mark.fault(9)
def test_a_dead_address_does_not_hold_up_the_next(run, raw):
    server = raw(opens)
    dead = FullListener("127.0.0.2", server.port)
    r = run("--resolve", f"two.test:{server.port}:127.0.0.2,127.0.0.1", f"ws://two.test:{server.port}/")
    dead.stop()
    assert r.one("open")["peer"] == f"127.0.0.1:{server.port}"
    assert r.status == 0


@pytest.mark.fault(9)
def test_when_every_address_fails_each_is_told(run, free_port):
    r = run("--resolve", f"two.test:{free_port}:127.0.0.2,127.0.0.1", f"ws://two.test:{free_port}/")
    f = r.one("failed")
    assert f["stage"] == "tcp" and f["cause"] == "tcp.refused"
    assert {a["address"] for a in f["attempts"]} == {f"127.0.0.1:{free_port}", f"127.0.0.2:{free_port}"}
    assert r.status == 7


def test_a_refused_connect(run, free_port):
    r = run(f"ws://127.0.0.1:{free_port}/")
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("tcp", "tcp.refused")
    assert "refused" in r.err
    assert r.types() == ["dial", "failed", "end"]
    assert r.status == 7


def test_a_name_that_does_not_exist(run):
    r = run("--connect-timeout", "50", "ws://no-such-host.invalid/")
    f = r.one("failed")
    assert f["stage"] == "dns" and f["cause"] in ("dns.name_not_resolved", "dns.failed")
    assert "no-such-host.invalid" in r.err
    assert r.status == 6


@pytest.mark.fault(7)
def test_a_connect_that_is_never_answered_times_out_at_tcp(run, silent_port):
    r = run("--connect-timeout", "0.3", f"ws://127.0.0.1:{silent_port}/")
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("tcp", "dial.timed_out")
    assert r.status == 28


@pytest.mark.fault(7)
@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 101 Switching Pro", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"])
def test_silence_within_the_upgrade_times_out_there(run, raw, part):
    server = raw(acts.answers(part, then="hold"))
    r = run("--connect-timeout", "0.3", server.url())
    assert server.result() == b""
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("upgrade", "dial.timed_out")
    assert "upgrade" in r.err
    assert r.status == 28


@pytest.mark.fault(7)
def test_silence_within_the_tls_handshake_times_out_there(run, raw):
    server = raw(lambda c: c.drain())
    r = run("--connect-timeout", "0.3", f"wss://127.0.0.1:{server.port}/")
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("tls", "dial.timed_out")
    assert r.status == 28


@pytest.mark.fault(37)
@pytest.mark.parametrize("url", ["ws://", "ws:///path", "ws://host:99999/", "ws://host:port/", "ftp://host/", "ws://[::1/", "ws://ho st/",
                                 "ws://host/\r\nX: y", "ws://ho\x01st/", ""])
def test_a_bad_url_is_status_3_and_named(run, url):
    r = run(url, log=False)
    assert r.status == 3
    assert r.err.startswith("wsdiag: ") and r.out == b""
    assert "\r\nX" not in r.err


def test_an_international_name_is_sent_as_ascii(run, raw):
    server = raw(opens)
    run("--resolve", f"xn--bcher-kva.test:{server.port}:127.0.0.1", f"ws://bücher.test:{server.port}/")
    assert server.result().get("Host") == f"xn--bcher-kva.test:{server.port}"

