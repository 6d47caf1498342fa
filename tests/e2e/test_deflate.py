# SPDX-License-Identifier: MIT
"""permessage-deflate (RFC 7692): agreed with software we did not write, and what a hostile end does with it."""
import threading
import zlib

import pytest
import websockets.sync.client
import websockets.sync.server

from peers.raw import answer_101, close, frame, text

pytestmark = pytest.mark.both_builds
RSV1 = 4
EXTENSION = ("Sec-WebSocket-Extensions", "permessage-deflate")


def packed(data, final=False):
    c = zlib.compressobj(wbits=-15)
    if final:
        return c.compress(data) + c.flush(zlib.Z_FINISH)
    return (c.compress(data) + c.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.fixture
def echo_server():
    def echo(ws):
        for message in ws:
            ws.send(message)

    with websockets.sync.server.serve(echo, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(10)


def test_messages_are_compressed_where_python_websockets_agrees(run, echo_server):
    data = b"".join(b"line %d of many that are alike\n" % i for i in range(2000)) + b"\n"
    r = run("--deflate", "-vv", f"ws://127.0.0.1:{echo_server}/", stdin=data)
    assert r.out == data and r.status == 0
    assert r.one("open")["extensions"].startswith("permessage-deflate")
    frames = [e for e in r.events if e["event"] == "frame" and e["opcode"] == "text"]
    assert frames and all(f["rsv"] == RSV1 for f in frames)
    assert sum(f["length"] for f in frames) < len(data)


def test_without_the_option_nothing_is_offered(run, echo_server):
    r = run(f"ws://127.0.0.1:{echo_server}/", stdin=b"x\n")
    assert r.one("open")["extensions"] is None and r.out == b"x\n"


def test_serve_agrees_with_python_websockets_only_when_asked(serve):
    for options, agreed in [(["--deflate"], True), ([], False)]:
        server = serve(*options)
        with websockets.sync.client.connect(f"ws://127.0.0.1:{server.port}/", max_size=None) as ws:
            for message in ["hello", "hello", "", "x" * 300000, "hello" * 1000]:
                ws.send(message)
                assert ws.recv() == message
        assert (server.wait_event("open")["extensions"] is not None) == agreed


def upgraded(c):
    c.send(answer_101(c.read_head(), extra=[EXTENSION]))


@pytest.mark.fault(26)
def test_a_bomb_is_1009(run, raw):
    def script(c):
        upgraded(c)
        c.send(frame(2, packed(bytes(64 << 20)), rsv=RSV1))
        return c.read_close()

    server = raw(script)
    r = run("--deflate", "-b", "--max-message", "1M", server.url())
    assert server.result().code == 1009 and r.status == 63


@pytest.mark.fault(26)
@pytest.mark.parametrize("payload", [b"\xff\xff\xff\xff", b"\xf2\x00\x11\x00\x00"])
def test_bad_deflate_data_is_1007(run, raw, payload):
    def script(c):
        upgraded(c)
        c.send(frame(2, payload, rsv=RSV1))
        return c.read_close()

    server = raw(script)
    r = run("--deflate", server.url())
    assert server.result().code == 1007 and r.status == 111
    assert "inflated" in r.one("violation")["rule"]


@pytest.mark.fault(26)
def test_the_final_block_bit_is_accepted_and_so_is_what_follows(run, raw):
    def script(c):
        upgraded(c)
        c.send(frame(1, packed(b"final", final=True), rsv=RSV1) + text("as it is") + frame(1, packed(b"again"), rsv=RSV1) + close(1000))
        return c.frames()

    r = run("--deflate", raw(script).url())
    assert r.out == b"final\nas it is\nagain\n" and r.status == 0


@pytest.mark.fault(17)
def test_text_that_is_not_utf8_after_inflating_is_1007(run, raw):
    def script(c):
        upgraded(c)
        c.send(frame(1, packed(b"caf\xe9!"), rsv=RSV1))
        return c.read_close()

    server = raw(script)
    r = run("--deflate", server.url())
    assert server.result().code == 1007 and r.status == 111


@pytest.mark.parametrize("value", ["permessage-deflate; server_max_window_bits=99", "x-unknown"])
def test_an_answer_to_what_was_not_offered_is_refused_by_name(run, raw, value):
    def script(c):
        c.send(answer_101(c.read_head(), extra=[("Sec-WebSocket-Extensions", value)]))
        return c.frames()

    r = run("--deflate", raw(script).url())
    assert r.status == 8 and "Sec-WebSocket-Extensions" in r.one("failed")["text"]


def test_rsv1_without_the_extension_is_still_1002(run, raw):
    def script(c):
        c.upgrade()
        c.send(frame(2, packed(b"x"), rsv=RSV1))
        return c.read_close()

    server = raw(script)
    r = run(server.url())
    assert server.result().code == 1002 and r.status == 111
