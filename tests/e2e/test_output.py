# SPDX-License-Identifier: MIT
"""What is told, where and how: human lines, JSON lines, the log, and what stays secret."""
import fcntl
import json
import os
import pty
import re
import stat
import struct
import termios

import pytest

from peers import acts
from peers.acts import answers
from peers.raw import answer_101, binary, close, ping, text

SECRETS = ["hunter2", "topsecret", "cookievalue", "querytoken", "bearervalue", "protocolvalue", "originaltoken"]


# JSON

def test_json_puts_everything_on_stdout(run, raw):
    server = raw(acts.echo)
    r = run("--json", server.url(), stdin=b"hello\n")
    events = [json.loads(line) for line in r.out.splitlines()]
    assert [e["event"] for e in events if e["event"] not in ("note", "gone")] == [
        "start", "dial", "open", "message", "message", "close", "end"]
    assert r.err == ""
    out, back = [e for e in events if e["event"] == "message"]
    assert (out["dir"], out["opcode"], out["data"], out["length"]) == ("out", "text", "hello", 5)
    assert (back["dir"], back["opcode"], back["data"], back["length"], back["truncated"]) == ("in", "text", "hello", 5, False)


def test_every_line_begins_with_the_same_fields_in_the_same_order(run, raw):
    server = raw(acts.echo)
    r = run("--json", server.url(), stdin=b"hello\n")
    for n, line in enumerate(r.out.splitlines(), 1):
        e = json.loads(line)
        keys = list(e)
        assert keys[:7] == ["v", "event", "time", "mono", "role", "run", "seq"], line
        assert [k for k in keys if k in ("session", "conn", "dial", "leg")] == keys[7:7 + len([
            k for k in keys if k in ("session", "conn", "dial", "leg")])]
        assert e["v"] == 1 and e["seq"] == n and e["role"] == "client"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", e["time"])
        assert re.fullmatch("[0-9a-f]{16}", e["run"])
    assert len({json.loads(line)["run"] for line in r.out.splitlines()}) == 1


def test_open_belongs_to_session_connection_and_dial(run, raw):
    r = run(raw(acts.sends()).url())
    o = r.one("open")
    assert o["session"] and o["conn"] == 1 and o["dial"] == 1
    assert {e.get("session") for e in r.events} == {o["session"]}
    assert r.one("dial")["dial"] == 1


def test_binary_data_is_base64(run, raw):
    r = run("--json", raw(acts.sends(binary(b"\xff\x00"), binary(b"plain"))).url())
    messages = [json.loads(line) for line in r.out.splitlines() if b'"message"' in line]
    assert (messages[0]["data"], messages[0]["encoding"], messages[0]["opcode"]) == ("/wA=", "base64", "binary")
    assert messages[1]["data"] == "plain" and "encoding" not in messages[1]


def test_start_and_end_frame_a_run(run, raw):
    r = run(raw(acts.sends(text("x"))).url())
    first, last = r.events[0], r.events[-1]
    assert first["event"] == "start" and first["version"] and "mbedTLS" in first["libraries"]
    assert last["event"] == "end" and last["exit"] == 0
    assert (last["dials"], last["conns"], last["lost"]) == (1, 1, 0)
    assert last["received"] == {"messages": 1, "bytes": 1}


# --log

def test_the_log_is_private_appended_and_leaves_payloads_out(run, raw, tmp_path):
    log = tmp_path / "x.log"
    for _ in range(2):
        run("--log", log, raw(acts.sends(text("payload"))).url())
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["event"] for e in events].count("start") == 2
    assert len({e["run"] for e in events}) == 2
    messages = [e for e in events if e["event"] == "message"]
    assert len(messages) == 2 and all(m["length"] == 7 and "data" not in m for m in messages)
    assert "payload" not in log.read_text()


@pytest.mark.parametrize("how,there", [("none", []), ("meta", [None]), ("data", ["payload"])])
def test_log_messages(run, raw, how, there):
    r = run(raw(acts.sends(text("payload"))).url(), log_messages=how)
    assert [m.get("data") for m in r.all("message")] == there


@pytest.mark.fault(31)
def test_a_full_log_is_told_once_and_the_session_lives(run, raw):
    server = raw(acts.echo)
    r = run("--log", "/dev/full", server.url(), stdin=b"a\nb\nc\n")
    assert r.out == b"a\nb\nc\n" and r.status == 0
    assert r.err.count("/dev/full") == 1 and "No space left" in r.err


def test_a_log_that_cannot_be_opened_is_an_error_before_any_packet(run, raw, tmp_path):
    server = raw(acts.holds)
    r = run("--log", tmp_path / "no" / "such" / "folder", server.url())
    assert r.status in (2, 23, 26) and "No such file" in r.err
    assert server.accepted == 0


# human lines

def words(err):
    """(event word, who) of the human lines."""
    return [(m[1], m[2]) for line in err.splitlines() if (m := re.match(r"^(?:\S+ +)?([a-z]+) +([sdc]\d+)  ", line))]


def test_human_lines_have_event_and_who(run, raw):
    r = run("--time", "none", raw(acts.sends(text("x"))).url())
    assert words(r.err) == [("start", "s1"), ("open", "c1"), ("close", "c1"), ("end", "s1")]
    assert r.out == b"x\n"


@pytest.mark.parametrize("style,pattern", [("local", r"\d\d:\d\d:\d\d\.\d{3} +start"),
                                           ("iso", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +start"),
                                           ("relative", r" *\+?\d+\.\d+s? +start"), ("none", r"start")])
def test_time_styles(run, raw, style, pattern):
    r = run("--time", style, raw(acts.sends()).url())
    assert re.match(pattern, r.err), r.err


def test_time_is_iso_where_there_is_no_terminal(run, raw):
    r = run(raw(acts.sends()).url())
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ", r.err), r.err


def test_quiet_says_nothing_of_events(run, raw):
    for option in ("-q", "--quiet"):
        r = run(option, raw(acts.sends(text("x"))).url())
        assert r.err == "" and r.out == b"x\n" and r.status == 0


def test_a_lost_line_says_who_how_and_how_long(run, raw):
    def script(c):
        c.upgrade()

    r = run(raw(script).url())
    line, = [line for line in r.err.splitlines() if re.search(r"\blost\b +c1", line)]
    assert "peer FIN, no Close frame (1006)" in line and "age " in line and "silent in " in line and " out " in line


def test_a_close_line_shows_the_code_on_the_wire_bare(run, raw):
    r = run(raw(lambda c: (c.upgrade(), c.send(close(1012, "deploy")), c.read_close())).url())
    line, = [line for line in r.err.splitlines() if re.search(r"\bclose\b +c1", line)]
    assert '1012 Service Restart "deploy"' in line and "(1012)" not in line


@pytest.mark.parametrize("option", ["-P", "--show-pings"])
def test_pings_show_when_asked_for(run, raw, option):
    script = acts.sends(ping("are you there"))
    assert ("ping", "c1") in words(run("--time", "none", option, raw(script).url()).err)
    assert ("ping", "c1") not in words(run("--time", "none", raw(script).url()).err)


@pytest.mark.parametrize("args,env,coloured", [(["--color", "always"], {}, True), (["--color", "never"], {}, False), ([], {}, False),
                                               (["--color=auto"], {"NO_COLOR": "1"}, False)])
def test_colour(run, raw, args, env, coloured):
    r = run(*args, raw(acts.sends()).url(), env=env)
    assert ("\x1b[" in r.err) == coloured


# secrets

def secret_run(run, raw, *more):
    def script(c):
        head = c.read_head()
        c.send(answer_101(head, extra=[("Set-Cookie", "sid=cookievalue; Path=/")]) + close(1000))
        return head

    server = raw(script)
    url = f"ws://user:hunter2@127.0.0.1:{server.port}/?token=querytoken&x=visible"
    r = run(*more, "-v", "-H", "Cookie: a=cookievalue", "-H", "X-Api-Key: topsecret", "-H", "Proxy-Authorization: Bearer bearervalue",
            "-H", "X-Original-URL: /?token=originaltoken", "-s", "bearer", "-s", "protocolvalue", url)
    return r, server.result()


def test_secrets_are_sent_and_not_told(run, raw):
    r, head = secret_run(run, raw)
    assert head.get("X-Api-Key") == "topsecret" and "querytoken" in head.target and head.get("Authorization")
    told = r.err + json.dumps(r.events)
    for secret in SECRETS:
        assert secret not in told, secret
    assert head.get("Authorization").split()[1] not in told
    assert "visible" in told


def test_json_keeps_secrets_too(run, raw):
    r, _ = secret_run(run, raw, "--json")
    for secret in SECRETS:
        assert secret.encode() not in r.out


def test_auth_is_not_in_the_arguments_that_start_tells(run, raw):
    r = run("--auth", "user:hunter2", raw(acts.sends()).url())
    assert "hunter2" not in json.dumps(r.events) + r.err
    assert any("--auth" in a for a in r.one("start")["args"])


def test_show_secrets_tells_them(run, raw):
    r, _ = secret_run(run, raw, "--show-secrets")
    told = r.err + json.dumps(r.events)
    for secret in SECRETS:
        assert secret in told, secret


# row 10

EVIL = "\x1b[31mred\x1b]0;title\x07 \x00 \r \x7f \x9b31m end"


def on_terminal(start, *args, columns=80):
    """What a person would see: stdout and stderr on a terminal, stdin not."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    p = start(*args, stdin=None, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        seen += chunk
    os.close(master)
    return seen, p.finish()


def assert_harmless(seen):
    plain = seen.replace(b"\r\n", b"\n")
    bad = re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", plain)
    assert not bad, plain


@pytest.mark.fault(10)
def test_control_characters_in_payload_and_reason_are_escaped_on_a_terminal(start, raw):
    server = raw(lambda c: (c.upgrade(), c.send(text(EVIL) + binary(EVIL.encode() + b"\xff") + close(4000, EVIL)), c.read_close()))
    seen, r = on_terminal(start, "--color", "never", server.url())
    assert_harmless(seen)
    assert b"red" in seen and r.ended["reason"] == EVIL


@pytest.mark.fault(10)
def test_control_characters_in_a_refusal_are_escaped_on_a_terminal(start, raw):
    evil = EVIL.replace("\x00", "").replace("\r", "").encode("latin-1")
    data = b"HTTP/1.1 403 " + evil + b"\r\nX-Evil: " + evil + b"\r\nContent-Length: %d\r\n\r\n" % len(EVIL.encode()) + EVIL.encode()
    seen, r = on_terminal(start, "--color", "never", "-v", raw(answers(data)).url())
    assert_harmless(seen)
    assert r.status in (8, 22)


@pytest.mark.fault(10)
def test_control_characters_in_an_invalid_answer_are_escaped_everywhere(run, raw):
    r = run(raw(answers(b"HTTP/1.1 101 x\r\nUpgrade: \x1b[31m\x00\r\n\r\n")).url())
    assert_harmless(r.err.encode())
    assert r.status == 8


@pytest.mark.fault(10)
def test_colours_of_ours_are_all_that_a_terminal_gets(start, raw):
    server = raw(lambda c: (c.upgrade(), c.send(text(EVIL) + close(1000, EVIL)), c.read_close()))
    seen, _ = on_terminal(start, server.url())
    assert_harmless(re.sub(rb"\x1b\[[0-9;]*m", b"", seen.replace(b"\x1b[31mred", b"BAD\x1b")))
    assert b"BAD" not in seen


def test_a_narrow_terminal_folds_lines(start, raw):
    def longest(columns):
        seen, _ = on_terminal(start, "--color", "never", raw(acts.sends()).url(), columns=columns)
        return max(len(line) for line in seen.decode().splitlines())

    assert longest(200) > 50 >= longest(50)


@pytest.mark.fault(10)
def test_a_pipe_gets_payloads_as_they_are(run, raw):
    r = run(raw(acts.sends(text(EVIL))).url())
    assert r.out == EVIL.encode() + b"\n"


def test_messages_of_one_run_keep_their_order_across_types(run, raw):
    r = run(raw(acts.sends(text("1"), binary(b"2"), text("3"))).url())
    assert [(m["opcode"], m["data"]) for m in r.all("message")] == [("text", "1"), ("binary", "2"), ("text", "3")]
