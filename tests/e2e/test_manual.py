# SPDX-License-Identifier: MIT
"""The completions work in real shells, and meson install puts everything where it belongs. (That manual, --help and tables agree is the meson test `manual`.)"""
import shutil
import subprocess

import pytest

from harness import environment


@pytest.fixture(scope="session")
def ask(binary):
    def run(*args):
        r = subprocess.run([binary, *args], capture_output=True, text=True, env=environment(COLUMNS="100"), timeout=60)
        assert r.returncode == 0, r
        return r.stdout

    return run


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
