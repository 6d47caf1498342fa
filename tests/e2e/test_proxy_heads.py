# SPDX-License-Identifier: MIT
"""wsdiag proxy and HTTP: what becomes of the request and of the answer, of what stands before them, and of what is no upgrade."""
import http.client
import threading

import pytest

from peers import acts
from peers import raw as r6455
from peers.origin import connect, end_of
from peers.raw import request, text


def forwarded(proxy_, origin_, *, extra=(), target="/", context=None, name=None):
    """What the origin gets to read."""
    c = connect("127.0.0.1", proxy_.port, context, name)
    c.send(request(target, "front.example:1", extra))
    return c, origin_.take()


def test_the_request_names_the_upstream_and_who_asked(proxy, origin):
    o = origin()
    c, server = forwarded(proxy(o.url("/ignored")), o, target="/a/b?c=%20d", extra=[("Cookie", "a=b"), ("X-Odd", "  1 , 2"), ("cookie", "c=d")])
    head = server.head
    assert head.first == "GET /a/b?c=%20d HTTP/1.1"
    assert head.all("Host") == [f"127.0.0.1:{o.port}"]
    assert head.all("Via") == ["1.1 wsdiag"]
    assert head.all("X-Forwarded-For") == ["127.0.0.1"] and head.all("X-Forwarded-Proto") == ["http"]
    assert head.all("X-Forwarded-Host") == ["front.example:1"]
    names = [n for n, _ in head.headers]
    assert names[:8] == ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Cookie", "X-Odd", "cookie"]
    assert head.all("Cookie") == ["a=b", "c=d"] and head.all("X-Odd") == ["1 , 2"]
    assert c.read_head().status == 101


def test_what_other_hops_said_is_added_to(proxy, origin):
    o = origin()
    _, server = forwarded(proxy(o.url()), o, extra=[("Via", "1.1 edge"), ("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")])
    assert server.head.all("Via") == ["1.1 edge, 1.1 wsdiag"]
    assert server.head.all("X-Forwarded-For") == ["192.0.2.7, 127.0.0.1"]


def test_several_headers_of_other_hops_become_one_list(proxy, origin):
    o = origin()
    _, server = forwarded(proxy(o.url()), o, extra=[("Via", "1.1 edge"), ("via", "1.0 inner"), ("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-For", "192.0.2.8")])
    assert server.head.all("Via") == ["1.1 edge, 1.0 inner, 1.1 wsdiag"]
    assert server.head.all("X-Forwarded-For") == ["192.0.2.7, 192.0.2.8, 127.0.0.1"]


def test_keep_host_keeps_it(proxy, origin):
    o = origin()
    _, server = forwarded(proxy("--keep-host", o.url()), o)
    assert server.head.all("Host") == ["front.example:1"]


def test_a_client_with_an_ipv6_address_is_forwarded_without_brackets(proxy, origin):
    o = origin()
    p = proxy("-l", "[::1]:0", o.url())
    c = connect("::1", p.port)
    c.send(request())
    assert o.take().head.get("X-Forwarded-For") == "::1"


def test_the_answer_is_passed_byte_by_byte_as_it_is(proxy, origin):
    o = origin(answer={"extra": [("X-Mixed-CASE", "  kept"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]})
    c, server = forwarded(proxy(o.url()), o)
    assert c.read_head().raw == r6455.answer_101(server.head, extra=[("X-Mixed-CASE", "  kept"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])


def test_a_request_one_byte_at_a_time(proxy, origin):
    o = origin()
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send_bytewise(request(extra=[("X-Long", "y" * 300)]))
    assert c.read_head().status == 101
    assert o.take().head.get("X-Long") == "y" * 300


def test_an_answer_one_byte_at_a_time(proxy, origin):
    o = origin(upgrades=False)
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(request())
    server = o.take()
    server.send_bytewise(r6455.answer_101(server.read_head()) + text("first"))
    assert c.read_head().status == 101 and c.read_frame().payload == b"first"


def test_early_data_in_both_directions_survives(proxy, origin):
    """A frame behind the request, and one behind the 101, each in one segment with it."""
    o = origin(upgrades=False)
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(request() + text("early up", mask=True))
    server = o.take()
    server.send(r6455.answer_101(server.read_head()) + text("early down"))
    assert c.read_head().status == 101
    assert c.read_frame().payload == b"early down"
    assert server.read_frame().payload == b"early up"


INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nX-Odd:  kept \r\n\r\n"


def test_interim_answers_are_passed_on_as_they_are(proxy, origin):
    """What a client makes of them is what is to be seen."""
    o = origin(upgrades=False)
    p = proxy("-v", o.url())
    c = connect("127.0.0.1", p.port)
    c.send(request())
    server = o.take()
    answer = r6455.answer_101(server.read_head())
    server.send(INTERIM[0])
    assert c.read_head().raw == INTERIM[0]
    server.send(INTERIM[1] + INTERIM[1] + answer + text("x"))
    assert [c.read_head().raw for _ in range(3)] == [INTERIM[1], INTERIM[1], answer]
    assert c.read_frame().payload == b"x"
    assert p.wait_event("open", leg="client")["status"] == 101
    assert [e["leg"] for e in p.snapshot().all("head", text=INTERIM[0].decode())] == ["origin", "client"]


def test_an_interim_answer_before_a_refusal_of_our_own(proxy, origin):
    o = origin(upgrades=False)
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(request())
    server = o.take()
    server.read_head()
    server.send(INTERIM[1] + b"nonsense\r\n\r\n")
    assert c.read_head().status == 103
    assert c.read_head().status == 502


def test_interim_answers_to_a_client_that_does_not_read_are_bounded_and_whole(proxy, origin):
    o = origin(upgrades=False)
    p = proxy("--connect-timeout", "1h", o.url())
    c = connect("127.0.0.1", p.port)
    c.send(request())
    server = o.take()
    answer = r6455.answer_101(server.read_head())
    server.sock.settimeout(1)
    flood, sent = INTERIM[1] * 1000, 0
    with pytest.raises(TimeoutError):
        while sent < 256 << 20:
            sent += server.sock.send(flood[sent % len(flood):])
    rest = flood[sent % len(flood):]
    server.sock.settimeout(60)
    threading.Thread(target=server.send, args=(rest + answer,), daemon=True).start()
    for _ in range((sent + len(rest)) // len(INTERIM[1])):
        assert c.recv_exactly(len(INTERIM[1])) == INTERIM[1]
    assert c.read_head().raw == answer


# Host: there must be one

def with_hosts(*hosts, version="1.1"):
    lines = request().replace(b"HTTP/1.1", b"HTTP/" + version.encode()).split(b"\r\n")
    return b"\r\n".join([lines[0], *[b"Host: " + h.encode() for h in hosts], *[x for x in lines[1:] if not x.startswith(b"Host:")]])


@pytest.mark.parametrize("hosts,words", [((), "no Host header"), (("a.example", "b.example"), "2 Host headers"), (("a", "a", "a"), "3 Host headers")])
def test_none_or_several_hosts_are_refused_and_not_made_one(proxy, origin, hosts, words):
    o = origin()
    p = proxy(o.url())
    c = connect("127.0.0.1", p.port)
    c.send(with_hosts(*hosts))
    assert c.read_head().status == 400
    assert words in c.drain().decode()
    e = p.wait_event("reject")
    assert e["status"] == 400 and words in e["text"] and "--keep-host" in e["text"]
    assert o.conns.empty() and not p.snapshot().all("dial")


@pytest.mark.parametrize("hosts", [(), ("a.example", "b.example")], ids=["none", "two"])
def test_keep_host_passes_none_and_several(proxy, origin, hosts):
    o = origin()
    c = connect("127.0.0.1", proxy("--keep-host", o.url()).port)
    c.send(with_hosts(*hosts))
    assert o.take().head.all("Host") == list(hosts)
    assert c.read_head().status == 101


def test_http_1_0_knows_no_host(proxy, origin):
    o = origin()
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(with_hosts(version="1.0"))
    assert o.take().head.all("Host") == [f"127.0.0.1:{o.port}"]
    assert c.read_head().status == 101


# what is no upgrade

@pytest.mark.parametrize("status,reason", [(200, "OK"), (301, "Moved"), (401, "Unauthorized"), (426, "Upgrade Required"), (500, "Oops"), (503, "Later")])
def test_another_answer_than_101_is_passed_with_its_body(proxy, raw, status, reason):
    answer = acts.http(status, reason, "X-Kept: yes", "Connection: close", body=b"body \x00 of it" * 5000)
    server = raw(acts.answers(answer))
    p = proxy(server.url())
    c = connect("127.0.0.1", p.port)
    c.send(request())
    assert end_of(c) == ("fin", answer)
    c.close()
    e = p.wait_event("reject")
    assert (e["leg"], e["status"], e["cause"]) == ("client", status, "http.refused")
    f = p.wait_event("failed")
    assert (f["leg"], f["stage"], f["status"]) == ("origin", "upgrade", status)
    assert [v for n, v in f["headers"] if n == "X-Kept"] == ["yes"]
    assert not p.snapshot().all("open")


def test_a_plain_get_is_answered_by_the_origin(proxy, raw):
    answer = acts.http(200, "OK", "Content-Type: text/html", "Connection: close", body=b"<h1>hello</h1>")
    server = raw(acts.answers(answer))
    p = proxy(server.url())
    c = connect("127.0.0.1", p.port)
    c.send(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n")
    assert end_of(c) == ("fin", answer)
    assert "no upgrade was asked for" in p.wait_event("reject")["text"]


def test_a_chunked_answer_with_the_connection_kept_is_passed(proxy, origin):
    o = origin(upgrades=False)
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    server = o.take()
    server.read_head()
    server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    assert c.recv_until(b"hello\r\n")
    server.send(b"0\r\n\r\n")
    assert c.recv_exactly(5) == b"0\r\n\r\n"
    server.close()
    assert end_of(c)[0] == "fin"


def test_a_body_reaches_the_origin_before_it_answers(proxy, origin):
    o = origin(upgrades=False)
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234")
    server = o.take()
    assert server.read_head().first == "POST /form HTTP/1.1"
    assert server.recv_exactly(5) == b"01234"
    c.send(b"56789")
    assert server.recv_exactly(5) == b"56789"
    server.send(acts.http(204, "No Content"))
    assert c.read_head().status == 204


# one request a connection

UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


def answers_page(page):
    """A server that keeps connections: whatever is asked for gets the page, but for /ws."""

    def script(c):
        try:
            while c.read_head().target != "/ws":
                c.send(page)
                if "close" in c.head.all("Connection"):
                    return
            c.send(r6455.answer_101(c.head))
            c.drain()
        except EOFError:
            pass

    return script


@pytest.mark.parametrize("first,status", [({}, 200), ({"Connection": "keep-alive"}, 200), (UPGRADE, 401)], ids=["plain", "keep_alive", "refused_upgrade"])
def test_an_upgrade_behind_another_request_of_the_same_client_is_seen(proxy, raw, first, status):
    """Python's own client keeps its connection where it may, and dials anew where not."""
    server = raw(answers_page(acts.http(status, "First", "Connection: keep-alive", body=b"here")))
    p = proxy("--fault", "conn 1 at open: close 1012", server.url())
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=60)
    c.request("GET", "/page", headers=first)
    r = c.getresponse()
    assert (r.status, r.read(), r.will_close) == (status, b"here", True)
    c.request("GET", "/ws", headers=UPGRADE)
    assert c.getresponse().status == 101
    assert p.wait_event("open", leg="client")["url"].endswith("/ws")
    assert p.wait_event("inject")["accept"] == 2


@pytest.mark.parametrize("said,passed", [("keep-alive", "close"), ("Upgrade", "Upgrade, close"), ("X-Own, Keep-Alive", "X-Own, close"), ("close", "close"),
                                         ("x, Close", "x, Close"), (None, "close")])
def test_a_refusal_says_that_the_connection_is_over(proxy, raw, said, passed):
    server = raw(acts.answers(acts.http(426, "Upgrade Required", *([f"Connection: {said}"] if said else []), body=b"no")))
    c = connect("127.0.0.1", proxy(server.url()).port)
    c.send(request())
    assert c.read_head().all("Connection") == [passed]
    assert c.recv_exactly(2) == b"no"


def test_what_comes_behind_a_refused_upgrade_goes_nowhere(proxy, origin):
    """Else an upgrade among it would pass unseen."""
    o = origin(upgrades=False)
    c = connect("127.0.0.1", proxy(o.url()).port)
    c.send(request() + request("/behind"))
    server = o.take()
    server.read_head()
    server.send(acts.http(503, "Later"))
    assert c.read_head().status == 503
    c.send(request("/later"))
    c.fin()
    assert end_of(server) == ("fin", b"")
