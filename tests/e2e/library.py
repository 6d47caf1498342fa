# SPDX-License-Identifier: MIT
"""The real websocket-client as a peer, and what its user hears."""
from peers.external import HERE, PYTHON, External

VERSIONS = ("1.7.0", "1.8.0", "1.9.2")
DISPATCHERS = ("default", "rel")
CHATTER = ("started", "on_message", "on_ping", "on_pong")


class App(External):
    def __init__(self, version, dispatcher, url, *options):
        super().__init__([PYTHON, HERE / "ws_client_app.py", version, dispatcher, url, *options], ready=False)

    def heard(self):
        """What it has said so far that is not chatter, when it has ended: all of it."""
        return [word_of(e) for e in self.finish() if e["event"] not in CHATTER]


def word_of(said):
    """A callback as the table of the manual and the model have it."""
    if said["event"] == "on_close":
        return f"on_close {said['code']}" if said["code"] is not None else "on_close None/None"
    return said["event"]
