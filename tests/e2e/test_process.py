# SPDX-License-Identifier: MIT
"""wsdiag among other processes: signals, pipes that end, disks that are full."""
import fcntl
import json
import os
import resource
import signal
import subprocess
import threading

import pytest

from harness import environment
from peers import acts
from peers.raw import CLOSE, TEXT, close, text


def closing_when_told(c):
    """Stays until the client closes, and answers that."""
    c.upgrade()
    end = c.read_close()
    if end is not None:
        c.send(close(end.code))
    return end


# row 33

@pytest.mark.fault(33)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_cleanly_and_is_raised_again(start, raw, number):
    server = raw(closing_when_told)
    p = start(server.url())
    p.wait_event("open")
    p.signal(number)
    r = p.finish()
    assert server.result().code in (1000, 1001)
    assert r.ended["event"] == "close" and r.ended["by"] == "local"
    assert r.signal == number and r.one("end")["exit"] == 128 + number


@pytest.mark.fault(33)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_wait(start, raw, number):
    def script(c):
        c.upgrade()
        end = c.read_close()
        p.signal(number)
        return end, c.drain()

    server = raw(script)
    p = start("--close-timeout", "1000", server.url())
    p.wait_event("open")
    p.signal(number)
    r = p.finish()
    assert server.result()[0] is not None
    assert r.ended["event"] == "lost" and r.ended["cause"] == "local.interrupt"
    assert r.signal == number


@pytest.mark.fault(33)
def test_a_signal_during_the_dial_ends_it(start, raw):
    def script(c):
        c.read_head()
        p.signal(signal.SIGINT)
        return c.drain()

    server = raw(script)
    p = start("--connect-timeout", "1000", server.url())
    r = p.finish()
    assert server.result() == b""
    assert r.signal == signal.SIGINT
    assert r.events[-1]["event"] == "end"


@pytest.mark.fault(33)
def test_a_signal_while_the_input_is_not_read_still_closes(start, raw):
    """A peer that reads nothing: our queue is full, and the Close waits behind it; the close timeout bounds that."""
    server = raw(lambda c: (c.upgrade(), stop.wait())[0], rcvbuf=4096)
    stop = threading.Event()
    p = start("--close-timeout", "0.3", server.url(), stdin=b"x" * 8000000)
    p.wait_event("open")
    p.signal(signal.SIGINT)
    r = p.finish()
    stop.set()
    assert r.signal == signal.SIGINT
    assert r.ended["event"] == "lost" and r.ended["cause"] == "ws.close_timeout"


# row 30

@pytest.mark.fault(30)
def test_into_head_it_ends_quietly_with_a_close_by_sigpipe(start, raw):
    def script(c):
        c.upgrade()
        c.send(text("one"))
        gone.wait(60)
        c.send(text("two"))
        end = c.read_close()
        c.send(close(1000))
        return end

    gone = threading.Event()
    server = raw(script)
    read_end, write_end = os.pipe()
    p = start("-q", server.url(), stdin=None, stdout=write_end)
    os.close(write_end)
    assert os.read(read_end, 100) == b"one\n"
    os.close(read_end)
    gone.set()
    r = p.finish()
    assert server.result().code in (1000, 1001)
    assert r.status == 141 and r.err == ""


@pytest.mark.fault(30)
def test_json_into_head_ends_the_same_way(binary, raw):
    server = raw(lambda c: (c.upgrade(), [c.send(text("x" * 1000)) for _ in range(10000)], c.drain()))
    p = subprocess.run(["bash", "-c", '"$0" --json "$1" </dev/null | head -1; exit ${PIPESTATUS[0]}', binary, server.url()],
                       capture_output=True, env=environment(), timeout=60)
    assert p.stdout.count(b"\n") == 1
    assert p.returncode == 141, p


# row 31

@pytest.mark.fault(31)
def test_a_full_stdout_is_told_once_and_is_status_23(start, raw):
    def script(c):
        c.upgrade()
        c.send(text("a") * 1000)
        end = c.read_close()
        c.send(close(1000))
        return end

    server = raw(script)
    with open("/dev/full", "w") as full:
        r = start(server.url(), stdin=None, stdout=full).finish()
    assert server.result() is not None
    assert r.err.count("No space left") == 1
    assert r.status == 23


@pytest.mark.fault(31)
def test_a_stdout_that_is_closed_from_the_start_is_status_23(start, raw):
    server = raw(lambda c: (c.upgrade(), c.send(text("a")), c.drain()))
    r = start(server.url(), stdin=None, preexec=lambda: os.close(1)).finish()
    assert r.status == 23, r


# row 32

@pytest.mark.fault(32)
def test_a_slow_stdout_pushes_back_and_loses_nothing(start, raw):
    count = 3000

    def script(c):
        c.upgrade()
        c.sock.settimeout(3)
        sent = 0
        try:
            for i in range(count):
                c.send(text(b"%09d" % i * 1000))
                sent += 1
        except TimeoutError:
            pass
        blocked.set()
        return sent

    blocked = threading.Event()
    server = raw(script)
    read_end, write_end = os.pipe()
    p = start(server.url(), stdin=None, stdout=write_end, log_messages="none")
    os.close(write_end)
    assert blocked.wait(60)
    assert server.result() < count, "27 MB went in, and nobody reads"
    seen = 0
    while chunk := os.read(read_end, 1 << 20):
        seen += chunk.count(b"\n")
    os.close(read_end)
    r = p.finish()
    assert seen == r.one("end")["received"]["messages"]


# row 34

@pytest.mark.fault(34)
def test_stop_and_continue_lose_nothing(start, raw):
    server = raw(acts.echo)
    p = start(server.url())
    p.wait_event("open")
    for i in range(5):
        p.signal(signal.SIGTSTP)
        p.write(b"%d\n" % i)
        p.signal(signal.SIGCONT)
        p.signal(signal.SIGWINCH)
        p.wait_out(b"%d\n" % i)
    p.end_input()
    assert p.finish().status == 0


@pytest.mark.fault(34)
@pytest.mark.parametrize("ends_by", ["close", "signal", "kill"])
def test_flags_of_shared_descriptors_are_left_alone(start, raw, ends_by):
    server = raw(closing_when_told)
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    before = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (in_read, out_write)]
    p = start(server.url(), stdin=in_read, stdout=out_write)
    p.wait_event("open")
    if ends_by == "close":
        os.write(in_write, b"x\n")
        os.close(in_write)
    elif ends_by == "signal":
        p.signal(signal.SIGTERM)
    else:
        p.process.kill()
    p.finish()
    assert [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (in_read, out_write)] == before
    for fd in (in_read, out_read, out_write) + (() if ends_by == "close" else (in_write,)):
        os.close(fd)


# row 36

@pytest.mark.fault(36)
def test_out_of_memory_is_told(start, raw, release):
    server = raw(lambda c: (c.upgrade(), c.send(text(b"x" * (200 << 20))), c.drain()))
    r = start("--json", "--max-message", "1G", server.url(), stdin=None, binary=release, log_messages="none",
              preexec=lambda: resource.setrlimit(resource.RLIMIT_AS, (160 << 20, 160 << 20))).finish()
    assert "memory" in r.err.lower() and r.signal != signal.SIGSEGV and r.status != 0


# row 37

@pytest.mark.fault(37)
@pytest.mark.parametrize("args", [
    ["--no-such-option"], ["-H"], ["--connect-timeout", "soon"], ["--connect-timeout", "-1"], ["--count", "many"], ["--max-message", "1X"],
    ["--color", "blue"], ["--time", "yesterday"], ["--log-messages", "some"], ["-H", "no colon"], ["-H", "X: a\r\nY: b"], ["-H", "X: a\nb"],
    ["-H", ": empty"], ["-H", "a b: c"], ["-o", "http://x\r\nY: b"], ["--host", "a\r\nb"], ["-s", "a b"], ["-s", "a,b"], ["-s", "a\r\nb"],
    ["-s", ""], ["--resolve", "nonsense"], ["--resolve", "h:1:not-an-address"], ["-4", "-6"], ["--base64", "--hex"], ["--max-redirects", "x"],
], ids=lambda a: "_".join(a).replace("\r", "CR").replace("\n", "LF"))
def test_a_usage_error_comes_before_any_packet(run, raw, args):
    server = raw(acts.holds)
    r = run(*args, server.url(), log=False)
    assert r.status == 2, r
    assert r.err.startswith("wsdiag: ") and r.out == b""
    assert server.accepted == 0


@pytest.mark.fault(37)
@pytest.mark.parametrize("args,status", [([], 2), (["connect"], 2), (["ws://127.0.0.1:1/", "ws://127.0.0.1:2/"], 2), (["serve", "x", "y"], 2)])
def test_too_few_and_too_many_operands(run, args, status):
    r = run(*args, log=False)
    assert r.status == status and r.err


def test_an_unknown_first_word_suggests_a_command(run):
    r = run("--connect-timeout", "50", "sevre", log=False)
    assert r.status != 0 and "serve" in r.err


def test_help_and_version_are_on_stdout(run):
    for args in (["--help"], ["connect", "--help"], ["serve", "--help"], ["--version"]):
        r = run(*args, log=False)
        assert r.status == 0 and r.out and r.err == ""


def test_output_is_flushed_when_nothing_more_comes(start, raw):
    """A chat through pipes: each answer is there before the next question."""
    server = raw(acts.echo)
    p = start(server.url())
    for i in range(20):
        p.write(b"question %d\n" % i)
        p.wait_out(b"question %d\n" % i)
    p.end_input()
    r = p.finish()
    assert r.status == 0 and r.out.count(b"\n") == 20


def test_two_runs_share_a_log_without_tearing_lines(start, raw, tmp_path):
    log = tmp_path / "both.log"
    server = raw(acts.sends(*[text("x" * 300)] * 500))
    ps = [start("--log", log, "--log-messages", "data", server.url(), stdin=None) for _ in range(3)]
    for p in ps:
        assert p.finish().status == 0
    events = [json.loads(line) for line in log.read_text().splitlines()]
    for run in {e["run"] for e in events}:
        assert [e["seq"] for e in events if e["run"] == run] == list(range(1, len([e for e in events if e["run"] == run]) + 1))
    assert len([e for e in events if e["event"] == "message"]) == 1500


def test_nothing_is_sent_once_the_peer_has_closed(start, raw):
    def script(c):
        c.upgrade()
        assert c.read_message() == (TEXT, b"one")
        c.send(close(1000))
        return [f.opcode for f in c.frames()]

    server = raw(script)
    p = start(server.url())
    p.write(b"one\n")
    r = p.finish()
    assert server.result() == [CLOSE]
    assert r.status == 0
