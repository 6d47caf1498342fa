# SPDX-License-Identifier: MIT
"""wsdiag serve --plan: every action and every moment that a server knows, seen by a client that reads bytes."""
import signal
import socket
import ssl
import subprocess
import time

import pytest

from peers.raw import BINARY, CLOSE, PATIENCE, PING, PONG, TEXT, binary, close, connect, eventually, ping, pong, refuses, request, text

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture
def faulty(serve):
    """faulty(line, ..., args=()) -> a server with these lines as --fault."""

    def begin(*lines, args=(), **how):
        return serve(*args, *[a for line in lines for a in ("--fault", line)], **how)

    return begin


def ask(server, target="/", **how):
    """A connection that has sent its request."""
    c = connect("127.0.0.1", server.port)
    c.send(request(target, f"127.0.0.1:{server.port}", key=KEY, **how))
    return c


def dial(server, *args, **how):
    c = connect("127.0.0.1", server.port)
    c.dial(*args, host=f"127.0.0.1:{server.port}", **how)
    return c


def go(c, word="go"):
    c.send(text(word, mask=True))


def echo(c, word):
    go(c, word)
    assert c.read_message() == (TEXT, word.encode())


def end_of(c):
    """How it ends, and what came before: (bytes, "fin" | "rst")."""
    data = b""
    try:
        while more := c.recv():
            data += more
    except ConnectionResetError:
        return data, "rst"
    return data, "fin"


def turned_away(server):
    """The same of a connection that may be reset before connect() has seen it."""
    try:
        return end_of(connect("127.0.0.1", server.port))
    except ConnectionResetError:
        return b"", "rst"


def inject(server, n=1, **fields):
    return server.wait_event("inject", n, **fields)


# whom and when, before it opens

def test_at_accept_rst_by_number(faulty):
    server = faulty("dial 2-3 at accept: rst")
    echo(dial(server), "one")
    for _ in range(2):
        assert turned_away(server) == (b"", "rst")
    echo(dial(server), "four")
    first = inject(server)
    assert (first["plan"], first["line"], first["action"], first["accept"]) == ("--fault", 1, "rst", 2)
    assert first["peer"].startswith("127.0.0.1:")
    assert inject(server, 2)["accept"] == 3
    assert server.wait_event("reject")["cause"] == "local.fault"
    assert [server.wait_event("open", n)["conn"] for n in (1, 2)] == [1, 2]


def test_at_accept_fin(faulty):
    assert end_of(connect("127.0.0.1", faulty("at accept: fin").port)) == (b"", "fin")


def test_at_accept_half_close_still_reads(faulty):
    server = faulty("at accept: half-close")
    c = connect("127.0.0.1", server.port)
    assert c.recv() == b""
    for _ in range(3):
        c.send(b"anything")
    server.wait_event("reject", cause="local.fault")
    c.close()


def test_at_accept_never(faulty):
    server = faulty("dial 1 at accept: never", args=("--upgrade-timeout", "0.1"))
    c = ask(server)
    server.wait_event("reject", cause="local.fault")
    echo(dial(server), "others are served")
    c.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        c.recv()


@pytest.mark.parametrize("moment", ["accept", "request", "response"])
def test_a_delay_before_it_opens_makes_that_step_wait(faulty, moment):
    server = faulty(f"dial 1 at {moment}: delay 300ms")
    began = time.monotonic()
    c = dial(server)
    assert time.monotonic() - began >= 0.3
    echo(c, "late")
    assert inject(server)["accept"] == 1


@pytest.mark.parametrize("moment", ["accept", "request", "response"])
def test_an_end_may_wait_too(faulty, moment):
    server = faulty(f"dial 1 at {moment}: delay 100ms; rst")
    began = time.monotonic()
    assert end_of(ask(server)) == (b"", "rst")
    assert time.monotonic() - began >= 0.1


def test_at_request_a_status_then_a_101(faulty):
    server = faulty('dial 1-2 at request: status 503 "come back\\n"')
    for _ in range(2):
        c = ask(server)
        head = c.read_head()
        assert head.status == 503
        assert end_of(c) == (b"come back\n" + (b"" if head.get("Content-Length") == "10" else b"\n"), "fin")
    echo(dial(server), "third")
    assert server.wait_event("reject")["status"] == 503


@pytest.mark.parametrize("moment", ["request", "response"])
def test_a_status_has_a_body_of_its_own(faulty, moment):
    c = ask(faulty(f"at {moment}: status 429"))
    assert c.read_head().status == 429
    assert b"plan" in c.drain()


@pytest.mark.parametrize("moment", ["request", "response"])
def test_never_answers_and_never_ends(faulty, moment):
    server = faulty(f"dial 1 at {moment}: never", args=("--upgrade-timeout", "0.1"))
    c = ask(server)
    server.wait_event("reject", cause="local.fault")
    echo(dial(server), "others are served")
    c.fin()
    assert end_of(c) == (b"", "fin")


@pytest.mark.parametrize("moment", ["request", "response"])
@pytest.mark.parametrize("action, how", [("fin", "fin"), ("rst", "rst"), ("cut-tls", "fin"), ("half-close", "fin")])
def test_ends_before_the_answer(faulty, moment, action, how):
    assert end_of(ask(faulty(f"at {moment}: {action}"))) == (b"", how)


def test_a_wrong_accept(faulty):
    c = ask(faulty("at response: set-header Sec-WebSocket-Accept: wrong; set-header X-Edge: \"a; b\""))
    head = c.read_head()
    assert (head.status, head.all("Sec-WebSocket-Accept"), head.get("X-Edge")) == (101, ["wrong"], "a; b")
    echo(c, "it is open all the same")


def test_a_header_left_out(faulty):
    head = ask(faulty("at response: drop-header sec-websocket-accept")).read_head()
    assert (head.status, head.get("Sec-WebSocket-Accept"), head.get("Upgrade")) == (101, None, "websocket")


@pytest.mark.parametrize("subject, target, extra, struck", [
    ("path=/ws*", "/ws?x=1", (), True), ("path=/ws*", "/w", (), False),
    ("header=User-Agent:curl*", "/", (("user-agent", "curl/8"),), True), ("header=User-Agent:curl*", "/", (("User-Agent", "wget"),), False)])
def test_requests_are_matched(faulty, subject, target, extra, struck):
    c = ask(faulty(f"dial {subject} at request: status 404"), target, extra=extra)
    assert c.read_head().status == (404 if struck else 101)


def test_a_refused_request_is_still_refused(faulty):
    c = ask(faulty("at request: delay 10ms", "at response: rst"), drop=("Upgrade",))
    assert c.read_head().status == 426


# when, once it is open

def test_conn_counts_what_opened(faulty):
    server = faulty("dial 1 at accept: rst", "conn 1 at open: close 4001")
    turned_away(server)
    assert dial(server).read_close().code == 4001
    echo(dial(server), "two")


def test_every_nth(faulty):
    server = faulty("conn every 3 at open: close 4003")
    got = []
    for n in range(1, 7):
        c = dial(server)
        go(c)
        got.append(c.read_frame().opcode)
    assert got == [TEXT, TEXT, CLOSE] * 2


@pytest.mark.parametrize("moment", ["after 100ms", "age 0.1", "idle 100ms", "idle down 100ms", "idle up 100ms"])
def test_time(faulty, moment):
    c = dial(faulty(f"conn 1 {moment}: rst"))
    assert end_of(c) == (b"", "rst")


def test_traffic_puts_idle_off_and_not_age(faulty):
    server = faulty("conn 1 idle up 500ms: close 4001", "conn 1 idle 30s: close 4002", "conn 1 age 2s: close 4003")
    c = dial(server)
    began = time.monotonic()
    while time.monotonic() - began < 1 and not server.snapshot().all("inject"):
        echo(c, "x")
    while not server.snapshot().all("inject"):
        c.send(pong(b"any byte counts", mask=True))
        time.sleep(0.02)
    assert c.read_close().code in (4003, 4001)
    assert inject(server)["line"] in (3, 1)


def test_after_messages_and_bytes(faulty):
    c = dial(faulty("conn 1 after 3 msgs down: close 4001"))
    for _ in range(3):
        echo(c, "x")
    assert c.read_close().code == 4001
    c = dial(faulty("conn 1 after 2KB up: rst"))
    c.send(binary(b"x" * 2000, mask=True))
    assert c.read_message() == (BINARY, b"x" * 2000)
    c.send(binary(b"x" * 50, mask=True))
    assert end_of(c)[1] == "rst"


def test_frames_by_opcode_direction_and_text(faulty):
    server = faulty('on frame ping up: close 4001', 'on frame text up text "*deploy?": close 4002', 'on frame binary down: close 4003')
    c = dial(server)
    c.send(ping(mask=True))
    assert c.read_close().code == 4001
    c = dial(server)
    echo(c, "deploy")
    whole = text("a deploy!", mask=True)
    for i in range(len(whole)):
        c.send(whole[i:i + 1])
    assert c.read_close().code == 4002
    c = dial(server)
    c.send(binary(b"x", mask=True))
    assert c.read_close().code == 4003


def test_a_signal_strikes_those_who_are_open(faulty):
    server = faulty("conn 1 on signal USR1: rst", "conn * on signal USR2: close 4002")
    a, b = dial(server), dial(server)
    echo(b, "both are open")
    server.wait_event("open", 2)
    server.signal(signal.SIGUSR1)
    assert end_of(a)[1] == "rst"
    server.signal(signal.SIGUSR2)
    assert b.read_close().code == 4002


def test_bytes_behind_the_request_are_watched_and_served(faulty):
    server = faulty('on frame text up text "go": close 4001')
    c = connect("127.0.0.1", server.port)
    c.send(request(host=f"127.0.0.1:{server.port}", key=KEY) + text("early", mask=True) + text("go", mask=True))
    c.read_head()
    assert c.read_frame().payload == b"early"
    assert c.read_close().code == 4001


# what

@pytest.mark.parametrize("action, how, words", [("fin", "fin", "our FIN"), ("rst", "rst", "our RST"), ("cut-tls", "fin", "our FIN")])
def test_ends(faulty, action, how, words):
    server = faulty(f"on frame text: {action}")
    c = dial(server)
    go(c)
    assert end_of(c)[1] == how
    lost = server.wait_event("lost")
    assert (lost["cause"], lost["by"]) == ("local.fault", "local") and words in lost["text"]


@pytest.mark.parametrize("action, notified", [("fin", True), ("cut-tls", False)])
def test_tls_ends_with_and_without_close_notify(faulty, certs, action, notified):
    server = faulty(f"on frame text: {action}", args=("--cert", certs / "server.pem", "--key", certs / "server.key"))
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    tls = context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)
    tls.sendall(request(host="localhost", key=KEY))
    while not tls.recv(65536).endswith(b"\r\n\r\n"):
        pass
    tls.sendall(text("go", mask=True))
    try:
        while tls.recv(65536):
            pass
        assert notified
    except ssl.SSLError:
        assert not notified


def test_half_close_reads_on(faulty):
    server = faulty("on frame text: half-close")
    c = dial(server)
    go(c)
    assert end_of(c)[1] == "fin"
    for _ in range(3):
        go(c, "still heard")
    c.fin()
    assert server.wait_event("lost")["received"]["messages"] == 4


def test_a_half_closed_connection_does_not_hold_the_end_up(faulty):
    server = faulty("at open: half-close")
    c = dial(server)
    assert c.recv() == b""
    server.signal(signal.SIGTERM)
    assert server.finish().status == 143


@pytest.mark.parametrize("action, code, reason", [('close 1001 ""', 1001, b""), ('close 4000 "go; # away"', 4000, b"go; # away"),
                                                  ("close", None, b""), ("close 1006", 1006, b""), ("close 65535", 65535, b"")])
def test_close_with_any_code(faulty, action, code, reason):
    server = faulty(f"on frame text: {action} client")
    c = dial(server)
    go(c)
    f = c.read_close()
    assert (f.code, f.payload[2:]) == (code, reason)
    c.send(close(1000, mask=True))
    assert end_of(c) == (b"", "fin")


def test_drop_down_still_passes_ends(faulty):
    c = dial(faulty('on frame text up text "go": drop down'))
    echo(c, "before")
    go(c)
    go(c, "unheard")
    c.fin()
    assert end_of(c) == (b"", "fin")


def test_drop_up_from_the_frame_that_fires(faulty):
    server = faulty('on frame text up text "go": drop up')
    c = dial(server)
    c.send(text("before", mask=True) + text("go", mask=True) + text("after", mask=True))
    assert c.read_message() == (TEXT, b"before")
    c.fin()
    assert end_of(c)[0] == b""
    assert server.wait_event("lost")["received"]["messages"] == 1


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_a_drop_that_ends_leaves_whole_frames(faulty, direction):
    c = dial(faulty(f"on frame text: drop {direction} for 200ms"))
    got = []
    c.sock.settimeout(0.05)
    while not got:
        go(c, "x" * 300)
        try:
            got.append(c.read_message())
        except TimeoutError:
            pass
    assert got == [(TEXT, b"x" * 300)]


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_stall_holds_back_and_loses_nothing(faulty, direction):
    c = dial(faulty(f"at open: stall {direction} for 300ms"))
    began = time.monotonic()
    echo(c, "held")
    assert time.monotonic() - began < PATIENCE
    echo(c, "free")


def test_a_stalled_server_does_not_read(faulty):
    server = faulty("at open: stall up", args=("--close-timeout", "0.1"))
    c = dial(server)
    go(c)
    server.wait_event("inject")
    server.signal(signal.SIGTERM)
    assert c.read_frame().code == 1001
    assert server.wait_event("lost")["received"]["messages"] == 0


def test_a_signal_that_nothing_waits_for_is_told(faulty):
    server = faulty("on signal USR1: rst")
    server.signal(signal.SIGUSR2)
    assert server.wait_event("note")["text"] == 'no line of the plan waits for "USR2"; known: USR1'


def test_a_reset_ends_a_stall(faulty):
    server = faulty("at open: stall up")
    c = dial(server)
    c.send(text("x", mask=True))
    server.wait_event("inject")
    c.rst()
    assert server.wait_event("lost")["cause"] == "tcp.reset"


def test_a_stalled_window_fills(faulty):
    server = faulty("at open: stall up")
    c = dial(server)
    server.wait_event("inject")
    c.sock.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            c.send(binary(b"x" * 65536, mask=True))


def test_delay_and_jitter_keep_the_order(faulty):
    c = dial(faulty("at open: delay 150ms up; jitter 50ms down"))
    began = time.monotonic()
    for i in range(20):
        go(c, str(i))
    assert [c.read_message()[1] for _ in range(20)] == [str(i).encode() for i in range(20)]
    assert time.monotonic() - began >= 0.15


def test_a_close_waits_for_its_delay_too(faulty):
    c = dial(faulty("at open: delay 100ms"))
    c.send(close(1000, mask=True))
    assert c.read_close().code == 1000


def test_throttle(faulty):
    c = dial(faulty("at open: throttle 20K down"))
    began = time.monotonic()
    c.send(binary(b"x" * 10240, mask=True))
    assert c.read_message() == (BINARY, b"x" * 10240)
    assert time.monotonic() - began >= 0.3


def test_slices_come_one_by_one(faulty):
    c = dial(faulty("at open: slice 3 down; slice 2 up"))
    go(c, "hello world")
    pieces = []
    while sum(map(len, pieces)) < 13:
        pieces.append(c.sock.recv(100))
    assert len(pieces) > 1 and b"".join(pieces) == text("hello world")


def test_swallow_a_frame_each_way(faulty):
    server = faulty('on frame text up text "one": swallow', 'on frame text down text "two": swallow')
    c = dial(server)
    for word in ("one", "two", "three"):
        go(c, word)
    assert c.read_message() == (TEXT, b"three")


def test_corrupt(faulty):
    c = dial(faulty("on frame text up: corrupt down"))
    go(c, "abc")
    assert c.read_frame().payload == b"`bc"
    echo(c, "abc")


def test_truncate(faulty):
    c = dial(faulty("on frame text up: truncate down"))
    go(c, "abcdefgh")
    assert end_of(c) == (text("abcdefgh")[:2 + 4], "fin")


def test_no_pongs(faulty):
    c = dial(faulty("on frame ping: no-pongs"))
    for _ in range(3):
        c.send(ping("x", mask=True))
    echo(c, "no pong before")
    c.send(close(1000, mask=True))
    assert [f.opcode for f in c.frames()] == [CLOSE]


def test_pongs_are_not_stopped_for_others(faulty):
    server = faulty("conn 1 at open: no-pongs")
    dial(server)
    c = dial(server)
    c.send(ping("x", mask=True))
    assert c.read_frame().opcode == PONG


def test_unlisten_refuses_and_listens_again(faulty):
    server = faulty("on frame text: unlisten for 2s")
    c = dial(server)
    echo(c, "go")
    eventually(lambda: refuses(server.port))
    echo(c, "those who are there stay")
    eventually(lambda: not refuses(server.port))
    echo(dial(server), "again")


def test_unlisten_for_ever_needs_nobody_to_be_there(faulty):
    server = faulty("on signal USR1: unlisten")
    server.signal(signal.SIGUSR1)
    eventually(lambda: refuses(server.port))
    assert "conn" not in inject(server)
    server.signal(signal.SIGTERM)
    assert server.finish().one("end")["exit"] == 143


@pytest.mark.parametrize("how, code, end", [("", None, "fin"), ("rst", None, "rst"), ('close 1001 "bye"', 1001, "fin")])
def test_kill_all(faulty, how, code, end):
    server = faulty(f"on signal USR1: kill-all {how}")
    guests = [dial(server) for _ in range(10)]
    server.wait_event("open", 10)
    server.signal(signal.SIGUSR1)
    for c in guests:
        if code:
            assert c.read_close().code == code
            c.send(close(code, mask=True))
        assert end_of(c) == (b"", end)
    assert len(server.snapshot().all("inject")) == 1
    echo(dial(server), "the next is served")


def test_kill_all_within_a_time(faulty):
    server = faulty("conn 5 at open: kill-all rst within 300ms")
    guests = [dial(server) for _ in range(5)]
    for c in guests:
        assert end_of(c)[1] == "rst"


# the options

def test_a_plan_is_a_file_or_installed_and_speed_shortens_it(serve, tmp_path):
    plan = tmp_path / "my.plan"
    plan.write_text("# mine\n\nconn 1 after 2s: no-pongs\n")
    server = serve("--plan", plan, "--plan", "c4", "--speed", "1000")
    c = dial(server)
    ends = [server.wait_event("inject"), server.wait_event("inject", 2)]
    assert {(e["plan"], e["line"]) for e in ends} == {(str(plan), 3), ("c4", 3)}


def test_like_is_a_plan_too(serve):
    server = serve("--like", "nginx", "--speed", "600")
    assert end_of(dial(server)) == (b"", "fin")
    assert inject(server)["plan"] == "like-nginx"


@pytest.mark.parametrize("args, words", [
    (("--plan", "c5-"), ('"c5-" is no installed plan and no file; did you mean c5?',)),
    (("--plan", "b1"), ("b1:3:", "hold", "wsdiag proxy")),
    (("--fault", "conn 1 age 5s: dorp"), ('--fault:1:16: "dorp" is no action; did you mean drop?',)),
    (("--fault", "at accept: rst", "--fault", "at accept: replay"), ("--fault:2:12:", "wsdiag proxy")),
    (("--fault", "at open: fin origin"), ("no origin leg", "wsdiag proxy")),
    (("--like", "ngninx"), ("nginx haproxy",)),
    (("--speed", "0"), ("--speed",)),
])
def test_what_a_server_cannot_do_is_said(run, args, words):
    r = run("serve", *args)
    assert r.status == 2
    for word in words:
        assert word in r.err


def test_the_screen_says_which_line_struck(faulty):
    server = faulty('conn 1 on frame text: close 1012 "deploy"', "dial 2 at accept: rst")
    c = dial(server)
    go(c)
    c.read_close()
    c.close()
    turned_away(server)
    server.wait_event("inject", 2)
    server.wait_err('c1  close 1012 "deploy"; --fault:1')
    server.wait_err("rst; --fault:2; accept 2 from 127.0.0.1:")


def test_many_connections_and_a_plan_are_served_and_end(faulty):
    server = faulty("conn every 2 on frame text: rst", "conn * age 60s: fin", "conn 10% seed 1 at open: no-pongs")
    guests = [dial(server) for _ in range(100)]
    for c in guests:
        go(c)
    ends = [end_of(c)[1] if i % 2 else c.read_message()[0] for i, c in enumerate(guests)]
    assert ends == [TEXT, "rst"] * 50
    for c in guests[::2]:
        c.close()
    server.signal(signal.SIGTERM)
    server.finish()


@pytest.mark.parametrize("words, found", [("serve --plan a5", {"a5-1000", "a5-1001", "a5-1012"}), ("proxy --like a", {"aws-alb", "azure-lb"}),
                                          ("serve --plan /etc/host", {"/etc/hosts"})])
def test_the_shell_completes_plans(binary, words, found):
    script = (f"source <({binary} completion bash); COMP_WORDS=(wsdiag {words}); COMP_CWORD=3; _wsdiag wsdiag; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    out = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True).stdout
    assert found <= set(out.split())
