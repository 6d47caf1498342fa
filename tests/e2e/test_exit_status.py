# SPDX-License-Identifier: MIT
"""Every exit status that can occur today, one small case each; more about each cause is in the other files."""
import signal
import ssl

import pytest

from peers import acts
from peers.acts import answers, http
from peers.raw import FullListener, close, text


def ends(frames=b"", how="close"):
    def script(c):
        c.upgrade()
        c.send(frames)
        if how == "hold":
            return c.drain()
        getattr(c, how)()

    return script


def case_0_ours(run, raw, tmp_path):
    return run(raw(acts.echo).url(), stdin=b"x\n")


def case_0_theirs(run, raw, tmp_path):
    return run(raw(acts.sends(close=1000)).url())


def case_2(run, raw, tmp_path):
    return run("--no-such-option", "ws://127.0.0.1:9/")


def case_3(run, raw, tmp_path):
    return run("gopher://127.0.0.1/")


def case_6(run, raw, tmp_path):
    return run("--connect-timeout", "50", "ws://no-such-host.invalid/")


def case_7(run, raw, tmp_path):
    server = raw(acts.holds)
    server.stop()
    return run(server.url())


def case_8(run, raw, tmp_path):
    return run(raw(answers(b"HTTP/1.1 101 Hm\r\n\r\n")).url())


def case_18(run, raw, tmp_path):
    return run("-1", raw(acts.sends()).url())


def case_22(run, raw, tmp_path):
    return run(raw(answers(http(404, "Not Found"))).url())


def case_23(run, raw, tmp_path):
    with open("/dev/full", "w") as full:
        return run(raw(acts.sends(text("x"))).url(), stdout=full)


def case_26(run, raw, tmp_path):
    return run(raw(acts.sink).url(), stdin=b"\xff\n")


def case_28(run, raw, tmp_path):
    full = FullListener()
    try:
        return run("--connect-timeout", "0.2", f"ws://127.0.0.1:{full.port}/")
    finally:
        full.stop()


def case_35(run, raw, tmp_path):
    return run(raw(lambda c: (c.recv(), c.send(b"not TLS at all"))).url().replace("ws:", "wss:"))


def case_47(run, raw, tmp_path):
    return run("-L", "--max-redirects", "1", raw(answers(http(302, "Found", "Location: /"))).url())


def case_52(run, raw, tmp_path):
    return run(raw(answers(b"", then="fin")).url())


def case_56_fin(run, raw, tmp_path):
    return run(raw(ends()).url())


def case_56_rst(run, raw, tmp_path):
    return run(raw(ends(how="rst")).url())


def case_58(run, raw, tmp_path):
    return run("--cert", tmp_path / "missing.pem", "wss://127.0.0.1:9/")


def case_63(run, raw, tmp_path):
    return run("--json", "--max-message", "10", raw(ends(text("x" * 11), "hold")).url())


def case_77(run, raw, tmp_path):
    return run("--cacert", tmp_path / "missing.pem", "wss://127.0.0.1:9/")


def case_110(run, raw, tmp_path):
    return run("--ping-interval", "0.1", "--ping-timeout", "0.2", raw(acts.holds).url())


def case_111(run, raw, tmp_path):
    return run(raw(ends(text("x", rsv=1), "hold")).url())


def case_112(run, raw, tmp_path):
    return run(raw(acts.sends(close=1012)).url())


def case_113(run, raw, tmp_path):
    return run(raw(acts.sends(close=4001)).url())


def case_114(run, raw, tmp_path):
    return run("-w", "0", "--close-timeout", "0.2", raw(acts.holds).url(), stdin=b"x\n")


CASES = {name: make for name, make in globals().items() if name.startswith("case_")}


@pytest.mark.parametrize("name", CASES)
def test_status(run, raw, tmp_path, name):
    want = int(name.split("_")[1])
    r = CASES[name](run, raw, tmp_path)
    assert r.status == want, r
    if r.events:
        assert r.one("end")["exit"] == want


def test_status_60(run, raw, certs):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certs / "self-signed.pem", certs / "self-signed.key")
    r = run(raw(acts.holds, tls=ctx).url(name="localhost"))
    assert r.status == 60 and r.one("end")["exit"] == 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_status_128_plus_the_signal(start, raw, number):
    p = start(raw(lambda c: (c.upgrade(), c.read_close(), c.send(close(1000)))).url())
    p.wait_event("open")
    p.signal(number)
    r = p.finish()
    assert r.status == 128 + number and r.signal == number
