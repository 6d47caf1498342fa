# SPDX-License-Identifier: MIT
"""The opening handshake as a client sees it: what it sends, and every way in which an answer can be wrong."""
import base64

import pytest

from peers import acts, raw as r6455
from peers.acts import answers, http
from peers.raw import answer_101, close, text


def answering(make, *, extra=b""):
    """A script that answers with make(head), frames right behind it, and returns what the client sent behind its request."""

    def script(c):
        head = c.read_head()
        c.send(make(head) + extra)
        return c.frames() if extra else c.drain()

    return script


def request_of(run, raw, *args):
    """The request that a run with these arguments sends; {} in them is the URL."""
    server = raw(lambda c: (c.upgrade(), c.send(close(1000)))[0])
    r = run(*[a.format(server.url("/")) if isinstance(a, str) else a for a in args])
    assert r.status == 0, r
    return server.result(), r, server


# what we send

def test_the_request_has_all_that_rfc_6455_asks_for(run, raw):
    head, _, server = request_of(run, raw, "{}")
    assert head.first == "GET / HTTP/1.1"
    assert head.all("Host") == [f"127.0.0.1:{server.port}"]
    assert head.get("Upgrade").lower() == "websocket" and "upgrade" in head.get("Connection").lower()
    assert head.all("Sec-WebSocket-Version") == ["13"]
    assert len(base64.b64decode(head.get("Sec-WebSocket-Key"), validate=True)) == 16
    assert head.get("Sec-WebSocket-Protocol") is None and head.get("Origin") is None


def test_each_dial_has_a_key_of_its_own(run, raw):
    keys = {request_of(run, raw, "{}")[0].get("Sec-WebSocket-Key") for _ in range(3)}
    assert len(keys) == 3


def test_the_key_is_told_with_open(run, raw):
    head, r, _ = request_of(run, raw, "{}")
    assert r.one("open")["ws_key"] == head.get("Sec-WebSocket-Key")


def test_headers_are_sent_as_given_and_as_often(run, raw):
    head, _, _ = request_of(run, raw, "-H", "X-One: 1", "--header", "X-Two: a b ", "-H", "X-One: 2", "-HX-Empty:", "{}")
    assert head.all("X-One") == ["1", "2"]
    assert head.all("X-Two") == ["a b"]
    assert head.all("X-Empty") == [""]


def test_a_header_of_the_users_replaces_ours(run, raw):
    head, _, _ = request_of(run, raw, "-H", "user-agent: mine/1", "{}")
    assert head.all("User-Agent") == ["mine/1"]


def test_host_replaces_the_host_header_only(run, raw):
    head, r, server = request_of(run, raw, "--host", "virtual.test", "{}")
    assert head.all("Host") == ["virtual.test"]
    assert r.one("open")["peer"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("option", ["-o", "--origin"])
def test_origin_is_sent(run, raw, option):
    head, _, _ = request_of(run, raw, option, "https://app.test", "{}")
    assert head.all("Origin") == ["https://app.test"]


def test_subprotocols_are_offered_in_order_and_the_choice_is_told(run, raw):
    server = raw(lambda c: (c.upgrade(extra=[("Sec-WebSocket-Protocol", "v2")]), c.send(close(1000)))[0])
    r = run("-s", "v1", "--subprotocol", "v2", server.url())
    offered = ",".join(server.result().all("Sec-WebSocket-Protocol"))
    assert [p.strip() for p in offered.split(",")] == ["v1", "v2"]
    assert r.one("open")["subprotocol"] == "v2"


def test_no_choice_of_a_subprotocol_opens_as_well(run, raw):
    head, r, _ = request_of(run, raw, "-s", "v1", "{}")
    assert r.one("open")["subprotocol"] is None


def test_auth_is_basic(run, raw):
    head, r, _ = request_of(run, raw, "--auth", "user:pa ss:word", "{}")
    assert head.all("Authorization") == ["Basic " + base64.b64encode(b"user:pa ss:word").decode()]


def test_userinfo_in_the_url_is_basic_auth(run, raw):
    server = raw(lambda c: (c.upgrade(), c.send(close(1000)))[0])
    run(f"ws://user:p%40ss@127.0.0.1:{server.port}/")
    assert server.result().all("Authorization") == ["Basic " + base64.b64encode(b"user:p@ss").decode()]


# row 1

BROKEN = {
    "no_accept": (lambda h: answer_101(h, drop=["Sec-WebSocket-Accept"]), "Sec-WebSocket-Accept"),
    "wrong_accept": (lambda h: answer_101(h, accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "Sec-WebSocket-Accept"),
    "accept_in_lower_case": (lambda h: answer_101(h, accept=r6455.accept_of(h.get("Sec-WebSocket-Key")).swapcase()), "Sec-WebSocket-Accept"),
    "two_accepts": (lambda h: answer_101(h, extra=[("Sec-WebSocket-Accept", r6455.accept_of(h.get("Sec-WebSocket-Key")))]),
                    "Sec-WebSocket-Accept"),
    "no_upgrade": (lambda h: answer_101(h, drop=["Upgrade"]), "Upgrade"),
    "wrong_upgrade": (lambda h: answer_101(h, drop=["Upgrade"], extra=[("Upgrade", "h2c")]), "Upgrade"),
    "two_upgrades": (lambda h: answer_101(h, extra=[("Upgrade", "websocket")]), "Upgrade"),
    "no_connection": (lambda h: answer_101(h, drop=["Connection"]), "Connection"),
    "wrong_connection": (lambda h: answer_101(h, drop=["Connection"], extra=[("Connection", "keep-alive")]), "Connection"),
    "http_1_0": (lambda h: answer_101(h).replace(b"HTTP/1.1", b"HTTP/1.0"), "HTTP/1.0"),
}


@pytest.mark.fault(1)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_fails_and_is_named_and_no_frame_is_sent(run, raw, name):
    make, word = BROKEN[name]
    server = raw(answering(make))
    r = run(server.url(), stdin=b"not to be sent\n")
    assert server.result() == b""
    f = r.one("failed")
    assert (f["stage"], f["cause"], f["status"]) == ("upgrade", "http.invalid", 101)
    assert word in f["text"] and word in r.err
    assert r.types() == ["dial", "failed", "end"]
    assert r.status == 8 and r.out == b""


# row 2

@pytest.mark.fault(2)
@pytest.mark.parametrize("status,reason", [(200, "OK"), (301, "Moved Permanently"), (302, "Found"), (401, "Unauthorized"),
                                           (403, "Forbidden"), (404, "Not Found"), (426, "Upgrade Required"), (500, "Oops"),
                                           (503, "Service Unavailable")])
def test_a_refusal_is_shown_with_status_headers_and_body(run, raw, status, reason):
    server = raw(answers(http(status, reason, "X-Why: because", "X-Why: twice", "Location: /elsewhere", body=b"no websockets here\n")))
    r = run(server.url())
    f = r.one("failed")
    assert (f["stage"], f["cause"], f["status"]) == ("upgrade", "http.refused", status)
    assert [v for n, v in f["headers"] if n == "X-Why"] == ["because", "twice"]
    assert f["body"] == "no websockets here\n"
    assert str(status) in r.err and "no websockets here" in r.err and "because" in r.err
    assert r.status == 22


@pytest.mark.fault(2)
def test_the_body_of_a_refusal_is_cut_at_4_kib(run, raw):
    server = raw(answers(http(503, "Busy", body=b"x" * 10000)))
    r = run(server.url())
    assert r.one("failed")["body"] == "x" * 4096
    assert r.status == 22


@pytest.mark.fault(2)
def test_a_body_that_ends_with_the_connection_is_shown(run, raw):
    server = raw(answers(http(403, "Forbidden", body=b"until the end", length=False)))
    r = run(server.url())
    assert r.one("failed")["body"] == "until the end"
    assert r.status == 22


@pytest.mark.fault(2)
def test_a_refusal_without_a_body_does_not_wait_for_one(run, raw):
    server = raw(answers(http(401, "Unauthorized", 'WWW-Authenticate: Basic realm="x"'), then="hold"))
    r = run(server.url())
    assert r.one("failed")["status"] == 401
    assert r.status == 22


@pytest.mark.fault(2)
@pytest.mark.parametrize("headers,hop", [(["Server: cloudflare", "CF-Ray: 7d2e41-FRA"], "Cloudflare"), (["Server: nginx/1.22"], "nginx"),
                                         (["Via: 1.1 abc.cloudfront.net (CloudFront)", "X-Amz-Cf-Id: x", "X-Amz-Cf-Pop: FRA2"], "CloudFront")])
def test_the_hop_that_refused_is_named(run, raw, headers, hop):
    server = raw(answers(http(502, "Bad Gateway", *headers)))
    r = run(server.url())
    assert hop in r.one("failed")["hop"] and hop in r.err


# redirects

def redirecting(location, status=302):
    return answers(http(status, "Found", f"Location: {location}"))


@pytest.mark.fault(2)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_when_asked_for(run, raw, status):
    target = raw(lambda c: (c.upgrade(), c.send(close(1000)))[0])
    server = raw(redirecting(target.url("/new?a=b"), status))
    r = run("-L", server.url("/old"))
    assert target.result().target == "/new?a=b"
    assert r.status == 0
    assert r.one("open")["url"] == target.url("/new?a=b")


def test_a_relative_redirect_keeps_the_host(run, raw):
    server = raw([redirecting("../b/c"), lambda c: (c.upgrade(), c.send(close(1000)))[0]])
    r = run("--location", server.url("/a/x/y"))
    server.result()
    assert server.result().target == "/a/b/c"
    assert r.status == 0


@pytest.mark.fault(2)
def test_redirects_are_bounded(run, raw):
    server = raw(redirecting("/again"))
    r = run("-L", "--max-redirects", "3", server.url())
    assert server.accepted == 4
    assert r.all("failed")[-1]["status"] == 302 and "redirect" in r.err
    assert r.status == 47


def test_credentials_do_not_follow_to_another_origin(run, raw):
    target = raw(lambda c: (c.upgrade(), c.send(close(1000)))[0])
    server = raw(redirecting(target.url("/")))
    r = run("-L", "--auth", "user:secret", server.url())
    assert target.result().get("Authorization") is None
    assert r.status == 0


# row 3

@pytest.mark.fault(3)
@pytest.mark.parametrize("offered,headers,word", [
    ([], [("Sec-WebSocket-Protocol", "chat")], "Sec-WebSocket-Protocol"),
    (["v1"], [("Sec-WebSocket-Protocol", "v2")], "Sec-WebSocket-Protocol"),
    (["v1", "v2"], [("Sec-WebSocket-Protocol", "v1, v2")], "Sec-WebSocket-Protocol"),
    (["v1"], [("Sec-WebSocket-Protocol", "v1"), ("Sec-WebSocket-Protocol", "v1")], "Sec-WebSocket-Protocol"),
    ([], [("Sec-WebSocket-Extensions", "permessage-deflate")], "permessage-deflate"),
    ([], [("Sec-WebSocket-Extensions", "x-made-up; a=1")], "x-made-up"),
], ids=["none_offered", "another", "two_at_once", "twice", "deflate", "made_up"])
def test_what_was_not_offered_must_not_be_chosen(run, raw, offered, headers, word):
    server = raw(answering(lambda h: answer_101(h, extra=headers)))
    r = run(*[a for p in offered for a in ("-s", p)], server.url())
    assert server.result() == b""
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("upgrade", "http.invalid")
    assert word in f["text"]
    assert r.status == 8


# row 4

ODD = {
    "odd_case": lambda h: (b"HTTP/1.1 101 ok\r\nuPGRADE: WebSocket\r\ncONNECTION: uPGRADE\r\nsec-websocket-ACCEPT: %s\r\n\r\n"
                           % r6455.accept_of(h.get("Sec-WebSocket-Key")).encode()),
    "odd_spacing": lambda h: (b"HTTP/1.1 101 \r\nUpgrade:websocket\r\nConnection: \t keep-alive ,\tUpgrade  \r\nSec-WebSocket-Accept:\t%s \t\r\n\r\n"
                              % r6455.accept_of(h.get("Sec-WebSocket-Key")).encode()),
    "two_connection_headers": lambda h: answer_101(h, extra=[("Connection", "keep-alive")]),
    "many_others": lambda h: answer_101(h, extra=[(f"X-{i}", "y" * 100) for i in range(100)]),
    "http_1_1_without_reason": lambda h: answer_101(h).replace(b" Switching Protocols", b""),
}


@pytest.mark.fault(4)
@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_opens(run, raw, name):
    server = raw(answering(ODD[name], extra=text("in") + close(1000)))
    r = run(server.url())
    assert r.out == b"in\n" and r.status == 0, r


@pytest.mark.fault(4)
def test_an_answer_one_byte_at_a_time_opens(run, raw):
    def script(c):
        c.send_bytewise(answer_101(c.read_head()) + text("in") + close(1000))
        return c.frames()

    server = raw(script)
    r = run(server.url())
    assert r.out == b"in\n" and r.status == 0


@pytest.mark.fault(4)
@pytest.mark.parametrize("early", [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["103", "100"])
def test_an_interim_answer_is_passed_over_or_named(run, raw, early):
    server = raw(answering(lambda h: early + answer_101(h), extra=text("in") + close(1000)))
    r = run(server.url())
    if r.status != 0:
        assert r.status in (8, 22) and early[9:12].decode() in r.one("failed")["text"]
    else:
        assert r.out == b"in\n"


# row 5

@pytest.mark.fault(5)
def test_all_in_one_segment_is_all_delivered(run, raw):
    server = raw(answering(answer_101, extra=text("one") + text("two") + text("three") + close(1000, "done")))
    r = run(server.url())
    assert r.out == b"one\ntwo\nthree\n"
    assert r.types() == ["dial", "open", "close", "end"] and r.ended["reason"] == "done"
    assert r.status == 0


# row 6

@pytest.mark.fault(6)
@pytest.mark.parametrize("kind", ["one_line", "many_lines"])
def test_an_endless_head_is_cut_off(run, raw, kind):
    def script(c):
        c.read_head()
        c.send(b"HTTP/1.1 101 Switching Protocols\r\n" + (b"X: " if kind == "one_line" else b""))
        sent = 0
        while sent < 1 << 20:
            data = b"a" * 1000 if kind == "one_line" else b"X-Line: " + b"y" * 990 + b"\r\n"
            c.send(data)
            sent += len(data)
        return c.drain()

    server = raw(script)
    r = run(server.url())
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("upgrade", "http.too_large")
    assert "64 KiB" in f["text"]
    assert r.status == 8


@pytest.mark.fault(6)
@pytest.mark.parametrize("data,shown", [(b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"), (b"220 mail ESMTP\r\n", "220 mail"),
                                        (b"\x1b[31m\x00\xff\xfe garbage\r\n\r\n", "garbage"), (b"\x15\x03\x01\x00\x02\x02\x0a", "\\x15")],
                         ids=["ssh", "smtp", "control_bytes", "tls_alert"])
def test_what_is_not_http_is_shown_escaped(run, raw, data, shown):
    server = raw(lambda c: (c.read_head(), c.send(data), c.close())[0])
    r = run(server.url())
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("upgrade", "http.not_http")
    assert shown in r.err
    assert "\x1b" not in r.err and "\x00" not in r.err
    assert r.status == 8


@pytest.mark.parametrize("data", [b"HTTP/1.1 101\x00 x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 101 x\r\nno colon\r\n\r\n",
                                  b"HTTP/1.1 101 x\r\n: empty name\r\n\r\n", b"HTTP/2 200\r\n\r\n"])
def test_a_malformed_head_fails(run, raw, data):
    server = raw(answers(data))
    r = run(server.url())
    assert r.one("failed")["stage"] == "upgrade"
    assert r.status in (8, 22)


# row 8

@pytest.mark.fault(8)
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_an_end_at_accept_is_told_with_its_stage(run, raw, how):
    server = raw(lambda c: c.rst() if how == "rst" else c.close())
    r = run(server.url())
    f = r.one("failed")
    assert f["stage"] in ("tcp", "upgrade") and f["cause"] == ("tcp.closed" if how == "fin" else "tcp.reset")
    # An RST that is quick enough ends the connect itself.
    assert r.status == (52 if f["stage"] == "upgrade" else 7)


@pytest.mark.fault(8)
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_an_end_behind_the_request_is_told_with_its_stage(run, raw, how):
    server = raw(answers(b"", then=how))
    r = run(server.url())
    f = r.one("failed")
    assert f["stage"] == "upgrade" and f["cause"] == ("tcp.closed" if how == "fin" else "tcp.reset")
    assert r.status == 52


@pytest.mark.fault(8)
def test_an_end_at_every_byte_of_the_answer_is_told_with_its_stage(start, raw):
    sizes = list(range(1, 129, 9))

    def cutting(n):
        def script(c):
            c.send(answer_101(c.read_head())[:n])
            c.fin()
            return c.drain()

        return script

    server = raw([cutting(n) for n in sizes])
    for n in sizes:
        r = start(server.url(), stdin=None).finish()
        f = r.one("failed")
        assert f["stage"] == "upgrade", n
        assert f["cause"] in ("tcp.closed", "http.not_http", "http.invalid"), n
        assert r.status in (8, 52), (n, r.status)


@pytest.mark.fault(8)
def test_a_reset_within_the_answer_is_told_with_its_stage(run, raw):
    def script(c):
        c.send(answer_101(c.read_head())[:50])
        c.rst()

    server = raw(script)
    r = run(server.url())
    f = r.one("failed")
    assert f["stage"] == "upgrade" and f["cause"] == "tcp.reset"
    assert r.status in (8, 52, 56)


# -v

def test_v_shows_both_heads(run, raw):
    server = raw(answering(lambda h: answer_101(h, extra=[("X-Hello", "there")]), extra=close(1000)))
    r = run("-v", "-H", "X-Mine: yes", server.url())
    for line in ("GET / HTTP/1.1", "X-Mine: yes", "HTTP/1.1 101", "X-Hello: there"):
        assert line in r.err
    quiet = run(raw(answering(answer_101, extra=close(1000))).url())
    assert "GET / HTTP/1.1" not in quiet.err


def test_vv_shows_every_frame(run, raw):
    def script(c):
        c.upgrade()
        c.send(text("hello") + r6455.ping("p"))
        c.read_frame()
        c.send(close(1000))
        c.read_close()

    r = run("-vv", raw(script).url())
    for word in ("text", "ping", "pong", "close"):
        assert word in r.err
