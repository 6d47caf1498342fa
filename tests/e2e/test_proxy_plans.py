# SPDX-License-Identifier: MIT
"""wsdiag proxy with plans: the language as a whole, its files, and what is said of what is wrong in them."""
import importlib
import subprocess
from pathlib import Path

from faults import SHOWN
from harness import environment
from peers.origin import end_of, meet


def test_every_word_of_the_language_has_a_test(binary):
    for module in Path(__file__).parent.glob("test_proxy_faults_*.py"):
        importlib.import_module(module.stem)
    said = subprocess.run([binary, "dump-plans"], capture_output=True, text=True, check=True, env=environment()).stdout
    rows = [line.split("\t") for line in said.splitlines()]
    actions = {f"action {r[1]}" for r in rows if r[0] == "action"}
    moments = {f"moment {r[1]} {r[2]}".strip() for r in rows if r[0] == "moment"}
    assert len(actions) > 20 and len(moments) > 10
    assert (actions | moments) - SHOWN == set()
    assert SHOWN - (actions | moments) == set()


def test_plans_are_files_too_and_speed_shortens_them(proxy, origin, tmp_path):
    (tmp_path / "my.plan").write_text("# mine\nconn 1 after 200s: fin both  # in time\n")
    o = origin()
    p = proxy("--plan", tmp_path / "my.plan", "--speed", "1000", o.url())
    client, _ = meet(o, p.port)
    assert end_of(client)[0] == "fin"
    e = p.wait_event("inject")
    assert e["line"] == 2 and "my" in e["plan"]


def test_an_error_in_a_plan_names_line_and_column(run, tmp_path):
    (tmp_path / "bad.plan").write_text("conn 1 after 1s: fin both\nconn 1 after 1s: fin bath\n")
    r = run("proxy", "--plan", tmp_path / "bad.plan", "ws://127.0.0.1:9/", log=False)
    assert r.status == 2 and ":2:22" in r.err and "bath" in r.err
