# SPDX-License-Identifier: MIT
"""What a relay in the middle costs: throughput one way and the round trip of one message, through nothing, wsdiag proxy, HAProxy (which understands the
upgrade and then copies) and socat (which only copies). Both ends are neutral peers; rounds alternate between the relays."""
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import neutral

SIZES = (64, 1024, 65536)
WARM, SPAN, TRIPS = 0.3, 0.6, 2000
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend f
  bind 127.0.0.1:%d
  default_backend b
backend b
  server s 127.0.0.1:%d
"""


class Relay:
    """A process that forwards our port to another; none for the direct way."""

    def __init__(self, name, wsdiag, target, folder):
        self.port, self.process = neutral.free_port(), None
        if name == "direct":
            self.port = target
            return
        command = {
            "wsdiag": [wsdiag, "proxy", "-q", "-l", str(self.port), "ws://127.0.0.1:%d/" % target],
            "HAProxy": ["haproxy", "-db", "-q", "-f", str(folder / "haproxy.cfg")],
            "socat": ["socat", "TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,nodelay" % self.port, "TCP:127.0.0.1:%d,nodelay" % target],
        }[name]
        if name == "HAProxy":
            (folder / "haproxy.cfg").write_text(HAPROXY % (self.port, target))
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


def names():
    return ["direct", "wsdiag"] + [n for n in ("HAProxy", "socat") if shutil.which(n.lower())]


def open_pair(relay, listener, size):
    """The client's and the origin's end of one connection through the relay."""
    ends = {}
    accepting = threading.Thread(target=lambda: ends.update(origin=listener.accept(size)), daemon=True)
    accepting.start()
    client = neutral.connect(relay.port, size)
    accepting.join(neutral.PATIENCE)
    if "origin" not in ends:
        raise neutral.Trouble("the origin saw no connection")
    return client, ends["origin"]


def throughput(relay, listener, size):
    """Messages per second from the origin down to the client."""
    client, origin = open_pair(relay, listener, size)
    stop = threading.Event()

    def feed():
        bulk = origin.ours * max(1, neutral.BULK // len(origin.ours))
        try:
            while not stop.is_set():
                origin.sock.sendall(bulk)
        except OSError:
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        return client.count(WARM, SPAN)
    finally:
        stop.set()
        client.close()
        try:
            origin.sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is gone already
            pass
        feeder.join(neutral.PATIENCE)
        origin.close()


def round_trip(relay, listener):
    """Median seconds for a 64 B message up and the same down."""
    client, origin = open_pair(relay, listener, 64)

    def mirror():
        got = 0
        try:
            while n := len(origin.read()):
                got += n
                while got >= len(client.ours):
                    got -= len(client.ours)
                    origin.sock.sendall(origin.ours)
        except (OSError, neutral.Trouble):
            pass

    threading.Thread(target=mirror, daemon=True).start()
    trips = []
    for _ in range(TRIPS):
        begin, left = time.perf_counter(), len(origin.ours)
        client.sock.sendall(client.ours)
        while left > 0:
            left -= len(client.read())
        trips.append(time.perf_counter() - begin)
    client.close()
    return statistics.median(trips)


def measure(wsdiag, rounds):
    rates, trips, trouble = {}, {}, {}
    with tempfile.TemporaryDirectory() as d:
        for _ in range(rounds):
            for size in SIZES + (None,):
                for name in names():
                    listener = neutral.Listener()
                    relay = Relay(name, wsdiag, listener.sock.getsockname()[1], Path(d))
                    try:
                        if size is None:
                            trips.setdefault(name, []).append(round_trip(relay, listener))
                        else:
                            rates.setdefault((name, size), []).append(throughput(relay, listener, size))
                    except (neutral.Trouble, OSError) as e:
                        trouble[name] = str(e)
                    finally:
                        relay.stop()
                        listener.close()
    return rates, trips, trouble


def middle(table, key):
    return statistics.median(table.get(key) or [float("nan")])


def tell(wsdiag, rounds, print_rows):
    """print_rows(title, columns, rows) of scripts/bench."""
    rates, trips, trouble = measure(wsdiag, rounds)
    rows = []
    for size in SIZES:
        mine = middle(rates, ("wsdiag", size))
        cells = []
        for name in names():
            median = middle(rates, (name, size))
            cells.append("%.0f MB/s%s" % (median * size / 1e6, "" if name == "wsdiag" else " (%.2fx)" % (mine / median)))
        rows.append(["throughput, %d B messages" % size] + cells)
    mine = middle(trips, "wsdiag")
    cells = ["%.1f us%s" % (middle(trips, n) * 1e6, "" if n == "wsdiag" else
             " (%.2fx)" % (mine / middle(trips, n))) for n in names()]
    rows.append(["round trip of 64 B"] + cells)
    print_rows("relay: the figure, and how many of it wsdiag's is", names(), rows)
    for name, why in trouble.items():
        print("left out: %s: %s" % (name, why))
