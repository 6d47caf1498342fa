# SPDX-License-Identifier: MIT
"""A terminal as a person sees it: a shell inside tmux, keys that go in, and what the screen shows."""
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from harness import PATIENCE, environment


class Screen:
    """A shell of its own in a terminal of this size; keys() types, wait() looks until the screen shows what it should."""

    def __init__(self, folder, binary, *, columns=80, rows=24, env=None, front=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.binary, self.front = folder, binary, front
        self.socket = f"/tmp/wsdiag-screen-{os.getpid()}-{id(self):x}"  # a socket's path is short
        settings = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "HISTFILE": None}
        plain = environment()
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):  # each process adds its number to the file's name
            settings[name] = ":".join(filter(None, (plain.get(name), f"log_path={folder}/sanitizer")))
        self.env = environment(**{**settings, **(env or {})})
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "env PS1='shell$ ' bash --norc --noprofile")
        self.tmux("set-option", "-g", "status", "off")
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
        self.wait("shell$")

    def tmux(self, *args, check=True, data=None):
        return subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *args], capture_output=True, text=True, check=check, input=data,
                              env=self.env, cwd=self.folder).stdout

    def shell(self, line):
        self.text(line)
        self.keys("Enter")

    def wsdiag(self, *args, before="", after=""):
        """Types the command; its sanitizers write to a file, not to the screen."""
        if self.front:  # through.py
            args = self.front.arguments(args, self.binary)
        words = " ".join(shlex.quote(str(a)) for a in args)
        self.shell(f"clear; {before}{shlex.quote(self.binary)} --time none {words}{after}")

    def text(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def keys(self, *names):
        """As tmux names them: Enter, C-c, Left."""
        self.tmux("send-keys", *names)

    def line(self, text):
        self.text(text)
        self.keys("Enter")

    def paste(self, text):
        self.tmux("load-buffer", "-", data=text)
        self.tmux("paste-buffer", "-p", "-r")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def rows(self):
        """What is on the screen, without the empty rows at its end."""
        return self.tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def whole(self):
        """What was scrolled away as well, wrapped rows joined."""
        return self.tmux("capture-pane", "-p", "-J", "-S", "-").rstrip("\n")

    def cursor(self):
        x, y = self.tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(x), int(y)

    def until(self, found, what):
        """found(rows) -> anything true."""
        end = time.monotonic() + PATIENCE
        while True:
            rows = self.rows()
            got = found(rows)
            if got:
                return got
            assert time.monotonic() < end, f"no {what} on the screen:\n" + "\n".join(rows)
            time.sleep(0.02)

    def wait(self, text):
        return self.until(lambda rows: text in "\n".join(rows), repr(text))

    def wait_last(self, text):
        """The last row is this."""
        return self.until(lambda rows: rows[-1].rstrip() == text, f"last row {text!r}")

    def wait_whole(self, pattern):
        return self.until(lambda rows: re.search(pattern, self.whole(), re.MULTILINE), f"{pattern!r}")

    def wait_cursor(self, x, y=None):
        return self.until(lambda rows: self.cursor()[0] == x and y in (None, self.cursor()[1]), f"cursor at {x} {y} (it is at {self.cursor()})")

    def stop(self):
        """What runs in it is hung up on, and has ended when this returns: then its sanitizers have said what they have to."""
        shells = self.tmux("list-panes", "-a", "-F", "#{pane_pid}", check=False).split()
        inside = shells + [c for s in shells for c in children(s)]
        self.tmux("kill-server", check=False)
        Path(self.socket).unlink(missing_ok=True)
        end = time.monotonic() + PATIENCE
        while alive := [p for p in inside if is_running(p)]:
            assert time.monotonic() < end, f"hung up on, but still there: {alive}"
            time.sleep(0.02)
        whole = "".join(p.read_text(errors="replace") for p in self.folder.glob("sanitizer*"))
        assert not whole, whole


def children(pid):
    """Of it, and theirs."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return found + [c for f in found for c in children(f)]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
