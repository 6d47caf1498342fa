# SPDX-License-Identifier: MIT
"""The REPL on a terminal: what the screen shows, not only which bytes went there."""
import fcntl
import json
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

import through
from harness import PATIENCE, environment
from peers import acts
from peers.raw import CLOSE, PING, close, pong, text
from screen import Screen, children


@pytest.fixture
def screen(binary, tmp_path, start):
    """screen(columns=80, rows=24, name="a", env={}) -> a shell on a terminal."""
    screens = []

    def begin(name="screen", **how):
        s = Screen(tmp_path / name, binary, front=start.front if through.IS_ON else None, **how)
        screens.append(s)
        return s

    yield begin
    for s in screens:
        s.stop()


@pytest.fixture
def told(raw):
    """A peer that sends what the test says: told.send(text("x")), as often as wanted."""

    class Told:
        def __init__(self):
            self.conns = []
            self.server = raw(self.script)

        def script(self, c):
            c.upgrade()
            self.conns.append(c)
            c.drain()

        def send(self, data):
            self.conns[-1].send(data)

    return Told()


@pytest.fixture
def repl(screen, serve):
    """A REPL that talks to an echo."""

    def begin(*args, **how):
        s = screen(**how)
        s.server = serve()
        s.wsdiag(*args, s.server.url)
        s.wait("c1 open>")
        return s

    return begin


# typing while something arrives

@pytest.mark.parametrize("columns", [80, 30])
def test_the_typed_line_and_the_cursor_stay(screen, told, columns):
    s = screen(columns=columns)
    s.wsdiag(told.server.url())
    s.wait("c1 open>")
    s.text("abc 日本語 def")
    s.keys("Left", "Left", "Left")
    s.wait_last("c1 open> abc 日本語 def")
    s.wait_cursor(9 + 4 + 6 + 1)
    told.send(text("arrived"))
    s.wait("< arrived")
    s.wait_last("c1 open> abc 日本語 def")
    s.wait_cursor(9 + 4 + 6 + 1)
    s.text("X")
    s.wait_last("c1 open> abc 日本語 Xdef")


@pytest.mark.parametrize("word", ["x" * 100, "日本語" * 20])
def test_a_line_that_wraps_stays_with_the_cursor_in_its_middle(screen, told, word):
    s = screen(columns=30)
    s.wsdiag(told.server.url())
    s.wait("c1 open>")
    s.text(word)
    s.keys(*["Left"] * 20)
    s.text("|")
    typed = "c1 open> " + word[:-20] + "|" + word[-20:]
    before = s.until(lambda rows: typed in "".join(rows) and s.cursor(), "the line")
    told.send(text("arrived"))
    s.until(lambda rows: "< arrived" in rows and "".join(rows).endswith("< arrived" + typed), "the line below what arrived")
    s.wait_cursor(before[0], before[1] + 1)
    assert s.whole().count("c1 open>") == 1


@pytest.mark.parametrize("columns", [80, 20])
def test_characters_without_a_width_keep_the_cursor_right(screen, serve, columns):
    """Marks stand on a dotted circle while one types, joiners are one alone; what is sent is what was typed."""
    s = screen(columns=columns)
    server = serve(log_messages="data")
    s.wsdiag(server.url)
    s.wait("c1 open>")
    s.text("e\u0301t\u200de\u0301 end")
    s.until(lambda rows: "".join(rows).endswith("c1 open> e◌\u0301t◌e◌\u0301 end"), "the line")
    s.keys("Left", "Left", "Left", "Left")
    s.text("X")
    s.until(lambda rows: "".join(rows).endswith("c1 open> e◌\u0301t◌e◌\u0301X end"), "the line")
    s.keys("Enter")
    assert server.wait_event("message", dir="in")["data"] == "e\u0301t\u200de\u0301X end"
    s.wait_last("c1 open>")
    s.keys("Up")
    s.until(lambda rows: "".join(rows).endswith("c1 open> e◌\u0301t◌e◌\u0301X end"), "the line again")


def test_a_prompt_wider_than_the_terminal(screen, told):
    s = screen(columns=14)
    s.wsdiag(told.server.url())
    s.wait("c1 open>")
    s.line("/sleep 1000")
    s.text("typed")
    s.until(lambda rows: "".join(rows).endswith("c1 open, waiting> typed"), "the prompt on two rows")
    told.send(text("arrived"))
    s.until(lambda rows: rows[-3:] == ["< arrived", "c1 open, waiti", "ng> typed"], "the prompt below what arrived")
    s.wait_cursor(9)


def test_a_search_goes_on(screen, told):
    s = screen()
    s.wsdiag(told.server.url())
    s.wait("c1 open>")
    s.line("/echo needle")
    s.line("/echo hay")
    s.keys("C-r")
    s.text("needle")
    s.wait_last("bck:needle")
    told.send(text("arrived"))
    s.until(lambda rows: rows[-3:] == ["< arrived", "c1 open> /echo needle", "bck:needle"], "the search below what arrived")
    s.keys("Enter")
    s.until(lambda rows: s.whole().count("\nneedle") == 2, "the line of history done again")


def test_the_prompt_changes_while_one_types(screen, serve):
    server = serve()
    s = screen()
    s.wsdiag("--reconnect-delay", "1000", "-r", server.url)
    s.wait("c1 open>")
    s.line("/ping")
    s.wait_whole(r"^c1 open [0-9.]+ms> ?$")
    s.text("unfinished")
    server.signal(signal.SIGKILL)
    s.until(lambda rows: rows[-1].startswith("retry ") and rows[-1].endswith("> unfinished"), "the retry in the prompt")
    s.keys("C-u")
    s.line("/close")
    s.wait_last("closed>")
    s.line("/close")
    s.wait("nothing is open; /open dials, /quit leaves")


def test_a_resize_keeps_the_line(repl):
    s = repl()
    s.text("y" * 60)
    s.wait_last("c1 open> " + "y" * 60)
    s.resize(40, 24)
    s.text("z")
    s.until(lambda rows: "".join(rows).endswith("c1 open> " + "y" * 60 + "z"), "the line on two rows")
    s.resize(80, 24)
    s.text("z")
    s.wait_last("c1 open> " + "y" * 60 + "zz")


# keys

def test_pasted_lines_are_one_message(repl):
    s = repl()
    s.paste("one\ntwo\tx\nthree")
    s.wait_last("c1 open> one␤two x␤three")
    s.keys("Enter")
    s.wait("< one\\ntwo x\\nthree")


def test_pasted_lines_are_a_message_each_when_wanted(repl):
    s = repl()
    s.line("/set paste lines")
    s.paste("one\ntwo\nthree\n")
    s.until(lambda rows: all("< " + w in rows for w in ("one", "two", "three")), "three messages")


def test_a_long_paste_arrives_whole(repl):
    s = repl()
    s.paste("w" * 10000 + "\nend")
    s.wait("end")
    s.keys("Enter")
    s.server.wait_event("message", length=10004, dir="in")


def test_ctrl_c_clears_the_line_and_then_closes(repl):
    s = repl()
    s.text("something")
    s.wait_last("c1 open> something")
    s.keys("C-c")
    s.wait_last("c1 open>")
    s.keys("C-c")
    s.wait("ours 1000, answered 1000")
    s.wait_last("shell$")


def test_ctrl_c_gives_up_a_wait_and_leaves_what_was_typed(repl):
    s = repl()
    s.line("/sleep 1000")
    s.text("typed")
    s.wait_last("c1 open, waiting> typed")
    s.keys("C-c")
    s.wait_last("c1 open> typed")


def test_ctrl_z_and_fg(repl):
    s = repl()
    s.text("kept")
    s.wait_last("c1 open> kept")
    s.keys("C-z")
    s.wait("Stopped")
    s.wait_last("shell$")
    s.line("fg")
    s.wait_last("c1 open> kept")
    s.keys("Enter")
    s.wait("< kept")


def test_ctrl_l_clears_the_screen(repl):
    s = repl()
    s.text("kept")
    s.keys("C-l")
    s.until(lambda rows: rows == ["c1 open> kept"], "nothing but the line")


def test_tab_completes_commands_arguments_files_connections_codes_and_events(repl):
    s = repl()
    (s.folder / "message.txt").write_text("from a file")
    for typed, completed in (("/rec", "/reconnect"), ("/reconnect o", "/reconnect overlap"), ("/drop r", "/drop rst"), ("/file mes", "/file message.txt"),
                             ("/binary @mes", "/binary @message.txt"), ("/use ", "/use 1"), ("/close 1001", "/close 1001"), ("/wait los", "/wait lost"),
                             ("/help ti", "/help timing"), ("/set paste li", "/set paste lines"), ("/pongs of", "/pongs off")):
        s.text(typed)
        s.keys("Tab")
        s.text("|")
        s.wait_last(f"c1 open> {completed} |")
        s.keys("C-u")
    s.text("/close 101")
    s.keys("Tab")
    s.until(lambda rows: rows[-6:] == ["1010 Mandatory Extension", "1011 Internal Error", "1012 Service Restart", "1013 Try Again Later",
                                       "1014 Bad Gateway", "c1 open> /close 101"], "codes with their names")


def test_vi_keys_from_editrc(screen, serve):
    s = screen()
    (s.folder / ".editrc").write_text("bind -v\n")
    s.wsdiag(serve().url)
    s.wait("c1 open>")
    s.text("/tim")
    s.keys("Tab")
    s.wait_last("c1 open> /timing")
    s.keys("Escape", "0")
    s.text("x")
    s.wait_last("c1 open> timing")


PINGING = ("--ping-interval", "0.05")


@pytest.mark.parametrize("keys", [("C-r",), ("Escape",), ("C-v",)])
def test_pings_go_on_while_another_key_is_awaited(screen, raw, keys):
    """In the middle of a search, of a key that may begin others, and of one to be taken as it is."""
    pings = []
    counted = threading.Condition()

    def peer(c):
        c.upgrade()
        while f := c.read_frame():
            if f.opcode == PING:
                c.send(pong(f.payload))
                with counted:
                    pings.append(f)
                    counted.notify_all()

    s = screen()
    s.wsdiag(*PINGING, raw(peer).url())
    s.wait("c1 open")
    s.keys(*keys)
    s.keys()
    with counted:
        before = len(pings)
        assert counted.wait_for(lambda: len(pings) >= before + 10, PATIENCE)


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


# history

def test_history_is_kept_across_runs_but_for_lines_that_begin_with_a_space(repl):
    s = repl()
    s.line("first line")
    s.line(" secret")
    s.wait("<  secret")
    s.line("/quit")
    s.wait_last("shell$")
    assert (s.folder / "state" / "wsdiag" / "history").read_text() == "first line\n/quit\n"
    s.wsdiag(s.server.url)
    s.wait_last("c1 open>")
    s.keys("Up", "Up")
    s.wait_last("c1 open> first line")


def test_two_at_once_keep_each_others_history(repl, tmp_path):
    state = {"XDG_STATE_HOME": str(tmp_path / "shared")}
    a, b = repl(name="a", env=state), repl(name="b", env=state)
    a.line("from a")
    a.wait("< from a")
    b.line("from b")
    b.wait("< from b")
    a.line("again")
    a.wait("< again")
    assert (tmp_path / "shared" / "wsdiag" / "history").read_text() == "from a\nfrom b\nagain\n"


# display

def test_binary_is_a_hex_dump_and_long_messages_are_cut(repl):
    s = repl()
    s.line("/binary 00011b414243")
    s.wait("00000000  00 01 1b 41 42 43")
    s.wait("|...ABC|")
    s.line("/set show 10")
    s.line("0123456789abcdef")
    s.wait("< 0123456789 ... 6 bytes more; /last shows it whole")
    s.line("/last")
    s.wait_whole("^0123456789abcdef$")
    s.line("/save out.txt")
    s.wait("16 bytes written to out.txt")
    assert (s.folder / "out.txt").read_text() == "0123456789abcdef"


def test_control_characters_are_never_raw(screen, told):
    s = screen()
    s.wsdiag(told.server.url())
    s.wait("c1 open>")
    told.send(text("a\x1b[2Jb\x07\r\u009bX\x7f"))
    told.send(text("behind"))
    s.wait("< behind")
    s.wait("< a\\e[2Jb\\x07\\r\\u{009B}X\\x7F")


def test_a_flood_is_counted_and_the_keyboard_goes_on(screen, told):
    s = screen()
    s.wsdiag("--log", s.folder / "log", told.server.url())
    s.wait("c1 open>")
    s.text("typed")
    for _ in range(20):
        told.send(text("flood") * 1000)
    s.wait_whole("more messages in 1 s, not shown")
    s.text(" on")
    s.wait_last("c1 open> typed on")
    s.keys("C-u")
    s.line("/stats")
    s.wait("in 20000 messages")
    s.line("/quit")
    s.wait_last("shell$")
    log = [json.loads(line) for line in (s.folder / "log").read_text().splitlines()]
    assert sum(e["event"] == "message" for e in log) == 20000


def test_a_dumb_terminal_works(screen, told):
    s = screen()
    s.wsdiag(told.server.url(), before="TERM=dumb ")
    s.wait("c1 open>")
    s.text("typed")
    told.send(text("arrived"))
    s.wait("< arrived")
    s.wait_last("c1 open> typed")


# ends

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
    s.until(lambda rows: rows[-2:] == ["c1 stalled> unread", "c1 stalled>"], "the next prompt")
    leave(s)
    s.wait("ours 1000, answered 1000")


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


# commands

def test_unknown_commands_and_wrong_states_say_what_would_do(repl):
    s = repl()
    s.line("/pign")
    s.wait("there is no /pign; did you mean /ping?")
    s.line("//pign")
    s.wait("< /pign")
    s.line("/open")
    s.wait("a connection is open already")
    s.line("/close")
    s.wait_last("closed>")
    s.line("/ping")
    s.wait("/ping needs an open connection; /open dials")
    s.line("/open")
    s.wait_last("c2 open>")


def test_who_has_never_typed_here_gets_a_hint(repl):
    s = repl()
    s.wait("/help tells the commands, Ctrl-D leaves")
    s.line("known now")
    s.wait("< known now")
    s.keys("C-d")
    s.wait_last("shell$")
    s.wsdiag(s.server.url)
    s.wait_last("c1 open>")
    assert "/help tells" not in "".join(s.rows())


@pytest.mark.parametrize("typed,command", [("help", "help"), ("?", "help"), ("exit", "quit"), ("close", "close")])
def test_a_command_without_its_slash_is_sent_and_told(repl, typed, command):
    s = repl()
    s.line(typed)
    s.wait(f'"{typed}" was sent as a message; the command is /{command}')
    s.wait(f"< {typed}")
    s.line(f"/{typed}" if typed == "exit" else "/q")
    s.wait("did you mean /quit?")


def test_what_cannot_be_sent_says_so_and_what_waits_as_well(screen, serve):
    server = serve()
    s = screen()
    s.wsdiag("-r", "--reconnect-delay", "1000", server.url)
    s.wait("c1 open>")
    s.line("/close")
    s.wait_last("closed>")
    s.line("text")
    s.wait("nothing is open to send this on; /open dials")
    s.line("/open")
    s.wait_last("c2 open>")
    server.signal(signal.SIGKILL)
    s.until(lambda rows: rows[-1].startswith("retry "), "the wait for a retry")
    s.line("later")
    s.wait("kept until something is open: the next dial waits; /open dials now")
    s.line("/ping")
    s.wait("/ping needs an open connection; the next dial waits; /open dials now")


def test_a_close_that_is_not_answered_can_be_cut_short(screen, raw):
    s = screen()
    s.wsdiag(raw(acts.holds).url())
    s.wait("c1 open>")
    s.line("/close")
    s.wait_last("c1 closing>")
    s.line("/close")
    s.wait("the connection is closing; /drop ends it at once")
    s.line("/ping")
    s.wait("the connection is closing")
    s.line("/drop")
    s.wait_whole("^lost +c1  ")
    s.wait("closed>")


def test_a_dial_is_given_up(screen, raw):
    s = screen()
    s.wsdiag(raw(lambda c: c.drain()).url())
    s.wait_last("dialling>")
    s.line("/open")
    s.wait("a dial is under way already")
    s.line("/close")
    s.wait_last("closed>")


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_help_is_folded_between_words(repl, binary, columns):
    s = repl(columns=columns, rows=200)
    s.line("/help")
    s.wait_last("c1 open>")
    s.wait("wsdiag-repl")
    rows = s.rows()
    assert max(map(len, rows)) <= columns
    words = set(" ".join(rows).split())
    out = subprocess.run([binary, "dump-console"], capture_output=True, text=True, check=True, env=environment()).stdout
    for name, args, text in (line.split("\t") for line in out.splitlines()):
        assert {f"/{name}", *text.split()} <= words, (name, set(text.split()) - words)
    order = [rows.index(r) for r in rows if r.startswith("  /")]
    assert len(order) == len(out.splitlines())


SHOWN = (
    ("/help close", "closing handshake"), ("/conns", "* c1   open"), ("/headers", "Sec-WebSocket-Accept"), ("/tls", "no TLS"), ("/timing", "upgrade "),
    ("/stats", "dials 1"), ("/set", "paste one"), ("/fragment 2 abcdef", "< abcdef"), ("/last", "\nabcdef"), ("/save saved", "6 bytes written to saved"),
    ("/binary 4142", "|AB|"), ("/binary @saved", "|abcdef|"), ("/file saved", "< abcdef"), ("/pong x", ""), ("/every 0.05 tick", "< tick"), ("/every off", ""),
    ("/text /slash", "< /slash"), ("/ping", "pong in"), ("/pongs off", ""), ("/pongs on", ""), ("/ping-interval 1000", ""), ("/ping-interval off", ""),
    ("/stall", "not reading"), ("/resume", "c1 open"), ("/resume", "nothing is stalled"), ("/reconnect overlap", "overlap"), ("/conns", "* c2"),
    ("/use 1", "c1 open"), ("/drop rst", "c2 open"), ("/sleep 0", ""), ("/expect nothing 0.01", "did not come in time"), ("/log events", ""),
    ("/raw 81 82 00 00 00 00 68 69", "< hi"), ("/log off", ""), ("/close 4000", "ours 4000"), ("/wait close", "closed>"), ("/open", "c3 open>"),
    ("/source lines", "from a file"), ("/echo over", "over"), ("/quit", "end "))


def test_every_command_does_something_here(repl, binary):
    s = repl(rows=100)
    (s.folder / "lines").write_text("/echo from a file\n")
    for line, shown in SHOWN:
        s.line(line)
        s.wait(shown)
    assert "message" in (s.folder / "events").read_text()
    out = subprocess.run([binary, "dump-console"], capture_output=True, text=True, check=True, env=environment()).stdout
    assert {line.split("\t")[0] for line in out.splitlines()} == {line.split()[0][1:] for line, _ in SHOWN}


def test_texts_and_lines_from_the_command_line(screen, serve):
    s = screen()
    s.wsdiag("-x", "a text", "--run", "/ping", "--run", "a line", serve().url)
    s.wait("< a text")
    s.wait("pong in")
    s.wait("< a line")
    s.line("typed")
    s.wait("< typed")


def test_a_log_that_is_full_garbles_nothing(screen, serve):
    s = screen()
    s.wsdiag("--log", "/dev/full", serve().url)
    s.wait("c1 open")
    s.line("/echo x")
    rows = s.until(lambda rows: "x" in rows and rows, "the answer")
    assert [r for r in rows if "/dev/full" in r and r.startswith("wsdiag: --log /dev/full: No space left on device")]
    s.wait_last("c1 open>")
