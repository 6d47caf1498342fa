# SPDX-License-Identifier: MIT
"""The REPL on a terminal: what it shows of messages, and its commands."""
import json
import signal
import subprocess

import pytest

from harness import environment
from peers import acts
from peers.raw import text


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


def test_what_is_said_on_20_columns_is_folded_between_words(repl):
    s = repl(columns=20, rows=60)
    s.line("/binary 000102")
    s.until(lambda rows: rows[-3:-1] == ["  0000  00 01  |..|", "  0002  02     |.|"], "a dump that fits")
    s.line("/set")
    s.until(lambda rows: "      bytes shown of" in rows and rows[-5:-1] == ["      pasted lines", "      are one", "      message, or a", "      line each"], "settings")
    s.line("/tls")
    s.until(lambda rows: rows[-3:-1] == ["no TLS: the URL is", "  ws://"], "a folded sentence")


def test_texts_and_lines_from_the_command_line(screen, serve):
    s = screen()
    s.wsdiag("-x", "a text", "--run", "/ping", "--run", "a line", serve().url)
    s.wait("< a text")
    s.wait("pong in")
    s.wait("< a line")
    s.line("typed")
    s.wait("< typed")


@pytest.mark.parametrize("options", [("-1", "-x", "a text"), ("--count", "1", "-x", "a text"), ("-w", "0", "-x", "a text"),
                                     ("-w", "0", "-x", "a text", "--no-input"), ("-b", "-1", "-x", "a text")])
def test_what_is_to_end_by_itself_does_on_a_terminal_too(screen, serve, options):
    s = screen()
    s.wsdiag(*options, serve().url, after="; echo status $?")
    s.wait("status 0")
    s.wait("ours 1000, answered 1000")
    assert "open>" not in s.whole()


@pytest.mark.parametrize("options", [("--slash",), ("--reconnect-delay", "1"), ("--slash", "-P")])
def test_habits_of_wscat_and_options_of_what_is_on_by_itself_leave_it_interactive(screen, serve, options):
    s = screen()
    s.wsdiag(*options, "-c", serve().url)
    s.wait_last("c1 open>")
    s.line("/ping")
    s.wait_whole("^pong in ")


def test_a_log_that_is_full_garbles_nothing(screen, serve):
    s = screen()
    s.wsdiag("--log", "/dev/full", serve().url)
    s.wait("c1 open")
    s.line("/echo x")
    rows = s.until(lambda rows: "x" in rows and rows, "the answer")
    assert [r for r in rows if "/dev/full" in r and r.startswith("wsdiag: --log /dev/full: No space left on device")]
    s.wait_last("c1 open>")
