# SPDX-License-Identifier: MIT
"""TLS: certificates good and bad, versions, records cut and spoilt."""
import re
import ssl

import pytest

from peers import acts
from peers.raw import TEXT, answer_101, binary, close, frame, text

pytestmark = pytest.mark.both_builds


def context(certs, name="server", *, low=None, high=None, client_ca=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certs / f"{name}.pem", certs / f"{name}.key")
    if low:
        ctx.minimum_version = low
    if high:
        ctx.maximum_version = high
    if client_ca:
        ctx.verify_mode = ssl.CERT_REQUIRED
        ctx.load_verify_locations(client_ca)
    return ctx


def opens(c):
    head = c.upgrade()
    c.send(text("in") + close(1000))
    return head, c.frames()


# row 11

@pytest.mark.fault(11)
@pytest.mark.parametrize("cert,host", [("server", "localhost"), ("server", "a.wild.test"), ("ip", "127.0.0.1"), ("chain", "localhost")])
def test_a_good_certificate_is_accepted(run, raw, certs, cert, host):
    server = raw(opens, tls=context(certs, cert))
    r = run("--cacert", certs / "ca.pem", "--resolve", f"a.wild.test:{server.port}:127.0.0.1", server.url(name=host))
    assert r.status == 0 and r.out == b"in\n"
    tls = r.one("open")["tls"]
    assert tls["verified"] is True and tls["version"] in ("TLSv1.2", "TLSv1.3") and tls["cipher"]
    assert tls["sni"] == (None if host == "127.0.0.1" else host)
    assert re.fullmatch("[0-9a-fA-F:]{64,95}", tls["sha256"])


@pytest.mark.fault(11)
def test_an_ipv6_address_in_san_is_accepted(run, raw, certs):
    server = raw(opens, tls=context(certs, "ip"), host="::1")
    r = run("--cacert", certs / "ca.pem", server.url())
    assert r.status == 0, r


BAD = {
    # certificate, host: (cause, words)
    "expired": ("expired", "localhost", "tls.cert.expired", ["expired", "2025"]),
    "future": ("future", "localhost", "tls.cert.not_yet_valid", ["2100"]),
    "wrong_name": ("wrong-name", "localhost", "tls.cert.name_invalid", ["is for", "example.net", "not localhost"]),
    "wrong_ip": ("server", "127.0.0.1", "tls.cert.name_invalid", ["127.0.0.1"]),
    "wildcard_two_labels": ("server", "a.b.wild.test", "tls.cert.name_invalid", ["a.b.wild.test"]),
    "wildcard_itself": ("server", "wild.test", "tls.cert.name_invalid", ["wild.test"]),
    "self_signed": ("self-signed", "localhost", "tls.cert.authority_invalid", ["self-signed"]),
    "untrusted": ("untrusted", "localhost", "tls.cert.authority_invalid", ["issuer", "Unknown CA"]),
}


@pytest.mark.fault(11)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_certificate_is_refused_in_words(run, raw, certs, name):
    cert, host, cause, words = BAD[name]
    server = raw(opens, tls=context(certs, cert))
    pins = [a for n in ("a.b.wild.test", "wild.test") for a in ("--resolve", f"{n}:{server.port}:127.0.0.1")]
    r = run("--cacert", certs / "ca.pem", *pins, server.url(name=host))
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("tls", cause)
    for word in words:
        assert word in f["text"] and word in r.err
    assert r.types() == ["dial", "failed", "end"]
    assert r.status == 60


@pytest.mark.fault(11)
def test_the_systems_store_is_the_default(run, raw, certs):
    server = raw(opens, tls=context(certs))
    r = run(server.url(name="localhost"))
    assert r.one("failed")["cause"] == "tls.cert.authority_invalid"
    assert r.status == 60


@pytest.mark.fault(11)
@pytest.mark.parametrize("cert", ["expired", "wrong-name", "self-signed"])
@pytest.mark.parametrize("option", ["-k", "--insecure"])
def test_insecure_accepts_any_and_says_so(run, raw, certs, cert, option):
    server = raw(opens, tls=context(certs, cert))
    r = run(option, server.url(name="localhost"))
    assert r.status == 0
    assert r.one("open")["tls"]["verified"] is False


def test_a_client_certificate_is_shown(run, raw, certs):
    server = raw(opens, tls=context(certs, client_ca=certs / "ca.pem"))
    r = run("--cacert", certs / "ca.pem", "--cert", certs / "client.pem", "--key", certs / "client.key", server.url(name="localhost"))
    assert r.status == 0, r


def test_a_missing_client_certificate_ends_in_an_alert(run, raw, certs):
    server = raw(opens, tls=context(certs, client_ca=certs / "ca.pem", high=ssl.TLSVersion.TLSv1_2))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    f = r.one("failed")
    assert f["stage"] == "tls" and f["cause"] == "tls.alert"
    assert r.status == 35


@pytest.mark.parametrize("args,status", [(["--cacert", "missing.pem"], 77), (["--cacert", "/dev/null"], 77),
                                         (["--cert", "missing.pem"], 58), (["--cert", "client.pem", "--key", "missing.key"], 58),
                                         (["--cert", "client.pem", "--key", "mismatched.key"], 58),
                                         (["--cert", "client.pem", "--key", "encrypted.key"], 58)])
def test_files_that_cannot_be_used_are_named_before_any_packet(run, raw, certs, args, status):
    server = raw(opens, tls=context(certs))
    args = [str(certs / a) if a.endswith((".pem", ".key")) else a for a in args]
    r = run(*args, server.url(name="localhost"), log=False)
    assert r.status == status, r
    assert args[-1] in r.err
    assert server.accepted == 0


def test_host_does_not_change_what_the_certificate_must_be_for(run, raw, certs):
    server = raw(opens, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", "--host", "other.test", server.url(name="localhost"))
    assert r.status == 0
    assert server.result()[0].get("Host") == "other.test"


# row 12

def test_tls_1_2_is_spoken(run, raw, certs):
    server = raw(opens, tls=context(certs, high=ssl.TLSVersion.TLSv1_2))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.one("open")["tls"]["version"] == "TLSv1.2" and r.status == 0


@pytest.mark.fault(12)
def test_tls_1_3_is_spoken_where_the_library_can_and_named_where_not(run, raw, certs, has_tls13):
    server = raw(opens, tls=context(certs, low=ssl.TLSVersion.TLSv1_3))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    if has_tls13:
        assert r.one("open")["tls"]["version"] == "TLSv1.3" and r.status == 0
    else:
        f = r.one("failed")
        assert (f["stage"], f["cause"]) == ("tls", "tls.version")
        assert "TLS 1.3" in f["text"]
        assert r.status == 35


@pytest.mark.fault(12)
def test_a_plain_server_on_a_wss_url_is_named(run, raw):
    server = raw(lambda c: (c.recv(), c.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))[1])
    r = run(f"wss://127.0.0.1:{server.port}/")
    f = r.one("failed")
    assert (f["stage"], f["cause"]) == ("tls", "tls.not_tls")
    assert "ws://" in f["text"] or "TLS" in f["text"]
    assert r.status == 35


@pytest.mark.fault(12)
def test_a_tls_server_on_a_ws_url_is_named(run, raw, certs):
    server = raw(opens, tls=context(certs))
    r = run(f"ws://127.0.0.1:{server.port}/")
    f = r.one("failed")
    assert f["stage"] == "upgrade" and f["cause"] in ("http.not_http", "tcp.closed", "tcp.reset")
    if f["cause"] == "http.not_http":
        assert "TLS" in f["text"] or "wss" in f["text"]
        assert r.status == 8
    else:
        assert r.status == 52


# row 13

@pytest.mark.fault(13)
@pytest.mark.parametrize("data,partial", [(b"", 0), (text("0123456789")[:6], 4), (text("abc", fin=False), 3)],
                         ids=["between_messages", "in_a_payload", "between_fragments"])
def test_fin_without_close_notify_is_a_truncation(run, raw, certs, data, partial):
    def script(c):
        c.upgrade()
        c.send(text("whole") + data)
        c.fin()  # of TCP only
        c.sock.settimeout(10)
        while c.sock.recv(65536):
            pass

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    e = r.ended
    assert (e["event"], e["by"], e["cause"], e["code"], e["synthesised"]) == ("lost", "peer", "tls.truncated", None, 1006)
    assert e["partial_in"] == partial
    assert r.out == b"whole\n"
    assert r.status == 56


@pytest.mark.fault(13)
def test_fin_within_a_record_is_a_truncation(run, raw, certs):
    def script(c):
        c.upgrade()
        c.send_raw(c.records(text("x" * 1000))[:-100])
        c.fin()
        c.sock.recv(65536)

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.ended["cause"] == "tls.truncated" and r.out == b""
    assert r.status == 56


@pytest.mark.fault(13)
def test_close_notify_without_close_is_told_apart(run, raw, certs):
    def script(c):
        c.upgrade()
        c.close_notify()
        c.fin()
        c.sock.recv(65536)

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert (r.ended["event"], r.ended["cause"], r.ended["by"]) == ("lost", "tls.closed", "peer")
    assert "no Close frame" in r.ended["text"]
    assert r.status == 56


@pytest.mark.fault(13)
def test_a_reset_under_tls_is_a_reset(run, raw, certs):
    def script(c):
        c.upgrade()
        c.read_frame()  # an RST right behind the 101 may overtake it
        c.rst()

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", "-x", "open", server.url(name="localhost"))
    assert r.ended["cause"] == "tcp.reset" and r.status == 56


# row 14

@pytest.mark.fault(14)
def test_records_one_byte_at_a_time_go_on(run, raw, certs):
    def script(c):
        data = c.records(answer_101(c.read_head())) + c.records(text("in") + close(1000))
        for i in range(len(data)):
            c.send_raw(data[i:i + 1])
        return c.frames()

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.out == b"in\n" and r.status == 0


@pytest.mark.fault(14)
def test_many_frames_in_one_record_and_one_frame_in_many(run, raw, certs):
    def script(c):
        c.upgrade()
        c.send(b"".join(text(str(i)) for i in range(100)))
        whole = text("y" * 1000) + close(1000)
        for i in range(0, len(whole), 7):
            c.send(whole[i:i + 7])
        return c.frames()

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.out == b"".join(b"%d\n" % i for i in range(100)) + b"y" * 1000 + b"\n"
    assert r.status == 0


@pytest.mark.fault(14)
@pytest.mark.parametrize("at", [-1, 10])
def test_a_spoilt_byte_is_fatal_and_named(run, raw, certs, at):
    def script(c):
        c.upgrade()
        data = bytearray(c.records(text("in the record")))
        data[at] ^= 1
        c.send_raw(bytes(data))
        while c.sock.recv(65536):
            pass

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert (r.ended["event"], r.ended["cause"]) == ("lost", "tls.corrupt")
    assert r.out == b"" and r.status == 56


def test_an_alert_from_the_peer_is_named(run, raw, certs):
    """A server that finds a record spoilt says bad_record_mac."""

    def script(c):
        c.upgrade()
        c.incoming.write(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        try:
            c.tls.read(1)
        except ssl.SSLError:
            pass
        c.send_raw(c.outgoing.read())
        c.sock.recv(65536)

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert (r.ended["event"], r.ended["cause"], r.ended["by"]) == ("lost", "tls.alert", "peer")
    assert r.ended["errno"] == 20  # bad_record_mac
    assert r.status == 56


# row 15

@pytest.mark.fault(15)
def test_full_sockets_both_ways_are_byte_exact(run, raw, certs):
    """The server sends all of its own before it reads anything: both directions fill up."""
    theirs = bytes(range(256)) * 16384  # 4 MiB
    ours = b"".join(b"line %07d of what the client sends\n" % i for i in range(100000))

    def script(c):
        c.upgrade()
        records = c.records(binary(theirs))
        c.send_raw(records[:len(records) // 2])
        got = [c.read_message()[1]]
        c.send_raw(records[len(records) // 2:])
        while len(got) < 100000:
            got.append(c.read_message()[1])
        c.send(close(1000))
        return b"".join(m + b"\n" for m in got)

    server = raw(script, tls=context(certs))
    r = run("--cacert", certs / "ca.pem", "-w", "forever", server.url(name="localhost"), stdin=ours, log_messages="none")
    assert server.result() == ours
    assert r.out == theirs + b"\n"
    assert r.status == 0


def test_a_fragmented_message_over_tls(run, raw, certs):
    server = raw(acts.sends(text("a" * 20000, fin=False), frame(0, "b" * 20000)), tls=context(certs))
    r = run("--cacert", certs / "ca.pem", server.url(name="localhost"))
    assert r.out == b"a" * 20000 + b"b" * 20000 + b"\n"
    assert TEXT == 1 and r.status == 0


def test_the_key_log_gets_the_secrets(run, raw, certs, tmp_path):
    keys = tmp_path / "keys"
    server = raw(opens, tls=context(certs))
    run("--cacert", certs / "ca.pem", server.url(name="localhost"), env={"SSLKEYLOGFILE": str(keys)})
    assert re.search(r"^(CLIENT_RANDOM|CLIENT_TRAFFIC_SECRET_0) [0-9a-f]{64} [0-9a-f]+$", keys.read_text(), re.M)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_port_without_tls_is_told_what_to_try(run, raw, answer):
    def peer(c):
        c.recv()
        c.send(answer)

    r = run(f"wss://127.0.0.1:{raw(peer).port}/")
    assert r.status == 35 and "try ws://, or check the port" in r.err
