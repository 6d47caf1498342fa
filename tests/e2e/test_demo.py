# SPDX-License-Identifier: MIT
"""wsdiag demo: what it shows comes from a real run, so its order is asserted, never its times."""
import json
import os
import re
import signal

import pytest


SEED = {
    "client": ["open c1", "lost c1: peer FIN", "failed d2: RST", "failed d3: RST", "failed d4: RST", "reconnect c2 (d5)", "lost c2: ping timeout",
               "reconnect c3 (d6), overlap with c2", "ghost c2: peer FIN", "close c3: ours 1000"],
    "proxy": ["pass", "fin both :1", "rst :2", "rst :2", "rst :2", "pass", "drop both; hold origin :3", "FIN from client", "pass", "FIN from server", "pass"],
    "server": ["open c1", "lost c1: peer FIN", "open c2 (d5)", "open c3 (d6), overlap with c2", "lost c2: ping timeout", "close c3: peer 1000"],
    "app": ["on_open", "on_error", "(silence)", "(silence)", "(silence)", "on_open again", "(silence)", "on_open again", "(silence)",
            "on_close None/None"],
}
LINE = re.compile(r"^ *(\d+\.\d)  (client|proxy|server|app) +(\S.*)$")


def told(text):
    """who -> what it told, in order; the time a ping waited left out."""
    said = {"client": [], "proxy": [], "server": [], "app": []}
    for line in text.splitlines():
        m = LINE.match(line)
        if m:
            said[m[2]].append(re.sub(r"(ping timeout) \S+", r"\1", m[3]))
    return said


@pytest.fixture
def demo(run):
    def whole(*args, **how):
        r = run("demo", *args, log=False, **how)
        r.text = r.out.decode()
        return r

    return whole


# the incident

def test_the_seeds_incident_happens_row_by_row(demo):
    r = demo()
    assert r.status == 0 and r.err == "", repr(r)
    assert told(r.text) == SEED
    assert b"\033" not in r.out
    times = [float(m[1]) for m in map(LINE.match, r.text.splitlines()) if m]
    assert times == sorted(times)
    introduction = r.text.partition("\n\n")[0]
    assert introduction.startswith("wsdiag demo seed-971: websocket-client issue 971")
    assert "  3  conn 2 after 6s: drop both; hold origin" in introduction
    findings = r.text.split("\n\n")[-1].splitlines()
    assert findings[0] == "What the client saw: 2 connections lost, 3 dials failed. An app on websocket-client 1.7 hears of 1 of these 5."
    assert findings[1].startswith("It hears on_open 3 times")
    assert re.fullmatch(r"Two connections of one client at the server for [\d.]+m?s: c2's late disconnect must not clear c3's state\.", findings[2])
    assert findings[3] == "Your turn: wsdiag proxy --plan seed-971 ws://YOUR-SERVER"


def test_another_version_hears_something_else(demo):
    r = demo("--as", "websocket-client:1.8")
    assert r.status == 0, repr(r)
    assert [x for x in told(r.text)["app"] if x != "(silence)"] == ["on_open", "on_error", "on_reconnect", "on_reconnect", "on_close None/None"]
    assert "An app on websocket-client 1.8 hears of 1 of these 5." in r.text
    assert "times: nothing tells it" not in r.text


@pytest.mark.parametrize("plan, sentence", [
    ("a1-second", "hears of 1 of these 2."),
    ("a5-1012", "1 connection closed by the far end. An app on websocket-client 1.9 hears of nothing."),
    ("b2", "c1's late disconnect must not clear c2's state."),
    ("b3", "c1's late disconnect must not clear c2's state."),
    ("b5", "c1 opened at the server for d1, which the client had given up: a connection without a client."),
    ("c2", "c1 has ended at the server, and the client does not know: it believes it open."),
    ("c3", "c1 has ended at the server, and the client does not know: it believes it open."),
    ("d", "One request opened twice at the server, c1 and c2, with the same key: a hop sent it again."),
    ("nginx", "1 connection lost."),
])
def test_other_plans_show_what_they_promise(demo, plan, sentence):
    r = demo(plan)
    assert r.status == 0 and r.err == "", repr(r)
    assert sentence in r.text, repr(r)


def test_b2_in_full(demo):
    r = demo("b2")
    assert told(r.text) == {
        "client": ["open c1", "lost c1: peer RST", "reconnect c2", "close c2: ours 1000"],
        "proxy": ["pass", "rst client; hold origin :3", "pass", "FIN from server", "pass"],
        "server": ["open c1", "open c2, overlap with c1", "lost c1: ping timeout", "close c2: peer 1000"],
        "app": ["on_open", "on_error", "on_open again", "on_close None/None"],
    }
    assert "Your turn: wsdiag proxy --plan b2 ws://YOUR-SERVER" in r.text


# plans of one's own

def test_a_plan_from_a_file_with_its_own_settings(demo, tmp_path):
    plan = tmp_path / "mine.plan"
    plan.write_text("conn 1  after 1s:  close 4001 \"go\" client   # mine\n#: connect --ping-interval 0 --reconnect-delay 1\n#: shows closed reconnect\n")
    r = demo(plan)
    assert r.status == 0, repr(r)
    assert told(r.text)["client"][:3] == ["open c1", 'close c1: peer 4001 private "go"', "reconnect c2"]
    assert f"wsdiag demo {plan}\n" in r.text and "The client does not ping;" in r.text
    assert '  1  conn 1 after 1s: close 4001 "go" client\n' in r.text


def test_a_plan_that_promises_nothing_ends_by_time(demo, tmp_path):
    plan = tmp_path / "quiet.plan"
    plan.write_text("conn 7 after 1s: fin both\n")
    r = demo(plan, "--for", "0.5")
    assert r.status == 0, repr(r)
    assert told(r.text)["client"] == ["open c1", "close c1: ours 1000"]


def test_a_broken_promise_is_a_sentence_and_status_1(demo, tmp_path):
    plan = tmp_path / "liar.plan"
    plan.write_text("conn 7 after 1s: fin both\n#: shows overlap replay\n")
    r = demo(plan, "--for", "0.5")
    assert r.status == 1
    assert "did not show what the plan promises: not two connections at the server at once, nor one request that opens twice" in r.err
    assert "Your turn:" in r.text


# logs

def test_keep_leaves_three_logs_that_tell_the_same_story(demo, run, tmp_path):
    folder = tmp_path / "logs"
    r = demo("b1", "--keep", folder)
    assert r.status == 0, repr(r)
    assert f"read on: wsdiag report {folder}/*.jsonl" in r.text
    assert sorted(p.name for p in folder.iterdir()) == ["client.jsonl", "proxy.jsonl", "server.jsonl"]
    logs = {p.stem: [json.loads(line) for line in p.read_text().splitlines()] for p in folder.iterdir()}
    for role, events in logs.items():
        assert {e["role"] for e in events} == {role}
        assert len({e["run"] for e in events}) == 1
        assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
        assert events[0]["event"] == "start" and events[-1]["event"] == "end" and events[-1]["exit"] == 0
    assert len({events[0]["run"] for events in logs.values()}) == 3
    assert len({events[0]["boot"] for events in logs.values()}) == 1
    assert [e["action"] for e in logs["proxy"] if e["event"] == "inject"] == ["fin client; hold origin"]
    assert [(e["conn"], e["with"]) for e in logs["server"] if e["event"] == "overlap"] == [(2, 1)]
    assert [e["cause"] for e in logs["client"] if e["event"] == "lost"] == ["tcp.closed"]
    keys = {role: [e["ws_key"] for e in events if e["event"] in ("open", "reconnect") and e.get("leg") != "origin"] for role, events in logs.items()}
    assert len(keys["client"]) == 2 and keys["client"] == keys["proxy"] == keys["server"]
    report = run("report", *sorted(folder.iterdir()), log=False)
    assert report.status == 1 and re.search(r"^OVERLAP ", report.out.decode(), re.M), repr(report)


def test_keep_does_not_mix_two_runs(demo, tmp_path):
    (tmp_path / "proxy.jsonl").write_text("mine\n")
    r = demo("b1", "--keep", tmp_path)
    assert r.status == 26 and "proxy.jsonl: File exists; name another directory" in r.err, repr(r)
    assert (tmp_path / "proxy.jsonl").read_text() == "mine\n"
    r = demo("b1", "--keep", tmp_path / "proxy.jsonl" / "x")
    assert r.status == 26 and "Not a directory" in r.err


# how it ends

def test_control_c_ends_it(start):
    for line in (b"on_open\n", b"drop both"):
        p = start("demo", log=False, stdin=None)
        p.wait_out(line)
        p.signal(signal.SIGINT)
        r = p.finish()
        assert r.signal == signal.SIGINT and r.status == 130 and r.err == "", repr(r)
        assert b"Your turn" not in r.out


def test_control_c_keeps_the_logs_whole(start, tmp_path):
    p = start("demo", "--keep", tmp_path / "logs", log=False, stdin=None)
    p.wait_out(b"on_open\n")
    p.signal(signal.SIGINT)
    assert p.finish().status == 130
    for path in (tmp_path / "logs").iterdir():
        last = json.loads(path.read_text().splitlines()[-1])
        assert (last["event"], last["exit"]) == ("end", 130)


def test_a_reader_that_goes_away(start):
    read_end, write_end = os.pipe()
    p = start("demo", log=False, stdin=None, stdout=write_end)
    os.close(write_end)
    os.read(read_end, 1)
    os.close(read_end)
    r = p.finish()
    assert r.status == 141 and r.err == "", repr(r)


def test_a_full_disk(start):
    with open("/dev/full", "wb") as full:
        r = start("demo", log=False, stdin=None, stdout=full).finish()
    assert r.status == 23 and "cannot write to standard output: No space left on device" in r.err, repr(r)


@pytest.mark.parametrize("args, sentence", [
    (["b22"], '"b22" is no installed plan and no file; did you mean b2?'),
    (["caddy"], "waits for a signal or a typed line: wsdiag proxy --plan like-caddy ws://YOUR-SERVER"),
    (["--speed", "0"], '--speed "0" is not a number between 0.01 and 1000'),
    (["--as", "ws:8"], "websocket-client:1.7"),
    (["b1", "b2"], 'unexpected argument "b2"'),
])
def test_what_is_wrong_is_said_before_anything_starts(demo, args, sentence):
    r = demo(*args)
    assert r.status == 2 and sentence in r.err and r.out == b"", repr(r)


def test_a_setting_that_is_wrong_names_its_line(demo, tmp_path):
    plan = tmp_path / "x.plan"
    plan.write_text("conn 1 after 5s: fin both\n#: shows all\n")
    r = demo(plan)
    assert r.status == 2 and f'{plan}:2: "all" is no thing to show; there are lost' in r.err, repr(r)


# on a terminal

def test_a_wide_terminal_has_columns_and_folds_failed_dials(screen):
    s = screen("wide", columns=120, rows=40)
    s.shell(f"clear; {s.binary} demo")
    s.wait("Your turn: wsdiag proxy --plan seed-971 ws://YOUR-SERVER")
    rows = [re.sub(r"^ *\d+\.\d", "TIME", row) for row in s.rows()]
    head = next(row for row in rows if row.startswith("time"))
    assert re.fullmatch(r"time  CLIENT +PROXY +SERVER +v1\.7 app hears", head)
    at = [head.index(word) for word in ("CLIENT", "PROXY", "SERVER", "v1.7")]
    cells = [[row.ljust(120)[a:b].strip() for a, b in zip(at, [*at[1:], 120])] for row in rows if row.startswith("TIME")]
    assert cells[0] == ["open c1", "pass", "open c1", "on_open"]
    assert cells[1] == ["lost c1: peer FIN", "fin both :1", "lost c1: peer FIN", "on_error"]
    assert cells[2:4] == [["failed d2: RST", "rst :2", "", "(silence)"], ["failed d3, d4: same", "rst :2", "", "(silence)"]]
    assert ["", "drop both; hold origin :3", "", ""] in cells


def test_a_narrow_terminal_has_them_stacked(screen):
    s = screen("narrow", columns=40, rows=60)
    s.shell(f"clear; {s.binary} demo a1")
    s.wait("Your turn:")
    rows = s.rows()
    at = next(i for i, row in enumerate(rows) if row.endswith("client  open c1"))
    assert [row.strip() for row in rows[at + 1:at + 4]] == ["proxy   pass", "server  open c1", "app     on_open"]
    assert not any(row.startswith("time") for row in rows)


def test_colour_is_for_terminals_and_on_request(demo, screen):
    assert b"\033[31mlost\033[0m c1: peer FIN" in demo("a1", "--color=always").out
    s = screen("colour", columns=100, rows=40)
    s.shell(f"clear; {s.binary} demo a1")
    s.wait("Your turn:")
    assert "\033[31mlost" in s.tmux("capture-pane", "-p", "-e")
