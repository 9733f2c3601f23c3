"""Hosts whose own program has to write their file: Claude Code keeps its state in it and writes it all the time."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from akash_mcp.cli.hosts.entry import SERVER, Launch, literal_variables
from akash_mcp.cli.hosts.formats import Value
from akash_mcp.cli.hosts.table import Host
from akash_mcp.errors import BadSettings
from akash_mcp.sanitize.text import one_line

_SECONDS = 60


def add_command(host: Host, launch: Launch) -> list[str]:
    """The host's own command that adds us. The name stands before all flags: one of them takes several values."""
    return [_program(host), "mcp", "add", SERVER, "--scope", "user", "--", *launch.argv]


def remove_command(host: Host) -> list[str]:
    """The host's own command that takes us out."""
    return [_program(host), "mcp", "remove", SERVER, "--scope", "user"]


def is_there(host: Host) -> bool:
    """Whether the host's program is on the PATH."""
    return shutil.which(_program(host)) is not None


def add(host: Host, launch: Launch) -> None:
    """Have the host add us. Raises `BadSettings` with what it said where it does not."""
    _run(host, add_command(host, launch))


def remove(host: Host) -> None:
    """Have the host take us out. Raises `BadSettings` with what it said where it does not."""
    _run(host, remove_command(host))


def replace(host: Host, entry: Mapping[str, Value], launch: Launch) -> None:
    """Have the host put `entry` in place of ours.

    Raises `BadSettings` where it does not, and where a value of a variable would be shown on a command line.
    """
    written_out = literal_variables(entry)
    if written_out:
        raise BadSettings(
            f"{host.title} has an entry {SERVER!r} with {', '.join(written_out)} written out, which would show on a "
            "command line, so it was left as it is.",
            next_step="Take it out and add it anew, and give it what it needs from your environment:\n"
            f"{shlex.join(remove_command(host))}\n{shlex.join(add_command(host, launch))}",
            money="",
        )
    remove(host)
    _run(host, [_program(host), "mcp", "add-json", SERVER, json.dumps(entry), "--scope", "user"])


def _program(host: Host) -> str:
    assert host.program is not None
    return host.program


def _run(host: Host, argv: Sequence[str]) -> None:
    program = shutil.which(argv[0])
    assert program is not None, "is_there is asked first"
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(host, argv, type(error).__name__) from error
    if done.returncode:
        said = one_line(done.stderr or done.stdout or f"exit code {done.returncode}", limit=300)
        raise _failed(host, argv, said)


def _failed(host: Host, argv: Sequence[str], said: str) -> BadSettings:
    return BadSettings(
        f"{host.title} did not take it: {said.rstrip('.')}.",
        next_step=f"Run it yourself: {shlex.join(argv)}",
        money="",
    )
