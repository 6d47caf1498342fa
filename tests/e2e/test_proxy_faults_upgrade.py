# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: what happens before a connection is open."""
import select
import time

import pytest

from faults import ask, both_talk, faulty, inject, shows
from peers import acts
from peers.origin import connect, end_of
from peers.raw import ping, request, text


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


def test_more_headers_than_can_be_changed_are_told(faulty):
    p = faulty(*["at request: " + "; ".join(f"set-header X-{line}-{n}: y" for n in range(10)) for line in range(2)])
    c = ask(p)
    assert c.read_head().status == 101
    names = [n for n, _ in p.origin.take().head.headers if n.startswith(("X-0-", "X-1-"))]
    assert len(names) == 16
    assert [e["text"].split()[1] for e in p.snapshot().all("note")] == ["X-1-6", "X-1-7", "X-1-8", "X-1-9"]


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


HEAD_101 = b"HTTP/1.1 101 Switching Protocols\r\n"


@pytest.mark.parametrize("answer,cause", [(b"garbage\r\n\r\n", "http.not_http"), (b"HTTP/1.1 101\r\n bad\r\n\r\n", "http.invalid"),
                                          (HEAD_101 + b"X: " + b"y" * 70000, "http.too_large"), (b"", "tcp.closed"), (HEAD_101, "tcp.closed")],
                         ids=["not-http", "bad", "too-large", "fin", "half-a-head"])
def test_an_orphan_whose_answer_is_of_no_use_fails_once_and_is_over(faulty, answer, cause):
    """There is no client any more who could be told."""
    p = faulty("dial 1 at request: delay 100ms; fin client; hold origin", upgrades=False)
    c = ask(p)
    origin = p.origin.take()
    origin.read_head()
    assert end_of(c) == ("fin", b"")
    origin.send(answer)
    if cause == "tcp.closed":
        origin.fin()
    assert p.wait_event("failed")["cause"] == cause
    assert end_of(origin)[0] in ("fin", "rst")
    again = ask(p)
    p.origin.take().upgrade()
    assert again.read_head().status == 101
    assert len(p.snapshot().all("failed")) == 1
