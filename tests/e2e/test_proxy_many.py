# SPDX-License-Identifier: MIT
"""wsdiag proxy with thousands of connections, and a deploy that ends them all. On the release build, for its memory."""
import signal

import pytest

from peers.external import HERE as PEERS
from peers.external import PYTHON

MANY = 2000
EACH = 48 << 10  # bytes of memory for a connection, generously


@pytest.mark.fault(43)
@pytest.mark.parametrize("how,codes", [("kill-all rst within 1s", {"None": MANY}), ('kill-all close 1012 "deploy" within 1s', {"1012": MANY})])
def test_2000_connections_and_a_kill_all(serve, proxy, external, release, how, codes):
    server = serve("--sink", "--max-connections", "5000", binary=release)
    p = proxy("--fault", f"on signal USR1: {how}", server.url, binary=release)
    descriptors, memory = p.descriptors(), p.rss("VmRSS")
    crowd = external([PYTHON, PEERS / "crowd.py", p.port, MANY], ready=False)
    crowd.wait("open")
    p.wait_event("open", n=2 * MANY)
    p.signal(signal.SIGUSR1)
    assert crowd.wait("over")["closes"] == codes
    p.wait_event("gone", n=2 * MANY)
    peak = p.rss("VmHWM")
    print(f"{MANY} connections: {(peak - memory) / MANY / 1024:.1f} KiB each, {peak >> 20} MiB at most")
    assert peak - memory < MANY * EACH
    assert p.descriptors() <= descriptors
    assert len(p.snapshot().all("inject")) == 1
    p.signal(signal.SIGTERM)
    assert p.finish().one("end")["conns"] == MANY
