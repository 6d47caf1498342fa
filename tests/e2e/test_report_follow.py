# SPDX-License-Identifier: MIT
"""wsdiag report --follow: real logs while they grow, judged as they grow."""
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from harness import PATIENCE

DATA = Path(__file__).parent.parent / "data"
QUICK = ("-r", "--reconnect-delay", "0.05", "--ping-interval", "0.3", "--ping-timeout", "0.6", "--no-input")


@pytest.fixture
def follow(start):
    """follow(*args) -> a running `wsdiag report --follow`."""
    return lambda *args, **how: start("report", "--follow", *args, **{"stdin": None, "log": False, **how})


def times_told(text, name):
    """How often a finding was told as new, in what came before the whole report."""
    return len(re.findall(rf"^{name}  .*\d samples?", text, re.M))


def names(text):
    return re.findall(r"^([A-Z][A-Z, -]*[A-Z])  .*\d samples?", text, re.M)


def line(event, second, **fields):
    head = {"v": 1, "event": event, "time": f"2026-03-04T22:13:{second:02d}.000000Z", "mono": float(second), "role": "client", "run": "00000000000000aa",
            "seq": second, "session": "a", "conn": 1, "dial": 1}
    return json.dumps({**head, **fields}, separators=(",", ":")) + "\n"


LOST = {"by": "peer", "cause": "tcp.closed", "age": 5.0}


def grow(path, *more):
    with open(path, "a") as f:
        f.write("".join(more))


# a real run

def test_an_overlap_is_told_while_it_runs_and_nothing_is_told_twice(start, follow, tmp_path):
    paths = [tmp_path / name for name in ("c.jsonl", "p.jsonl", "s.jsonl")]
    server = start("serve", f"--log={paths[2]}", "--json", "--ping-interval", "0.5", "--ping-timeout", "1.5", stdin=None)
    server.wait_out(b'"listen"')
    proxy = start("proxy", f"--log={paths[1]}", "--json", "--plan", "b4", "--speed", "10", url_of(server), stdin=None)
    proxy.wait_out(b'"listen"')
    paths[0].touch()
    report = follow(*paths)
    client = start(*QUICK, f"--log={paths[0]}", url_of(proxy), stdin=None)
    report.wait_out(b"OVERLAP  ")
    assert client.process.poll() is None and server.process.poll() is None and report.process.poll() is None
    for p in (client, proxy, server):
        p.signal(signal.SIGINT)
        p.finish()
    report.signal(signal.SIGINT)
    r = report.finish()
    told, _, whole = r.out.decode().partition("\n\n")
    assert (r.status, r.err) == (1, ""), r
    assert times_told(told, "OVERLAP") == 1, told
    for name in names(told):
        # Again only if it was taken back.
        assert times_told(told, name) <= 1 + len(re.findall(rf"^withdrawn: {name}  ", told, re.M)), told
    # The whole report is of the whole logs: it finds what is found in them afterwards.
    after = start("report", *paths, stdin=None, log=False).finish()
    assert names(whole) == names(after.out.decode()) and "OVERLAP" in names(whole) and whole.endswith(", exit 1\n")
    assert "no end event" not in whole


def url_of(p):
    return next(e["url"] for e in map(json.loads, bytes(p.out).splitlines()) if e["event"] == "listen")


# what is told, revised and withdrawn

def test_a_finding_that_changes_is_revised_and_one_that_is_no_longer_true_withdrawn(follow, tmp_path):
    client, server = tmp_path / "c.jsonl", tmp_path / "s.jsonl"
    client.write_text(line("open", 1, key="k1") + line("lost", 6, **LOST))
    server.write_text("")
    r = follow(client, server)
    r.wait_out(b"LOSS  ")
    grow(client, line("open", 7, conn=2, dial=2, key="k2", reconnect=True), line("lost", 12, conn=2, dial=2, **LOST))
    r.wait_out(b"revised: LOSS  ")
    their = {"role": "server", "run": "00000000000000bb"}
    grow(server, line("open", 1, key="k1", **their), line("lost", 6, **LOST, **their), line("open", 7, conn=2, dial=2, key="k2", **their),
         line("lost", 12, conn=2, dial=2, **LOST, **their))
    r.wait_out(b"withdrawn: LOSS  22:13:06")
    r.wait_out(b"LOSS, BOTH  ")
    r.signal(signal.SIGTERM)
    r = r.finish()
    told = r.out.decode().partition("\n\n")[0]
    assert r.status == 1 and times_told(told, "LOSS") == 1 and times_told(told, "LOSS, BOTH") == 1, told


def test_what_is_there_when_it_begins_is_judged_as_a_whole(follow):
    where = DATA / "issue-971"
    r = follow("client.log", "server.log", cwd=where)
    r.wait_out(b"LOSS, BOTH  ")
    r.signal(signal.SIGHUP)
    r = r.finish()
    told, _, whole = r.out.decode().partition("\n\n")
    assert "revised" not in told and "withdrawn" not in told
    assert whole == (DATA / "report-971.txt").read_text() and r.status == 1


# how it ends

def test_without_findings_ctrl_c_prints_the_report_alone(follow, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(line("open", 1))
    page = tmp_path / "page.html"
    r = follow(path, "--html", page)
    wait_for_page(r, page)
    r.signal(signal.SIGINT)
    r = r.finish()
    assert r.status == 0 and r.out.decode().endswith("\n0 findings, exit 0\n") and r.out.startswith(b"client")


def test_a_pipe_that_ends_ends_it(follow):
    r = follow("-", stdin=(line("open", 1) + line("lost", 6, **LOST)).encode()).finish()
    assert r.status == 1 and r.out.decode().endswith("1 finding, exit 1\n")


def test_a_pipe_that_says_nothing_holds_up_nobody(follow, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(line("open", 1) + line("lost", 6, **LOST))
    r = follow(path, "-", stdin="open")
    r.wait_out(b"LOSS  ")
    r.signal(signal.SIGINT)
    r = r.finish()
    assert r.status == 1 and times_told(r.out.decode().partition("\n\n")[0], "LOSS") == 1


def test_a_reader_that_goes_away_ends_it(follow, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(line("open", 1) + line("lost", 6, **LOST))
    ours, theirs = os.pipe()
    r = follow(path, stdout=theirs)
    os.close(theirs)
    assert b"LOSS  " in os.read(ours, 1 << 16)
    os.close(ours)
    grow(path, line("open", 7, conn=2, dial=2), line("lost", 12, conn=2, dial=2, **LOST))
    assert r.finish().status == 128 + signal.SIGPIPE


def test_a_second_signal_ends_it_at_once(follow, tmp_path):
    """Both are there before it can heed the first."""
    path = tmp_path / "c.jsonl"
    path.write_text(line("open", 1) + line("lost", 6, **LOST))
    r = follow(path)
    r.wait_out(b"LOSS  ")
    r.process.send_signal(signal.SIGSTOP)
    r.signal(signal.SIGINT)
    r.signal(signal.SIGTERM)
    r.process.send_signal(signal.SIGCONT)
    r = r.finish()
    assert r.status in (128 + signal.SIGTERM, 128 + signal.SIGINT) and b"exit 1" not in r.out


# the page, and what cannot be had

def wait_for_page(report, page, *words):
    """The page is replaced as a whole, so it can be read at any time."""
    end = time.monotonic() + PATIENCE
    while not page.exists() or any(w not in page.read_text() for w in words):
        assert time.monotonic() < end and report.process.poll() is None, report.snapshot()
        time.sleep(0.02)


def test_the_page_is_written_again_after_each_round(follow, tmp_path):
    path, page = tmp_path / "c.jsonl", tmp_path / "page.html"
    path.write_text(line("open", 1))
    r = follow(path, "--html", page)
    wait_for_page(r, page, "</html>")
    assert "LOSS" not in page.read_text()
    grow(path, line("lost", 6, **LOST))
    wait_for_page(r, page, "LOSS", "</html>")
    r.signal(signal.SIGINT)
    assert r.finish().status == 1


@pytest.mark.parametrize("form", ["--json", "--markdown"])
def test_other_forms_cannot_be_followed_and_it_says_what_to_do(follow, form):
    r = follow(form, "client.log", cwd=DATA / "issue-971").finish()
    assert r.status == 2 and r.out == b"" and f"--follow and {form} exclude each other" in r.err and "Ctrl-C" in r.err


def test_a_log_that_is_not_there_yet_is_waited_for(follow, tmp_path):
    path = tmp_path / "none.jsonl"
    r = follow(path)
    r.wait_err("none.jsonl is not there yet; waiting for it")
    path.write_text(line("open", 1) + line("lost", 6, **LOST))
    r.wait_out(b"LOSS  ")
    r.signal(signal.SIGINT)
    r = r.finish()
    assert r.status == 1 and r.err.count("not there yet") == 1 and "none.jsonl is there now" in r.err


def test_a_log_that_is_rotated_is_followed_and_told(follow, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(line("open", 1) + line("lost", 6, **LOST))
    r = follow(path)
    r.wait_out(b"LOSS  ")
    path.rename(tmp_path / "c.jsonl.1")
    path.touch()
    grow(tmp_path / "c.jsonl.1", line("open", 7, conn=2, dial=2))
    grow(path, line("lost", 12, conn=2, dial=2, **LOST))
    r.wait_out(b"2 samples")
    os.truncate(path, 0)
    r.wait_err("was cut back")
    r.signal(signal.SIGINT)
    r = r.finish()
    assert r.status == 1 and "c.jsonl was replaced; going on with the new file of this name" in r.err


def test_a_name_that_no_file_can_have_and_a_time_that_is_none_end_it(follow, tmp_path):
    path = tmp_path / "file"
    path.touch()
    r = follow(path / "none.jsonl").finish()
    assert r.status == 26 and "none.jsonl" in r.err and r.out == b""
    r = follow("client.log", "--since", "teatime", cwd=DATA / "issue-971").finish()
    assert r.status == 2 and "teatime" in r.err and r.out == b""
