# SPDX-License-Identifier: MIT
"""Every command of the console as a line of a script: against `wsdiag serve`, against Python websockets, and with nginx between. One case each, none left out."""
import json
import subprocess
import threading
import time

import pytest
import websockets.exceptions
import websockets.sync.server

from harness import environment
from peers.reverse_proxy import ReverseProxy

PINGS = 0.1  # seconds between those of the origin, where a case wants them


class Served:
    """`wsdiag serve`, and what it says came."""

    def __init__(self, serve, pings):
        more = ["--ping-interval", str(PINGS), "--ping-timeout", "60"] if pings else []
        self.process = serve(*more)
        self.url = self.process.url

    def _all(self, name):
        return [e for e in list(self.process.events) if e["event"] == name]

    def messages(self):
        """As it got them: [(connection, opcode, bytes)]."""
        return [(e["conn"], e["opcode"], e["data"].encode() if e["opcode"] == "text" else bytes.fromhex(e["data_hex"]) if "data_hex" in e else e["data"])
                for e in self._all("message") if e["dir"] == "in"]

    def times(self):
        """When each message had come whole."""
        return [e["time"] for e in self._all("message") if e["dir"] == "in"]

    def closed(self, n=1):
        """How the n-th connection to end did: (code, reason), 1006 without a Close."""
        end = self.process._wait(f"end {n}", lambda: ([e for e in list(self.process.events) if e["event"] in ("lost", "close")] + [None] * n)[n - 1])
        return end["code"] or end["synthesised"], end.get("reason", "")


class Python:
    """websockets' threading server."""

    def __init__(self, pings):
        self.got, self.ends, self.changed = [], [], threading.Condition()
        self.stamps = []
        self.server = websockets.sync.server.serve(self._handle, "127.0.0.1", 0, max_size=None, compression=None, max_queue=2,
                                                   ping_interval=PINGS if pings else None, ping_timeout=None)
        self.port = self.server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.conns = 0

    def _handle(self, ws):
        self.conns += 1
        number = self.conns
        try:
            for m in ws:
                with self.changed:
                    self.got.append((number, "text" if isinstance(m, str) else "binary", m.encode() if isinstance(m, str) else m))
                    self.stamps.append(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now := time.time())) + f".{int(now % 1 * 1e6):06d}Z")
                ws.send(m)
        except websockets.exceptions.ConnectionClosed:
            pass
        ws.close()
        with self.changed:
            self.ends.append((ws.close_code, ws.close_reason))
            self.changed.notify_all()

    def messages(self):
        with self.changed:
            return list(self.got)

    def times(self):
        with self.changed:
            return list(self.stamps)

    def closed(self, n=1):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.ends) >= n, 60), self.ends
            return self.ends[n - 1]

    def stop(self):
        self.server.shutdown()
        self.thread.join(10)


@pytest.fixture(params=["serve", "websockets", "nginx"])
def origin(request, serve, tmp_path):
    """origin(pings=False): an echo, seen from its side; .url is how to get there."""
    stops = []

    def begin(pings=False):
        if request.param == "serve":
            return Served(lambda *a: serve(*a, log_messages="data"), pings)
        o = Python(pings)
        stops.append(o.stop)
        if request.param == "nginx":
            proxy = ReverseProxy("nginx", tmp_path / "nginx", o.port)
            stops.insert(0, proxy.stop)
            o.url = proxy.url()
        return o

    begin.kind = request.param
    yield begin
    for stop in stops:
        stop()


class Case:
    """What a command's case works with: go() runs a script against the origin."""

    def __init__(self, run, origin, folder):
        self.run, self.origin, self.folder, self.peer = run, origin, folder, None

    def go(self, *lines, args=(), pings=False, status=0):
        self.peer = self.origin(pings)
        path = self.folder / "script"
        path.write_text("".join(line.replace("URL", self.peer.url) + "\n" for line in lines))
        r = self.run("--script", path, *args, self.peer.url, cwd=self.folder)
        assert r.status == status, r
        return r


def sent(r):
    return [(e["conn"], e["data"]) for e in r.all("message", dir="out")]


def behind(r, mark):
    """The events after the message with this text went out."""
    at = next(i for i, e in enumerate(r.events) if e["event"] == "message" and e["dir"] == "out" and e["data"] == mark)
    return r.events[at + 1:]


def between(r, first, second):
    after = behind(r, first)
    return after[:next(i for i, e in enumerate(after) if e["event"] == "message" and e["dir"] == "out" and e["data"] == second)]


# one case for each command, named after it

def case_help(c):
    r = c.go("/help", "/help close", "/help /drop")
    assert all(f"  /{name} " in r.err for name, *_ in table(c.binary))
    assert r.err.count("/close [CODE [REASON]]") == 2 and r.err.count("/drop [fin|rst]") == 2


def case_open(c):
    r = c.go("/close", "/wait close", "/open", "/wait reconnect", "/close", "/wait close", "/open URLelsewhere", "/wait reconnect", "x", "/expect x")
    assert r.types() == ["dial", "open", "close", "dial", "reconnect", "close", "dial", "reconnect", "close", "end"]
    assert [e["url"].endswith("elsewhere") for e in r.all("dial")] == [False, False, True]
    assert [m[0] for m in c.peer.messages()] == [3]


def case_close(c):
    r = c.go("/close 4001 so long ✓", "/wait close")
    assert (r.ended["event"], r.ended["close_sent"], r.ended["by"]) == ("close", 4001, "local")
    assert c.peer.closed() == (4001, "so long ✓")


def case_drop(c):
    r = c.go("/drop rst", "/wait lost", "/open", "/wait reconnect", "/drop", "/wait lost")
    assert [e["cause"] for e in r.all("lost")] == ["local.drop"] * 2 and not r.all("close")
    assert [c.peer.closed(n)[0] for n in (1, 2)] == [1006, 1006]


def case_reconnect(c):
    r = c.go("/reconnect", "/wait reconnect", "/reconnect overlap", "/wait overlap", "x", "/expect x")
    assert r.types()[:7] == ["dial", "open", "close", "dial", "reconnect", "dial", "reconnect"]
    assert (r.one("overlap")["conn"], r.one("overlap")["with"]) == (3, 2)
    assert [m[0] for m in c.peer.messages()] == [3]


def case_conns(c):
    r = c.go("x", "/expect x", "/reconnect overlap", "/wait overlap", "/conns")
    rows = [line.split() for line in r.err.splitlines() if " age " in line and " silent in " in line]
    assert [(row[0] == "*", "open" in row) for row in rows] == [(False, True), (True, True)]
    assert rows[0][0] == "c1" and rows[0][-4:] == ["in", "1", "out", "1"] and rows[1][1] == "c2"
    r = c.go("x", "/expect x", "/drop", "/wait lost", "/open", "/wait reconnect", "/close", "/wait close", "/conns")
    rows = [line.split() for line in r.err.splitlines() if line.startswith("  c") and " silent in " in line]
    assert [row[:2] for row in rows] == [["c1", "lost"], ["c2", "closed"]] and rows[0][-4:] == ["in", "1", "out", "1"]


def case_use(c):
    r = c.go("/reconnect overlap", "/wait overlap", "/use 1", "from one", "/expect from one", "/use c2", "from two", "/expect from two")
    assert sent(r) == [(1, "from one"), (2, "from two")]
    assert [m[2] for m in sorted(c.peer.messages())] == [b"from one", b"from two"]


def case_text(c):
    r = c.go("/text /slash and  spaces", "/expect slash", "//too", "/expect too")
    assert r.out == b"/slash and  spaces\n/too\n"
    assert [m[1:] for m in c.peer.messages()] == [("text", b"/slash and  spaces"), ("text", b"/too")]


def case_binary(c):
    (c.folder / "bytes").write_bytes(b"\0\xffABC")
    r = c.go("/binary 00 01 fe", "/expect .", "/binary @bytes", "/expect .")
    assert [(e["opcode"], e["length"]) for e in r.all("message", dir="out")] == [("binary", 3), ("binary", 5)]
    assert [e["length"] for e in r.all("message", dir="in")] == [3, 5]
    if c.origin.kind != "serve":
        assert [m[1:] for m in c.peer.messages()] == [("binary", b"\0\1\xfe"), ("binary", b"\0\xffABC")]


def case_file(c):
    (c.folder / "some file.txt").write_text("one\ntwo ✓\n")
    r = c.go("/file some file.txt", "/expect two")
    assert [m[1:] for m in c.peer.messages()] == [("text", "one\ntwo ✓\n".encode())]
    assert r.one("message", dir="in")["data"] == "one\ntwo ✓\n"


def case_fragment(c):
    r = c.go("/fragment 3 abcdefgh", "/expect abcdefgh", args=["-vv"])
    frames = [(e["opcode"], e["fin"], e["length"]) for e in r.all("frame", dir="out") if e["opcode"] in ("text", "continuation")]
    assert frames == [("text", False, 3), ("continuation", False, 3), ("continuation", True, 2)]
    assert [m[1:] for m in c.peer.messages()] == [("text", b"abcdefgh")]


def case_raw(c):
    """A text frame by hand, which is echoed, and one with RSV1, which is not."""
    r = c.go("/raw 81 82 00 00 00 00 68 69", "/expect ^hi$", "/raw c1 80 00 00 00 00", "/wait close", status=0)
    assert [m[2] for m in c.peer.messages()] == [b"hi"] and not sent(r)
    assert (r.ended["code"], r.ended["by"]) == (1002, "peer")


def case_ping(c):
    r = c.go("/ping", "/wait pong", "/ping some words", "/wait pong")
    assert [e["data"] for e in r.all("pong", dir="in")][1] == "some words" and r.all("pong", dir="in")[0]["rtt"] > 0
    assert "pong in " in r.err and 'pong "some words"' in r.err


def case_pong(c):
    r = c.go("/pong unasked", "x", "/expect x")
    assert r.one("pong", dir="out")["data"] == "unasked" and not r.all("ping")


def case_every(c):
    r = c.go("/every 0.02 tick", "/expect tick", "/expect tick", "/expect tick", "/every off", "over", "/expect over", "/sleep 0.1")
    assert len([m for m in c.peer.messages() if m[2] == b"tick"]) >= 3
    assert not [e for e in behind(r, "over") if e["event"] == "message" and e["dir"] == "out"]


def stalled(c, *resume):
    """More than any kernel holds in between: while nothing is read the origin cannot echo it, and stops reading in its turn."""
    n, size = 96, 1 << 20
    (c.folder / "big").write_text("x" * (size - 1) + "\n")
    r = c.go("/stall", *["/file big"] * n, "/sleep 0.5", "/conns", "/stats", *resume, "last", "/expect ^last$ 60")
    first = r.all("message", dir="in")[0]["time"]
    came_before = [t for t in c.peer.times() if t < first]
    assert len(came_before) < n, "the origin's writes did not back up"
    assert "stalled" in r.err and "in 0 messages" in r.err
    assert [e["length"] for e in r.all("message", dir="in")] == [size] * n + [4]
    return r


def case_stall(c):
    """It resumes by itself."""
    c.go("/stall 0.2", "x", "/expect x")
    r = stalled(c, "/stall 0.2")
    assert "not reading" in r.err and "reading again" in r.err


def case_resume(c):
    r = stalled(c, "/resume")
    assert "reading again" not in r.err


def case_pongs(c):
    r = c.go("/wait pong", "/pongs off", "off", "/wait ping", "/wait ping", "/wait ping", "on", "/pongs on", "/wait pong", pings=True)
    unanswered = between(r, "off", "on")
    assert len([e for e in unanswered if e["event"] == "ping" and e["dir"] == "in"]) >= 2
    assert not [e for e in unanswered if e["event"] == "pong"]
    assert [e for e in behind(r, "on") if e["event"] == "pong" and e["dir"] == "out"]


def case_ping_interval(c):
    r = c.go("/ping-interval 0.02", "/wait pong", "/wait pong", "/ping-interval off", "off", "/sleep 0.1")
    assert len(r.all("ping", dir="out")) >= 2 and len(r.all("pong", dir="in", )) >= 2
    assert not [e for e in behind(r, "off") if e["event"] == "ping"]


def case_headers(c):
    r = c.go("/headers")
    head = r.one("open")["headers"]
    assert head and all(f"\n{name}: {value}\n" in r.err for name, value in head)


def case_tls(c):
    """Over TLS: test_tls_of_a_connection_with_tls."""
    assert "no TLS: the URL is ws://" in c.go("/tls").err


def case_timing(c):
    r = c.go("/timing")
    rows = dict(line.split() for line in r.err.splitlines() if line.startswith(("dns ", "tcp ", "tls ", "upgrade ")))
    assert list(rows) == ["dns", "tcp", "tls", "upgrade"] and rows["tls"] == "-" and rows["tcp"].endswith("s") and rows["upgrade"].endswith("s")


def case_stats(c):
    r = c.go("abc", "/expect abc", "/ping", "/wait pong", "/drop", "/wait lost", "/open", "/wait reconnect", "/stats")
    assert "dials 2, failed 0; connections 2, lost 1; overlaps 0\n" in r.err and "  1 local.drop\n" in r.err
    assert "in 1 message, 3 bytes; out 1 message, 3 bytes\n" in r.err and "round trips 1, the last " in r.err


def case_last(c):
    r = c.go("y" * 5000 + "!", "/expect !$", "/last", "/binary 41 00", "/expect A", "/last")
    assert "\n" + "y" * 5000 + "!\n" in r.err and "00000000  41 00" in r.err


def case_save(c):
    r = c.go("/binary 00 ff 0a 41", "/expect .", "/save saved")
    assert (c.folder / "saved").read_bytes() == b"\0\xff\nA" and "4 bytes written to saved" in r.err


def case_set(c):
    r = c.go("/set show 10", "/set hex 32", "/set paste lines", "/set")
    assert [line.split()[:2] for line in r.err.splitlines() if "bytes shown" in line or "pasted" in line] == [["show", "10"], ["hex", "32"], ["paste", "lines"]]


def case_log(c):
    c.go("before", "/expect before", "/log events", "within", "/expect within", "/log off", "after", "/expect after")
    log = [json.loads(line) for line in (c.folder / "events").read_text().splitlines()]
    assert [(e["event"], e["dir"], e["length"]) for e in log] == [("message", "out", 6), ("message", "in", 6)]


def case_source(c):
    (c.folder / "more").write_text("# a comment\n\n/echo from more\nfrom more\n/expect from more\n")
    r = c.go("/source more", "then", "/expect then")
    assert sent(r) == [(1, "from more"), (1, "then")] and "\nfrom more\n" in r.err


def case_sleep(c):
    r = c.go("one", "/sleep 0.2", "two", "/expect two")
    one, two = r.all("message", dir="out")
    assert two["mono"] - one["mono"] > 0.15  # a timer counts from the turn of the loop it is in


def case_wait(c):
    r = c.go("/wait open", "/close", "/wait close", "/wait reconnect 0.05", status=115)
    assert "reconnect" in r.err and "did not come in time" in r.err and "close" in r.err


def case_expect(c):
    r = c.go("a 12 b", "/expect ^a [0-9]+ b$", "then", "/expect never 0.05", "/echo not reached", status=115)
    assert '"never" did not come in time' in r.err and '"then"' in r.err and "not reached" not in r.err


def case_echo(c):
    r = c.go("/echo two  words")
    assert "\ntwo  words\n" in r.err and r.out == b"" and not c.peer.messages()


def case_quit(c):
    r = c.go("x", "/expect x", "/quit", "never", "/expect never")
    assert sent(r) == [(1, "x")] and r.ended["close_sent"] == 1000 and c.peer.closed()[0] == 1000


CASES = {name[5:].replace("_", "-"): case for name, case in sorted(globals().items()) if name.startswith("case_")}


def table(binary):
    """The rows of `wsdiag dump-console`: name, arguments, help."""
    out = subprocess.run([binary, "dump-console"], capture_output=True, text=True, check=True, env=environment()).stdout
    return [tuple(line.split("\t")) for line in out.splitlines()]


def test_every_command_has_a_case(binary):
    assert sorted(name for name, *_ in table(binary)) == sorted(CASES)


@pytest.mark.parametrize("name", list(CASES))
def test_in_a_script(name, run, origin, tmp_path, binary):
    case = Case(run, origin, tmp_path)
    case.binary = binary
    CASES[name](case)


def test_tls_of_a_connection_with_tls(run, serve, certs, tmp_path):
    server = serve("--cert", certs / "server.pem", "--key", certs / "server.key")
    (tmp_path / "script").write_text("/tls\n")
    r = run("--script", tmp_path / "script", "--cacert", certs / "ca.pem", f"wss://localhost:{server.port}/")
    tls = r.one("open")["tls"]
    assert r.status == 0 and "verified     yes" in r.err and tls["version"] in r.err and tls["cipher"] in r.err
