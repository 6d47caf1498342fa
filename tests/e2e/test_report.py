# SPDX-License-Identifier: MIT
"""wsdiag report on real logs: the incident's, and those of runs in which a proxy does what a plan says."""
import json
import re
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from peers.raw import close, connect

DATA = Path(__file__).parent.parent / "data"
QUICK = ("-r", "--reconnect-delay", "0.05", "--ping-interval", "0.3", "--ping-timeout", "0.6", "--no-input")


@pytest.fixture
def report(run):
    """report(*args) -> Result; with .findings, their names in order."""

    def whole(*args, **how):
        r = run("report", *args, log=False, **how)
        r.text = r.out.decode()
        r.findings = re.findall(r"^([A-Z][A-Z, -]*[A-Z])  .*, \d+ samples?(?:  |$)", r.text, re.M)
        return r

    return whole


@pytest.fixture
def logs(start, serve, tmp_path):
    """logs(*faults) -> a server, a proxy in front of it that does so, and files for what they and clients log."""

    class Logs:
        def __init__(self, faults, server_args):
            self.server = serve(*server_args)
            self.proxy_log, self.clients = tmp_path / "p.jsonl", []
            plan = [word for fault in faults for word in ("-f", fault)]
            self.proxy = start("proxy", "--json", "-q", f"--log={self.proxy_log}", *plan, self.server.url, stdin=None)
            self.proxy.wait_out(b'"listen"')
            self.url = next(e["url"] for e in map(json.loads, bytes(self.proxy.out).splitlines()) if e["event"] == "listen")

        def client(self, *args):
            p = start(*args, self.url, stdin=None)
            self.clients.append(p)
            return p

        def paths(self):
            """Ends all and writes what they told: the client's, the proxy's, the server's."""
            for p in (*self.clients, self.proxy, self.server):
                if p.process.poll() is None:
                    p.signal(signal.SIGINT)
                p.finish()
            out = [tmp_path / "c.jsonl", self.proxy_log, tmp_path / "s.jsonl"]
            out[0].write_text("".join(lines(p.events) for p in self.clients))
            out[2].write_text(lines(self.server.events))
            return out

    return lambda *faults, server=(): Logs(faults, server)


def lines(events):
    return "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in events)


# the incident

def test_the_two_logs_of_the_incident_give_the_golden_report(report):
    r = report("client.log", "server.log", cwd=DATA / "issue-971")
    assert r.text == (DATA / "report-971.txt").read_text()
    assert r.status == 1 and r.err == ""
    assert r.findings == ["OVERLAP", "SILENT LOSS", "UNSEEN END", "SILENT GAP", "LOSS, BOTH"]


def test_the_order_of_the_logs_does_not_matter_and_one_end_alone_says_less(report):
    where = DATA / "issue-971"
    assert report("server.log", "client.log", cwd=where).findings == ["OVERLAP", "SILENT LOSS", "UNSEEN END", "SILENT GAP", "LOSS, BOTH"]
    alone = report("client.log", cwd=where)
    assert alone.findings == ["SILENT LOSS", "SILENT GAP", "LOSS"]
    assert "Next: put `wsdiag proxy --log p.jsonl` before the app" in alone.text
    server = report("server.log", cwd=where)
    assert (server.findings, server.status) == ([], 0)


def test_an_overlap_that_the_clients_own_log_speaks_against_is_possible_at_most(report, tmp_path):
    """Two users of a server without numbers: the client's was closed in the second of the first end, which may as well be the other's."""
    opens = [("09:59:00", 50000), ("10:00:00", 50001), ("10:00:45", 50002)]
    told = [(at, f'127.0.0.1:{port} - "WebSocket /ws" [accepted]') for at, port in opens]
    told += [(at, "connection closed") for at in ("10:00:30", "10:02:30", "10:03:30")]
    (tmp_path / "s.log").write_text("".join(f"2026-11-24 {at} INFO:     {what}\n" for at, what in sorted(told)))
    said = [("10:00:00", "on_open"), ("10:00:30", "on_close: 1000 bye"), ("10:00:45", "on_open"), ("10:02:30", "on_close: 1000 bye")]
    (tmp_path / "c.log").write_text("".join(f"2026-11-24 {at} {what}\n" for at, what in said))
    assert not re.search("^OVERLAP .*(likely|certain)", report("s.log", "c.log", cwd=tmp_path).text, re.M)


def test_exit_zero_a_kind_that_is_named_and_what_is_chosen(report):
    where = DATA / "issue-971"
    r = report("--exit-zero", "--from", "text:client.log", "server.log", cwd=where)
    assert r.status == 0 and r.text.endswith("5 findings\n")
    assert report("client.log", "server.log", "--conn", "1", cwd=where).findings == ["SILENT GAP", "LOSS, BOTH"]
    assert report("client.log", "server.log", "--since", "22:39:30", cwd=where).findings == []
    assert "OVERLAP" in report("client.log", "server.log", "--until", "22:45", cwd=where).findings


def test_lines_fit_the_terminal_and_colour_comes_only_when_asked(report):
    where = DATA / "issue-971"
    plain = report("client.log", "server.log", cwd=where)
    assert max(map(len, plain.text.splitlines())) <= 80 and "\033" not in plain.text
    coloured = report("client.log", "server.log", "--color=always", cwd=where)
    assert "\033[1;31mOVERLAP" in coloured.text and re.sub("\033\\[[0-9;]*m", "", coloured.text) == plain.text


# healthy runs

def test_healthy_clients_through_a_proxy_have_no_findings(logs, report):
    s = logs()
    for _ in range(4):
        s.client("-x", "hello", "-w", "0.1").finish()
    paths = s.paths()
    r = report(*paths)
    assert (r.findings, r.status) == ([], 0), r.text
    assert "joined by key" in r.text and r.text.endswith("0 findings, exit 0\n")
    for path in paths:
        assert report(path).findings == []


def test_a_thousand_healthy_connections_have_no_findings(serve, report, tmp_path):
    server = serve()
    for _ in range(1000):
        c = connect("127.0.0.1", server.port)
        c.dial(host=f"127.0.0.1:{server.port}")
        c.send(close(1000, mask=True))
        c.read_close()
        c.close()
    server.wait_event("close", n=1000)
    server.signal(signal.SIGINT)
    path = tmp_path / "s.jsonl"
    path.write_text(lines(server.finish().events))
    r = report(path)
    assert (r.findings, r.status) == ([], 0), r.text
    assert "server  1000 connections" in r.text


# faults, one by one: what the plan says, what the client is told, and what the report must find with the logs of all three

def lost_once(s):
    c = s.client(*QUICK)
    c.wait_event("reconnect")
    return c


def run_fin(s):
    lost_once(s)


def run_dark(s):
    """Until the server has lost the old one, too."""
    lost_once(s)
    s.server.wait_event("lost")


def run_orphan(s):
    c = s.client(*QUICK, "--connect-timeout", "0.5")
    c.wait_event("open")


def run_plain(s):
    s.client("-x", "hello", "-w", "0.2").finish()


def run_until_closed(s):
    s.client("-w", "forever", "--no-input").finish()


FAULTS = {
    "fin": (("conn 1 after 500ms: fin both",), run_fin, ["LOSS, BOTH", "SECOND OPEN"]),
    "rst": (("conn 1 after 500ms: rst both",), run_fin, ["RESET", "SECOND OPEN"]),
    "refuse": (("conn 1 after 500ms: fin both", "dial 2-3 at accept: rst"), run_fin, ["DIAL FAILED", "LOSS, BOTH", "SECOND OPEN"]),
    "status": (("dial 1 at request: status 503",), run_orphan, ["REFUSED"]),
    "dark": (("conn 1 after 500ms: drop both; hold origin",), run_dark, ["OVERLAP", "ZOMBIE LEG", "SECOND OPEN"]),
    "orphan": (("dial 1 at response: delay 2s; hold origin",), run_orphan, ["ORPHAN", "DIAL FAILED"]),
    "replay": (("dial 1 at request: replay",), run_plain, ["REPLAY"]),
    "hop close": (('conn 1 after 500ms: close 1001 "" client; drop up; hold origin',), run_until_closed, ["HOP CLOSE"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_plan_does_is_found(logs, report, name):
    faults, act, wanted = FAULTS[name]
    s = logs(*faults, server=("--ping-interval", "0.5", "--ping-timeout", "1.5"))
    act(s)
    paths = s.paths()
    r = report(*paths)
    assert set(wanted) <= set(r.findings), r.text
    assert r.status == 1
    # Each end alone says less, and never what only both can know.
    for path in paths[::2]:
        alone = report(path)
        assert not {"HOP CLOSE", "CLOSE LOST", "UNSEEN END"} & set(alone.findings), alone.text


def test_what_was_injected_is_named(logs, report):
    s = logs("conn 1 after 500ms: fin both")
    run_fin(s)
    assert "Injected: fin both (--fault:1)" in report(*s.paths()).text.replace("\n  ", " ")


def test_logs_that_are_cut_or_damaged_are_told_and_judged_all_the_same(logs, report):
    s = logs("conn 1 after 500ms: drop both; hold origin", server=("--ping-interval", "0.5", "--ping-timeout", "1.5"))
    run_dark(s)
    client, proxy, server = s.paths()
    whole = server.read_text()
    cut = whole[: whole.rindex('"event":"lost"')]
    server.write_text(cut)
    client.write_text("{]\n" + client.read_text())
    r = report(client, proxy, server)
    assert "ZOMBIE LEG" in r.findings
    assert "1 line unreadable (line 1)" in r.text and "its last line is cut" in r.text and "cut short: no end event" in r.text


@pytest.mark.parametrize("skew", [timedelta(seconds=3), timedelta(hours=-2)])
def test_clocks_that_are_wrong_are_set_right(logs, report, skew):
    s = logs("conn 1 after 500ms: drop both; hold origin", server=("--ping-interval", "0.5", "--ping-timeout", "1.5"))
    run_dark(s)
    client, _, server = s.paths()
    same_clock = report(client, server)
    events = [json.loads(line) for line in server.read_text().splitlines()]
    for e in events:
        e["time"] = (datetime.fromisoformat(e["time"].replace("Z", "+00:00")) + skew).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        e["mono"] += 12345.5
        if "boot" in e:
            e["boot"] = "6f7e4f0a-0000-4000-8000-000000000000"
    server.write_text(lines(events))
    r = report(client, server)
    assert r.findings == same_clock.findings and "OVERLAP" in r.findings
    assert "same machine's clock" in same_clock.text
    assert re.search(r"server's clock (3s|2h00m) (ahead|behind), within [\d.]+ms \(2 pairs\)", r.text), r.text


# errors

def test_errors_name_what_and_where(report, tmp_path):
    r = report()
    assert r.status == 2 and "report needs a log" in r.err
    r = report(tmp_path / "none.jsonl")
    assert r.status == 26 and "none.jsonl" in r.err
    r = report("client.log", "--since", "teatime", cwd=DATA / "issue-971")
    assert r.status == 2 and "teatime" in r.err
    r = report("--from", "morse:client.log", cwd=DATA / "issue-971")
    assert r.status == 2 and "morse" in r.err


def test_what_a_peer_wrote_is_escaped(report, tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"v":1,"event":"open","time":"2026-03-04T22:13:02.000000Z","mono":1.0,"role":"client","run":"00000000000000aa","seq":1,"session":"a","conn":1,"dial":1}\n'
        '{"v":1,"event":"close","time":"2026-03-04T22:13:09.000000Z","mono":8.0,"role":"client","run":"00000000000000aa","seq":2,"session":"a","conn":1,"dial":1,'
        '"by":"peer","cause":"ws.close","clean":true,"code":4001,"reason":"\\u001b[2Jboo","age":7.0}\n')
    r = report(path)
    assert r.findings == ["PEER CLOSED"] and "\033" not in r.text and "boo" in r.text
