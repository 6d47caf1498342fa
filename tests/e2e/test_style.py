# SPDX-License-Identifier: MIT
"""Rules that the files keep."""
import re
import subprocess

import pytest

from conftest import ROOT


@pytest.fixture(scope="module")
def files():
    out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if out.returncode != 0:
        pytest.skip("not a checkout")
    return [ROOT / name for name in out.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_a_room_includes_only_rooms_below_it():
    r = subprocess.run([str(ROOT / "scripts" / "check-layers")], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr


def test_sources_and_scripts_name_their_licence(files):
    for path in files:
        if path.suffix in (".c", ".h", ".py", ".js") or path.parent.name in ("scripts", ".ci"):
            text = path.read_text()
            assert not text or "SPDX-License-Identifier: MIT" in "\n".join(text.splitlines()[:2]), path


def test_shell_scripts_parse(files):
    for path in files:
        if path.parent.name in ("scripts", ".ci", "support") and path.read_text().startswith("#!/usr/bin/env bash"):
            r = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, timeout=60)
            assert r.returncode == 0, r.stderr


def test_text_has_no_trailing_blanks_and_ends_in_a_newline(files):
    for path in files:
        if path.suffix in (".c", ".h", ".py", ".js", ".build", ".1", ".5") or path.parent.name in ("scripts", ".ci"):
            text = path.read_text()
            assert not re.search(r"[ \t]+$", text, re.M), path
            assert not text or text.endswith("\n"), path


def test_nothing_but_the_log_level_is_global(files):
    """A mutable variable outside functions would be shared by every run in one process."""
    for path in files:
        if path.suffix == ".c" and path.is_relative_to(ROOT / "src"):
            for n, line in enumerate(path.read_text().splitlines(), 1):
                m = re.match(r"static (?!inline|const|void|.*\()[\w *]+\b\w+(\[.*\])?( = .*)?;$", line)
                assert not m or " const " in line or "*const " in line, f"{path}:{n}: {line}"
