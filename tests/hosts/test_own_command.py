"""Claude Code, whose file only its own program may write: here a program that keeps servers as that does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from installed_program import SCRIPT, install_program

from akash_mcp.cli.hosts.install import Wish, install, uninstall
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.errors import BadSettings

SECRET = "sk-console-0123456789"

CLAUDE = """#!{python}
import json, os, pathlib, sys
words = sys.argv[1:]
file = pathlib.Path(os.environ["HOME"], ".claude.json")
state = json.loads(file.read_text()) if file.exists() else {{"numStartups": 1}}
servers = state.setdefault("mcpServers", {{}})
assert words[0] == "mcp" and words[2] == "akash" and words[words.index("--scope") + 1] == "user"
if words[1] == "remove":
    del servers["akash"]
elif "akash" in servers:
    sys.exit("MCP server akash already exists in user config")
elif words[1] == "add-json":
    servers["akash"] = json.loads(words[3])
else:
    command, *args = words[words.index("--") + 1 :]
    servers["akash"] = {{"type": "stdio", "command": command, "args": args, "env": {{}}}}
file.write_text(json.dumps(state))
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    install_program(tmp_path / "bin", tmp_path / "record", monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    return Machine("linux", tmp_path, {}, tmp_path)


@pytest.fixture
def claude(tmp_path: Path, machine: Machine) -> Path:
    program = tmp_path / "programs" / "claude"
    program.parent.mkdir()
    program.write_text(CLAUDE.format(python=sys.executable))
    program.chmod(0o755)
    return program


def have(machine: Machine, *words: str) -> None:
    install("claude-code", wish=Wish(words or None), write=True, scope="user", machine=machine)


def entry(machine: Machine) -> object:
    return json.loads((machine.home / ".claude.json").read_text())["mcpServers"].get("akash")


@pytest.mark.usefixtures("claude")
def test_its_program_adds_updates_and_removes(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    have(machine, "--read-only")
    command = str(machine.home / "bin" / SCRIPT)
    expected = {"type": "stdio", "command": command, "args": ["serve", "--read-only"], "env": {}}
    assert entry(machine) == expected
    have(machine)
    assert "nothing changed" in capsys.readouterr().out
    have(machine, "--max-usd-per-day", "5")
    assert entry(machine) == expected | {"args": ["serve", "--max-usd-per-day", "5"]}
    uninstall("claude-code", write=True, scope="user", machine=machine)
    assert entry(machine) is None


def test_without_its_program_the_command_is_shown_and_its_file_is_left_alone(machine: Machine) -> None:
    with pytest.raises(BadSettings, match="no claude on the PATH") as told:
        have(machine)
    assert (
        f"claude mcp add akash --scope user -- {machine.home / 'bin' / SCRIPT} serve" in told.value.next_step
    )
    file = machine.home / ".claude.json"
    assert not file.exists()
    file.write_text('{"mcpServers": {"akash": {"command": "/x", "args": ["serve"]}}}')
    with pytest.raises(BadSettings, match="no claude on the PATH") as told:
        uninstall("claude-code", write=True, scope="user", machine=machine)
    assert "claude mcp remove akash --scope user" in told.value.next_step


@pytest.mark.usefixtures("claude")
def test_a_value_that_a_person_wrote_out_does_not_get_onto_a_command_line(machine: Machine) -> None:
    state = {
        "mcpServers": {"akash": {"type": "stdio", "command": "/old", "args": ["serve"], "env": {"A": SECRET}}}
    }
    (machine.home / ".claude.json").write_text(json.dumps(state))
    with pytest.raises(BadSettings, match="A written out") as told:
        have(machine)
    assert SECRET not in str(told.value)
    assert json.loads((machine.home / ".claude.json").read_text()) == state


def test_what_its_program_refuses_is_told(machine: Machine, claude: Path) -> None:
    claude.write_text("#!/bin/sh\necho 'you are not logged in' >&2\nexit 1\n")
    with pytest.raises(BadSettings, match="Claude Code did not take it: you are not logged in") as told:
        have(machine)
    assert "Run it yourself: claude mcp add akash" in told.value.next_step
