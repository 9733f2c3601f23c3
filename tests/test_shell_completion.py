"""What `akash-mcp completion` prints, in the shells that it is for: each is started once, and asked as a TAB asks."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from akash_mcp.cli import main

ASKED: Mapping[str, tuple[str, ...]] = {
    "akash-mcp se": ("secret", "serve"),
    "akash-mcp serve --transport ": ("http", "sse", "stdio"),
    "akash-mcp serve --max-usd-per-d": ("--max-usd-per-day", "--max-usd-per-deployment"),
    "akash-mcp secret ": ("list", "rm", "set"),
    "akash-mcp demo --fault no-": ("no-bids",),
    "akash-mcp help led": ("ledger",),
    "akash-mcp lint depl": ("deploy.yaml",),
}
"""What was typed, and what is offered then."""

_BASH = """
source "$1"; shift
while read -r line; do
  read -ra COMP_WORDS <<< "$line"; [[ $line == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); COMPREPLY=()
  _shtab_akash_mcp akash-mcp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
  echo "${COMPREPLY[*]}"
done
"""
_FISH = """
source $argv[1]
while read line
  set -l offered (complete -C "$line")
  echo (string replace -r "\\t.*" "" -- $offered)
end
"""


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The script for a shell, in a folder that has an SDL. Skipped where there is no such shell."""
    shell = str(request.param)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed, so its completion is not tried")
    assert main.main(["completion", shell]) == 0
    file = tmp_path / "_akash-mcp"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "deploy.yaml").touch()
    return file


def _answers(shell: str, code: str, script: Path) -> dict[str, tuple[str, ...]]:
    asked = "".join(f"{line}\n" for line in ASKED)
    done = subprocess.run(
        [*shell.split(), "-c", code, *(["-"] if shell.startswith("bash") else []), str(script)],
        input=asked,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=script.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(script.parent)},
    )
    assert done.stderr == ""
    lines = (tuple(sorted(line.split())) for line in done.stdout.splitlines())
    return dict(zip(ASKED, lines, strict=True))


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash(script: Path) -> None:
    # `read` drops the space behind what was typed unless IFS is empty.
    assert (
        _answers("bash --norc --noprofile", _BASH.replace("while read", "while IFS= read"), script) == ASKED
    )


@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish(script: Path) -> None:
    assert _answers("fish --no-config", _FISH, script) == ASKED


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh(script: Path) -> None:
    """It completes on a terminal only, so each line is typed there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=script.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(script.parent), "TERM": "xterm", "COLUMNS": "100"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        _type(
            ours,
            f"PS1='> '; fpath=({script.parent} $fpath); autoload -Uz compinit; compinit -u -D; echo re''ady\n",
        )
        _until(ours, "ready\n")
        for typed, offered in ASKED.items():
            if len(offered) == 1:  # several are shown in columns
                _type(ours, f"{typed}\t")
                _until(ours, f"{typed.rpartition(' ')[0]} {offered[0]} ")
                _type(ours, "\x15")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _type(terminal: int, text: str) -> None:
    os.write(terminal, text.encode())


def _until(terminal: int, text: str) -> None:
    """Read what is shown, without what steers the terminal, until `text` is there."""
    shown, ends = "", time.monotonic() + 10
    while text not in _STEERING.sub("", shown):
        ready, _, _ = select.select([terminal], [], [], max(0.0, ends - time.monotonic()))
        assert ready, shown
        shown += os.read(terminal, 65_536).decode("utf-8", "replace").replace("\r\n", "\n")


_STEERING = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")
