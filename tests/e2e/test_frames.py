# SPDX-License-Identifier: MIT
"""Frames from a server, right and wrong: what the client makes of them."""
import signal
import struct

import pytest

from peers import acts
from peers.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, binary, close, frame, ping, text

pytestmark = pytest.mark.both_builds

VIOLATIONS = {
    # what is sent: (frames, close code of the answer, word of the rule, section)
    "rsv1": (text("x", rsv=4), 1002, "RSV1", "5.2"),
    "rsv2": (text("x", rsv=2), 1002, "RSV2", "5.2"),
    "rsv3": (text("x", rsv=1), 1002, "RSV3", "5.2"),
    "rsv1_on_ping": (ping("x", rsv=4), 1002, "RSV1", "5.2"),
    "reserved_data_opcode": (frame(3, b"x"), 1002, "reserved opcode", "5.2"),
    "reserved_control_opcode": (frame(11, b"x"), 1002, "reserved opcode", "5.2"),
    "masked": (text("x", mask=b"abcd"), 1002, "masked", "5.1"),
    "length_5_in_16_bits": (text("hello", form=16), 1002, "shortest", "5.2"),
    "length_5_in_64_bits": (text("hello", form=64), 1002, "shortest", "5.2"),
    "length_200_in_64_bits": (text("x" * 200, form=64), 1002, "shortest", "5.2"),
    "length_with_highest_bit": (binary(b"x", length=1 << 63, form=64), 1002, "highest bit", "5.2"),
    "fragmented_ping": (ping("x", fin=False), 1002, "fragmented", "5.5"),
    "fragmented_close": (close(1000, fin=False), 1002, "fragmented", "5.5"),
    "ping_of_126_bytes": (ping("x" * 126), 1002, "longer than 125", "5.5"),
    "continuation_alone": (frame(CONT, b"x"), 1002, "continuation", "5.4"),
    "message_in_a_message": (text("a", fin=False) + text("b"), 1002, "new message", "5.4"),
    "close_of_one_byte": (frame(CLOSE, b"\x03"), 1002, "one byte", "5.5.1"),
    **{f"close_code_{n}": (close(n), 1002, "close code", "7.4.1") for n in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)},
    "close_reason_not_utf8": (close(1000, b"caf\xe9"), 1007, "UTF-8", "5.5.1"),
    "close_reason_cut_in_a_character": (close(1000, "é".encode()[:1]), 1007, "UTF-8", "5.5.1"),
    "text_latin1": (text(b"caf\xe9!"), 1007, "UTF-8", "8.1"),
    "text_surrogate": (text(b"\xed\xa0\x80"), 1007, "UTF-8", "8.1"),
    "text_overlong": (text(b"\xc0\xaf"), 1007, "UTF-8", "8.1"),
    "text_above_10ffff": (text(b"\xf4\x90\x80\x80"), 1007, "UTF-8", "8.1"),
    "text_cut_in_a_character": (text("€".encode()[:2]), 1007, "UTF-8", "8.1"),
    "text_bad_at_the_seam": (text(b"\xe2\x82", fin=False) + frame(CONT, b"x"), 1007, "UTF-8", "8.1"),
    "text_bad_in_an_unfinished_message": (text(b"a\xffb", fin=False), 1007, "UTF-8", "8.1"),
    "text_bad_in_an_unfinished_frame": (text(b"a\xffb", length=100000, form=64), 1007, "UTF-8", "8.1"),
}


@pytest.mark.fault(16, 17, 19)
@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_answered_and_named(run, raw, name):
    data, code, rule, section = VIOLATIONS[name]

    def script(c):
        c.upgrade()
        c.send(data)
        return c.read_close()

    server = raw(script)
    r = run(server.url())
    answer = server.result()
    assert answer is not None and answer.code == code and answer.masked
    violation = r.one("violation")
    assert rule in violation["rule"] and violation["section"].endswith(section)
    assert violation["dir"] == "in" and violation["answer"] == code
    assert r.ended["event"] == "lost" and not r.ended["clean"]
    assert r.ended["cause"] == ("ws.protocol" if code == 1002 else "ws.utf8")
    assert r.ended["close_sent"] == code
    assert r.status == 111
    assert section in r.err and r.out.count(b"\n") == 0


@pytest.mark.fault(16)
def test_the_offset_of_a_violation_counts_from_behind_the_head(run, raw):
    server = raw(acts.sends(text("hello"), text("x", rsv=2)))
    r = run(server.url())
    assert r.one("violation")["offset"] == len(text("hello"))
    assert r.out == b"hello\n"


@pytest.mark.fault(18)
def test_a_ping_between_fragments_is_answered_and_the_message_is_whole(run, raw):
    def script(c):
        c.upgrade()
        c.send(text("a", fin=False) + ping("in between") + frame(CONT, "b", fin=False) + frame(CONT, "c"))
        pong = c.read_frame()
        c.send(close(1000))
        return pong

    server = raw(script)
    r = run(server.url())
    assert r.out == b"abc\n" and r.status == 0
    assert server.result()[:2] == (PONG, b"in between")
    assert [e["event"] for e in r.events if e["event"] in ("ping", "message")] == ["ping", "message"]


@pytest.mark.fault(18)
def test_a_pong_goes_between_the_fragments_of_what_is_being_sent(run, raw):
    whole = b"0123456789abcdef" * (1 << 16)

    def script(c):
        c.upgrade()
        frames = []
        while True:
            f = c.read_frame()
            frames.append(f)
            if f.opcode in (TEXT, CONT):
                if not f.fin:
                    c.send(ping(str(len(frames))))
                else:
                    break
        c.send(close(1000))
        return frames + c.frames()

    server = raw(script)
    run(server.url(), "--whole", stdin=whole)
    frames = server.result()
    assert b"".join(f.payload for f in frames if f.opcode in (TEXT, CONT)) == whole
    assert frames[0].opcode == TEXT and all(f.masked and f.rsv == 0 for f in frames)
    assert any(f.opcode == PONG for f in frames)


@pytest.mark.fault(19)
@pytest.mark.parametrize("code,status", [(1000, 0), (1001, 112), (1002, 113), (1003, 113), (1007, 113), (1008, 113), (1009, 113), (1010, 113),
                                         (1011, 113), (1012, 112), (1013, 112), (1014, 112), (3000, 113), (3999, 113), (4000, 113),
                                         (4999, 113)])
def test_a_close_from_the_peer_is_reported_with_its_code_and_answered_with_it(run, raw, code, status):
    def script(c):
        c.upgrade()
        c.send(close(code, "so long ✓"))
        return c.read_close()

    server = raw(script)
    r = run(server.url())
    assert server.result().code == code
    assert r.types() == ["dial", "open", "close", "end"]
    e = r.ended
    assert (e["by"], e["cause"], e["clean"], e["code"], e["reason"], e["close_sent"]) == ("peer", "ws.close", True, code, "so long ✓", code)
    assert r.status == status and r.one("end")["exit"] == status
    assert str(code) in r.err


@pytest.mark.fault(19)
def test_an_empty_close_is_1005_and_fine(run, raw):
    def script(c):
        c.upgrade()
        c.send(close())
        return c.read_close()

    server = raw(script)
    r = run(server.url())
    assert server.result() is not None
    assert r.ended["event"] == "close" and r.ended["code"] == 1005 and r.ended["clean"]
    assert r.status == 0


@pytest.mark.fault(20)
def test_a_close_reason_in_many_reads_is_whole(run, raw):
    reason = "déjà vu ✓ 🙂 " * 5

    def script(c):
        c.upgrade()
        c.send_bytewise(close(1000, reason))
        return c.read_close()

    server = raw(script)
    r = run(server.url())
    assert server.result().code == 1000
    assert r.ended["reason"] == reason


@pytest.mark.fault(21)
def test_data_behind_a_close_is_ignored_and_counted(run, raw):
    late = text("too late") + ping("p")
    server = raw(acts.sends(text("in time"), close(1000), late, close=None))
    r = run(server.url())
    assert r.out == b"in time\n" and r.status == 0
    assert r.ended["after_close"] == len(late)
    assert [f.opcode for f in server.result()] == [CLOSE]


@pytest.mark.fault(22)
def test_a_close_that_the_peer_ignores_times_out(run, raw):
    server = raw(acts.holds)
    r = run("-w", "0", "--close-timeout", "0.2", server.url(), stdin=b"bye\n")
    assert [f.opcode for f in server.result()] == [TEXT, CLOSE]
    e = r.ended
    assert (e["event"], e["cause"], e["close_sent"], e["code"], e["synthesised"]) == ("lost", "ws.close_timeout", 1000, None, 1006)
    assert r.status == 114


@pytest.mark.fault(22)
def test_a_peer_that_keeps_tcp_open_behind_its_close_is_left_and_named(run, raw):
    def script(c):
        c.upgrade()
        got = c.read_close()
        c.send(close(1000))
        return got.code, c.drain()

    server = raw(script)
    r = run("-w", "0", "--close-timeout", "0.2", server.url(), stdin=b"bye\n")
    assert server.result() == (1000, b"")
    assert r.ended["event"] == "close" and r.ended["clean"] and r.ended["code"] == 1000
    assert "FIN" in r.ended["text"]
    assert r.status == 0


@pytest.mark.fault(23)
@pytest.mark.parametrize("how,cause", [("fin", "tcp.closed"), ("rst", "tcp.reset")])
@pytest.mark.parametrize("data,partial", [(b"", 0), (b"\x81", 0), (text("0123456789")[:6], 4), (text("abc", fin=False), 3),
                                          (text("abc", fin=False) + frame(CONT, "de", fin=False) + frame(CONT, "fghi")[:3], 6)],
                         ids=["between_messages", "in_a_header", "in_a_payload", "between_fragments", "in_a_fragment"])
def test_an_end_without_close_is_lost_and_a_part_is_never_a_whole(start, raw, how, cause, data, partial):
    def script(c):
        c.upgrade()
        c.send(text("whole") + data)
        assert c.read_message() == (TEXT, b"got it")  # the client has read what came before
        getattr(c, how)()
        return c.drain() if how == "fin" else b""

    server = raw(script)
    p = start(server.url())
    p.wait_out(b"whole\n")
    p.write(b"got it\n")
    r = p.finish()
    e = r.ended
    assert (e["event"], e["by"], e["cause"], e["code"], e["synthesised"], e["clean"]) == ("lost", "peer", cause, None, 1006, False)
    assert r.status == 56
    assert [m["data"] for m in r.all("message", dir="in")] == ["whole"]
    assert r.out.startswith(b"whole\n") and r.out.count(b"\n") == 1
    if how == "fin":  # a reset throws away what was not read
        assert e["partial_in"] == partial


@pytest.mark.fault(23)
def test_fin_and_rst_are_told_apart_in_words(run, raw):
    def script(how):
        def act(c):
            c.upgrade()
            getattr(c, how)()

        return act

    fin = run(raw(script("fin")).url())
    rst = run(raw(script("rst")).url())
    assert "FIN" in fin.ended["text"] and "FIN" in fin.err
    assert "RST" in rst.ended["text"] and "RST" in rst.err


@pytest.mark.fault(24)
@pytest.mark.parametrize("data", [text("x" * 1000, length=1 << 62, form=64), binary(b"x" * 1000, length=1 << 62, form=64)],
                         ids=["text", "binary"])
def test_a_claimed_length_beyond_the_limit_is_refused_at_once(run, raw, data):
    def script(c):
        c.upgrade()
        c.send(data)
        return c.read_close()

    server = raw(script)
    r = run("--json", "--max-message", "1M", server.url())
    assert server.result().code == 1009
    assert r.ended["cause"] == "ws.too_big" and r.ended["close_sent"] == 1009
    assert r.status == 63


@pytest.mark.fault(24)
def test_endless_fragments_end_at_the_limit(run, raw):
    def script(c):
        c.upgrade()
        c.send(text("x" * 1000, fin=False))
        for _ in range(1000):
            c.send(frame(CONT, "x" * 1000, fin=False))
        return c.read_close()

    server = raw(script)
    r = run("--json", "--max-message", "64K", server.url())
    answer = server.result()
    assert isinstance(answer, ConnectionError) or answer.code == 1009
    assert r.ended["cause"] == "ws.too_big"
    assert r.status == 63


def test_a_message_as_large_as_the_limit_passes(run, raw):
    server = raw(acts.sends(text("x" * 65536)))
    r = run("--json", "--max-message", "64K", server.url())
    assert r.status == 0
    server = raw(acts.sends(text("x" * 65537)))
    r = run("--json", "--max-message", "64K", server.url())
    assert r.status == 63


FLOODS = {
    "pings": (ping("x"), 100000),
    "empty_fragments": (frame(CONT, b"", fin=False), 100000),
    "empty_messages": (text(""), 50000),
    "tiny_messages": (text("x"), 50000),
    "pongs": (frame(PONG, b"unasked"), 100000),
}


@pytest.mark.fault(25)
@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_survived(run, raw, kind):
    one, n = FLOODS[kind]

    def script(c):
        c.upgrade()
        before = text("", fin=False) if kind == "empty_fragments" else b""
        after = frame(CONT, b"") if kind == "empty_fragments" else b""
        c.send(before + one * n + after + close(1000))
        return c.frames()

    server = raw(script)
    r = run("--close-timeout", "60", server.url(), log_messages="none")  # a slow reader is no silent one
    frames = server.result()
    assert r.status == 0
    assert frames[-1].opcode == CLOSE
    assert len([f for f in frames if f.opcode == PONG]) <= n
    lines = {"empty_messages": n, "tiny_messages": n, "empty_fragments": 1}.get(kind, 0)
    assert r.out.count(b"\n") == lines


@pytest.mark.fault(25)
@pytest.mark.parametrize("kind", ["pings", "tiny_messages"])
def test_an_endless_flood_does_not_keep_sigint_out(start, raw, kind):
    one, _ = FLOODS[kind]

    def script(c):
        c.upgrade()
        while True:  # until the client is gone
            c.send(one * 1000)

    server = raw(script)
    p = start("--close-timeout", "0.5", server.url(), log_messages="none")
    p.wait_event("open")
    p.signal(signal.SIGINT)
    r = p.finish()
    assert r.status == 130


def test_every_length_form_arrives(run, raw):
    sizes = [0, 1, 125, 126, 127, 65535, 65536, 200000]
    server = raw(acts.sends(*[text("x" * n) for n in sizes]))
    r = run(server.url())
    assert [len(line) for line in r.out.split(b"\n")[:-1]] == sizes


def test_frames_one_byte_at_a_time_arrive(run, raw):
    def script(c):
        c.upgrade()
        c.send_bytewise(text("é€🙂") + ping("p") + binary(b"\x00\xff") + text("ab", fin=False) + frame(CONT, "c"))
        first = c.read_frame()
        c.send_bytewise(close(1000, "bye"))
        return [first] + c.frames()

    server = raw(script)
    r = run(server.url())
    assert [m["data"] for m in r.all("message", dir="in")] == ["é€🙂", "AP8=", "abc"]
    assert r.all("message", dir="in")[1]["encoding"] == "base64"
    assert [f.opcode for f in server.result()] == [PONG, CLOSE]


def test_what_the_client_sends_is_masked_with_keys_that_differ(run, raw):
    def script(c):
        c.upgrade()
        raws = []
        for _ in range(20):
            b0, b1 = c.recv_exactly(2)
            raws.append(c.recv_exactly(4))
            assert b1 & 0x80
            c.recv_exactly(b1 & 0x7f)
        c.send(close(1000))
        return raws

    server = raw(script)
    run(server.url(), stdin=b"the same\n" * 20)
    assert len(set(server.result())) == 20


def test_text_split_inside_characters_between_fragments_is_fine(run, raw):
    data = "aé€🙂z".encode()
    parts = [frame(TEXT if i == 0 else CONT, data[i:i + 1], fin=i == len(data) - 1) for i in range(len(data))]
    server = raw(acts.sends(*parts))
    r = run(server.url())
    assert r.out == data + b"\n"


def test_a_ping_is_answered_with_its_data(run, raw):
    data = struct.pack("!Q", 2**63)

    def script(c):
        c.upgrade()
        c.send(ping(data))
        pong = c.read_frame()
        c.send(close(1000))
        return pong

    server = raw(script)
    run(server.url())
    assert server.result()[:2] == (PONG, data)


def test_messages_of_the_client_have_their_type(run, raw):
    server = raw(acts.echo)
    run("-b", "-w", "0", server.url(), stdin=b"x\n")
    assert server.result()[0] == [(BINARY, b"x")]


def test_ping_opcode_is_never_sent_unasked(run, raw):
    server = raw(acts.sends(text("x")))
    run(server.url())
    assert [f for f in server.result() if f.opcode == PING] == []
