# SPDX-License-Identifier: MIT
"""One run of wsdiag: what goes in, and what comes out, as it comes."""
import json
import os
import signal
import subprocess
import threading
import time

PATIENCE = 60.0  # seconds until what does not happen is an error
COMMANDS = ("connect", "serve", "proxy")


def environment(**extra):
    """The same everywhere; None takes a variable away."""
    keep = ("PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
    env = {k: os.environ[k] for k in keep if k in os.environ}
    env.setdefault("ASAN_OPTIONS", "exitcode=99:detect_leaks=1")
    env.setdefault("UBSAN_OPTIONS", "exitcode=99:halt_on_error=1:print_stacktrace=1")
    env.update(LC_ALL="C.UTF-8", TZ="UTC", TERM="xterm-256color")
    env.update(extra)
    return {k: v for k, v in env.items() if v is not None}


def event_of(line):
    """A line of the log; "cut" stands for what is not JSON, so that the test which waits shows it."""
    try:
        return json.loads(line)
    except ValueError:
        return {"event": "cut", "text": line.decode(errors="replace")}


class Result:
    def __init__(self, status, out, err, events):
        self.status = 128 - status if status < 0 else status  # as a shell sees it
        self.signal = -status if status < 0 else None
        self.out, self.err, self.events = out, err, events

    def __repr__(self):
        return f"status {self.status}\nstdout {self.out[-2000:]!r}\nstderr:\n{self.err[-4000:]}\nevents: " + "\n".join(
            json.dumps(e) for e in self.events[-30:])

    def types(self, *leave_out):
        """The sequence of events; start, note and gone only when nothing is left out."""
        out = leave_out or ("start", "note", "gone", "message", "ping", "pong", "head", "frame")
        return [e["event"] for e in self.events if e["event"] not in out]

    def all(self, name, **fields):
        return [e for e in self.events if e["event"] == name and all(e.get(k) == v for k, v in fields.items())]

    def one(self, name, **fields):
        found = self.all(name, **fields)
        assert len(found) == 1, f"{len(found)} events {name} {fields}\n{self!r}"
        return found[0]

    @property
    def ended(self):
        """The one lost or close."""
        found = [e for e in self.events if e["event"] in ("lost", "close")]
        assert len(found) == 1, repr(self)
        return found[0]

    @property
    def messages(self):
        """Received, as text; from the log."""
        return [e.get("data") for e in self.all("message", dir="in")]


class Wsdiag:
    """stdin: bytes, sent and ended; "open": a pipe for write(); None: /dev/null; "closed": no descriptor 0; or a file.

    Events come through --log on a pipe of ours, unless the arguments have a --log of their own or log is False.
    """

    def __init__(self, args, *, binary, stdin="open", stdout=None, stderr=None, log=True, log_messages="data", env=None, wrap=(),
                 preexec=None, cwd=None):
        args = [os.fspath(a) if isinstance(a, os.PathLike) else a for a in args]
        self.args = args
        self.changed = threading.Condition()
        self.events, self.out, self.err = [], bytearray(), bytearray()
        self.threads = []
        pass_fds = ()
        read_end = write_end = None
        if log and not any(isinstance(a, str) and a.startswith("--log") for a in args):
            read_end, write_end = os.pipe()
            extra = [f"--log=/dev/fd/{write_end}", f"--log-messages={log_messages}"]
            at = 1 if args and args[0] in COMMANDS else 0
            args = args[:at] + extra + args[at:]
            pass_fds = (write_end,)
        if stdin is None or stdin == "closed":
            how_in = subprocess.DEVNULL
        elif stdin == "open" or isinstance(stdin, bytes):
            how_in = subprocess.PIPE
        else:
            how_in = stdin

        def before():
            if stdin == "closed":
                os.close(0)
            if preexec:
                preexec()

        self.process = subprocess.Popen([*wrap, binary, *args], stdin=how_in, stdout=stdout if stdout is not None else subprocess.PIPE,
                                        stderr=stderr if stderr is not None else subprocess.PIPE, env=environment(**(env or {})),
                                        pass_fds=pass_fds, preexec_fn=before if stdin == "closed" or preexec else None, bufsize=0,
                                        cwd=cwd)
        self.pid = self.process.pid
        if write_end is not None:
            os.close(write_end)
            self._thread(self._read_events, read_end)
        if self.process.stdout:
            self._thread(self._read, self.process.stdout, self.out)
        if self.process.stderr:
            self._thread(self._read, self.process.stderr, self.err)
        if isinstance(stdin, bytes):
            self._thread(self._feed, stdin)

    def _thread(self, target, *args):
        t = threading.Thread(target=target, args=args, daemon=True)
        t.start()
        self.threads.append(t)

    def _feed(self, data):
        left = memoryview(data)
        try:
            while left:
                left = left[self.process.stdin.write(left):]
        except OSError:  # it has ended and did not want the rest
            pass
        self.end_input()

    def _read(self, stream, into):
        while chunk := os.read(stream.fileno(), 1 << 16):
            with self.changed:
                into += chunk
                self.changed.notify_all()

    def _read_events(self, fd):
        rest = b""
        while chunk := os.read(fd, 1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            with self.changed:
                self.events += map(event_of, lines)
                self.changed.notify_all()
        os.close(fd)
        if rest:
            with self.changed:
                self.events.append(event_of(rest))

    def _wait(self, what, found):
        with self.changed:
            until = time.monotonic() + PATIENCE
            while not found() and self.process.poll() is None:
                if time.monotonic() > until:
                    raise TimeoutError(f"no {what} in {PATIENCE} seconds\n{self.snapshot()!r}")
                self.changed.wait(0.5)  # its end wakes nobody
            # It has ended: what is still in the pipes counts.
            if not found():
                self.changed.wait_for(found, 5)
            got = found()
        assert got, f"it ended without {what}\n{self.snapshot()!r}"
        return got

    def wait_event(self, name, n=1, **fields):
        """The n-th event of that name with those fields."""

        def nth():
            found = [e for e in self.events if e["event"] == name and all(e.get(k) == v for k, v in fields.items())]
            return found[n - 1] if len(found) >= n else None

        return self._wait(f"event {name} {fields}", nth)

    def wait_out(self, data):
        return self._wait(f"{data!r} on stdout", lambda: data in self.out)

    def wait_err(self, text):
        return self._wait(f"{text!r} on stderr", lambda: text.encode() in self.err)

    def write(self, data):
        assert self.process.stdin.write(data) == len(data)

    def end_input(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass

    def signal(self, number):
        self.process.send_signal(number)

    def snapshot(self):
        status = self.process.poll()
        return Result(status if status is not None else 0, bytes(self.out), self.err.decode(errors="replace"), list(self.events))

    def check_sanitizers(self):
        err = bytes(self.err)
        assert self.process.returncode != 99 and b"Sanitizer" not in err and b"runtime error" not in err, err.decode(errors="replace")

    def finish(self, timeout=PATIENCE):
        """Waits for its end."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise TimeoutError(f"{self.args} had not ended after {timeout} seconds\n{self.snapshot()!r}") from None
        for t in self.threads:
            t.join(PATIENCE)
        self.check_sanitizers()
        return self.snapshot()

    def stop(self):
        """SIGTERM twice, and then not so kindly."""
        if self.process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                self.process.send_signal(number)
                try:
                    self.process.wait(20 if number == signal.SIGTERM else None)
                    break
                except subprocess.TimeoutExpired:
                    continue
            for t in self.threads:
                t.join(5)
            self.check_sanitizers()
        if self.process.stdin:
            self.end_input()

    # what the kernel knows
    def rss(self, field="VmHWM"):
        """Peak resident memory in bytes; call while it runs."""
        with open(f"/proc/{self.pid}/status") as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(field)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_ticks(self):
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
