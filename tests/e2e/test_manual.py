# SPDX-License-Identifier: MIT
"""--help, the completions and the manual say the same as the tables they are made from; the manual has every field of the log."""
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from harness import environment

MAN = ROOT / "man"


@pytest.fixture(scope="session")
def ask(binary):
    def run(*args):
        r = subprocess.run([binary, *args], capture_output=True, text=True, env=environment(COLUMNS="100"), timeout=60)
        assert r.returncode == 0, r
        return r.stdout

    return run


@pytest.fixture(scope="session")
def options(ask):
    """command -> [(--name, -letter, argument, heading)]"""
    rows = {}
    for line in ask("dump-options").splitlines():
        command, name, letter, argument, heading = line.split("\t")
        if name:
            rows.setdefault(command, []).append((name, letter, argument, heading))
    assert set(rows) == {"connect", "serve"}
    return rows


def documented(page):
    """(long names, letters) of the items of an mdoc page."""
    names, letters = set(), set()
    for line in (MAN / page).read_text().splitlines():
        if line.startswith(".It") and "Fl" in line:
            names |= {"--" + n for n in re.findall(r"\bFl (?:Fl |-)([a-z0-9][a-z0-9-]*)", line)}
            letters |= {"-" + n for n in re.findall(r"\bFl ([A-Za-z0-9])(?= |$)", line)}
    return names, letters


@pytest.mark.parametrize("command", ["connect", "serve"])
def test_the_manual_has_every_option_and_no_other(options, command):
    names, letters = documented(f"wsdiag-{command}.1")
    shared_names, shared_letters = documented("wsdiag.1")
    want_names = {name for name, _, _, _ in options[command]}
    want_letters = {letter for _, letter, _, _ in options[command] if letter}
    assert want_names <= names | shared_names
    assert want_letters <= letters | shared_letters
    assert names - {"--help"} <= want_names and letters - {"-h"} <= want_letters


@pytest.mark.parametrize("command", ["connect", "serve"])
def test_help_has_every_option_with_its_argument(ask, options, command):
    text = ask(command, "--help")
    for name, letter, argument, heading in options[command]:
        line, = [line for line in text.splitlines() if re.match(rf"\s+(-\w, )?{name}(?=[ =\[]|$)", line)]
        assert not letter or f"{letter}, {name}" in line
        assert argument.split(",")[0] in line or argument in text
        assert heading in text


def test_help_names_every_command(ask, options):
    text = ask("--help")
    for command in options:
        assert re.search(rf"\b{command}\b", text)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_have_every_option(ask, options, shell):
    text = ask("completion", shell)
    for rows in options.values():
        for name, letter, _, _ in rows:
            bare = name.removeprefix("--")
            assert re.search(rf"(?<![\w-])(--)?{re.escape(bare)}(?![\w-])", text), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_valid_scripts(ask, tmp_path, shell):
    assert shutil.which(shell), f"{shell} is not installed: scripts/deps test"
    path = tmp_path / f"completion.{shell}"
    path.write_text(ask("completion", shell))
    r = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0 and r.stderr == "", r


def complete_bash(script, binary, *words):
    """What bash offers for the last of the words."""
    line = " ".join(words)
    code = (f"source {script}\nspec=$(complete -p wsdiag); f=${{spec##*-F }}; f=${{f%% *}}\n"
            f"COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}; COMP_LINE={line!r}; COMP_POINT={len(line)}\n"
            f"$f wsdiag {words[-1]!r} {words[-2]!r} 2>/dev/null; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    r = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, timeout=60)
    return [w.strip() for w in r.stdout.split("\n") if w.strip()]


def test_bash_completes_options_commands_and_choices(ask, binary, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(ask("completion", "bash"))
    assert "serve" in complete_bash(script, binary, "wsdiag", "ser")
    assert "--subprotocol" in complete_bash(script, binary, "wsdiag", "--subp")
    assert "--sink" in complete_bash(script, binary, "wsdiag", "serve", "--si")
    assert "--sink" not in complete_bash(script, binary, "wsdiag", "connect", "--si")
    assert set(complete_bash(script, binary, "wsdiag", "--color", "a")) == {"auto", "always"}


def test_fish_completes_options_and_commands(ask, tmp_path):
    script = tmp_path / "completion.fish"
    script.write_text(ask("completion", "fish"))

    def complete(line):
        r = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C {line!r}"], capture_output=True, text=True, timeout=60,
                           env=environment(HOME=str(tmp_path)))
        return {w.split("\t")[0] for w in r.stdout.splitlines()}

    assert "serve" in complete("wsdiag ser")
    assert "--subprotocol" in complete("wsdiag --subp")
    assert "--sink" in complete("wsdiag serve --si")


# wsdiag-log(5)

@pytest.fixture(scope="session")
def schema(ask):
    """event -> {field: unit}; "*" has what every line has."""
    rows = {}
    for line in ask("dump-schema").splitlines():
        event, field, unit = line.split("\t")
        rows.setdefault(event, {})[field] = unit
    return rows


def log_items():
    """event -> {field: the text under it}; the sections of events are .Ss or .It lines that name an event alone."""
    return (MAN / "wsdiag-log.5").read_text()


def test_the_manual_has_every_event_and_field_and_unit(schema):
    text = log_items()
    headings = set(re.findall(r"^\.(?:It|Ss|Sh)\b.*$", text, re.M))
    words = {w.strip("\",") for h in headings for w in h.split()[1:]}
    for event, fields in schema.items():
        if event != "*":
            assert event in words, event
        for field in fields:
            assert field in words or field.rpartition(".")[2] in words, f"{event}: {field}"


def test_the_manual_has_no_field_that_does_not_exist(schema):
    known = {part for fields in schema.values() for f in fields for part in (f, f.rpartition(".")[2])} | set(schema) | {"reconnect"}
    for line in re.findall(r"^\.It (?:Va|Cm|Li|Ql|Dv|Sy) (.*)$", log_items(), re.M):
        for word in re.split(r"[ ,]+|Ns|Op|Ar", line):
            if re.fullmatch("[a-z_]+(\\.[a-z_]+)*", word) and len(word) > 1:
                assert word in known or "." in word, word


def test_the_manual_has_every_cause():
    text = log_items()
    header = (ROOT / "src" / "lifecycle" / "cause.h").read_text()
    for name in re.findall(r'^\tX\(\w+, "([a-z_.]+)"', header, re.M):
        if name != "none":
            assert name in text, name


def test_the_manual_has_every_exit_status():
    text = (MAN / "wsdiag.1").read_text()
    header = (ROOT / "src" / "cli" / "exit_status.h").read_text()
    items = " ".join(re.findall(r"^\.It.*$", text, re.M))
    for number in re.findall(r"^\tEXIT_\w+ = (\d+),", header, re.M):
        if number not in ("1", "5", "97", "115"):  # of what does not exist yet
            assert re.search(rf"\b{number}\b", items), number


@pytest.mark.parametrize("page", ["wsdiag.1", "wsdiag-connect.1", "wsdiag-serve.1", "wsdiag-log.5"])
def test_the_manual_is_clean_mdoc(page):
    assert shutil.which("mandoc"), "mandoc is not installed: scripts/deps test"
    r = subprocess.run(["mandoc", "-Tlint", "-W", "warning", str(MAN / page)], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0 and r.stdout == "", r.stdout


# what is installed

def test_install_puts_everything_where_it_belongs(tmp_path, binary, release):
    from pathlib import Path

    build = Path(release).parent
    if not (build / "build.ninja").exists():
        pytest.skip(f"{build} is not a build folder")
    r = subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--destdir", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r
    there = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    for end in ("bin/wsdiag", "man/man1/wsdiag.1", "man/man1/wsdiag-connect.1", "man/man1/wsdiag-serve.1", "man/man5/wsdiag-log.5",
                "bash-completion/completions/wsdiag", "zsh/site-functions/_wsdiag", "fish/vendor_completions.d/wsdiag.fish"):
        assert [p for p in there if p.endswith(end) or p.endswith(end + ".gz")], (end, there)
