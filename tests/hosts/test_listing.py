"""What `install --list` tells of each host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed_program import install_program

from akash_mcp.cli.hosts import listing
from akash_mcp.cli.hosts.entry import login_for, plain_secrets
from akash_mcp.cli.hosts.install import Wish, install
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.hosts.table import HOSTS

SECRET = "sk-console-0123456789"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Cursor has us, Zed is here without, goose's file is broken, and Claude Desktop has a key in its file."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    install_program(tmp_path / "bin", tmp_path / "record", monkeypatch)
    machine = Machine("linux", tmp_path / "home", {}, tmp_path)
    install("cursor", wish=Wish(sandbox=True), write=True, scope="user", machine=machine)
    for name, text in (
        ("zed", "{}"),
        ("goose", "a: [\n"),
        (
            "claude-desktop",
            json.dumps(
                {
                    "mcpServers": {
                        "akash": {
                            "command": "/gone",
                            "args": ["--api-key", SECRET, f"--token={SECRET}", "stays"],
                            "env": {"AKASH_API_KEY": SECRET},
                        }
                    }
                }
            ),
        ),
    ):
        file = HOSTS[name].file(machine)
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return machine


def test_what_stores_a_secret_that_is_written_out_depends_on_whose_it_is() -> None:
    assert login_for(["AKASH_API_KEY"]) == "akash-mcp login"
    assert login_for(["AKASH_MCP_AKUA_TOKEN", "AKUA_API_TOKEN"]) == "akash-mcp login --akua"
    entry = {"env": {"AKUA_API_TOKEN": "sk_akua_x", "AKASH_API_KEY": "x", "AKUA_WORKSPACE": "ws_1"}}
    assert plain_secrets(entry) == ["AKASH_API_KEY", "AKUA_API_TOKEN"]
    assert login_for(plain_secrets(entry)) == "akash-mcp login and akash-mcp login --akua"
    assert plain_secrets({"env": {"AKUA_API_TOKEN": "${env:AKUA_API_TOKEN}"}}) == []


def test_a_person_sees_what_is_here_and_what_to_do(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listing.show(machine, as_json=False) == 0
    out = capsys.readouterr().out
    assert "cursor: configured" in out
    assert "akash-mcp serve --sandbox" in out
    assert "zed: not configured\n  akash-mcp install zed --write would write" in out
    assert "goose: its file cannot be read" in out
    assert "That program is gone: run akash-mcp install claude-desktop --write" in out
    assert "AKASH_API_KEY is written out in it: run akash-mcp login" in out
    assert "Not found here: claude-code, vscode" in out
    assert SECRET not in out


def test_a_program_gets_all_of_them(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.show(machine, as_json=True) == 0
    out = capsys.readouterr().out
    assert SECRET not in out
    assert out.count("\n") == 1, "one line, as --json of every command"
    found = {each["host"]: each for each in json.loads(out)}
    assert list(found) == list(HOSTS)
    assert found["claude-desktop"]["command"][0::2] == ["/gone", "<masked>", "stays"]
    assert found["cursor"]["is_configured"]
    assert found["cursor"]["command_exists"]
    assert found["claude-desktop"]["plain_secrets"] == ["AKASH_API_KEY"]
    assert not found["claude-desktop"]["command_exists"]
    assert found["goose"]["problem"].startswith(str(machine.home))
    assert not found["codex"]["is_found"]
