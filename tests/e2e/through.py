# SPDX-License-Identifier: MIT
"""WSDIAG_THROUGH_PROXY=1: a `wsdiag proxy` without a plan stands before every plain server that connect is given, and before every plain `serve`. The tests of
both must not notice: the same events, the same bytes. Those that would are listed here with the reason.
"""
import os
import re

IS_ON = os.environ.get("WSDIAG_THROUGH_PROXY") == "1"

# What the third run of scripts/test goes through: all that is about what passes, not about how a connection is made.
MODULES = ("test_delivery", "test_deflate", "test_exit_status", "test_filter", "test_frames", "test_ghosts", "test_invariants", "test_process",
           "test_reconnect", "test_script", "test_serve", "test_upgrade")

URL = re.compile(r"ws://(127\.0\.0\.1|localhost|\[::1\]):(\d+)(.*)", re.S)

ADDRESS = "it compares addresses or ports, which are the proxy's here"
REQUEST = "it compares the request byte by byte, and a proxy adds Via and X-Forwarded-*"
TCP = "it rests on what one TCP connection does: its windows, its queue, the moment of its RST"
ANSWER = "the proxy answers instead of the server: 502, 504, 400 or 408"
CONNECT = "it is about the connect itself, which a proxy accepts first"

# Of a test's name the beginning: why it is left out.
LEFT_OUT = {
}


def reason(item):
    """Why a test does not run through a proxy; None: it does."""
    module = item.module.__name__
    if module not in MODULES:
        return "not about what passes through"
    for start, why in LEFT_OUT.items():
        if item.name.startswith(start) or f"{module}::{item.name}".startswith(start):
            return why
    return None


class Front:
    """The proxies of one test."""

    def __init__(self, begin):
        self.begin = begin
        self.ports = {}

    def before(self, host, port):
        """The port of the proxy before this one; of one that is a proxy itself the same."""
        port = int(port)
        if port in self.ports.values():
            return port
        if port not in self.ports:
            p = self.begin("proxy", "--close-timeout", "0.1", f"ws://{host}:{port}/", stdin=None)
            self.ports[port] = int(p.wait_event("listen")["address"].rpartition(":")[2])
        return self.ports[port]

    def arguments(self, args):
        """Those of connect, with the URL of a plain server replaced."""
        args = list(args)
        for i, a in enumerate(args):
            found = URL.fullmatch(a) if isinstance(a, str) else None
            if found:
                host, port, rest = found.groups()
                args[i] = f"ws://127.0.0.1:{self.before(host, port)}{rest}"
                break
        return args
