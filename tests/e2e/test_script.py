# SPDX-License-Identifier: MIT
"""The language of the REPL without a terminal: --script, --slash, --run."""
import signal

import pytest

from peers.raw import TEXT


@pytest.fixture
def script(run, serve, tmp_path):
    """script(lines, *args) runs them against an echo server."""

    def begin(lines, *args, server=None, **how):
        path = tmp_path / "script"
        path.write_text(lines)
        return run("--script", path, *args, (server or serve()).url, **how)

    return begin


def types(r):
    return [e["event"] for e in r.events]


def test_a_script_sends_expects_and_ends_with_0(script):
    r = script("# a comment\nhello\n/expect ^hello$\n//slash\n/expect ^/slash$\n/text two words\n/expect two\n/echo done\n")
    assert r.status == 0 and r.out == b"hello\n/slash\ntwo words\n"
    assert "done\n" in r.err


@pytest.mark.parametrize("line, told", [
    ("/expect never 0.2", ["never", "nothing came"]),
    ("/wait reconnect 0.2", ["reconnect", "open"]),
])
def test_what_was_awaited_and_did_not_come_is_115_and_says_what_came(script, line, told):
    r = script(f"{line}\n/echo not reached\n")
    assert r.status == 115 and all(word in r.err for word in told) and "not reached" not in r.err


def test_a_wrong_line_names_what_is_near_and_ends_the_script(script):
    r = script("/clsoe\n/echo not reached\n")
    assert r.status == 2 and "/close" in r.err and "not reached" not in r.err


@pytest.mark.parametrize("lines", ["/sleep 1000\n", "/wait reconnect 1000\n/open\n/sleep 1000\n", "/close\n/wait close\n/sleep 1000\n"])
def test_a_signal_ends_a_script_that_waits(start, serve, tmp_path, lines):
    path = tmp_path / "script"
    path.write_text(lines)
    p = start("--script", path, serve().url, stdin=None)
    p.wait_event("open")
    if "close" in lines:
        p.wait_event("close")
    p.signal(signal.SIGTERM)
    assert p.finish().status == 143


def test_a_script_that_is_not_there_is_named(run, serve):
    r = run("--script", "/nonexistent/script", serve().url)
    assert r.status == 2 and "/nonexistent/script" in r.err


def test_a_script_closes_and_opens_again(script):
    r = script("/close 4001 bye\n/wait close\n/open\n/wait reconnect\nx\n/expect x\n")
    assert r.status == 0 and [t for t in types(r) if t in ("open", "reconnect", "close", "lost")] == ["open", "close", "reconnect", "close"]
    assert r.events[[e["event"] for e in r.events].index("close")]["close_sent"] == 4001


def test_a_drop_is_a_loss_and_reconnects_with_r(script):
    r = script("/drop rst\n/wait lost\n/wait reconnect\n/drop fin\n/wait reconnect\n", "-r", "--reconnect-delay", "0")
    assert r.status == 0 and types(r).count("lost") == 2 and types(r).count("reconnect") == 2
    assert [e["cause"] for e in r.events if e["event"] == "lost"] == ["local.drop"] * 2


def test_an_overlap_on_purpose_is_seen_by_both_ends(script, serve):
    server = serve()
    r = script("/reconnect overlap\n/wait reconnect\n/conns\n/use 1\nfrom one\n/expect from one\n", "--tag", server=server)
    assert r.status == 0 and types(r).count("overlap") == 1
    assert server.wait_event("overlap")["with"] == 1
    assert "c1" in r.err and "c2" in r.err


def test_fragments_binary_and_wrong_frames(script, raw, run, tmp_path):
    def peer(c):
        c.upgrade()
        frames = [c.read_frame() for _ in range(4)]
        c.rst()
        return frames

    server = raw(peer)
    path = tmp_path / "script"
    path.write_text("/fragment 2 abcde\n/binary 00 ff\n/wait lost\n")
    r = run("--script", path, server.url())
    frames = server.result()
    assert [(f.opcode, f.fin, f.payload) for f in frames] == [(TEXT, False, b"ab"), (0, False, b"cd"), (0, True, b"e"), (2, True, b"\x00\xff")]
    assert r.one("lost")["cause"] == "tcp.reset"


def test_raw_bytes_are_judged_by_the_peer(script):
    r = script("/raw c1 80 00 00 00 00\n/wait close\n", "-vv")
    assert r.one("close")["code"] == 1002


def test_pings_by_hand_tell_the_round_trip(script):
    r = script("/ping\n/wait pong\n/ping some words\n/wait pong\n")
    assert r.status == 0 and "pong in " in r.err and 'pong "some words"' in r.err


def test_source_and_every(script, tmp_path):
    (tmp_path / "more").write_text("/expect tick\n/expect tick\n/every off\n/echo from more\n")
    r = script(f"/every 0.05 tick\n/source {tmp_path / 'more'}\n/echo after\n")
    assert r.status == 0 and r.err.index("from more") < r.err.index("\nafter")


def test_a_pipe_uses_commands_with_slash_and_keeps_the_order(run, serve):
    r = run("--slash", serve().url, stdin=b"one\n/expect one\n/ping\n/wait pong\ntwo\n//three\n")
    assert r.status == 0 and r.out == b"one\ntwo\n/three\n"


def test_run_does_its_lines_before_stdin(run, serve):
    r = run("--run", "first", "--run", "/expect first", serve().url, stdin=b"second\n")
    assert r.status == 0 and r.out == b"first\nsecond\n"


def test_without_slash_a_slash_is_text(run, serve):
    r = run(serve().url, stdin=b"/close\n")
    assert r.out == b"/close\n"
