"""The command that is written for a host, by how akash-mcp was installed; and that such a host can start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from installed_program import SCRIPT, record_installation

from akash_mcp.cli.hosts.install import Wish, install
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.lasting_command import command_of, lasting_command
from akash_mcp.errors import BadSettings

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the programs here are scripts for a Unix shell"
)


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a PATH with one empty folder, which is returned."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def environment(prefix: Path, direct_url: str = "") -> Distribution:
    """An environment with akash-mcp in it."""
    script = program(prefix / "bin" / SCRIPT)
    site = record_installation(prefix / "lib", script, direct_url)
    (found,) = Distribution.discover(name="akash-mcp", path=[str(site)])
    return found


def test_pip_has_the_script_that_it_installed(tmp_path: Path) -> None:
    assert command_of(environment(tmp_path / "venv"), tmp_path / "venv", {}) == (
        str(tmp_path / "venv/bin" / SCRIPT),
    )


def test_for_the_user_alone_the_script_is_not_beside_python(tmp_path: Path) -> None:
    installed = environment(tmp_path / "home/.local")
    assert command_of(installed, Path("/usr"), {}) == (str(tmp_path / "home/.local/bin" / SCRIPT),)


def test_uv_tool_has_the_script_that_it_notes_in_its_receipt(tmp_path: Path) -> None:
    prefix, shim = tmp_path / "uv/tools/akash-mcp", program(tmp_path / "home/.local/bin" / SCRIPT)
    installed = environment(prefix)
    (prefix / "uv-receipt.toml").write_text(
        f"[tool]\nrequirements = []\nentrypoints = [{{ name = {SCRIPT!r}, install-path = '{shim}' }}]\n"
    )
    assert command_of(installed, prefix, {}) == (str(shim),)
    shim.unlink()
    with pytest.raises(BadSettings, match="not installed"):
        command_of(installed, prefix, {})


def test_pipx_has_its_link(tmp_path: Path) -> None:
    prefix = tmp_path / "pipx/venvs/akash-mcp"
    installed = environment(prefix)
    (prefix / "pipx_metadata.json").write_text("{}")
    assert command_of(installed, prefix, {}) == (str(prefix / "bin" / SCRIPT),)
    shim = tmp_path / "elsewhere" / SCRIPT
    shim.parent.mkdir()
    shim.symlink_to(prefix / "bin" / SCRIPT)
    assert command_of(installed, prefix, {"PIPX_BIN_DIR": str(shim.parent)}) == (str(shim),)


def test_pipx_run_is_pipx_run_again(tmp_path: Path, programs: Path) -> None:
    prefix = tmp_path / "pipx/.cache/0123"
    installed = environment(prefix, json.dumps({"url": "file:///src/akash.whl", "archive_info": {}}))
    (prefix / "pipx_metadata.json").write_text("{}")
    with pytest.raises(BadSettings, match="no pipx on the PATH"):
        command_of(installed, prefix, {})
    pipx = program(programs / "pipx")
    assert command_of(installed, prefix, {}) == (
        str(pipx),
        "run",
        "--spec",
        "file:///src/akash.whl",
        "akash-mcp",
    )


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ("", ()),
        ('{"url": "file:///src", "dir_info": {}}', ("--from", "file:///src")),
        (
            '{"url": "https://git.example/a.git", "vcs_info": {"vcs": "git", "requested_revision": "v1"}}',
            ("--from", "git+https://git.example/a.git@v1"),
        ),
    ],
)
def test_uvx_is_uvx_again(direct_url: str, source: tuple[str, ...], tmp_path: Path, programs: Path) -> None:
    prefix = tmp_path / "cache/uv/archive-v0/0123"
    installed = environment(prefix, direct_url)
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.9\n")
    uv = program(programs / "uv")
    assert command_of(installed, prefix, {}) == (str(uv), "tool", "run", *source, "akash-mcp")
    beside = program(tmp_path / "tools" / "uvx")
    where = {"UV": str(beside.with_name("uv"))}
    assert command_of(installed, prefix, where) == (str(beside), *source, "akash-mcp")
    uvx = program(programs / "uvx")
    assert command_of(installed, prefix, where) == (str(uvx), *source, "akash-mcp")


def test_what_was_never_installed_says_how_to(tmp_path: Path) -> None:
    installed = environment(tmp_path / "venv")
    (tmp_path / "venv/bin" / SCRIPT).unlink()
    with pytest.raises(BadSettings, match="not installed here") as told:
        command_of(installed, tmp_path / "venv", {})
    assert "pipx" in told.value.next_step


def test_a_host_that_knows_nothing_of_this_shell_can_start_what_was_written(tmp_path: Path) -> None:
    machine = Machine("linux", tmp_path, {}, tmp_path)
    install("claude-desktop", wish=Wish(), write=True, scope="user", machine=machine)
    written = json.loads((tmp_path / ".config/Claude/claude_desktop_config.json").read_text())
    entry = written["mcpServers"]["akash"]
    assert (entry["command"], *entry["args"]) == (*lasting_command(), "serve")
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a host", "version": "1"},
        },
    }
    done = subprocess.run(
        [entry["command"], *entry["args"]],
        input=json.dumps(hello) + "\n",
        env={"HOME": str(tmp_path), "PATH": os.defpath},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "akash-mcp"
