# SPDX-License-Identifier: MIT
"""Fixtures: the real binary, and the peers it talks to.

WSDIAG names the binary (default: build-gcc/wsdiag); WSDIAG_RELEASE the one without sanitizers, for limits on memory.
Whatever a test starts is gone when it ends. Nothing is waited for by sleeping: events, output and ends are.
"""
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import records  # noqa: E402
import through  # noqa: E402
from harness import COMMANDS, Wsdiag, environment  # noqa: E402
from peers import raw as raw_peer  # noqa: E402
from peers.external import External  # noqa: E402
from peers.origin import Origin  # noqa: E402
from screen import Screen  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "both_builds: runs against the clang build as well")
    config.addinivalue_line("markers", "fault(*rows): the rows of the fault table that a test shows")


def pytest_collection_modifyitems(config, items):
    if through.IS_ON:
        left_out = [item for item in items if through.reason(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """What its runs have told is kept, or held against what is kept; see records.py."""
    result = yield
    book = getattr(pyfuncitem, "book", None)
    if book:
        book.compare() if through.IS_ON else book.write()
    return result


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("WSDIAG", ROOT / "build-gcc" / "wsdiag"))
    assert path.exists(), f"{path} is not built: scripts/build gcc"
    return str(path)


@pytest.fixture(scope="session")
def release():
    path = Path(os.environ.get("WSDIAG_RELEASE", ROOT / "build" / "wsdiag"))
    assert path.exists(), f"{path} is not built: scripts/build release"
    return str(path)


@pytest.fixture
def start(binary, tmp_path, request):
    """start(*args, **how) -> a running Wsdiag; see harness.py."""
    started = []
    if records.FOLDER and through.is_compared(request.node):
        request.node.book = records.Book(records.FOLDER, request.node.nodeid, started, through.not_compared(request.node))

    def launch(*args, **how):
        p = Wsdiag(args, **how)
        started.append(p)
        return p

    def begin(*args, **how):
        how.setdefault("binary", binary)
        if through.IS_ON and (args[0] == "connect" or args[0] not in COMMANDS):
            args = begin.front.arguments(args, how["binary"])
        return launch(*args, **how)

    begin.front = through.Front(launch, lambda: request.getfixturevalue("certs"))
    yield begin
    for p in started:
        p.stop()


@pytest.fixture
def run(start):
    """run(*args, stdin=bytes | None for /dev/null, **how) -> Result, when it has ended."""

    def whole(*args, stdin=None, **how):
        return start(*args, stdin=stdin, **how).finish()

    return whole


@pytest.fixture
def serve(start, binary):
    """serve(*args) -> a running `wsdiag serve` with .url and .port."""

    def begin(*args, **how):
        how.setdefault("stdin", None)
        p = start("serve", *args, **how)
        listen = p.wait_event("listen")
        p.url = listen["url"]
        p.port = int(listen["address"].rpartition(":")[2])
        if through.IS_ON:
            p.url = start.front.url(p.url.replace("wss://127.0.0.1:", "wss://localhost:"), how.get("binary", binary))
            p.port = int(p.url.rstrip("/").rpartition(":")[2])
        return p

    return begin


@pytest.fixture
def proxy(start):
    """proxy(*args) -> a running `wsdiag proxy` with .url and .port."""

    def begin(*args, **how):
        how.setdefault("stdin", None)
        p = start("proxy", *args, **how)
        listen = p.wait_event("listen")
        p.url = listen["url"]
        p.port = int(listen["address"].rpartition(":")[2])
        return p

    return begin


@pytest.fixture
def origin(raw):
    """origin(**how) -> a server whose connections the test holds itself; see peers/origin.py."""
    made = []

    def begin(**how):
        made.append(Origin(raw, **how))
        return made[-1]

    yield begin
    for o in made:
        o.let_go()


@pytest.fixture
def raw():
    """raw(script, **how) -> a server that does what the script says; see peers/raw.py."""
    servers = []

    def begin(scripts, **how):
        s = raw_peer.Server(scripts, **how)
        servers.append(s)
        return s

    yield begin
    for s in servers:
        s.stop()
    for s in servers:
        assert not s.errors, s.errors


@pytest.fixture
def external():
    """external(argv, **how) -> a peer process that prints its port; see peers/external.py."""
    started = []

    def begin(argv, **how):
        p = External(argv, **how)
        started.append(p)
        return p

    yield begin
    for p in started:
        p.stop()


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """The folder that tests/support/make-certs fills, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    folder = base / "certs"
    with open(base / "certs.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            subprocess.run([str(ROOT / "tests" / "support" / "make-certs"), str(folder)], check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
            (folder / ".done").touch()
    return folder


@pytest.fixture(scope="session")
def has_tls13(binary):
    """Debian 12's mbedTLS has no TLS 1.3."""
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, env=environment()).stdout
    assert "mbedTLS" in version, version
    return "mbedTLS 2." not in version


@pytest.fixture(autouse=True)
def no_hang():
    """A test that waits for more than its parts allow is a failure, not a hang."""

    def fail(*_):
        raise TimeoutError("the test took longer than 300 seconds")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(300)
    yield
    signal.alarm(0)


@pytest.fixture
def screen(binary, tmp_path, start):
    """screen(columns=80, rows=24, name="a", env={}) -> a shell on a terminal."""
    screens = []

    def begin(name="screen", **how):
        s = Screen(tmp_path / name, binary, front=start.front if through.IS_ON else None, **how)
        screens.append(s)
        return s

    yield begin
    for s in screens:
        s.stop()


@pytest.fixture
def told(raw):
    """A peer that sends what the test says: told.send(text("x")), as often as wanted."""

    class Told:
        def __init__(self):
            self.conns = []
            self.server = raw(self.script)

        def script(self, c):
            c.upgrade()
            self.conns.append(c)
            c.drain()

        def send(self, data):
            self.conns[-1].send(data)

    return Told()


@pytest.fixture
def repl(screen, serve):
    """A REPL that talks to an echo."""

    def begin(*args, **how):
        s = screen(**how)
        s.server = serve()
        s.wsdiag(*args, s.server.url)
        s.wait("c1 open>")
        return s

    return begin
