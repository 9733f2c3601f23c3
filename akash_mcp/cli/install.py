"""`akash-mcp install HOST`: show the server's entry for a host application, or merge it into the host's file.

A real key is never written: the entry names the variable. Merging again keeps what a person has put in its
place since.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

from akash_mcp.errors import BadSettings

SERVER = "akash"
"""The server's name in the host. It is short, since some hosts cut `server + tool` at 60 characters."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host application: where its file is, what its entries are called, and how it fills in a key."""

    title: str
    file: Callable[[], Path]
    key: str
    """What stands in the entry in place of the key."""
    how: str
    """How the person gives the key, in a sentence."""
    servers: str = "mcpServers"
    asks: bool = False
    """Whether the host asks for inputs and keeps them itself."""


HOSTS = {
    "claude-desktop": Host(
        "Claude Desktop",
        lambda: _application_folder("Claude") / "claude_desktop_config.json",
        key="${AKASH_API_KEY}",
        how="Put your Console API key in place of ${AKASH_API_KEY} in that file, since Claude Desktop does "
        "not read the environment, and restart it.",
    ),
    "claude-code": Host(
        "Claude Code",
        lambda: Path.home() / ".claude.json",
        key="${AKASH_API_KEY:-}",
        how="Set AKASH_API_KEY in the environment that Claude Code starts in.",
    ),
    "cursor": Host(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        key="${env:AKASH_API_KEY}",
        how="Set AKASH_API_KEY in the environment that Cursor starts in.",
    ),
    "vscode": Host(
        "VS Code",
        lambda: _application_folder("Code") / "User" / "mcp.json",
        key="${input:akash-api-key}",
        how="VS Code asks for the Console API key when it first starts the server, and keeps it.",
        servers="servers",
        asks=True,
    ),
}


def run(name: str, *, write: bool) -> int:
    """Print the entry for host `name`, or with `write` merge it into the host's file. Always 0.

    Raises `BadSettings` for an unknown host, and for a file that cannot be read, parsed or written, which is
    then left as it was.
    """
    if name not in HOSTS:
        raise BadSettings(
            f"There is no host {name!r}.", next_step=f"Write one of {', '.join(sorted(HOSTS))}.", money=""
        )
    host = HOSTS[name]
    path = host.file()
    if not write:
        sys.stdout.write(_dump(_merged({}, host)))
        sys.stderr.write(
            f"For {host.title}: merge this into {path}, or run this again with --write. {host.how}\n"
        )
        return 0
    try:
        sys.stdout.write(f"{_write(path.resolve(), host)} {host.how}\n")
    except OSError as error:
        raise BadSettings(f"{path} cannot be changed: {error.strerror}.", money="") from error
    return 0


def _write(path: Path, host: Host) -> str:
    """Merge the entry into the file, keeping a copy of what it was, and say what was done."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before = _parsed(text, path) if text.strip() else {}
    after = _merged(before, host)
    if after == before:
        return f"{path} has this server already; nothing changed."
    saved = ""
    if text:
        backup = path.with_name(f"{path.name}.{datetime.now().astimezone():%Y%m%dT%H%M%S}.bak")
        shutil.copy2(path, backup)
        saved = f" What it was is in {backup.name}."
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _dump(after))
    return f"{path} now has the server {SERVER!r}.{saved}"


def _parsed(text: str, path: Path) -> dict[str, object]:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadSettings(
            f"{path} is not plain JSON (line {error.lineno}: {error.msg}), so it was left as it is.",
            next_step="Run this again without --write and merge what it shows by hand.",
            money="",
        ) from error
    if not isinstance(tree, dict):
        raise BadSettings(f"{path} holds no JSON object, so it was left as it is.", money="")
    return tree


def _merged(tree: dict[str, object], host: Host) -> dict[str, object]:
    """The host's configuration with our entry. What a person has set in the entry stays, but the command."""
    servers = _object(tree, host.servers)
    entry = _object(servers, SERVER)
    ours = {
        "type": "stdio",
        "args": ["serve"],
        **entry,
        "command": lasting_command(),
        "env": {"AKASH_API_KEY": host.key, **_object(entry, "env")},
    }
    merged = {**tree, host.servers: {**servers, SERVER: ours}}
    if host.asks:
        merged["inputs"] = _inputs(tree)
    return merged


def _inputs(tree: dict[str, object]) -> list[object]:
    inputs = tree.get("inputs", [])
    if not isinstance(inputs, list):
        raise BadSettings('"inputs" is not a list in the host\'s file, so it was left as it is.', money="")
    if any(isinstance(known, dict) and known.get("id") == "akash-api-key" for known in inputs):
        return inputs
    ask = {
        "type": "promptString",
        "id": "akash-api-key",
        "description": "Akash Console API key",
        "password": True,
    }
    return [*inputs, ask]


def _object(tree: dict[str, object], key: str) -> dict[str, object]:
    value = tree.get(key, {})
    if not isinstance(value, dict):
        raise BadSettings(f'"{key}" is not an object in the host\'s file, so it was left as it is.', money="")
    return value


def lasting_command() -> str:
    """The absolute path of `akash-mcp`: a host has another PATH and another working folder than a shell."""
    name = "akash-mcp.exe" if sys.platform == "win32" else "akash-mcp"
    script = Path(sysconfig.get_path("scripts")) / name
    if not script.exists():
        raise BadSettings(
            f"There is no {script}.", next_step="Install akash-mcp with pip, pipx or uv first.", money=""
        )
    return str(script)


def _application_folder(name: str) -> Path:
    """Where desktop applications keep settings: `~/.config/NAME` on Linux, roaming AppData on Windows."""
    return Path(platformdirs.user_config_dir(name, appauthor=False, roaming=True))


def _dump(tree: dict[str, object]) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def write_whole(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write the file whole or not at all, with the mode it had; a new one is its owner's only."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding=encoding) as file:
            file.write(text)
        if path.exists():
            shutil.copymode(path, temporary)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
