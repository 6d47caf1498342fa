# SPDX-License-Identifier: MIT
"""The real websocket-client as a peer: what its user hears, and what the model of it (src/lifecycle/library.h) says of a log."""
import json
import os
import subprocess

from peers.external import HERE, PYTHON, ROOT, External

VERSIONS = ("1.7.0", "1.8.0", "1.9.2")
DISPATCHERS = ("default", "rel")
KINDS = tuple((v, d) for v in VERSIONS for d in DISPATCHERS)
CALLBACKS = ("on_open", "on_reconnect", "on_error", "on_close", "raised")  # the last: an exception that nobody caught


def word_of(said):
    """A callback as the model and the manual have it; None for chatter."""
    if said["event"] == "on_close":
        return "on_close None/None" if said["code"] is None else f"on_close {said['code']}"
    return said["event"] if said["event"] in CALLBACKS else None


class App(External):
    """WebSocketApp.run_forever() in a process of its own; see peers/ws_client_app.py."""

    def __init__(self, version, dispatcher, url, *options):
        self.version, self.dispatcher = version, dispatcher
        super().__init__([PYTHON, HERE / "ws_client_app.py", version, dispatcher, url, *options], ready=False)

    @property
    def heard(self):
        """So far."""
        return [w for line in self.seen if line.startswith("{") and (w := word_of(json.loads(line)))]

    def wait_until(self, what, is_so):
        """is_so: asked after each line."""
        if not is_so():
            self._until(what, lambda line: is_so() or None)

    def wait_heard(self, n):
        """Until so many callbacks were heard."""
        self.wait_until(f"{n} callbacks", lambda: len(self.heard) >= n)

    def end(self):
        """From outside: all that it heard."""
        self.process.kill()
        self.finish()
        return self.heard


def name_of(version, dispatcher):
    return f"websocket-client:{version}" + (",rel" if dispatcher == "rel" else "")


def model(events, version, dispatcher):
    """What the model says to a log: (event, word) for each that is a happening to a client."""
    program = os.environ.get("WSDIAG_LIBRARY_REPLAY", ROOT / "build-gcc" / "tests" / "unit" / "library_replay")
    log = "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in events)
    out = subprocess.run([program, name_of(version, dispatcher)], input=log, capture_output=True, text=True, check=True).stdout
    return [tuple(line.split("\t")) for line in out.splitlines()]


def callbacks_of(said):
    """Of the model's words those that are callbacks, as App hears them; nothing is heard behind an exception."""
    heard = []
    for _, word in said:
        if word == "(raised)":
            return heard + ["raised"]
        if word not in ("(silence)", "(returned)"):
            heard.append(word.removesuffix(" again"))
    return heard
