# SPDX-License-Identifier: MIT
"""The comparison of runs without and through a proxy (through.py, records.py) finds what a proxy does that is not one without a plan."""
import os
import re
import subprocess
import sys

import pytest

import records
import through
from conftest import HERE
from harness import environment
from peers.raw import close, ping, text


def says(c):
    """After as many messages of the client's."""
    c.upgrade()
    for _ in range(3):
        c.read_message()
    c.send(text("one") + text("two") + ping("p") + text("three") + close(1000, "bye"))
    return c.frames()


@pytest.fixture
def told(start, raw, binary):
    """told(None) -> the record of a client, told(fault) -> of one behind a proxy that does this, "" for none."""

    def begin(fault):
        url = raw(says).url("/path")
        if fault is not None:
            url = through.Front(start, None, fault).url(url, binary)
        p = start("-vv", "-w", "forever", url, stdin=b"a\nb\nc\n")
        p.finish()
        return records.record(p, ())

    return begin


@pytest.mark.parametrize("fault", ["", "at response: delay 50ms", "on frame text down: slice 1", "at open: delay 20ms down"])
def test_what_only_takes_longer_is_the_same(told, fault):
    assert records.differences(told(None), told(fault and "dial * " + fault)) == []


# A line of a plan, and what differs: the beginnings of lines, each for a lane.
BROKEN = {
    'on frame text down text "two": swallow': ["c1 frames in, 2", "c1 messages in, 2", "c1 life, 2", "run life, 2", "stdout", "hash"],
    'on frame ping down: swallow': ["c1 control in, 1", "c1 frames in, 3"],
    "after 2 msgs down: fin client": ["c1 life, 2", "status"],
    "after 2 msgs down: rst client": ["c1 life, 2", "status"],
    'on frame close down: close 1001 "bye" client': ["c1 life, 2", "status"],
    'on frame close down: close 1000 "by" client': ["c1 life, 2"],
    "on frame text down: corrupt": ["c1 messages in"],
    "at response: set-header X-New: value": ["c1 life, 1", "d1 heads in, 1"],
    "at response: status 403": ["d1 life, 2", "status"],
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_a_proxy_changes_is_found(told, fault):
    found = "\n" + "\n".join(records.differences(told(None), told("dial * " + fault)))
    assert all("\n" + start in found for start in BROKEN[fault]), found


def test_each_row_of_the_tables_names_tests_that_there_are():
    out = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(HERE)], env=environment(),
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200).stdout
    tests = [(m[1], m[2]) for m in re.finditer(r"^(?:\S*/)?(test_\w+)\.py::(.+)$", out, re.M)]
    assert len(tests) > 1000
    assert [row for row in (*through.LEFT_OUT, *through.NOT_COMPARED) if not any(through.is_of(row, *t) for t in tests)] == []
    assert all(any(module.startswith(start) for module, _ in tests) for start in through.OTHERS)


def pytest_of(folder, test, **env):
    """The test run by itself."""
    env = environment(WSDIAG=os.environ.get("WSDIAG"), WSDIAG_RECORDS=str(folder), WSDIAG_RECORDS_ALL="1", **env)
    r = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(HERE / test)], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, env=env, timeout=200)
    return r.returncode, r.stdout + r.stderr


def test_a_test_fails_whose_events_are_not_the_same(tmp_path):
    test = "test_serve.py::test_sink_only_reads"  # does not look at headers
    status, out = pytest_of(tmp_path, test, WSDIAG_THROUGH_PROXY="1")
    assert status == 1 and "no record of it without the proxy" in out
    assert pytest_of(tmp_path, test)[0] == 0
    assert pytest_of(tmp_path, test, WSDIAG_THROUGH_PROXY="1")[0] == 0
    status, out = pytest_of(tmp_path, test, WSDIAG_THROUGH_PROXY="1", WSDIAG_THROUGH_FAULT="dial * at request: set-header X-New: value")
    assert status == 1 and "it is not the same" in out and "X-New" in out, out
