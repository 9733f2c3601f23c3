from __future__ import annotations

import json
import stat
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from akash_mcp.cli import install
from akash_mcp.errors import BadSettings

KEY = "sk-console-0123456789"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and an installed `akash-mcp`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("AKASH_API_KEY", KEY)
    script = tmp_path / "bin" / "akash-mcp"
    script.parent.mkdir()
    script.touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(script.parent))
    return tmp_path


def cursor_file(home: Path, text: str) -> Path:
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text(text)
    return path


def read(path: Path) -> dict[str, Any]:
    tree = json.loads(path.read_text())
    assert isinstance(tree, dict)
    return tree


@pytest.mark.parametrize("host", sorted(install.HOSTS))
def test_the_entry_has_an_absolute_command_and_no_key(
    host: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install.run(host, write=False) == 0
    out, err = capsys.readouterr()
    tree = json.loads(out)
    entry = tree[install.HOSTS[host].servers]["akash"]
    assert entry["command"] == str(home / "bin" / "akash-mcp")
    assert entry["args"] == ["serve"]
    assert entry["env"]["AKASH_API_KEY"].startswith("${")
    assert KEY not in out + err
    assert not install.HOSTS[host].file().exists()


@pytest.mark.parametrize("host", sorted(install.HOSTS))
def test_writing_makes_a_file_for_its_owner_only(host: str) -> None:
    assert install.run(host, write=True) == 0
    path = install.HOSTS[host].file()
    assert "akash" in read(path)[install.HOSTS[host].servers]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="the paths of Linux")
def test_the_files_are_where_the_hosts_look(home: Path) -> None:
    assert {name: str(host.file().relative_to(home)) for name, host in install.HOSTS.items()} == {
        "claude-desktop": ".config/Claude/claude_desktop_config.json",
        "claude-code": ".claude.json",
        "cursor": ".cursor/mcp.json",
        "vscode": ".config/Code/User/mcp.json",
    }


def test_everything_else_in_the_file_stays_and_a_backup_is_kept(home: Path) -> None:
    before = '{"theme": "dark", "mcpServers": {"other": {"command": "x"}}}'
    path = cursor_file(home, before)
    path.chmod(0o640)
    install.run("cursor", write=True)
    tree = read(path)
    assert tree["theme"] == "dark"
    assert tree["mcpServers"]["other"] == {"command": "x"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (backup,) = path.parent.glob("mcp.json.*.bak")
    assert backup.read_text() == before


def test_writing_again_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cursor_file(home, "{}")
    install.run("cursor", write=True)
    text = path.read_text()
    install.run("cursor", write=True)
    assert path.read_text() == text
    assert len(list(path.parent.iterdir())) == 2  # the file and one backup
    assert "nothing changed" in capsys.readouterr().out


def test_a_key_and_limits_that_a_person_put_in_stay(home: Path) -> None:
    entry = {
        "command": "/old/akash-mcp",
        "args": ["serve", "--max-usd-per-day", "1"],
        "env": {"AKASH_API_KEY": KEY},
    }
    path = cursor_file(home, json.dumps({"mcpServers": {"akash": entry}}))
    install.run("cursor", write=True)
    after = read(path)["mcpServers"]["akash"]
    assert after["args"] == entry["args"]
    assert after["env"] == entry["env"]
    assert after["command"] == str(home / "bin" / "akash-mcp")


def test_vscode_asks_for_the_key_once(home: Path) -> None:
    install.run("vscode", write=True)
    path = install.HOSTS["vscode"].file()
    tree = read(path)
    assert tree["servers"]["akash"]["env"]["AKASH_API_KEY"] == "${input:akash-api-key}"
    assert [ask["id"] for ask in tree["inputs"] if ask["password"]] == ["akash-api-key"]


def test_a_link_to_the_file_stays_a_link(home: Path) -> None:
    real = home / "dotfiles.json"
    real.write_text("{}")
    link = home / ".claude.json"
    link.symlink_to(real)
    install.run("claude-code", write=True)
    assert link.is_symlink()
    assert "akash" in read(real)["mcpServers"]


@pytest.mark.parametrize(
    "text", ["{ // comment\n}", "[]", '{"mcpServers": []}', '{"mcpServers": {"akash": 1}}', '{"mcpServers"']
)
def test_a_file_that_we_cannot_take_is_left_as_it_is(home: Path, text: str) -> None:
    path = cursor_file(home, text)
    with pytest.raises(BadSettings, match="left as it is"):
        install.run("cursor", write=True)
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_an_unknown_host_is_told_which_there_are() -> None:
    with pytest.raises(BadSettings, match="claude-code, claude-desktop, cursor, vscode"):
        install.run("emacs", write=False)


def test_without_an_installed_command_it_says_how_to_install_it(home: Path) -> None:
    (home / "bin" / "akash-mcp").unlink()
    with pytest.raises(BadSettings, match="pip"):
        install.run("cursor", write=False)
