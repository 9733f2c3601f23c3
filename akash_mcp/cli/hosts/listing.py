"""`akash-mcp install --list`: which hosts are here, which have us, and whether what they would start is still there."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from akash_mcp.cli.hosts.entry import SERVER, login_for, plain_secrets, without_secrets
from akash_mcp.cli.hosts.file import read
from akash_mcp.cli.hosts.formats import at
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.hosts.table import HOSTS, Host
from akash_mcp.cli.output import printable
from akash_mcp.errors import BadSettings


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with one host. `plain_secrets` are names of variables, never what they hold."""

    host: str
    title: str
    file: str
    is_found: bool
    is_configured: bool
    command: list[str]
    command_exists: bool
    plain_secrets: list[str]
    problem: str = ""
    """Why its file could not be read."""


def show(machine: Machine, *, as_json: bool) -> int:
    """Print how it stands with each host: all as JSON, or for a person those that are here. Returns 0."""
    standings = [_standing(host, machine) for host in HOSTS.values()]
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in standings]) + "\n")
        return 0
    here = [each for each in standings if each.is_found or each.is_configured]
    for each in here:
        sys.stdout.write("\n  ".join(map(printable, _lines(each))) + "\n")
    missing = ", ".join(each.host for each in standings if each not in here)
    if missing:
        sys.stdout.write(f"Not found here: {missing}.\n")
    return 0


def _standing(host: Host, machine: Machine) -> Standing:
    path = host.file(machine)
    is_found = (path.parent.is_dir() and path.parent != machine.home) or path.exists()
    is_found = is_found or (host.program is not None and shutil.which(host.program) is not None)
    try:
        file = read(path, host.format)
    except BadSettings as error:
        return Standing(host.name, host.title, str(path), is_found, False, [], False, [], error.what)
    entry = at(file.tree, (*host.keys(file.tree), SERVER))
    if not isinstance(entry, dict):
        return Standing(host.name, host.title, str(path), is_found, False, [], False, [])
    command = list(host.shape.argv(entry))
    exists = bool(command) and (shutil.which(command[0]) is not None or Path(command[0]).is_file())
    shown = without_secrets(command)
    return Standing(host.name, host.title, str(path), is_found, True, shown, exists, plain_secrets(entry))


def _lines(standing: Standing) -> list[str]:
    if standing.problem:
        return [f"{standing.host}: its file cannot be read", standing.problem]
    if not standing.is_configured:
        return [
            f"{standing.host}: not configured",
            f"akash-mcp install {standing.host} --write would write {standing.file}",
        ]
    lines = [f"{standing.host}: configured", standing.file, shlex.join(standing.command)]
    if not standing.command_exists:
        lines.append(f"That program is gone: run akash-mcp install {standing.host} --write")
    if standing.plain_secrets:
        lines.append(
            f"{', '.join(standing.plain_secrets)} is written out in it: run {login_for(standing.plain_secrets)}, "
            "and take it out"
        )
    return lines
