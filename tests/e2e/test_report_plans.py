# SPDX-License-Identifier: MIT
"""Every installed plan, played between a real client and a real server, and what `wsdiag report` makes of the three logs: of all, of some, on wrong clocks, cut.

What it must say is in tests/data/report-plans, a file for each plan; WSDIAG_GOLDEN=write writes them anew: look at the difference before it is committed.
"""
import json
import os
import re
import signal
from datetime import datetime, timedelta

import pytest

from conftest import ROOT

PLANS = ROOT / "src" / "fault" / "plans"
GOLDEN = ROOT / "tests" / "data" / "report-plans"
LOGS = ("client.jsonl", "proxy.jsonl", "server.jsonl")
CLIENT, _, SERVER = LOGS
# It goes on until it is stopped: how the connection ends that a cut hides is another each time.
ENDLESS = {"c4"}


def by_signal(plan):
    """Nothing happens in it by itself."""
    return all("on signal" in line for line in (PLANS / f"{plan}.plan").read_text().splitlines() if line and line[0] != "#")


@pytest.fixture
def play(run, start, serve, tmp_path):
    """play(plan): a demo of it leaves its three logs in tmp_path; one that waits for a signal gets it between a client and a server."""

    def demo(plan):
        r = run("demo", plan, "--keep", tmp_path, *(("--for", "8") if plan in ENDLESS else ()), log=False)
        assert r.status == 0, r

    def signalled(plan):
        server = serve()
        proxy = start("proxy", "--plan", plan, server.url, stdin=None)
        client = start("-r", "--reconnect-delay", "0.05", "--no-input", proxy.wait_event("listen")["url"], stdin=None)
        client.wait_event("open")
        proxy.wait_event("open", leg="client")
        proxy.signal(signal.SIGUSR1)
        client.wait_event("reconnect")
        for name, p in zip(LOGS, (client, proxy, server)):
            p.signal(signal.SIGINT)
            (tmp_path / name).write_text("".join(map(line_of, p.finish().events)))

    return lambda plan: (signalled if by_signal(plan) else demo)(plan)


# what is done to a log

def line_of(event):
    return json.dumps(event, separators=(",", ":")) + "\n"


def skewed(text, by):
    """On another machine, whose clock is wrong."""
    events = [json.loads(line) for line in text.splitlines()]
    for e in events:
        e["time"] = (datetime.fromisoformat(e["time"].replace("Z", "+00:00")) + by).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        e["mono"] += 12345.5
        if "boot" in e:
            e["boot"] = "6f7e4f0a-0000-4000-8000-000000000000"
    return "".join(map(line_of, events))


def cut_short(text):
    """In the middle of the line that tells of the last end."""
    last = max(text.rfind(f'"event":"{name}"') for name in ("lost", "close", "failed"))
    return text[: last + 40]


# name -> the logs that are reported, and what is done to which before
SCENES = {
    "all three": (LOGS, None, None),
    "client and server": ((CLIENT, SERVER), None, None),
    "the client's alone": ((CLIENT,), None, None),
    "the server's alone": ((SERVER,), None, None),
    "the server's clock 3 s ahead": ((CLIENT, SERVER), SERVER, lambda text: skewed(text, timedelta(seconds=3))),
    "the server's clock 5 h behind": ((CLIENT, SERVER), SERVER, lambda text: skewed(text, timedelta(hours=-5))),
    "the client's clock 2 h ahead": (LOGS, CLIENT, lambda text: skewed(text, timedelta(hours=2))),
    "the client's cut short": (LOGS, CLIENT, cut_short),
    "the server's cut short": (LOGS, SERVER, cut_short),
}


# what it says, without what is another each time

def settled(text):
    text = re.sub(r"Key \S+ opened", "Key KEY opened", text)
    text = re.sub(r"\d+ connections in a row", "N connections in a row", re.sub(r"and \d+ more", "and N more", text))
    # Whether a Close was on its way when the run was stopped.
    text = re.sub(r" \d+ bytes of ours were not sent or not acknowledged\.", "", text)
    # An RST behind accept is seen by connect(), or by the first read.
    text = re.sub(r"the first, at (tcp|upgrade): .*?reset.*?:\d+\.", "the first: RST.", text)
    return re.sub(r"(?<![\w-])\d+m\d\ds\b|(?<![\w-])\d+(\.\d+)?(ms|s)\b", "SPAN", text)


def told(document):
    lines = [f"{f['name']}  {f['confidence']}  {settled(f['text'])}" for f in document["findings"]]
    lines += [f"Not judged: {u['what']} ({u['why']})" for u in document["not_judged"]]
    return "".join(line + "\n" for line in lines or ["nothing"])


def report_scene(run, scene, folder):
    logs, changed, change = SCENES[scene]
    place = folder / "changed"
    place.mkdir(exist_ok=True)
    for name in logs:
        text = (folder / name).read_text()
        (place / name).write_text(change(text) if name == changed else text)
    r = run("report", "--json", *logs, log=False, cwd=place)
    document = json.loads(r.out)
    assert r.status == (1 if document["findings"] else 0), r
    cut = [log["name"] for log in document["logs"] if log["trouble"]["no_end"]]
    assert cut == ([changed] if change is cut_short else []), document["logs"]
    return document


@pytest.mark.parametrize("plan", sorted(p.stem for p in PLANS.glob("*.plan")))
def test_the_report_of(plan, play, run, tmp_path):
    play(plan)
    said = {scene: told(report_scene(run, scene, tmp_path)) for scene, (*_, change) in SCENES.items() if plan not in ENDLESS or change is not cut_short}
    for scene in ("the server's clock 3 s ahead", "the server's clock 5 h behind"):
        assert said.pop(scene) == said["client and server"]
    assert said.pop("the client's clock 2 h ahead") == said["all three"]
    text = "".join(f"{scene}:\n{told}\n" for scene, told in said.items())
    path = GOLDEN / f"{plan}.txt"
    if os.environ.get("WSDIAG_GOLDEN") == "write":
        path.write_text(text)
    assert path.exists(), f"{path} is missing: WSDIAG_GOLDEN=write makes it"
    assert text == path.read_text()


def test_no_golden_report_is_left_of_a_plan_that_is_gone():
    assert {p.stem for p in GOLDEN.iterdir()} == {p.stem for p in PLANS.glob("*.plan")}
