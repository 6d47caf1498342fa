# SPDX-License-Identifier: MIT
"""wsdiag in a pipe: lines in, lines out, and when it closes."""
import base64
import os
import random

import pytest

from peers import acts
from peers.raw import BINARY, CLOSE, TEXT, answer_101, binary, close, text


def sent(server):
    """The messages that a server running acts.echo or acts.sink got."""
    got, _ = server.result()
    return got


def texts(*items):
    return [(TEXT, i if isinstance(i, bytes) else i.encode()) for i in items]


# input

@pytest.mark.fault(28)
def test_a_line_is_sent_before_close_and_the_answer_is_read(run, raw):
    server = raw(acts.echo)
    r = run(server.url(), stdin=b"x\n")
    got, end = server.result()
    assert got == texts("x") and end.code == 1000
    assert r.out == b"x\n" and r.status == 0
    assert (r.ended["event"], r.ended["by"], r.ended["code"], r.ended["close_sent"]) == ("close", "local", 1000, 1000)


@pytest.mark.fault(28)
def test_a_last_line_without_newline_is_kept(run, raw):
    server = raw(acts.echo)
    r = run(server.url(), stdin=b"one\ntwo")
    assert sent(server) == texts("one", "two")
    assert r.out == b"one\ntwo\n"


@pytest.mark.fault(28)
def test_every_answer_to_what_was_sent_is_read(run, raw):
    lines = b"".join(b"%d\n" % i for i in range(5000))
    server = raw(acts.echo)
    r = run(server.url(), stdin=lines, log_messages="none")
    assert r.out == lines and r.status == 0


def test_an_empty_line_is_an_empty_message(run, raw):
    server = raw(acts.echo)
    r = run(server.url(), stdin=b"a\n\nb\n")
    assert sent(server) == texts("a", "", "b")
    assert r.out == b"a\n\nb\n"


def test_w_0_closes_when_all_is_sent(run, raw):
    server = raw(acts.sink)
    r = run("-w", "0", server.url(), stdin=b"a\nb\n")
    got, end = server.result()
    assert got == texts("a", "b") and end.code == 1000
    assert r.status == 0


def test_w_forever_stays_behind_the_end_of_input(run, raw):
    def script(c):
        c.upgrade()
        assert c.read_message() == (TEXT, b"a")
        c.sock.settimeout(2)  # longer than the default -w
        try:
            early = c.read_frame()
        except TimeoutError:
            early = None
        c.sock.settimeout(60)
        c.send(text("late") + close(1000))
        return early, c.read_close()

    server = raw(script)
    r = run("-w", "forever", server.url(), stdin=b"a\n")
    early, end = server.result()
    assert early is None and end.code == 1000
    assert r.out == b"late\n" and r.ended["by"] == "peer"


def test_nothing_received_is_told_with_the_way_out(run, raw):
    server = raw(acts.sink)
    r = run("-w", "0.1", server.url(), stdin=b"a\n")
    assert any("-w forever" in e["text"] for e in r.all("note"))
    assert "-w forever" in r.err
    server = raw(acts.echo)
    r = run(server.url(), stdin=b"a\n")
    assert not any("-w forever" in e["text"] for e in r.all("note"))


@pytest.mark.fault(29)
@pytest.mark.parametrize("stdin", [None, b"", "closed"], ids=["dev_null", "empty_pipe", "closed"])
def test_an_input_that_was_empty_from_the_start_means_stay(run, raw, stdin):
    def script(c):
        c.upgrade()
        c.sock.settimeout(2)  # longer than the default -w
        try:
            early = c.read_frame()
        except TimeoutError:
            early = None
        c.sock.settimeout(60)
        c.send(text("still there?") + close(1000))
        return early, c.frames()

    server = raw(script)
    r = run(server.url(), stdin=stdin)
    early, rest = server.result()
    assert early is None and [f.opcode for f in rest] == [CLOSE]
    assert r.out == b"still there?\n" and r.status == 0


@pytest.mark.fault(29)
@pytest.mark.parametrize("stdin", [None, "closed"], ids=["dev_null", "closed"])
def test_staying_without_input_does_not_spin(start, raw, stdin):
    server = raw(acts.holds)
    p = start(server.url(), stdin=stdin)
    p.wait_event("open")
    before = p.cpu_ticks()
    with pytest.raises(Exception):
        p.process.wait(1.5)
    assert p.cpu_ticks() - before < 50


def test_stdin_may_be_a_file(run, raw, tmp_path):
    (tmp_path / "in").write_bytes(b"from\na file\n")
    server = raw(acts.echo)
    with open(tmp_path / "in") as f:
        r = run(server.url(), stdin=f)
    assert sent(server) == texts("from", "a file")
    assert r.status == 0


def test_lines_typed_while_open_are_sent_at_once(start, raw):
    server = raw(acts.echo)
    p = start(server.url())
    p.wait_event("open")
    for line in (b"one\n", b"two\n", b"three\n"):
        p.write(line)
        p.wait_out(line)
    p.end_input()
    assert p.finish().status == 0


def test_lines_given_before_open_are_not_lost(start, raw):
    def script(c):
        head = c.read_head()
        p.write(b"early\n")
        c.send(answer_101(head))
        m = c.read_message()
        c.send(close(1000))
        return m

    server = raw(script)
    p = start(server.url())
    assert server.result() == (TEXT, b"early")
    assert p.finish().status == 0


@pytest.mark.parametrize("data,line", [(b"good\nb\xe9d\nnever\n", 2), (b"\xff", 1), (b"a\nb\nc\xe2\x82", 3)])
def test_input_that_is_not_utf8_is_an_error_that_names_the_line(run, raw, data, line):
    server = raw(acts.sink)
    r = run(server.url(), stdin=data)
    got, _ = server.result()
    assert got == texts(*data.split(b"\n")[:line - 1])
    assert f"line {line}" in r.err and "UTF-8" in r.err
    assert r.status == 26


def test_binary_input_may_be_anything(run, raw):
    server = raw(acts.echo)
    r = run("-b", server.url(), stdin=b"\xff\xfe\nb\xe9\n")
    assert sent(server) == [(BINARY, b"\xff\xfe"), (BINARY, b"b\xe9")]
    assert r.out == b"\xff\xfe\nb\xe9\n"


def test_no_input_leaves_stdin_alone(start, raw):
    server = raw(acts.sends(text("hello")))
    read_end, write_end = os.pipe()
    os.write(write_end, b"not for wsdiag\n")
    p = start("--no-input", server.url(), stdin=read_end)
    r = p.finish()
    os.close(write_end)
    assert os.read(read_end, 100) == b"not for wsdiag\n"
    os.close(read_end)
    assert [f.opcode for f in server.result()] == [CLOSE]
    assert r.out == b"hello\n" and r.status == 0


# framing

@pytest.mark.parametrize("args,opcode", [(["--whole"], TEXT), (["--whole", "-b"], BINARY), (["--whole", "--binary"], BINARY)])
def test_whole_makes_one_message_of_all_input(run, raw, args, opcode):
    data = b"line one\nline two\n\n" * 20000
    server = raw(acts.echo)
    r = run(*args, server.url(), stdin=data, log_messages="none")
    assert sent(server) == [(opcode, data)]
    assert r.out.startswith(data) and r.status == 0


def test_a_long_line_is_one_message(run, raw):
    data = "déjà ".encode() * 100000
    server = raw(acts.echo)
    r = run(server.url(), stdin=data + b"\n", log_messages="none")
    assert sent(server) == [(TEXT, data)]
    assert r.out == data + b"\n"


@pytest.mark.parametrize("option", ["-0", "--null"])
def test_nul_separates_both_ways(run, raw, option):
    server = raw(acts.echo)
    r = run(option, server.url(), stdin=b"two\nlines\0one\0last")
    assert sent(server) == texts("two\nlines", "one", "last")
    assert r.out == b"two\nlines\0one\0last\0"


def test_base64_lines_both_ways(run, raw):
    items = [b"", b"\x00\xff", random.Random(1).randbytes(5000)]
    lines = b"".join(base64.b64encode(i) + b"\n" for i in items)
    server = raw(acts.echo)
    r = run("-b", "--base64", server.url(), stdin=lines)
    assert sent(server) == [(BINARY, i) for i in items]
    assert r.out == lines


def test_hex_lines_both_ways(run, raw):
    items = [b"\x00\xff", b"hello", bytes(range(256))]
    lines = b"".join(i.hex().encode() + b"\n" for i in items)
    server = raw(acts.echo)
    r = run("-b", "--hex", server.url(), stdin=lines)
    assert sent(server) == [(BINARY, i) for i in items]
    assert r.out == lines


@pytest.mark.parametrize("option,data", [("--base64", b"aGVsbG8=\nnot base64!\n"), ("--hex", b"00ff\nxyz\n"), ("--hex", b"00\nabc\n")])
def test_lines_that_are_not_encoded_are_an_error_that_names_the_line(run, raw, option, data):
    server = raw(acts.sink)
    r = run("-b", option, server.url(), stdin=data)
    assert len(server.result()[0]) == 1
    assert "line 2" in r.err and r.status == 26


def test_a_newline_inside_a_message_passes_and_is_told_once(run, raw):
    server = raw(acts.sends(text("a\nb"), text("c\nd"), text("e")))
    r = run(server.url())
    assert r.out == b"a\nb\nc\nd\ne\n"
    assert r.err.count("--json") == 1 and r.err.count("-0") == 1


def test_a_newline_inside_is_nothing_to_tell_with_nul(run, raw):
    server = raw(acts.sends(text("a\nb")))
    r = run("-0", server.url())
    assert r.out == b"a\nb\0"
    assert "--json" not in r.err


def test_binary_messages_pass_as_they_are(run, raw):
    server = raw(acts.sends(binary(b"\x00\x01\xff"), text("t")))
    r = run(server.url())
    assert r.out == b"\x00\x01\xff\nt\n"


# -x, -1, --count

def test_x_sends_literal_texts_in_order(run, raw):
    server = raw(acts.echo)
    r = run("-x", "one", "--execute", "/two\\n", "--count", "2", server.url())
    assert sent(server) == texts("one", "/two\\n")
    assert r.out == b"one\n/two\\n\n" and r.status == 0


def test_x_without_other_input_closes_as_after_the_end_of_input(run, raw):
    server = raw(acts.echo)
    r = run("-x", "hello", server.url())
    assert sent(server) == texts("hello")
    assert r.out == b"hello\n" and r.ended["close_sent"] == 1000 and r.status == 0


def test_x_comes_before_stdin(run, raw):
    server = raw(acts.echo)
    run("-x", "first", server.url(), stdin=b"second\n")
    assert sent(server) == texts("first", "second")


@pytest.mark.parametrize("args,n", [(["-1"], 1), (["--count", "3"], 3), (["--count=1"], 1)])
def test_count_closes_after_as_many_received(run, raw, args, n):
    def script(c):
        c.upgrade()
        c.send(b"".join(text(f"m{i}") for i in range(10)))
        end = c.read_close()
        c.send(close(1000))
        return end

    server = raw(script)
    r = run(*args, server.url())
    assert server.result().code == 1000
    assert r.out == b"".join(b"m%d\n" % i for i in range(n))
    assert r.ended["event"] == "close" and r.ended["by"] == "local"
    assert r.status == 0


def test_a_clean_close_before_the_count_is_18(run, raw):
    server = raw(acts.sends(text("only one")))
    r = run("--count", "2", server.url())
    assert r.out == b"only one\n" and r.status == 18


def test_count_waits_in_silence(run, raw):
    """The end of input does not close when a count was asked for."""

    def script(c):
        c.upgrade()
        assert c.read_message() == (TEXT, b"question")
        c.sock.settimeout(2)  # longer than the default -w
        try:
            early = c.read_frame()
        except TimeoutError:
            early = None
        c.sock.settimeout(60)
        c.send(text("answer"))
        end = c.read_close()
        c.send(close(1000))
        return early, end

    server = raw(script)
    r = run("-1", server.url(), stdin=b"question\n")
    assert server.result()[0] is None
    assert r.out == b"answer\n" and r.status == 0


# pings

def test_ping_interval_sends_pings_and_their_time_is_told(run, raw):
    def script(c):
        c.upgrade()
        f = c.read_frame()
        c.send(b"\x8a" + bytes([len(f.payload)]) + f.payload)
        g = c.read_frame()
        c.send(close(1000))
        return f, g

    server = raw(script)
    r = run("--ping-interval", "0.1", server.url())
    f, g = server.result()
    assert f.opcode == 9 and g.opcode == 9 and f.masked
    assert r.all("pong", dir="in")[0]["rtt"] > 0
    assert r.status == 0


def test_no_pings_unless_asked_for(run, raw):
    server = raw(acts.sends(text("x")))
    run(server.url())
    assert [f.opcode for f in server.result()] == [CLOSE]


def test_a_ping_timeout_is_a_loss_to_silence(run, raw):
    server = raw(acts.holds)
    r = run("--ping-interval", "0.1", "--ping-timeout", "0.3", server.url())
    server.result()
    e = r.ended
    assert (e["event"], e["cause"], e["by"], e["code"], e["synthesised"]) == ("lost", "ws.ping_timeout", "local", None, 1006)
    assert "ping timeout" in r.err
    assert r.status == 110
    assert any(p.get("waiting") for p in r.all("ping")), "the wait is told at half time"


def test_data_counts_as_a_sign_of_life(run, raw):
    def script(c):
        c.upgrade()
        for _ in range(8):  # never a pong
            c.read_frame()
            c.send(text("alive"))
        c.send(close(1000))
        return c.frames()

    server = raw(script)
    r = run("--ping-interval", "0.2", "--ping-timeout", "0.5", server.url())
    assert r.status == 0, r


# usage hints

@pytest.mark.parametrize("args,words", [
    (["-n", "ws://127.0.0.1:9/"], ["-k", "--no-input", "-w forever"]),
    (["--subprotcol", "x", "ws://127.0.0.1:9/"], ["--subprotocol"]),
    (["-l", "8080"], ["wsdiag serve PORT"]),
    (["--no-check", "ws://127.0.0.1:9/"], ["-k"]),
    (["--no-color", "ws://127.0.0.1:9/"], ["--color never"]),
    (["-p", "13", "ws://127.0.0.1:9/"], ["-s"]),
    (["-V"], ["--version"]),
])
def test_people_from_other_tools_get_a_hint(run, args, words):
    r = run(*args, log=False)
    assert r.status == 2
    for word in words:
        assert word in r.err


@pytest.mark.parametrize("args,words", [
    (["-s", "8080"], ["-s", "serve"]),
    (["-x", "http://proxy.test:3128"], ["-x"]),
    (["-o", "out.txt"], ["-o"]),
])
def test_values_that_look_like_another_tools_get_a_hint(run, raw, args, words):
    server = raw(acts.sends(text("x")))
    plain = run("-1", server.url())
    r = run(*args, "-1", server.url())
    extra = [line for line in r.err.splitlines() if "hint" in line or any(f"{w} " in line for w in words)]
    assert r.status == 2 or extra, (plain, r)
