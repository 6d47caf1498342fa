#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How late timers fire while the REPL waits for a key: a message is due every 50 ms, and a peer on this machine notes when each comes.

usage: tests/bench/timers_while_typing.py [BINARY [SECONDS]]

Prints the lateness of each message against the one before, for each key that leaves libedit in the middle of something. The goal is 20 ms at most; the first
row has no editor at all, and shows what the machine and the peer add by themselves.
"""
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from peers.raw import PING, TEXT, Server  # noqa: E402
from screen import Screen  # noqa: E402

INTERVAL_MS = 50
STATES = {
    "no editor": None,
    "nothing typed": (),
    "a line typed": ("a", "b", "c"),
    "ESC": ("Escape",),
    "Ctrl-R": ("C-r",),
    "Ctrl-R, searching": ("C-r", "e", "v"),
    "Ctrl-V": ("C-v",),
    "Ctrl-X": ("C-x",),
}


class Clock:
    """A peer that notes when messages and pings come."""

    def __init__(self):
        self.times, self.changed = {TEXT: [], PING: []}, threading.Condition()
        self.server = Server(self._script)

    def _script(self, c):
        c.upgrade()
        while f := c.read_frame():
            with self.changed:
                if f.opcode in self.times:
                    self.times[f.opcode].append(time.monotonic())
                self.changed.notify_all()

    def measure(self, opcode, n):
        """The next n gaps between two, less the interval, in milliseconds."""
        with self.changed:
            at = len(self.times[opcode])
            assert self.changed.wait_for(lambda: len(self.times[opcode]) > at + n, 60 + n * INTERVAL_MS / 100), f"{len(self.times[opcode]) - at} of {n} came"
            t = self.times[opcode][at:at + n + 1]
        return sorted((b - a) * 1000 - INTERVAL_MS for a, b in zip(t, t[1:]))


def main():
    binary = str(Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else str(ROOT / "build" / "wsdiag")
    n = int(float(sys.argv[2] if len(sys.argv) > 2 else 5) * 1000 / INTERVAL_MS)
    print(f"{'while awaited':20} {'timer':12} {'n':>4} {'median':>8} {'99 %':>8} {'latest':>8}   ms late")
    with tempfile.TemporaryDirectory() as folder:
        for number, (state, keys) in enumerate(STATES.items()):
            clock = Clock()
            screen = Screen(Path(folder) / str(number), binary)
            try:
                every = f"/every {INTERVAL_MS}ms tick"
                more = ["--no-input", "--run", every, "--run", "/sleep 1000"] if keys is None else []
                screen.wsdiag("--ping-interval", f"{INTERVAL_MS}ms", *more, clock.server.url())
                screen.wait("c1 ")
                if keys is not None:
                    screen.wait("c1 open")
                    screen.line(every)
                for key in keys or ():
                    screen.keys(key)
                for name, opcode in (("/every", TEXT), ("ping", PING)):
                    late = clock.measure(opcode, n)
                    print(f"{state:20} {name:12} {n:4} {late[n // 2]:8.2f} {late[n * 99 // 100]:8.2f} {late[-1]:8.2f}")
            finally:
                screen.stop()
                clock.server.stop()


if __name__ == "__main__":
    main()
