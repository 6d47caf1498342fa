# SPDX-License-Identifier: MIT
"""What the runs of wsdiag in a test have told, in a form in which two runs of the same test can be held against each other.

WSDIAG_RECORDS=DIR keeps the record of each test that passes there; with WSDIAG_THROUGH_PROXY=1 it is held against the one that is there, of the
test without the proxy, and the test fails where they differ.

A record has lanes. What has an order is in one lane: what happened to one connection or dial, its messages and frames in one direction, its pings and
pongs in one direction. Between lanes there is no order that two runs must have in common.
"""
import hashlib
import json
import os
import re
import time
from pathlib import Path

from harness import COMMANDS, PATIENCE, event_of

FOLDER = os.environ.get("WSDIAG_RECORDS")

CLOCK, PLACE, CHANCE, QUEUE = "time", "an address or a port", "random", "what TCP's queues held at that moment"
HOP = "what a proxy writes: Host, Via, X-Forwarded-*"

# Fields that are left out, and why: they differ between any two runs, or must with a proxy.
LEFT_OUT = {
    **dict.fromkeys(("time", "mono"), CLOCK),
    **dict.fromkeys(("run", "session", "boot", "sha256"), CHANCE),
    **dict.fromkeys(("tcp", "unsent", "unacked"), QUEUE),
    **dict.fromkeys(("version", "cipher"), "each leg agrees on its own TLS"),
    "seq": "it counts over all lanes",
    "args": "they have ports and paths of this run",
    "forwarded_for": HOP,
}

# Of these it counts only whether there is a value.
BLURRED = {
    **dict.fromkeys(("took", "after", "delay", "age", "silent_rx", "silent_tx", "answered", "paused_rx", "rtt", "usual_rtt", "waiting", "up", "total", "down",
                     "since", "overlap", "rtt_min", "rtt_median", "rtt_max"), CLOCK),
    **dict.fromkeys(("peer", "local", "address"), PLACE),
    "ws_key": CHANCE,
}

# Names of headers, or headers whole, in heads and events; the reason as above. They are left out: a proxy adds some.
HEADERS = {
    **dict.fromkeys(("host", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"), HOP),
    **dict.fromkeys(("sec-websocket-key", "sec-websocket-accept"), CHANCE),
    "date": CLOCK,
    **dict.fromkeys(("connection: close", "connection: keep-alive"), "what does not become a WebSocket is told close by a proxy"),
}

# Events that are about the machine and not about the connection.
EVENTS = {"suspend": "the machine was busy", "clock": "the wall clock was set"}
NOTE = "stdin ended, so we closed"  # is told when nothing came for a second, which a busy machine may need

# Within texts and URLs.
PATTERNS = (
    (re.compile(r"\S*/pytest-of-\S*/"), "FOLDER/"),
    (re.compile(r"(?<=://)[^/?\s\"]+"), "PLACE"),
    (re.compile(r"(?<=[\w\]]):\d{4,5}\b"), ":PORT"),
    (re.compile(r"\b\d+(\.\d+)?(us|ms|s)\b|\b\d+[hm]\d\d[ms]\b"), "TIME"),
    (re.compile(r"\bwsdiag [0-9a-f]{16} \d+"), "PING"),  # the run and a number
    (re.compile(r"\b[0-9a-f]{16}-\d"), "SESSION"),
    (re.compile(r"[\w+/]{27}="), "ACCEPT"),
    (re.compile(r", TLS closed$"), ", peer FIN"),  # behind a Close close_notify and FIN may come together
)

LANES = {"message": "messages", "frame": "frames", "ping": "control", "pong": "control", "head": "heads"}
KEPT = 65536  # of stdout; the whole is compared by its hash


def blur(text):
    for pattern, word in PATTERNS:
        text = pattern.sub(word, text)
    return text


def is_left_out(header):
    return header.partition(":")[0].lower() in HEADERS or header.lower() in HEADERS


def plain(name, value, less):
    """A field's value as a record has it; less: names of more fields to leave out."""
    if name in BLURRED and value is not None:
        return "~"
    if name == "headers":
        return [plain("", h, less) for h in value if not is_left_out(f"{h[0]}: {h[1]}")]
    if name == "text" and isinstance(value, str) and "HTTP/1." in value:
        value = "\r\n".join(line for line in value.split("\r\n") if not is_left_out(line))
    if isinstance(value, str):
        return value if name == "data" and not value.startswith("wsdiag ") else blur(value)
    if name == "timing" and value:
        return [k for k, v in value.items() if v is not None]
    if isinstance(value, dict):
        return {k: plain(k, v, less) for k, v in value.items() if k not in LEFT_OUT and k not in less}
    if isinstance(value, list):
        return [plain("", v, less) for v in value]
    return value


def lanes_of(events, less=(), prefix=""):
    """less: names of fields, events and kinds of lanes to leave out."""
    lanes = {}
    for e in events:
        if e["event"] in EVENTS or e.get("text", "").startswith(NOTE) or e["event"] in less or LANES.get(e["event"]) in less:
            continue
        whose = f"c{e['conn']}" if "conn" in e else f"d{e['dial']}" if "dial" in e else "run"
        kind = LANES.get(e["event"], "life")
        name = f"{prefix}{whose} {kind}" + (f" {e['dir']}" if kind != "life" else "")
        if name in less:
            continue
        line = json.dumps(plain("", e, less))
        lane = lanes.setdefault(name, [])
        if not (kind == "control" and "PING" in line and line in lane):  # how many of a timer's pings there are is a matter of time
            lane.append(line)
    return lanes


def command(p):
    return p.args[0] if p.args and p.args[0] in COMMANDS else "connect"


def record(p, less):
    """Of one run, as far as it has come."""
    has_ended = p.process.poll() is not None
    if has_ended:
        for t in p.threads:
            t.join(PATIENCE)
    with p.changed:
        events, out = list(p.events), bytes(p.out)
    got = {"lanes": {}, "command": command(p), "has_ended": has_ended and p.process.returncode != -9}
    if "--json" in p.args:
        got["lanes"] = lanes_of(map(event_of, out.split(b"\n")[:-1]), less, "stdout ")
    elif "stdout" not in less:
        got["lanes"] = {"stdout": out[:KEPT].decode("latin-1")}
        if has_ended and "hash" not in less:
            got["hash"] = f"{len(out)} bytes, {hashlib.sha256(out).hexdigest()}"
    got["lanes"].update(lanes_of(events, less))
    if "status" not in less:
        got["status"] = p.process.returncode
    return got


def apart(one, other):
    """Two lines, but only those fields in which they are not the same."""
    if one and other and one[0] == other[0] == "{":
        a, b = json.loads(one), json.loads(other)
        one, other = ({k: v for k, v in x.items() if k == "event" or k not in y or y[k] != v} for x, y in ((a, b), (b, a)))
    return f"without {one or 'nothing'}, through {other or 'nothing'}"


def first_difference(name, a, b, is_whole):
    for i in range(max(len(a), len(b))):
        one, other = a[i] if i < len(a) else None, b[i] if i < len(b) else None
        if one != other and (is_whole or one is not None):
            return [f"{name}, {i + 1}: {apart(one, other)}"]
    return []


def differences(direct, through):
    """Of two records of a run, as lines. One that went on when its test was done is held against the other as far as it had come."""
    is_whole = direct["has_ended"] and through["has_ended"]
    out = ["it had ended without, and through it has not"] if direct["has_ended"] and not through["has_ended"] else []
    for name in sorted({*direct["lanes"], *through["lanes"]}):
        out += first_difference(name, direct["lanes"].get(name, []), through["lanes"].get(name, []), is_whole)
    for name in ("command", *(("status", "hash") if is_whole else ())):
        if direct.get(name) != through.get(name):
            out.append(f"{name}: without {direct.get(name)}, through {through.get(name)}")
    return out


def behind(direct, through):
    """Whether the run through the proxy has yet to come as far as the one without had."""
    if direct["has_ended"] != through["has_ended"]:
        return direct["has_ended"]
    return any(len(lane) > len(through["lanes"].get(name, [])) for name, lane in direct["lanes"].items())


def catch_up(direct, p, less):
    """The record of p, when it has come as far: what passes two more hops may come later."""
    end = time.monotonic() + PATIENCE / 3
    while behind(direct, got := record(p, less)) and p.process.poll() is None and time.monotonic() < end:
        with p.changed:
            p.changed.wait(0.1)
    return got


class Book:
    """The runs of one test."""

    def __init__(self, folder, test, started, less):
        self.path = Path(folder) / (re.sub(r"[^\w.-]", "_", test)[:100] + "-" + hashlib.sha256(test.encode()).hexdigest()[:12] + ".json")
        self.started, self.less = started, less

    def runs(self):
        return [p for p in self.started if command(p) != "proxy"]

    def write(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps([record(p, self.less) for p in self.runs()]))

    def compare(self):
        assert self.path.exists(), f"no record of it without the proxy in {self.path.parent}: run it without WSDIAG_THROUGH_PROXY first"
        direct = json.loads(self.path.read_text())
        runs = self.runs()
        out = [f"{len(direct)} runs without, {len(runs)} through"] if len(direct) != len(runs) else []
        for i, (one, p) in enumerate(zip(direct, runs)):
            out += [f"run {i + 1} ({one['command']}) {line}" for line in differences(one, catch_up(one, p, self.less))]
        assert not out, "through a proxy without a plan it is not the same:\n" + "\n".join(out)
