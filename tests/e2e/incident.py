# SPDX-License-Identifier: MIT
"""The faults of the incident: what each plan needs, whom it strikes, and the table of what was heard, as wsdiag-incident(7) has it."""
import fcntl
import json
import re
import textwrap
import threading
from typing import NamedTuple

from peers.external import PATIENCE, PYTHON, ROOT, External

PAGE = ROOT / "man" / "wsdiag-incident.7"
BEGIN, END = '.\\" table: begin, written by scripts/incident-table\n', '.\\" table: end\n'
# The library looks every timeout whether its last ping is older than that and unanswered: the interval leaves it room to see one.
# The first ping goes out when the fault has struck.
PINGS = ("--ping-interval", "1", "--ping-timeout", "0.4")
SERVER_PINGS = ("2", "5")  # a client that pings has given up long before, and has not taken these for a sign of life


class Fault(NamedTuple):
    """server: what it sees of a client that lives through it: "+1" opens, "-1" ends. Where two may come in any order, one of them stands with a "~"."""
    server: str
    opens: int = 2          # of the client
    wsdiag: str = ""        # what it sees of wsdiag connect, which pings and so dials again; empty: the same
    pings: bool = False     # the library needs its own to notice
    say: str = ""           # sent at the first open
    bye: bool = False       # its user closes in the end
    timeout: float = 0      # of a dial
    speed: float = 10


# Every plan of wsdiag-plan(5) that is no hop's.
FAULTS = {
    "a1": Fault("+1 -1 +2"),
    "a1-second": Fault("+1 -1 +2 -2 +3", 3),
    "a2": Fault("+1 -1 +2"),
    "a2-second": Fault("+1 -1 +2 -2 +3", 3),
    "a3": Fault("+1 ~-1 +2", pings=True),
    "a3-second": Fault("+1 -1 +2 ~-2 +3", 3, pings=True),
    "a3-down": Fault("+1 ~-1 +2", pings=True),
    "a3-down-second": Fault("+1 -1 +2 ~-2 +3", 3, pings=True),
    "a4": Fault("+1 -1 +2"),
    "a4-second": Fault("+1 -1 +2 -2 +3", 3),
    "a5-1000": Fault("+1 -1 +2"),
    "a5-1001": Fault("+1 -1 +2"),
    "a5-1012": Fault("+1 -1 +2"),
    "b1": Fault("+1 +2 -1"),
    "b2": Fault("+1 +2 -1"),
    "b3": Fault("+1 +2 -1", pings=True),
    "b4": Fault("+1 +2 -1", pings=True),
    "b5": Fault("+1 +2 +3", 1, timeout=1.5, speed=4),
    "b6": Fault("+1 +2 -1"),
    "c1": Fault("+1 -1", 1, "+1 -1 +2"),
    "c2": Fault("+1 -1", 1, "+1 +2 -1"),
    "c3": Fault("+1 -1", 1, "+1 -1 +2", say="close 4001"),
    "c4": Fault("+1 -1 +2 -2 +3", 3),
    "c5": Fault("+1 ~-1 +2"),
    "d": Fault("+1 +2", 1),
    "seed-971": Fault("+1 -1 +2 +3 -2", 3, pings=True, bye=True, speed=15),
}


class Channels(External):
    """Django Channels on Daphne, and what it saw of each client."""

    def __init__(self):
        self.changed = threading.Condition()
        self.log = []
        super().__init__([PYTHON, "-m", "peers.channels_app", *SERVER_PINGS], cwd=ROOT / "tests" / "e2e")
        self.url = f"ws://127.0.0.1:{self.port}/echo"
        self.follower = threading.Thread(target=self._follow, daemon=True)
        self.follower.start()

    def _follow(self):
        while (line := self.lines.get()) is not None:
            if line.startswith("{"):
                with self.changed:
                    self.log.append(json.loads(line))
                    self.changed.notify_all()

    def saw(self, who):
        return [f"{'+' if e['event'] == 'connect' else '-'}{e['conn']}" for e in list(self.log) if e.get("who") == who]

    def wait_saw(self, who, words):
        with self.changed:
            done = self.changed.wait_for(lambda: words <= set(self.saw(who)), PATIENCE)
        assert done, f"{who}: no {words}; the server saw {self.saw(who)}"


class Serve:
    """`wsdiag serve`, and what it saw of each session."""

    def __init__(self, server):
        self.server, self.url = server, server.url

    def events(self, session):
        return [e for e in list(self.server.events) if e.get("session") == session]

    def saw(self, session):
        """As Channels.saw(): the connections of a session are counted from 1."""
        numbers, saw = {}, []
        for e in self.events(session):
            if e["event"] in ("open", "reconnect"):
                numbers[e["conn"]] = len(numbers) + 1
                saw.append(f"+{numbers[e['conn']]}")
            elif e["event"] in ("lost", "close"):
                saw.append(f"-{numbers[e['conn']]}")
        return saw

    def wait_saw(self, session, words):
        self.server._wait(f"{words} of {session}", lambda: words <= set(self.saw(session)))


def words_of(expected):
    return [w.lstrip("~") for w in expected.split()]


def check_server(server, who, expected):
    """It saw all of this, in this order; what stands with a ~ may come later."""
    server.wait_saw(who, set(words_of(expected)))
    saw = server.saw(who)
    at = [saw.index(w) for w in expected.split() if not w.startswith("~")]
    assert at == sorted(at), f"{who}: expected {expected}; the server saw {saw}"


def has_two(expected):
    """Whether the server has two connections of one client at a time; None: that depends."""
    alive = set()
    for word in expected.split():
        if word.startswith("~"):
            return None
        if word[0] == "+" and alive:
            return True
        (alive.add if word[0] == "+" else alive.discard)(word[1:])
    return False


class Heard(NamedTuple):
    """One line of the table."""
    who: str
    what: str


def library_lines(heard_by):
    """{(version, dispatcher): [callback]} as lines, those that heard the same on one."""
    by_what = {}
    for (version, dispatcher), heard in heard_by.items():
        name = version.rpartition(".")[0] + (" rel" if dispatcher == "rel" else "")
        by_what.setdefault(", ".join(heard), []).append(name)
    return [Heard(", ".join(names), what) for what, names in by_what.items()]


def server_line(expected):
    return Heard("server", ", ".join({"+": "open ", "-": "end "}[w[0]] + w[1:] for w in words_of(expected)))


def folded(who, what, width=76, indent=18):
    """On several lines where it is long; a cause stays with its event, a code with its callback."""
    line = f"{who:<{indent - 1}} "
    lines = []
    if len(line) > indent:
        lines, line = [who], " " * indent
    for word in re.split(r" (?!\(|None|\d)", what):
        if len(line) + len(word) > width and len(line) > indent:
            lines.append(line.rstrip())
            line = " " * indent
        line += word + " "
    return [*lines, line.rstrip()]


def entry_of(plan, heard):
    """As the manual has it."""
    from_plan = (ROOT / "src" / "fault" / "plans" / f"{plan}.plan").read_text()
    summary = next(line for line in from_plan.splitlines() if line.startswith("# "))[2:]
    body = [line for h in heard for line in folded(h.who, h.what)]
    sentence = textwrap.fill(f"{summary}.", 79, break_on_hyphens=False)
    return f".It Cm {plan}\n{sentence}\n.Bd -literal -compact\n" + "\n".join(body) + "\n.Ed\n"


def table():
    """{plan: entry} of the manual."""
    text = PAGE.read_text()
    inside = text[text.index(BEGIN) + len(BEGIN):text.index(END)]
    return {m.group(1): m.group(0) for m in re.finditer(r"\.It Cm (\S+)\n(?:(?!\.It ).*\n)*", inside)}


def write(plan, entry):
    """Into the manual, in the order of FAULTS."""
    with open(ROOT / ".deps" / "incident.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = {**table(), plan: entry}
        text = PAGE.read_text()
        inside = "".join(entries[name] for name in FAULTS if name in entries)
        PAGE.write_text(text[:text.index(BEGIN) + len(BEGIN)] + inside + text[text.index(END):])
