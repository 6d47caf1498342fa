# SPDX-License-Identifier: MIT
"""Limits on memory and numbers, on the release build: sanitizers have memory of their own."""
import os
import queue
import resource
import select
import socket
import subprocess
import threading
import zlib

import pytest

from harness import environment
from peers import raw as r6455
from peers.raw import CLOSE, binary, close, frame, ping, text

MIB = 1 << 20
LIMIT = 32 * MIB

pytestmark = pytest.mark.xdist_group("memory")  # one worker: each of them wants a core


def hwm(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0  # a zombie has none


def through(release, url, args, source):
    """Feeds blocks into wsdiag's stdin from a thread; gives (bytes out, their CRC, status, peak memory, stderr)."""
    p = subprocess.Popen([release, *args, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
                         bufsize=0)

    def feed():
        try:
            for block in source:
                view = memoryview(block)
                while view:
                    view = view[os.write(p.stdin.fileno(), view):]
        except OSError:
            pass
        p.stdin.close()

    t = threading.Thread(target=feed)
    t.start()
    n = crc = peak = 0
    next_look = 0
    while block := os.read(p.stdout.fileno(), MIB):
        n += len(block)
        crc = zlib.crc32(block, crc)
        if n >= next_look:
            peak = max(peak, hwm(p.pid))
            next_look = n + 16 * MIB
    t.join()
    err = p.stderr.read().decode()
    p.stdout.close()
    p.stderr.close()
    return n, crc, p.wait(60), peak, err


def test_a_million_lines_come_back_byte_for_byte(serve, release):
    server = serve(binary=release, log_messages="none")
    lines = b"".join(b"%d\n" % i for i in range(1, 1000001))
    n, crc, status, peak, err = through(release, server.url, ["-q"], [lines])
    assert (n, crc, status) == (len(lines), zlib.crc32(lines), 0), err
    assert peak < LIMIT and server.rss() < LIMIT


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_2_gib_as_one_message_there_and_back(serve, release, certs, tls):
    size = 2048 if not tls else 512  # MiB; TLS costs a core more
    more = ["--cert", certs / "server.pem", "--key", certs / "server.key"] if tls else []
    server = serve(*more, binary=release, log_messages="none")
    url = f"{'wss' if tls else 'ws'}://localhost:{server.port}/"
    block = os.urandom(MIB)
    crc_in = 0
    for _ in range(size):
        crc_in = zlib.crc32(block, crc_in)
    n, crc, status, peak, err = through(release, url, ["-q", "-b", "--whole", "--cacert", str(certs / "ca.pem")],
                                        (block for _ in range(size)))
    assert (n, crc, status) == (size * MIB, crc_in, 0), err
    assert peak < LIMIT and server.rss() < LIMIT
    assert server.wait_event("close")["received"] == {"messages": 1, "bytes": size * MIB}


def test_5000_connections(serve, release):
    n = 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n + 200:
        pytest.skip(f"this system lets a process have {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 200), hard))
    # It starts with the usual soft limit and has to raise that itself.
    server = serve(binary=release, log_messages="none", preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard)))
    before = server.rss("VmRSS")
    clients = []
    try:
        for i in range(n):
            c = r6455.connect("127.0.0.1", server.port)
            c.send(r6455.request())
            clients.append(c)
        for c in clients:
            assert c.read_head().status == 101
        for i, c in enumerate(clients):
            c.send(text(b"%d" % i, mask=True))
        for i, c in enumerate(clients):
            assert c.read_message() == (r6455.TEXT, b"%d" % i)
        assert (server.rss("VmRSS") - before) / n < 16 * 1024, "for each connection"
        server.signal(15)
        for c in clients:
            assert c.read_close().code == 1001
            c.send(close(1001, mask=True))
        r = server.finish()
        assert len(r.all("close")) == n and r.one("end")["conns"] == n
    finally:
        for c in clients:
            c.sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.fault(27)
def test_input_is_not_read_for_a_peer_that_does_not_read(start, raw, release):
    stop = threading.Event()
    server = raw(lambda c: (c.upgrade(), stop.wait())[0], rcvbuf=65536)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    p = start("-b", server.url(), binary=release, stdin=read_end, log_messages="none")
    os.close(read_end)
    p.wait_event("open")
    line, taken = b"x" * 65535 + b"\n", 0
    while select.select([], [write_end], [], 2)[1]:
        taken += os.write(write_end, line)
        assert taken < 64 * MIB, "it goes on reading"
    assert p.rss() < 16 * MIB
    os.close(write_end)
    stop.set()


@pytest.mark.fault(32)
def test_a_stdout_that_nobody_reads_keeps_memory_flat(start, raw, release):
    blocked = threading.Event()

    def script(c):
        c.upgrade()
        c.sock.settimeout(2)
        try:
            for _ in range(1000):
                c.send(binary(b"x" * MIB))
        except TimeoutError:
            blocked.set()

    server = raw(script)
    read_end, write_end = os.pipe()
    p = start(server.url(), binary=release, stdin=None, stdout=write_end, log_messages="none")
    os.close(write_end)
    assert blocked.wait(60), "a gigabyte went in, and nobody reads"
    assert p.rss() < 16 * MIB
    os.close(read_end)


@pytest.mark.fault(24)
def test_a_message_without_end_streams(start, raw, release):
    def script(c):
        c.upgrade()
        c.send(binary(b"", length=1 << 62, form=64))
        for _ in range(256):
            c.send(b"x" * MIB)
        c.rst()

    server = raw(script)
    with open(os.devnull, "w") as null:
        p = start("--whole", server.url(), binary=release, stdin=None, stdout=null, log_messages="none")
        p.wait_event("open")
        peak = 0
        while p.process.poll() is None:
            peak = max(peak, hwm(p.pid))
            try:
                p.process.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
    r = p.finish()
    assert r.ended["event"] == "lost" and r.status == 56
    assert peak < 16 * MIB


@pytest.mark.fault(25)
def test_pings_to_one_who_cannot_send_pongs_keep_memory_flat(start, raw, release):
    def script(c):
        c.upgrade()
        for _ in range(500):
            c.send(ping("x" * 125) * 1000)
        peaks.append(hwm(running.get(timeout=60).pid))
        c.send(close(1000))
        return c.frames()

    peaks, running = [], queue.Queue()
    server = raw(script)
    p = start(server.url(), binary=release, stdin=None, log_messages="none")
    running.put(p)  # it may be connected before start() is done
    r = p.finish()
    frames = server.result()
    assert r.status == 0 and frames[-1].opcode == CLOSE
    assert peaks[0] < 16 * MIB


@pytest.mark.fault(25)
def test_endless_empty_fragments_keep_memory_flat(start, raw, release):
    def script(c):
        c.upgrade()
        c.send(text("", fin=False))
        for _ in range(500):
            c.send(frame(0, b"", fin=False) * 1000)
        peaks.append(hwm(running.get(timeout=60).pid))
        c.send(frame(0, b"done") + close(1000))
        return c.frames()

    peaks, running = [], queue.Queue()
    server = raw(script)
    p = start(server.url(), binary=release, stdin=None, log_messages="none")
    running.put(p)  # it may be connected before start() is done
    r = p.finish()
    assert r.out == b"done\n" and r.status == 0
    assert peaks[0] < 16 * MIB


def test_a_client_that_reads_no_echoes_costs_the_server_little(serve, release):
    server = serve(binary=release, log_messages="none")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(60)
    s.connect(("127.0.0.1", server.port))
    c = r6455.Conn(s)
    c.dial()
    one = binary(b"x" * MIB, mask=b"abcd")
    s.settimeout(2)
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            s.sendall(one)
    assert server.rss() < 16 * MIB
    c.rst()
