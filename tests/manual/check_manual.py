#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the manual, --help and the completions to the tables of the program, and the manual to mdoc. Prints TAP.

usage: check_manual.py WSDIAG SOURCE-ROOT
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WSDIAG, ROOT = sys.argv[1], Path(sys.argv[2])
MAN = ROOT / "man"
COMMANDS = ("connect", "serve", "proxy", "report", "demo")
PAGES = sorted(page.name for page in MAN.glob("wsdiag*.[1-9]"))


def ask(*args):
    r = subprocess.run([WSDIAG, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if r.returncode != 0 or r.stderr:
        raise SystemExit(f"Bail out! {' '.join(args)}: status {r.returncode}, {r.stderr}")
    return r.stdout


# --- what is compared ---

def bare(argument):
    """An argument however it is set: 'NAME: VALUE', meta | none."""
    return re.sub(r"[\s'\"]", "", argument)


def table_options(command):
    """(--name, -letter, argument) in order, and the operands."""
    options, operands = [], []
    for line in ask("dump-options").splitlines():
        of, name, letter, argument, _ = line.split("\t")
        if of == command and name:
            options.append((name, letter, bare(argument)))
        elif of == command:
            operands.append(argument)
    return options, operands


def section(text, title):
    """Of a page, from .Sh title to the next."""
    m = re.search(rf"^\.Sh {re.escape(title)}\n(.*?)(?=^\.Sh |\Z)", text, re.M | re.S)
    return m[1] if m else ""


def items(text):
    """(head, body) of each item of its lists."""
    return re.findall(r"^\.It (.*)\n((?:(?!\.It |\.El|\.Ss |\.Sh ).*\n)*)", text, re.M)


def manual_options(text):
    options = []
    for head, body in items(section(text, "OPTIONS")):
        words = head.replace("Fl Fl ", "Fl --").replace(" , ", " ").split()
        name, letter, argument = "", "", []
        for before, word in zip([""] + words, words):
            if before == "Fl" and word.startswith("--"):
                name = word
            elif before == "Fl":
                letter = "-" + word
            elif word not in ("Fl", "Ar", "Cm", "Ns", "No", "Op", "="):
                argument.append(word)
        options.append(((name, letter, bare("".join(argument))), body))
    return options


def help_options(text):
    return [(m[2], m[1] or "", bare(m[3] or m[4] or ""))
            for m in re.finditer(r"^  (?:(-\w), |    )(--[\w-]+)(?:\[=(\S+)\]| (\S.*?))?(?:  .*)?$", text, re.M)]


def schema():
    """event -> [(field, unit)] in order; "*" has the envelope."""
    rows = {}
    for line in ask("dump-schema").splitlines():
        event, field, unit = line.split("\t")
        rows.setdefault(event, []).append((field, unit))
    return rows


def fields(text):
    rows = []
    for head, body in items(text):
        name = re.match(r"Va (\S+)$", head)
        unit = re.match(r"\.Pq (\w+)\n", body)
        rows.append((name[1] if name else head, unit[1] if unit else ""))
    return rows


def manual_schema(text):
    rows = {"*": fields(section(text, "ENVELOPE"))}
    for head, body in re.findall(r"^\.Ss (.*)\n((?:(?!\.Ss |\.Sh ).*\n)*)", section(text, "EVENTS"), re.M):
        for event in head.split(" , "):
            rows[event] = fields(body)
    return rows


# --- completions: command -> {--name: (-letter, whether it takes an argument, choices)} ---

def arguments(command):
    return {name: argument for name, _, argument in table_options(command)[0]}


def wanted_completion(command):
    rows = {}
    for name, letter, argument in table_options(command)[0]:
        words = tuple(word for word in argument.split("|") if word.islower())
        rows[name] = (letter, argument != "", words if "|" in argument else ())
    return rows


def bash_completion(text, command):
    names = re.search(rf"^\t{command}\) words='([^']*)'", text, re.M)[1].split()
    rows, last = {}, None
    for word in names:
        if word.startswith("--"):
            rows[word] = ("", False, ())
            last = word
        else:
            rows[last] = (word, False, ())
    for name, letter, rest in re.findall(rf"^\t{command}:(--[\w-]+)(?:\|{command}:(-\w))?\)(.*)$", text, re.M):
        choices = re.search(r"compgen -W '([^']*)'", rest)
        if rows[name][0] == letter:
            rows[name] = (letter, True, tuple(choices[1].split()) if choices else ())
    return rows


def zsh_completion(text, command):
    body = re.search(rf"^_wsdiag_{command}\(\)\n(.*?)^\}}", text, re.M | re.S)[1]
    rows, letter = {}, ("", False)
    for spelling, joint, rest in re.findall(r"^\t\t'(?:\*|\([^)]*\))?(--?[\w-]+)([+=]?)\[(.*)' \\$", body, re.M):
        if not spelling.startswith("--"):
            letter = (spelling, joint != "")
            continue
        choices = re.search(r":\(([^)]*)\)$", rest)
        takes = joint != "" and (letter[0] == "" or letter[1])
        rows[spelling] = (letter[0], takes, tuple(choices[1].split()) if choices else ())
        letter = ("", False)
    return rows


def fish_completion(text, command):
    rows = {}
    for line in re.findall(rf"^complete -c wsdiag -n '__wsdiag_is {command}' (.* -d .*)$", text, re.M):
        m = re.match(r"-l ([\w-]+)(?: -s (\w))?( -x| -r -F)?(?: -a '([^']*)')? -d ", line)
        rows["--" + m[1]] = (f"-{m[2]}" if m[2] else "", m[3] is not None, tuple((m[4] or "").split()))
    return rows


COMPLETIONS = {"bash": bash_completion, "zsh": zsh_completion, "fish": fish_completion}


# --- tests: each yields what is wrong ---

def differences(what, want, have):
    for x in want:
        if x not in have:
            yield f"{what} lacks {x}"
    for x in have:
        if x not in want:
            yield f"{what} has {x}, which the program does not"
    if not set(map(str, want)) ^ set(map(str, have)) and list(want) != list(have):
        yield f"{what} has another order, or something twice: {have}; the program's is {want}"


def check_manual_options(command):
    text = (MAN / f"wsdiag-{command}.1").read_text()
    options, operands = table_options(command)
    described = manual_options(text)
    yield from differences(f"wsdiag-{command}(1)", options, [o for o, _ in described])
    synopsis = re.findall(r"\bAr ([A-Z]+)", section(text, "SYNOPSIS"))
    for operand in operands:
        for word in re.findall("[A-Z]+", operand):
            if word not in synopsis:
                yield f"the synopsis of wsdiag-{command}(1) lacks {word}"


def check_defaults(command):
    """A number behind "default" in the help stands behind "default" in the manual, too."""
    described = {o[0]: body for o, body in manual_options((MAN / f"wsdiag-{command}.1").read_text())}
    text = re.sub(r"\n {20,}", " ", ask(command, "--help"))
    for name, default in re.findall(r"^ .*?(--[\w-]+).*?\(default:? (\d+)", text, re.M):
        words = re.sub(r"\s+", " ", described.get(name, ""))
        if not re.search(rf"[Dd]efault:? {default}\b", words):
            yield f"{name}: the default {default} of --help is not that of wsdiag-{command}(1)"


def check_help(command):
    yield from differences(f"wsdiag {command} --help", table_options(command)[0], help_options(ask(command, "--help")))


def check_completion(shell):
    text = ask("completion", shell)
    for command in COMMANDS:
        want, have = wanted_completion(command), COMPLETIONS[shell](text, command)
        for name, (letter, takes, _) in have.items():
            # The table's argument does not tell the words that may stand in place of a number, nor the installed plans.
            if name in want and not want[name][2] and re.search(r"SECONDS|NAME\|FILE|HOP", arguments(command)[name]):
                have[name] = (letter, takes, ())
        yield from differences(f"the completion of {shell} for {command}", list(want.items()), list(have.items()))


def check_schema():
    want, have = schema(), manual_schema((MAN / "wsdiag-log.5").read_text())
    yield from differences("wsdiag-log(5), EVENTS", sorted(want), sorted(set(have) - {"reconnect"}))
    for event, rows in want.items():
        yield from differences(f"wsdiag-log(5), {event}", rows, have.get(event, []))
    if have.get("reconnect") != have.get("open"):
        yield "wsdiag-log(5): reconnect has the fields of open"


def names_in(path, pattern):
    return re.findall(pattern, (ROOT / "src" / "lifecycle" / path).read_text())


def check_causes():
    text = (MAN / "wsdiag-log.5").read_text()
    have = [head.removeprefix("Li ") for head, _ in items(section(text, "CAUSES"))]
    yield from differences("wsdiag-log(5), CAUSES", names_in("cause.h", r'\bX\([A-Z_0-9]+, "([a-z_0-9.]+)"'), have)
    have = [head.removeprefix("Li ") for head, _ in items(section(text, "STAGES"))]
    yield from differences("wsdiag-log(5), STAGES", names_in("cause.c", r'\[STAGE_\w+\] = "(\w+)"'), have)
    by = dict(items(section(text, "EVENTS"))).get("Va by", "")
    for party in names_in("cause.c", r'\[BY_\w+\] = "(\w+)"'):
        if f".Cm {party}" not in by:
            yield f"wsdiag-log(5), by: lacks {party}"


def check_exit_status():
    table = ask("--help").partition("Exit status:\n")[2]
    want = re.findall(r"^ {2,4}(\d+)  ", table, re.M)
    have = [head for head, _ in items(section((MAN / "wsdiag.1").read_text(), "EXIT STATUS"))]
    yield from differences("wsdiag(1), EXIT STATUS", want, have)


def check_commands():
    text = ask("--help").partition("Commands:\n")[2].partition("\n\n")[0]
    want = re.findall(r"^  (\w+)", text, re.M)
    have = [head.removeprefix("Cm ") for head, _ in items(section((MAN / "wsdiag.1").read_text(), "DESCRIPTION"))]
    yield from differences("wsdiag(1), commands", want, have)
    if not set(COMMANDS) <= set(want):
        yield f"the program has {want}; this test knows {COMMANDS}"
    dumped = {line.split("\t")[0] for line in ask("dump-options").splitlines()}
    if dumped != set(COMMANDS):
        yield f"the program has options of {sorted(dumped)}; this test knows {COMMANDS}"


def check_console():
    rows = [line.split("\t") for line in ask("dump-console").splitlines()]
    described = items(section((MAN / "wsdiag-repl.1").read_text(), "COMMANDS"))
    have = [(name.removeprefix("Ic /"), argument.removesuffix("\\&")) for name, _, argument in (head.partition(" Ar ") for head, _ in described)]
    yield from differences("wsdiag-repl(1), COMMANDS", [(name, args) for name, args, _ in rows], have)
    for (name, _, text), (_, body) in zip(rows, described):
        if not body.replace("\n", " ").startswith(text[0].upper() + text[1:] + "."):
            yield f"wsdiag-repl(1), /{name}: does not begin as /help says it: {text}"


def plans(kind):
    """(name, arguments) -> who can do it."""
    rows = [line.split("\t") for line in ask("dump-plans").splitlines()]
    return {(name, bare(argument)): who for of, name, argument, _, who in rows if of == kind}


def plan_items(text, title):
    rows = {}
    for head, body in items(section(text, title)):
        name, _, argument = head.removeprefix("Cm ").partition(" Ar ")
        rows[name, bare(re.sub(r"\\\(dq|\\&", "", argument))] = body
    return rows


def check_plans():
    text = (MAN / "wsdiag-plan.5").read_text()
    for kind, title in (("moment", "MOMENTS"), ("action", "FAULTS")):
        want, have = plans(kind), plan_items(text, title)
        yield from differences(f"wsdiag-plan(5), {title}", list(want), list(have))
        for row, body in have.items():
            if (".Em Proxy only ." in body) != ("serve" not in want.get(row, "")):
                yield f"wsdiag-plan(5): who can do {row[0]}"
    yield from differences("wsdiag-plan(5), INSTALLED PLANS", list(plans("plan")), list(plan_items(text, "INSTALLED PLANS")))


def check_installed():
    yield from differences("man/meson.build", PAGES, sorted(re.findall(r"'(wsdiag[\w-]*\.\d)'", (MAN / "meson.build").read_text())))


def check_plan_examples():
    """Each is read: the error is the one of the second line, which is none."""
    text = (MAN / "wsdiag-plan.5").read_text()
    lines = [line for block in re.findall(r"^\.Bd -literal.*\n((?:[^.].*\n)+)\.Ed", text, re.M) for line in block.splitlines()]
    if len(lines) < 8:
        yield f"wsdiag-plan(5) has {len(lines)} lines of plans"
    for line in lines:
        r = subprocess.run([WSDIAG, "proxy", "--fault", line, "--fault", "none", "ws://h/"], capture_output=True, text=True, timeout=60)
        if "--fault:2:1:" not in r.stderr:
            yield f"wsdiag-plan(5): {line}: {r.stderr}"


def check_findings():
    want = ask("dump-findings").splitlines()
    described = items(section((MAN / "wsdiag-report.1").read_text(), "FINDINGS"))
    yield from differences("wsdiag-report(1), FINDINGS", want, [head.removeprefix("Sy ") for head, _ in described])
    for head, body in described:
        if not re.search(rf"^\.Bd -literal\n{re.escape(head.removeprefix('Sy '))}  .* samples?  ", body, re.M):
            yield f"wsdiag-report(1), {head}: no example"


def check_mdoc(page):
    r = subprocess.run(["mandoc", "-Tlint", "-W", "style", str(MAN / page)], capture_output=True, text=True, timeout=60)
    # Whether other pages are installed is no matter of this one.
    elsewhere = ("referenced manual not found", "mandoc.db")
    yield from (line for line in (r.stdout + r.stderr).splitlines() if not any(text in line for text in elsewhere))


def tests():
    for command in COMMANDS:
        yield f"manual of {command}: options", None, check_manual_options, command
        yield f"manual of {command}: defaults", None, check_defaults, command
        yield f"help of {command}", None, check_help, command
    for shell in COMPLETIONS:
        yield f"completion of {shell}", None, check_completion, shell
    yield "commands", None, check_commands
    yield "commands of the REPL", None, check_console
    yield "plans: moments, actions, those installed", None, check_plans
    yield "plans: examples", None, check_plan_examples
    yield "findings", None, check_findings
    yield "log: events, fields, units", None, check_schema
    yield "log: causes and stages", None, check_causes
    yield "exit statuses", None, check_exit_status
    yield "pages that are installed", None, check_installed
    for page in PAGES:
        yield f"mdoc of {page}", None if shutil.which("mandoc") else "mandoc is not installed", check_mdoc, page


def main():
    os.environ.pop("COLUMNS", None)
    failed = 0
    rows = list(tests())
    print(f"1..{len(rows)}")
    for n, (name, skip, check, *args) in enumerate(rows, 1):
        wrong = [] if skip else list(check(*args))
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {n} - {name}{f' # SKIP {skip}' if skip else ''}")
        for line in wrong:
            print(f"# {line}")
    return 1 if failed else 0


sys.exit(main())
