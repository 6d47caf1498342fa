# SPDX-License-Identifier: MIT
"""What `wsdiag report` makes for others than a terminal: JSON, Markdown, a page; of the incident's logs, and of a run in which a proxy plays it again.

WSDIAG_GOLDEN=write makes the golden reports anew; look at the difference before it is committed.
"""
import json
import os
import re
import shutil
import signal
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from conftest import ROOT

DATA = ROOT / "tests" / "data"
INCIDENT = ("client.log", "server.log")
VOID = {"meta", "link"}
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def golden(name, text):
    path = DATA / name
    if os.environ.get("WSDIAG_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.fixture
def report(run):
    def whole(*args, status=1, **how):
        r = run("report", *args, log=False, **how)
        assert (r.status, r.err) == (status, ""), r
        return r.out.decode()

    return whole


# the page, as a browser reads it

class Page(HTMLParser):
    """Fails where a tag is not closed in its order; keeps what links, and what could load or run."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.tags, self.words = [], [], [], set(), []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on") and name not in ("src", "srcset", "style", "xlink:href", "action", "data"), (tag, name)
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


def read_page(path):
    """The page, after what must be true of every page."""
    text = path.read_text()
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>") and "default-src 'none'" in text
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "form", "base", "image", "use", "foreignobject", "animate"}
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link == "data:," or (link[0] == "#" and link[1:] in page.ids), link
    for drawing in re.findall(r"<svg .*?</svg>", text, re.S):
        ElementTree.fromstring(drawing)
    return page


def test_the_incidents_page_is_whole_and_every_finding_leads_to_its_moment_and_back(report, tmp_path):
    path = tmp_path / "r.html"
    text = report(*INCIDENT, "--html", path, "--as", "websocket-client:1.7", cwd=DATA / "issue-971")
    assert "5 findings, exit 1" in text
    page = read_page(path)
    for n in range(1, 6):
        assert f"f{n}" in page.ids and f"m{n}-1" in page.ids and f"#f{n}" in page.links and f"#m{n}-1" in page.links
    for life in range(6):
        assert f"#l{life}" in page.links and f"#b{life}" in page.links
    for words in ("Server held c2 and c3", "22:38:52 to 22:39:15 (23s)", "server.log:4", "on_open again", "(silence)", "Not judged:", "wsdiag proxy --log p.jsonl"):
        assert words in page.text, words
    assert os.listdir(tmp_path) == ["r.html"]


def test_a_run_without_findings_has_a_page_that_says_so(report, tmp_path):
    log = tmp_path / "empty.log"
    log.write_text("22:13:02 - connected\n22:14:02 - disconnect\n")
    path = tmp_path / "r.html"
    report(log, "--html", path, status=0)
    page = read_page(path)
    assert "Nothing went wrong that these logs could show" in page.text and "None: whatever ended" in page.text


def test_logs_that_tell_of_no_connection_are_not_called_healthy(report, tmp_path):
    log, path = tmp_path / "app.log", tmp_path / "r.html"
    log.write_text("22:13:02 database connected\n22:13:05 job done\n")
    for form in (report(log, "--html", path, status=0), report(log, "--markdown", status=0), read_page(path).text):
        assert re.search(r"Not judged:\s+anything \(no line of these logs tells of a connection or a dial\)", " ".join(form.split())), form
        assert "--from" in form and "Nothing went wrong" not in form and "on purpose" not in form
    assert json.loads(report(log, "--json", status=0))["not_judged"][0]["what"] == "anything"


def test_a_log_of_thousands_is_a_page_of_bounded_size_whose_links_all_lead_somewhere(run, report, tmp_path):
    log, path = tmp_path / "s.jsonl", tmp_path / "r.html"
    with open(log, "w") as f:
        def put(n, event, seconds, conn, **fields):
            time = f"2026-03-04T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000000Z"
            f.write(json.dumps(dict(v=1, event=event, time=time, mono=float(seconds), role="server", run="00000000000000aa", seq=n, conn=conn, **fields)) + "\n")

        for conn in range(1, 5001):
            lost = conn % 100 == 7
            put(2 * conn - 1, "open", 10 * conn, conn, url="ws://h/", peer=f"192.0.2.1:{10000 + conn}", ws_key=f"k{conn}", status=101)
            put(2 * conn, "lost" if lost else "close", 10 * conn + 8, conn, by="peer", cause="tcp.closed" if lost else "ws.close", clean=not lost,
                code=None if lost else 1000, close_sent=None if lost else 1000, age=8.0)
    report(log, "--html", path, "--as", "websocket-client:1.7")
    page = read_page(path)
    assert "more connections are not drawn" in page.text and "more are left out here" in page.text
    assert path.stat().st_size < 1_000_000
    drawn = [i for i in page.ids if i[0] == "b"]
    # No loss is left out for the others.
    assert {f"b{conn - 1}" for conn in range(7, 5001, 100)} <= set(drawn) and len(drawn) <= 1100
    assert len(report(log, "--markdown")) < 65536
    # JSON has them all, and is written in pieces.
    document = json.loads(report(log, "--json"))
    assert [c["ends"][0]["conn"] for c in document["connections"]] == list(range(1, 5001)) and list(document)[-1] == "left_out"
    with open("/dev/full", "wb") as full:
        r = run("report", log, "--json", log=False, stdout=full)
        assert r.status == 23 and r.err == "wsdiag: stdout: No space left on device\n"


def test_what_cannot_be_written_is_said_and_the_old_page_stays(run, tmp_path):
    for target, words in (("/dev/full", "No space left on device"), (tmp_path / "none" / "r.html", "No such file or directory"), (tmp_path, "Is a directory")):
        r = run("report", *INCIDENT, "--html", target, cwd=DATA / "issue-971", log=False)
        assert r.status == 23 and r.err == f"wsdiag: cannot write --html {target}: {words}\n" and r.out == b""
    with open("/dev/full", "wb") as full:
        for how in ("--json", "--markdown"):
            r = run("report", *INCIDENT, how, cwd=DATA / "issue-971", log=False, stdout=full)
            assert r.status == 23 and "No space left on device" in r.err


def test_options_that_make_no_sense_are_said(run):
    r = run("report", "--json", "--markdown", "x", log=False)
    assert r.status == 2 and "exclude each other" in r.err
    r = run("report", "--as", "socket.io:4", "x", log=False)
    assert r.status == 2 and "--as socket.io:4: known are websocket-client:1.7" in r.err


# golden reports of the incident

def test_the_golden_markdown_of_the_incident(report):
    golden("report-971.md", report(*INCIDENT, "--markdown", "--as", "websocket-client:1.7", cwd=DATA / "issue-971"))


def settled(value, key=None):
    """A JSON document without what is another each time."""
    if isinstance(value, dict):
        return {k: settled(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [settled(v, key) for v in value]
    if key in ("made", "wsdiag") and value is not None:
        return key
    return value


def test_the_golden_json_of_the_incident(report):
    text = report(*INCIDENT, "--json", "--as", "websocket-client:1.7", cwd=DATA / "issue-971")
    assert text.count("\n") == 1
    golden("report-971.json", json.dumps(settled(json.loads(text)), indent=1) + "\n")


def keys_of(value):
    if isinstance(value, dict):
        for k, v in value.items():
            yield k
            yield from keys_of(v)
    elif isinstance(value, list):
        for v in value:
            yield from keys_of(v)


# the incident again, by a real client, proxy and server

@pytest.fixture
def again(serve, start, tmp_path):
    """The logs of the plan seed-971. Pings are slow enough that a busy machine is not taken for a dark path."""
    server = serve("--ping-interval", "2", "--ping-timeout", "9")
    proxy_log = tmp_path / "p.jsonl"
    proxy = start("proxy", "--json", "-q", f"--log={proxy_log}", "--plan", "seed-971", "--speed", "6", server.url, stdin=None)
    proxy.wait_out(b'"listen"')
    url = next(e["url"] for e in map(json.loads, bytes(proxy.out).splitlines()) if e["event"] == "listen")
    client = start("-r", "--reconnect-delay", "0.2", "--ping-interval", "1", "--ping-timeout", "3", "--no-input", url + "?token=hunter2", stdin=None)
    client.wait_event("ghost")
    server.wait_event("lost", n=2)
    for p in (client, proxy, server):
        p.signal(signal.SIGINT)
        p.finish()
    for name, p in (("c.jsonl", client), ("s.jsonl", server)):
        (tmp_path / name).write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in p.events))
    return "c.jsonl", "p.jsonl", "s.jsonl"


def normalised(text):
    """Times, ports, lines and durations of a run are others each time; what happened is not."""
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\| `\d{5}` \|", "| `PORT` |", text)
    # An RST behind accept is seen by connect(), or by the first read.
    text = re.sub(r"failed, (tcp|upgrade): `[^`]*` \| - \| (`PORT`|-) \|", "failed: `RST` | - | PORT |", text)
    text = re.sub(r"the first, at (tcp|upgrade): [^.]*(\.\d+\.\d+\.\d+:PORT)?\.", "the first: RST.", text)
    text = re.sub(r"\.jsonl:\d+", ".jsonl:LINE", text)
    text = re.sub(r"\d+ lines?\b", "N lines", text)
    text = re.sub(r"\b\d+(\.\d+)?(ms|s)\b|\b\d+m\d\ds\b", "AGE", text)
    text = re.sub(r" \(AGE to AGE\)", "", text)
    return re.sub(r"wsdiag \d+\.\d+\.\d+", "wsdiag VERSION", text)


def skeleton(document):
    """What happened, without when and how long."""
    ends = [[{"name": e["name"], "cause": (e["end"] or {}).get("cause"), "by": (e["end"] or {}).get("by")} for e in sorted(c["ends"], key=lambda e: e["name"])]
            for c in document["connections"]]
    return {
        "findings": [{k: f[k] for k in ("name", "number", "confidence", "n_samples", "before", "advice")} for f in document["findings"]],
        "samples": [[(s["connection"], s["other"], s["to"] is not None) for s in f["samples"]] for f in document["findings"]],
        "heard": [(h["event"], h["connection"], h["callback"]) for h in document["heard"]["callbacks"]],
        "participants": [(p["name"], p["role"], p["log"], p["clock"]["basis"]) for p in document["participants"]],
        "joining": document["joining"],
        "connections": ends,
        "failed": [(f["event"], f["cause"]) for f in document["failed"]],
        "faults": [(f["plan"], f["line"], f["action"], f["conn"]) for f in document["faults"]],
        "not_judged": document["not_judged"],
    }


def test_the_incident_again_has_its_golden_markdown_and_json_and_a_page(again, report, tmp_path):
    path = tmp_path / "r.html"
    markdown = report(*again, "--markdown", "--as", "websocket-client:1.7", "--html", path, cwd=tmp_path)
    golden("report-seed-971.md", normalised(markdown))
    text = report(*again, "--json", "--as", "websocket-client:1.7", cwd=tmp_path)
    document = json.loads(text)
    golden("report-seed-971.json", json.dumps(skeleton(document), indent=1) + "\n")
    # It is all there, and nothing that is not in the manual.
    overlap = document["findings"][0]
    assert overlap["name"] == "OVERLAP" and len(overlap["samples"][0]["evidence"]) == 2
    for place in overlap["samples"][0]["evidence"]:
        name, _, line = place.rpartition(":")
        event = json.loads((tmp_path / name).read_text().splitlines()[int(line) - 1])
        assert event["event"] in ("open", "reconnect", "lost")
    manual = (ROOT / "man" / "wsdiag-report.1").read_text()
    described = set(re.findall(r"[\w]+", re.search(r"^\.Sh JSON\n(.*?)^\.Sh", manual, re.M | re.S)[1]))
    assert not set(keys_of(document)) - described
    page = read_page(path)
    assert page.text.count("app hears") == 1 and "faults injected" in page.text and "drop both; hold origin" in page.text
    for secret in (markdown, text, path.read_text()):
        assert "hunter2" not in secret
    browse(path, tmp_path)


# secrets

def test_no_report_tells_a_secret_of_a_log(report, start, tmp_path):
    """As libraries print them, where a text is cut, and in a log that --show-secrets wrote."""
    long = "hunter2" + "a" * 300
    (tmp_path / "words.log").write_text(
        "2026-11-24 10:00:00 on_open\n"
        "2026-11-24 10:05:00 on_error: Handshake status 403 Forbidden -+-+- {'set-cookie': 'session=hunter2; Path=/', 'authorization': 'Bearer hunter2'} -+-+- b'no'\n"
        f"2026-11-24 10:06:00 on_open\n2026-11-24 10:07:00 on_error: lost wss://user:{long}@host/p?token=hunter2\n"
        f"2026-11-24 10:08:00 on_open\n2026-11-24 10:09:00 on_error: x-api-key: hunter2\n"
        f"2026-11-24 10:12:00 on_open\n2026-11-24 10:13:00 on_close: wss://u:{long}@h/?code=hunter2\n")
    rows = [
        dict(event="open", conn=1, dial=1, url=f"ws://u:{long}@h/?token=hunter2", peer="192.0.2.1:80", local="192.0.2.2:1", ws_key="k1", status=101,
             headers=[["Set-Cookie", "a=hunter2"]], subprotocol="bearer.hunter2", hop="wss://u:hunter2@hop/"),
        dict(event="lost", conn=1, dial=1, by="peer", cause="tcp.closed", text=f"ws://u:{long}@h/", age=1.0),
        dict(event="failed", dial=2, stage="upgrade", cause="http.refused", status=502, text=f"authorization: Bearer {long}", took=0.1),
    ]
    with open(tmp_path / "c.jsonl", "w") as f:
        for i, row in enumerate(rows):
            head = dict(v=1, event=row.pop("event"), time=f"2026-03-04T22:13:0{i}.000000Z", mono=float(i), role="client", run="00000000000000aa", seq=i + 1)
            f.write(json.dumps({**head, **row}) + "\n")
    path = tmp_path / "r.html"
    for log in ("words.log", "c.jsonl"):
        for how in ((), ("--markdown", "--html", path), ("--json",)):
            text = report(log, *how, cwd=tmp_path) + (path.read_text() if path.exists() else "")
            assert "hunter2" not in text, (log, how, re.findall(".{60}hunter2", text))
            path.unlink(missing_ok=True)
    followed = start("report", "--follow", tmp_path / "words.log", stdin=None, log=False)
    followed.wait_out(b"LOSS  10")
    followed.process.send_signal(signal.SIGINT)
    assert b"hunter2" not in followed.finish().out


# what a log says is text

def test_whatever_a_log_says_is_inert_on_every_page(report, tmp_path):
    name = "<b>&c.jsonl"
    rows = [
        dict(event="open", conn=1, dial=1, url=f"ws://h/{EVIL}", peer=EVIL, local=f"{EVIL}:80", ws_key="k1", status=101, headers=[["Server", EVIL]], subprotocol=EVIL, hop=EVIL),
        dict(event="close", conn=1, dial=1, by="peer", cause="ws.close", clean=True, code=4001, reason=EVIL, close_sent=4001, age=1.0),
        dict(event="failed", dial=2, stage="upgrade", cause="http.refused", status=502, text=EVIL, hop=EVIL, took=0.1),
    ]
    with open(tmp_path / name, "w") as f:
        for i, row in enumerate(rows):
            envelope = dict(v=1, event=row.pop("event"), time=f"2026-03-04T22:13:0{i}.000000Z", mono=float(i), role="client", run="00000000000000aa", seq=i + 1, session=EVIL)
            f.write(json.dumps({**envelope, **row}) + "\n")
    (tmp_path / "words.log").write_text(f"22:13:02 - ws opened\n22:13:20 - ws on_ws_error {EVIL} `|[x](http://evil) @everyone\n")
    path = tmp_path / "r.html"
    for log in (name, "words.log"):
        markdown = report(log, "--markdown", "--html", path, "--as", "websocket-client:1.9", cwd=tmp_path)
        page = read_page(path)
        assert "<script>alert(1)</script>" in page.text
        outside = re.sub(r"(`+).+?\1", "", markdown)
        assert "<" not in outside and "alert" in markdown
        assert EVIL in json.dumps(json.loads(report(log, "--json", cwd=tmp_path)), ensure_ascii=False).replace('\\"', '"')
        browse(path, tmp_path)


# in a browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def browse(path, folder):
    """Opens the page in light, dark and on paper. No word on its console, and pictures that are not empty."""
    if CHROMIUM is None:
        return
    base = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/chromium", "--enable-logging=stderr", "--window-size=1280,1600"]
    sizes = []
    for name, how in (("light.png", "--blink-settings=preferredColorScheme=1"), ("dark.png", "--blink-settings=preferredColorScheme=0"), ("paper.pdf", None)):
        picture = folder / name
        make = [how, f"--screenshot={picture}"] if how else ["--no-pdf-header-footer", f"--print-to-pdf={picture}"]
        r = subprocess.run([*base, *make, path.as_uri()], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
        assert "CONSOLE" not in r.stderr, r.stderr
        assert r.returncode == 0 and picture.read_bytes()[:4] in (b"\x89PNG", b"%PDF"), r.stderr
        sizes.append(picture.stat().st_size)
        if how:
            shutil.copy(picture, folder / f"{path.stem}-{name}")
    assert min(sizes) > 8000, sizes
    assert (folder / "light.png").read_bytes() != (folder / "dark.png").read_bytes()


def test_the_page_opens_in_chromium_in_light_dark_and_print_without_a_word_on_its_console(report, tmp_path):
    if CHROMIUM is None:
        pytest.skip("no chromium: scripts/deps test installs it on Debian")
    path = tmp_path / "r.html"
    report(*INCIDENT, "--html", path, "--as", "websocket-client:1.7", cwd=DATA / "issue-971")
    browse(path, tmp_path)


def test_a_word_on_the_console_would_be_seen(tmp_path):
    """That browse() can fail at all."""
    if CHROMIUM is None:
        pytest.skip("no chromium: scripts/deps test installs it on Debian")
    path = tmp_path / "r.html"
    path.write_text("<!DOCTYPE html><title>x</title><script>console.error('seen')</script>")
    with pytest.raises(AssertionError, match="seen"):
        browse(path, tmp_path)
