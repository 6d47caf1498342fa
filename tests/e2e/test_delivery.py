# SPDX-License-Identifier: MIT
"""What a loss does to messages: what was not handed over goes out again, whole and once; what was is not sent twice."""
import os
import select
import signal
import threading

import pytest

from peers import acts
from peers.acts import answers, http
from peers.raw import TEXT, answer_101, close, text

AT_ONCE = ("-r", "--reconnect-delay", "0", "--close-timeout", "60")  # a slow reader is no silent one


def reading(c, n=None):
    """The text messages that come: n of them, or all up to the Close."""
    got = []
    while n is None or len(got) < n:
        m, end = acts.read(c)
        if m is None:
            if end:
                c.send(close(end.code))
            break
        got.append(m[1])
    return got


def reads_then_resets(n):
    def script(c):
        c.upgrade()
        got = reading(c, n)
        c.rst()
        return got

    return script


def reads_all(c):
    c.upgrade()
    return reading(c)


# -x and --on-reconnect

@pytest.mark.parametrize("options,again", [
    ((), [b"hello", b"you"]),
    (("--on-reconnect", "back", "--on-reconnect", "again"), [b"back", b"again"]),
    (("--on-reconnect", ""), []),
], ids=["as_at_first", "others", "nothing"])
def test_x_on_open_and_again_on_reconnect(start, raw, options, again):
    server = raw([reads_then_resets(2), reads_all])
    p = start(*AT_ONCE, "-x", "hello", "-x", "you", *options, server.url())
    p.wait_event("reconnect")
    assert server.result() == [b"hello", b"you"]
    p.write(b"a line\n")
    p.end_input()
    r = p.finish()
    assert server.result() == again + [b"a line"], "before what stdin says"
    assert r.status == 0


def test_x_goes_out_on_the_first_open_not_on_the_first_dial(start, raw):
    server = raw([answers(http(503, "Busy")), reads_all])
    p = start(*AT_ONCE, "-x", "hello", "--on-reconnect", "back", server.url())
    p.wait_event("open", dial=2)
    p.end_input()
    assert p.finish().status == 0
    server.result()
    assert server.result() == [b"hello"]


# stdin

def test_stdin_goes_on_after_a_reconnect(start, raw):
    server = raw([reads_then_resets(1), answers(http(503, "Busy")), reads_all])
    p = start(*AT_ONCE, server.url())
    p.write(b"one\n")
    p.wait_event("lost")
    p.write(b"two\nthree\n")
    p.end_input()
    r = p.finish()
    assert server.result() == [b"one"]
    server.result()
    assert server.result() == [b"two", b"three"]
    assert r.status == 0


def test_stdin_is_not_read_while_disconnected(start, raw):
    server = raw([reads_then_resets(1), answers(http(503, "Busy", "Retry-After: 3600"))])
    read_end, write_end = os.pipe()
    p = start(*AT_ONCE, server.url(), stdin=read_end)
    os.write(write_end, b"one\n")
    p.wait_event("retry", failures=1)
    os.write(write_end, b"two\n")
    p.signal(signal.SIGINT)
    assert p.finish(timeout=30).status == 130
    assert os.read(read_end, 100) == b"two\n", "who comes after us finds it"
    os.close(read_end)
    os.close(write_end)


# numbered lines of one size, so that positions tell which were handed over: a frame has 2 + 4 bytes before its 120; more than the kernel's buffers hold
LINES, FRAME = 100000, 126
NUMBERED = b"".join(b"%0120d\n" % i for i in range(LINES))


def handed_over(lost):
    """How many of the messages that were queued had their last byte in the kernel."""
    return (lost["sent"]["messages"] * FRAME - lost["unsent"]) // FRAME


@pytest.mark.parametrize("first", [1, 20000])
def test_a_reset_in_the_middle_of_a_hundred_thousand_lines(run, raw, first):
    server = raw([reads_then_resets(first), reads_then_resets(100), reads_all], rcvbuf=8192)
    r = run(*AT_ONCE, server.url(), stdin=NUMBERED, log_messages="none")
    parts = sorted([int(n) for n in server.result()] for _ in range(3))  # a connection may be counted before the one before it is
    assert r.status == 0
    # what each connection brought is without gaps, and the last brought the end
    for part in parts:
        assert part == list(range(part[0], part[0] + len(part)))
    assert parts[2][-1] == LINES - 1
    # each begins with the first that the one before it had not handed over: none of those is lost, and none that was is sent twice
    begin = 0
    for lost, part, after in zip(r.all("lost"), parts, parts[1:]):
        assert lost["cause"] == "tcp.reset" and part[0] == begin
        begin += handed_over(lost)
        assert part[-1] < begin, "what the server has seen had been handed over"
        assert after[0] == begin
    sent = sum(handed_over(e) for e in r.all("lost")) + r.one("close")["sent"]["messages"]
    assert sent == LINES


def test_tls_hands_over_whole_records(run, raw, certs):
    from test_reconnect import context
    server = raw([reads_then_resets(5000), reads_all], tls=context(certs), rcvbuf=8192)
    r = run(*AT_ONCE, "--cacert", certs / "ca.pem", server.url(name="localhost"), stdin=NUMBERED, log_messages="none")
    one, two = ([int(n) for n in server.result()] for _ in range(2))
    begin = handed_over(r.one("lost"))
    assert one == list(range(len(one))) and len(one) <= begin
    assert two == list(range(begin, LINES))
    assert r.status == 0


# messages that are too long to be kept

LONG = b"x" * (64 << 20)


def test_a_long_message_that_was_cut_is_skipped_and_said(run, raw):
    def cuts(c):
        c.upgrade()
        assert acts.read(c)[0] == (TEXT, b"before")
        c.recv_exactly(1 << 20)
        c.rst()

    server = raw([cuts, reads_all], rcvbuf=65536)
    r = run(*AT_ONCE, "--max-message", "1M", server.url(), stdin=b"before\n" + LONG + b"\nbehind\n", log_messages="none")
    server.result()
    assert server.result() == [b"behind"]
    lost = r.one("lost")
    assert 1 << 20 < lost["partial_out"] < len(LONG)
    assert lost["sent"]["messages"] == 1
    assert "too long to be sent again" in r.err and r.status == 18


def test_a_message_that_may_be_kept_begins_again(run, raw):
    """Cut in its middle, but not longer than --max-message."""
    def cuts(c):
        c.upgrade()
        c.recv_exactly(1 << 20)
        c.rst()

    server = raw([cuts, reads_all], rcvbuf=65536)
    kept = LONG[:12 << 20]
    r = run(*AT_ONCE, "--max-message", "16M", "-x", "hello", server.url(), stdin=b"%s\nbehind\n" % kept, log_messages="none")
    server.result()
    assert server.result() == [b"hello", kept, b"behind"]
    assert r.one("lost")["partial_out"] > 0 and r.status == 0


def test_nothing_is_read_from_stdin_behind_the_peers_close(start, raw, release):
    """It waits for the end of TCP; what stdin has meanwhile is for the next connection."""
    def closes_slowly(c):
        c.upgrade()
        c.send(close(1001))
        c.read_close()
        closed.set()
        assert go.wait(60)

    closed, go = threading.Event(), threading.Event()
    server = raw([closes_slowly, reads_all])
    read_end, write_end = os.pipe()
    p = start(*AT_ONCE, "--close-timeout", "60", server.url(), binary=release, stdin=read_end, log_messages="none")
    assert closed.wait(60)
    os.set_blocking(write_end, False)
    taken, line = 0, b"y" * 4095 + b"\n"
    while taken < 8 << 20 and select.select([], [write_end], [], 0.5)[1]:
        taken += os.write(write_end, line)
    assert taken < 1 << 20, "it goes on reading"
    assert taken % 4096 == 0
    os.close(write_end)
    go.set()
    r = p.finish()
    os.close(read_end)
    server.result()
    assert server.result() == [line[:-1]] * (taken // 4096)
    assert r.status == 0


def test_what_waits_at_the_end_of_input_goes_out_on_the_next_connection(run, raw):
    """-w counts from when everything was sent, not from the end of input."""
    def closes_slowly(c):
        c.send(answer_101(c.read_head()) + close(1012))  # in one segment: no input is read in between
        assert c.read_close().code == 1012
        c.sock.settimeout(1)
        try:
            assert c.recv() == b""
        except TimeoutError:
            pass

    server = raw([closes_slowly, reads_all])
    r = run(*AT_ONCE, "-w", "0.1", server.url(), stdin=b"a\nb\n")
    server.result()
    got = server.result()
    assert got == [b"a", b"b"]
    assert r.status == 0


def test_a_message_of_theirs_that_was_cut_is_not_shown_as_whole(run, raw):
    def cuts(c):
        c.upgrade()
        c.send(text("whole") + text("beginn", fin=False))

    server = raw([cuts, lambda c: (c.upgrade(), c.send(text("next") + close(1000)), c.frames())])
    r = run(*AT_ONCE, server.url())
    assert r.one("lost")["partial_in"] == 6
    assert r.out.startswith(b"whole\n") and r.out.endswith(b"next\n") and b"beginn\n" not in r.out
    assert r.status == 0


# data that keeps hops awake

def test_heartbeats_are_messages(start, raw):
    server = raw([reads_then_resets(2), lambda c: (c.upgrade(), reading(c, 2), c.send(close(1000)), c.frames())[1]])
    p = start(*AT_ONCE, "--heartbeat", "0.05:beat: it", server.url())
    assert server.result() == [b"beat: it"] * 2
    assert server.result() == [b"beat: it"] * 2, "on the next connection too"
    assert p.finish().status == 0
