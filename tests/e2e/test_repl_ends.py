# SPDX-License-Identifier: MIT
"""How the REPL ends, what it leaves of the terminal, and what it does when that stops reading."""
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading

import pytest

from harness import PATIENCE, environment
from peers import acts
from peers.raw import CLOSE, PING, close, pong, text
from screen import children


PINGING = ("--ping-interval", "0.05")


class Unread:
    """A terminal whose other end reads only when told."""

    def __init__(self, *argv, folder):
        env = environment(HOME=str(folder), XDG_STATE_HOME=str(folder / "state"))
        self.folder = folder
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            env[name] += f":log_path={folder}/sanitizer"
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen([str(a) for a in argv], stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)

    def read_until(self, data):
        got = b""
        while data not in got:
            assert select.select([self.master], [], [], PATIENCE)[0], got
            got += os.read(self.master, 65536)
        return got

    def finish(self):
        status = self.process.wait(PATIENCE)
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        os.close(self.master)
        found = "".join(p.read_text(errors="replace") for p in self.folder.glob("sanitizer*"))
        assert not found, found
        assert after == self.before
        return status


def test_a_terminal_that_stops_reading_stops_nothing_else(binary, raw, tmp_path):
    """Pings go on, memory is bounded, and a signal still ends it; when it reads again, the line is there."""
    pings = []
    counted = threading.Condition()
    flood = threading.Event()

    def peer(c):
        c.upgrade()
        flood.wait(PATIENCE)
        for _ in range(40):
            c.send(text("flood " + "x" * 4000) * 100)
        while f := c.read_frame():
            if f.opcode == CLOSE:
                c.send(close(f.code))
            if f.opcode == PING:
                c.send(pong(f.payload))
                with counted:
                    pings.append(f)
                    counted.notify_all()

    t = Unread(binary, *PINGING, raw(peer).url(), folder=tmp_path)
    t.read_until(b"c1 open")
    os.write(t.master, b"typed")
    t.read_until(b"typed")
    flood.set()
    with counted:  # those that it sends behind the flood
        assert counted.wait_for(lambda: len(pings) >= 20, PATIENCE)
    shown = t.read_until(b"not shown")
    assert b"flood" in shown
    os.write(t.master, b" on")
    assert b"typed" in shown + t.read_until(b" on")
    t.process.send_signal(signal.SIGTERM)
    t.read_until(b"exit 143")
    assert t.finish() in (143, -signal.SIGTERM)


def test_a_terminal_that_never_reads_again_does_not_keep_it(binary, raw, tmp_path):
    sent = threading.Event()

    def peer(c):
        c.upgrade()
        for _ in range(40):
            c.send(text("flood " + "x" * 4000) * 100)
        sent.set()
        while f := c.read_frame():
            if f.opcode == CLOSE:
                c.send(close(f.code))
                return

    t = Unread(binary, raw(peer).url(), folder=tmp_path)
    assert sent.wait(PATIENCE)
    t.process.send_signal(signal.SIGTERM)
    assert t.finish() in (143, -signal.SIGTERM)


def kill(number):
    return lambda s: os.kill(int(children((s.folder / "sh.pid").read_text().strip())[0]), number)


def ctrl_c_twice(s):
    s.keys("C-c")
    s.wait_last("c1 closing>")
    s.wait("the peer has not answered yet; Ctrl-C ends at once")
    s.keys("C-c")
    s.wait_whole("lost +c1  stopped by us at once")
    s.wait_whole("end +s1  .*exit 0")


# How, who answers (nobody: the Close stays unanswered), and the exit status, which wsdiag-repl(1) tells.
ENDS = {
    "quit": (lambda s: s.line("/quit"), "echo", 0),
    "ctrl-d": (lambda s: s.keys("C-d"), "echo", 0),
    "ctrl-d-in-a-search": (lambda s: s.keys("C-r", "x", "C-g", "C-d"), "echo", 0),
    "ctrl-c": (lambda s: s.keys("C-c"), "echo", 0),
    "ctrl-c-twice": (ctrl_c_twice, "nobody", 0),
    "sigterm": (kill(signal.SIGTERM), "echo", 143),
    "sighup": (kill(signal.SIGHUP), "echo", 129),
}


@pytest.mark.parametrize("how", list(ENDS))
def test_the_terminal_is_as_it_was_and_the_status_tells(screen, serve, raw, how):
    end, who, status = ENDS[how]
    s = screen()
    url = serve().url if who == "echo" else raw(acts.holds).url()
    script = s.folder / "run.sh"
    script.write_text(f"trap : INT\necho $$ >sh.pid\nstty -g >before\n'{s.binary}' {url}\necho $? >status\nstty -g >after\n")
    s.line("bash run.sh; echo over")
    s.wait("c1 open>")
    end(s)
    s.wait_whole("^over$")
    assert (s.folder / "before").read_text() == (s.folder / "after").read_text()
    assert (s.folder / "status").read_text() == f"{status}\n"


def test_a_wrong_url_leaves_the_terminal_alone(screen):
    s = screen()
    s.line(f"stty -g >before; '{s.binary}' htp://x; echo status $?; stty -g >after; echo over")
    s.wait_whole("^over$")
    s.wait("status 3")
    assert (s.folder / "before").read_text() == (s.folder / "after").read_text()


@pytest.mark.parametrize("leave", [lambda s: s.keys("C-d"), lambda s: s.line("/quit"), lambda s: s.line("/close")])
def test_who_leaves_while_nothing_is_read_reads_the_answer_to_the_close(repl, leave):
    s = repl()
    s.line("/stall")
    s.wait("c1 stalled>")
    s.line("unread")
    leave(s)
    s.wait("ours 1000, answered 1000")
    assert s.server.wait_event("message", dir="in")["data"] == "unread"


def test_a_reconnect_while_nothing_is_read_closes_cleanly(repl):
    s = repl()
    s.line("/stall")
    s.wait("c1 stalled>")
    s.line("/reconnect")
    s.wait("ours 1000, answered 1000")
    s.wait_last("c2 open>")


def test_an_unreachable_server_says_why_and_can_be_tried_again(screen):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        s = screen()
        s.wsdiag(f"ws://127.0.0.1:{unused.getsockname()[1]}", after="; echo status $?")
        s.wait("refused")
        s.wait("Nothing is open: /open dials again")
        s.wait_last("closed>")
        s.line("/open")
        s.wait("d2")
        s.wait_last("closed>")
        s.keys("C-d")
        s.wait("status 7")


def test_a_server_that_went_is_told_and_dialled_again(screen, serve):
    server = serve()
    s = screen()
    s.wsdiag(server.url, after="; echo status $?")
    s.wait("c1 open>")
    server.signal(signal.SIGKILL)
    s.until(lambda rows: rows[-1].startswith("retry "), "the wait for a retry")
    s.keys("C-d")
    s.wait("status 0")
