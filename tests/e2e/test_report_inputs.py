# SPDX-License-Identifier: MIT
"""wsdiag report on what other programs really log, and on logs that are packed or come through a pipe."""
import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from peers.external import PYTHON, External

DATA = Path(__file__).parent.parent / "data"
TRACED = """
import sys, websocket
websocket.enableTrace(True)
ws = websocket.create_connection(sys.argv[1])
ws.send("hello")
ws.recv()
ws.close()
"""
ECHO = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"} if scope["path"] == "/ws" else {"type": "websocket.close"})
    while scope["path"] == "/ws" and (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})
"""


@pytest.fixture
def report(run):
    return lambda *args, **how: run("report", *args, log=False, **how).out.decode()


@pytest.fixture
def daphne(tmp_path):
    """A running Daphne with .port and .log, its access log."""
    (tmp_path / "echo_app.py").write_text(ECHO)
    log = tmp_path / "access.log"

    def port_of(line):
        found = re.search(r"Listening on TCP address 127\.0\.0\.1:(\d+)", line)
        return int(found[1]) if found else None

    peer = External([PYTHON, "-m", "daphne", "-p", "0", "--access-log", log, "echo_app:app"], ready=port_of, cwd=tmp_path)
    peer.log = log
    yield peer
    peer.stop()


def test_the_trace_of_websocket_client_is_joined_with_our_log_by_key(report, serve, tmp_path):
    server, trace, log = serve(), tmp_path / "trace.log", tmp_path / "s.jsonl"
    done = subprocess.run([PYTHON, "-c", TRACED, server.url], stderr=subprocess.PIPE, timeout=60, check=True)
    trace.write_bytes(done.stderr)
    server.wait_event("close")
    log.write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in server.events))
    text = report(trace, log)
    assert re.search(r"^client .*trace\.log .*websocket-client trace", text, re.M), text
    assert re.search(r"^joined by key", text, re.M), text


def test_the_access_log_of_daphne_has_what_was_opened_and_refused(report, run, daphne):
    url = f"ws://127.0.0.1:{daphne.port}"
    assert run("-x", "hello", "-1", f"{url}/ws").out == b"hello\n"
    assert run(f"{url}/no").status == 22
    daphne.stop()
    text = report(daphne.log)
    assert re.search(r"^server .*access\.log .*Daphne access log", text, re.M), text
    assert re.search(r"^server  1 connection, 1 failed", text, re.M), text


def test_packed_piped_and_named_logs_say_the_same(report, tmp_path):
    plain = (DATA / "issue-971" / "client.log").read_bytes()
    (tmp_path / "client.log").write_bytes(plain)
    (tmp_path / "client.log.gz").write_bytes(gzip.compress(plain))
    expected = report("client.log", cwd=tmp_path)
    assert "SILENT LOSS" in expected

    def findings(text):
        return re.sub(r"client\.log(\.gz)?", "LOG", text).replace(" ", "").replace("\n", "")

    for text in (report("client.log.gz", cwd=tmp_path), report("--from", "text:client.log", cwd=tmp_path)):
        assert findings(text) == findings(expected)
    assert "SILENT LOSS" in report("-", stdin=plain)
