# SPDX-License-Identifier: MIT
"""The REPL on a terminal: what the screen shows while one types, not only which bytes went there."""
import re
import signal
import threading

import pytest

from harness import PATIENCE
from peers.raw import PING, pong, text


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


def test_a_pong_changes_the_prompt_though_nothing_else_comes(screen, raw):
    answers = threading.Event()

    def peer(c):
        c.upgrade()
        answers.wait(PATIENCE)
        while f := c.read_frame():
            if f.opcode == PING:
                c.send(pong(f.payload))

    s = screen()
    s.wsdiag("--ping-interval", "0.05", "--ping-timeout", "1000", raw(peer).url())
    s.wait_last("c1 open>")
    s.text("typed")
    s.wait_last("c1 open> typed")
    answers.set()
    s.until(lambda rows: re.search(r"^c1 open [0-9.]+m?s> typed$", rows[-1]), "the round trip")


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


def test_many_pasted_lines_go_out_in_order(repl):
    """The second time in one piece with the line before them, which decides what becomes of them, and the one behind."""
    s = repl()
    words = [f"line {i}" for i in range(200)]
    s.paste("\n".join(words))
    s.wait("␤line 199")
    s.keys("Enter")
    assert s.server.wait_event("message", dir="in")["length"] == len("\n".join(words))
    s.tmux("load-buffer", "-", data="/set paste lines\n\033[200~" + "\n".join(words) + "\n\033[201~/quit\n")
    s.tmux("paste-buffer", "-r")
    s.wait_last("shell$")
    assert [e["length"] for e in s.server.events if e["event"] == "message" and e["dir"] == "in"][1:] == [len(w) for w in words]


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
    s.line("/quit")
    s.wait("after the line that waits; Ctrl-C gives up both")
    s.line("/quit")
    s.text("typed")
    s.wait_last("c1 open, waiting> typed")
    s.keys("C-c")
    s.wait_last("c1 open> typed")
    assert s.whole().count("gives up both") == 1


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
    (s.folder / "two words.txt").write_text("spaces and all")
    for typed, completed in (("/rec", "/reconnect"), ("/reconnect o", "/reconnect overlap"), ("/drop r", "/drop rst"), ("/file mes", "/file message.txt"),
                             ("/binary @mes", "/binary @message.txt"), ("/use ", "/use 1"), ("/close 1001", "/close 1001"), ("/wait los", "/wait lost"),
                             ("/help ti", "/help timing"), ("/save two w", "/save two words.txt"), ("/log two w", "/log two words.txt"),
                             ("/source two w", "/source two words.txt"), ("/binary @two w", "/binary @two words.txt"),
                             ("/every 1000 /file tw", "/every 1000 /file two words.txt"), ("/set paste li", "/set paste lines"), ("/pongs of", "/pongs off")):
        s.text(typed)
        s.keys("Tab")
        s.text("|")
        s.wait_last(f"c1 open> {completed} |")
        s.keys("C-u")
    s.text("/file tw")
    s.keys("Tab", "Enter")
    s.wait("< spaces and all")
    s.text("/close 101")
    s.keys("Tab")
    s.until(lambda rows: rows[-6:] == ["1010 Mandatory Extension", "1011 Internal Error", "1012 Service Restart", "1013 Try Again Later",
                                       "1014 Bad Gateway", "c1 open> /close 101"], "codes with their names")


def test_many_candidates_are_listed_in_order_between_words(repl):
    s = repl(columns=20)
    for name in ("zé1", "zè2", "z\x1b[2J", "zmore and more"):
        (s.folder / name).write_text("")
    s.text("/file z")
    s.keys("Tab", "Tab")
    s.until(lambda rows: rows[-4:] == ["z\\e[2J", "zmore and more  zè2", "zé1", "c1 open> /file z"], "files in order")
    s.keys("C-u")
    s.text("/p")
    s.keys("Tab")
    s.until(lambda rows: rows[-4:] == ["/ping", "/ping-interval", "/pong  /pongs", "c1 open> /p"], "commands")


@pytest.mark.parametrize("keys,typed", [
    (("Home",), "|one two"), (("C-Left",), "one |two"), (("M-Left", "M-Left"), "|one two"), (("Home", "C-Right"), "one| two"), (("S-Left",), "one tw|o"),
    (("C-w",), "one |"), (("Home", "DC"), "|ne two"), (("IC", "PPage", "NPage"), "one two|"), ([f"F{n}" for n in range(1, 13)], "one two|")])
def test_keys_do_what_they_do_in_a_shell(repl, keys, typed):
    s = repl()
    s.text("one two")
    s.keys(*keys)
    s.text("|")
    s.wait_last(f"c1 open> {typed}")


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
    s.keys("Enter")
    s.wait("< timing")
    s.keys("Escape", "k")
    s.wait_last("c1 open> timing")
    s.text("0Da|")
    s.wait_last("c1 open> |")


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
