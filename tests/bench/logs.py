# SPDX-License-Identifier: MIT
"""Reading a large log: wsdiag report beside jq -c .event on the same file."""
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20


def peak_of(process):
    """MiB of resident memory at most so far. What wait4() says counts Python's own before the exec, too."""
    try:
        return int(Path("/proc/%d/status" % process.pid).read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0


def timed(command):
    """Seconds and MiB of resident memory; None where it cannot be run."""
    began, peak = time.perf_counter(), 0
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    while process.poll() is None:
        peak = max(peak, peak_of(process))
        time.sleep(0.005)
    # report: 1 with findings.
    return (time.perf_counter() - began, peak) if process.returncode in (0, 1) else None


def tell(wsdiag, rounds, mib, print_rows):
    commands = {"wsdiag report": [wsdiag, "report"], "jq -c .event": ["jq", "-c", ".event"]}
    samples = {name: [] for name in commands}
    if not shutil.which("jq"):
        print("left out: reading logs beside jq: there is no jq")
        return
    with tempfile.TemporaryDirectory() as d:
        log = Path(d) / "client.jsonl"
        with log.open("wb") as f:
            subprocess.run([sys.executable, HERE / "make-log.py", str(mib * MIB)], stdout=f, check=True)
        size = log.stat().st_size / MIB
        for _ in range(rounds):
            for name, command in commands.items():
                samples[name].append(timed(command + [str(log)]))
    if any(s is None for all_of in samples.values() for s in all_of):
        print("left out: reading logs beside jq: one of them cannot read the log")
        return
    seconds = {name: statistics.median(s[0] for s in all_of) for name, all_of in samples.items()}
    peaks = {name: max(s[1] for s in all_of) for name, all_of in samples.items()}
    print_rows("a log of %.0f MiB" % size, list(commands), [
        ["time"] + ["%.2f s" % seconds[name] for name in commands],
        ["MiB/s"] + ["%.0f" % (size / seconds[name]) for name in commands],
        ["peak memory"] + ["%.1f MiB" % peaks[name] for name in commands]])
    ratio, peak = seconds["jq -c .event"] / seconds["wsdiag report"], peaks["wsdiag report"]
    print("  five times as fast as jq: %.1fx: %s" % (ratio, "met" if ratio >= 5 else "NOT met"))
    print("  under 64 MiB: %.1f MiB: %s" % (peak, "met" if peak < 64 else "NOT met"))
