# SPDX-License-Identifier: MIT
"""`wsdiag proxy --like HOP` beside the real hop: the same connection through each, and what the two ends see of its end. What is compared is the kind of the end,
who ends it, and what keeps it from ending; the plans' times are made short, the hop's are configured so."""
import subprocess

import pytest

from peers.reverse_proxy import ReverseProxy

IDLE = 1  # seconds
HOPS = {
    "nginx": {"speed": 60 / IDLE, "configure": {"more": f"proxy_read_timeout {IDLE}s; proxy_send_timeout {IDLE}s;"}},
    "haproxy": {"speed": 50 / IDLE, "configure": {"tunnel": f"{IDLE}s"}},
}
# What passes while we look, and whether it is from the client, the server, or nobody.
TRAFFIC = {
    "nobody": ((), ()),
    "pings": (("--ping-interval", "0.25"), ()),
    "client": (("--heartbeat", "0.25:beat"), ("--sink",)),
    "server": (("--no-pong",), ("--ping-interval", "0.25", "--ping-timeout", "60")),
}


@pytest.fixture
def hop(start, tmp_path):
    """hop(kind, real, upstream port) -> the URL in front of it."""
    running = []

    def begin(kind, real, upstream):
        if real:
            p = ReverseProxy(kind, tmp_path / kind, upstream, **HOPS[kind]["configure"])
            running.append(p)
            return p.url()
        p = start("proxy", "--like", kind, "--speed", str(HOPS[kind]["speed"]), f"ws://127.0.0.1:{upstream}/", stdin=None)
        return p.wait_event("listen")["url"]

    yield begin
    for p in running:
        p.stop()


class Look:
    """A client and a server with the hop, or its plan, between them."""

    def __init__(self, kind, real, traffic, hop, start, serve):
        client_args, server_args = TRAFFIC[traffic]
        self.server = serve(*server_args)
        self.client = start(*client_args, "--no-input", hop(kind, real, self.server.port))
        self.client.wait_event("open")
        self.server.wait_event("open")

    def ends(self):
        """What both say of the end; None for an end that did not come within three idle times."""
        try:
            self.client.process.wait(3 * IDLE)
        except subprocess.TimeoutExpired:
            self.client.stop()
            return None
        ends = [self.client.wait_event("lost"), self.server.wait_event("lost")]
        return [(e["by"], e["cause"], e["code"], e["synthesised"]) for e in ends]


@pytest.mark.parametrize("traffic", TRAFFIC)
@pytest.mark.parametrize("kind", HOPS)
def test_both_ends_see_of_the_plan_what_they_see_of_the_hop(kind, traffic, hop, start, serve):
    looks = [Look(kind, real, traffic, hop, start, serve) for real in (True, False)]
    through_hop, through_plan = [look.ends() for look in looks]
    assert through_plan == through_hop
    if traffic == "nobody":
        at_server = "tcp.closed" if kind == "nginx" else "tcp.reset"
        assert through_hop == [("peer", "tcp.closed", None, 1006), ("peer", at_server, None, 1006)]
    elif traffic == "pings":
        assert through_hop is None
