# SPDX-License-Identifier: MIT
"""A peer that is a process of its own: it prints JSON lines, the first of which says its port."""
import json
import os
import queue
import subprocess
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
PATIENCE = 60.0
NODE_MODULES = ROOT / ".deps" / "node" / "node_modules"
PYTHON = ROOT / ".deps" / "venv" / "bin" / "python"


class External:
    def __init__(self, argv, *, ready=None, env=None, pass_fds=(), cwd=None):
        """ready: a function of a line that returns the port or None, for peers whose words are not ours."""
        full = dict(os.environ, NODE_PATH=str(NODE_MODULES), PYTHONUNBUFFERED="1", **(env or {}))
        self.argv = argv
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=full, pass_fds=pass_fds, cwd=cwd, text=True, errors="replace")
        self.lines, self.seen = queue.Queue(), []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.port = None
        if ready is not False:
            self.port = self._until("its port", ready or (lambda line: json.loads(line).get("port") if line.startswith("{") else None))

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def _until(self, what, found):
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"{self.argv}: no {what}; it said: {self.seen}")
            self.seen.append(line)
            got = found(line)
            if got is not None:
                return got

    def wait(self, event, **fields):
        """The next JSON line with this event."""

        def match(line):
            if not line.startswith("{"):
                return None
            d = json.loads(line)
            return d if d.get("event") == event and all(d.get(k) == v for k, v in fields.items()) else None

        return self._until(f"event {event} {fields}", match)

    def finish(self):
        """Its end: all it printed as JSON."""
        self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        while (line := self.lines.get()) is not None:
            self.seen.append(line)
        return [json.loads(line) for line in self.seen if line.startswith("{")]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
