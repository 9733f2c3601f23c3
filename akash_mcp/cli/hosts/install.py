"""`akash-mcp install HOST` and `uninstall HOST`: show or write our entry in a host's configuration, or take it out.

A real key is never written. Without `--write` nothing is changed.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from akash_mcp.cli.hosts import own_command
from akash_mcp.cli.hosts.entry import (
    SANDBOX,
    SERVER,
    Launch,
    login_for,
    plain_secrets,
    without_secrets,
    words_of,
)
from akash_mcp.cli.hosts.file import HostFile, cannot_edit, read
from akash_mcp.cli.hosts.formats import Change, Put, Remove, Tree, Unmergeable, at
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.hosts.table import HOSTS, Asks, Host
from akash_mcp.cli.lasting_command import lasting_command
from akash_mcp.errors import BadArgument, BadSettings
from akash_mcp.tool_choice import is_of_akua, serves_akua

Scope = Literal["user", "project"]

HOW_IT_ASKS: dict[Asks, str] = {
    "asks": "Before anything spends, {title} shows you the question and waits for your yes.",
    "sometimes": "Before anything spends, {title} asks you where it shows a server's questions, as in a terminal. "
    "Where it declines them unseen, install with -- --approval two-step: the agent then shows you the plan first.",
    "cannot": "{title} cannot ask for a server: the agent shows you the plan, and only after your yes may it call "
    "confirm.",
    "not stated": "Where {title} does not show a server's question, the agent shows you the plan, and only after "
    "your yes may it call confirm.",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be installed: None where the entry that is there decides."""

    words: tuple[str, ...] | None = None
    """Of `serve`."""
    sandbox: bool | None = None

    def launch(self, present: Sequence[str]) -> Launch:
        """How the server is to be started, where `present` is how an entry does it now."""
        before = words_of(present)
        words = before if self.words is None else self.words
        is_sandbox = SANDBOX in (*before, *words) if self.sandbox is None else self.sandbox
        left = tuple(word for word in words if word != SANDBOX)
        return Launch(lasting_command(), ((SANDBOX,) if is_sandbox else ()) + left)


def install(name: str, *, wish: Wish, write: bool, scope: Scope, machine: Machine) -> int:
    """Show the entry for host `name`, or with `write` have it. Returns 0.

    Raises `BadSettings` for an unknown host, and for a file that cannot be read, merged or written, which is then as
    it was.
    """
    host = host_named(name)
    file = _file(host, scope, machine)
    path = (*host.keys(file.tree), SERVER)
    present = _entry(file, path)
    shape = host.shape_in(file.tree)
    launch = wish.launch(shape.argv(present or {}))
    by_program = host.own_command and scope == "user"
    if not write:
        # A new one: what a person put into theirs may be a key.
        return _show(host, file, path, launch, shape.entry(launch), by_program=by_program)
    entry = shape.entry(launch) if present is None else shape.updated(present, launch)
    if present == entry:
        _say(f"{host.title} has this server already, in {file.path}; nothing changed.")
        return 0
    if by_program:
        _by_program(host, file, present, entry, launch)
    else:
        backup = file.write(file.with_changes(_changes(host, file, path, present, entry, launch)))
        _say(f"{file.path} now has the server {SERVER!r}.{_kept(backup)}")
    before = words_of(shape.argv(present or {}))
    if present is not None and before != launch.words:
        _say(f"It was started with {_quoted(before)}, and is started with {_quoted(launch.words)} now.")
    for line in _next_steps(host, entry, launch, scope, machine):
        _say(line)
    return 0


def uninstall(name: str, *, write: bool, scope: Scope, machine: Machine) -> int:
    """Say what would be taken out of the file of host `name`, or with `write` take it out. Returns 0.

    Raises `BadSettings` as `install` does.
    """
    host = host_named(name)
    file = _file(host, scope, machine)
    path = (*host.keys(file.tree), SERVER)
    if at(file.tree, path) is None:
        _say(f"{host.title} has no server {SERVER!r} in {file.path}; nothing changed.")
        return 0
    if host.own_command and scope == "user":
        if not write:
            _say(f"This takes it out: {shlex.join(own_command.remove_command(host))}")
            return 0
        _check_program(host, file, own_command.remove_command(host))
        own_command.remove(host)
        _say(f"{host.title} has taken the server {SERVER!r} out.")
        return 0
    text = file.with_changes(_removals(host, file, path))
    if not write:
        _say(f"{file.path} has the server {SERVER!r}. Run this again with --write to take it out.")
        return 0
    _say(f"The server {SERVER!r} is out of {file.path}.{_kept(file.write(text))} Restart {host.title}.")
    return 0


def host_named(name: str) -> Host:
    """The host of that name. Raises `BadSettings` with those that there are."""
    if name not in HOSTS:
        raise BadSettings(
            f"There is no host {name!r}.", next_step=f"Write one of {', '.join(sorted(HOSTS))}.", money=""
        )
    return HOSTS[name]


def _file(host: Host, scope: Scope, machine: Machine) -> HostFile:
    if scope == "user":
        return read(host.file(machine), host.format)
    if host.project is None:
        raise BadArgument(
            f"{host.title} has no configuration of a project.",
            next_step="Leave out --scope project.",
            money="",
        )
    return read(machine.project / host.project, host.format)


def _entry(file: HostFile, path: tuple[str, ...]) -> Tree | None:
    """Our entry in a file, if there is one. Raises `BadSettings` where something else stands in its place."""
    within = file.tree
    for end, key in enumerate(path, start=1):
        value = within.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise cannot_edit(file.path, Unmergeable(f'"{".".join(path[:end])}" is not a table of its own'))
        within = value
    if any(name in within for name in _ADDRESSES):
        raise cannot_edit(
            file.path, Unmergeable(f'"{".".join(path)}" is a server at an address, not one to start')
        )
    return within


_ADDRESSES = ("url", "serverUrl", "httpUrl", "uri")
"""What hosts call the address of a server that somebody else started."""


def _changes(
    host: Host, file: HostFile, path: tuple[str, ...], present: Tree | None, entry: Tree, launch: Launch
) -> list[Change]:
    """What makes the file have the entry: its fields one by one where it is there, so that the rest stays."""
    if present is None:
        changes: list[Change] = [Put(path, entry)]
    else:
        changes = [Remove((*path, name)) for name in present if name not in entry]
        changes += [Put((*path, name), value) for name, value in entry.items() if present.get(name) != value]
    if host.input is None:
        return changes
    if _needs_input(host, entry) and _input(host, file) is None:
        asked = at(file.tree, ("inputs",))
        changes.append(Put(("inputs", len(asked) if isinstance(asked, list) else 0), host.input))
    return changes


def _removals(host: Host, file: HostFile, path: tuple[str, ...]) -> list[Change]:
    """What takes our entry out, and what the host asked for it alone."""
    changes: list[Change] = [Remove(path)]
    place = _input(host, file)
    if place is not None:
        without = file.with_changes(changes)
        if f"${{input:{at(host.input, ('id',))}}}" not in without:
            changes.append(Remove(("inputs", place)))
    return changes


def _needs_input(host: Host, entry: Tree) -> bool:
    return f"${{input:{at(host.input, ('id',))}}}" in str(entry)


def _input(host: Host, file: HostFile) -> int | None:
    """Where in the list `inputs` of a file that stands which the host asks for us."""
    asked = at(file.tree, ("inputs",))
    if host.input is None or not isinstance(asked, list):
        return None
    wanted = at(host.input, ("id",))
    return next((place for place, each in enumerate(asked) if at(each, ("id",)) == wanted), None)


def _by_program(host: Host, file: HostFile, present: Tree | None, entry: Tree, launch: Launch) -> None:
    _check_program(host, file, own_command.add_command(host, launch))
    if present is None:
        own_command.add(host, launch)
    else:
        own_command.replace(host, entry, launch)
    _say(f"{host.title} now has the server {SERVER!r}, in {file.path}.")


def _check_program(host: Host, file: HostFile, command: Sequence[str]) -> None:
    if not own_command.is_there(host):
        raise BadSettings(
            f"There is no {host.program} on the PATH, and {file.path} is written by {host.title} alone.",
            next_step=f"Run this where it is: {shlex.join(command)}",
            money="",
        )


def _show(
    host: Host, file: HostFile, path: tuple[str, ...], launch: Launch, entry: Tree, *, by_program: bool
) -> int:
    if by_program:
        sys.stdout.write(shlex.join(own_command.add_command(host, launch)) + "\n")
        sys.stderr.write(f"For {host.title}: run that, or this again with --write.\n")
        return 0
    changes = _changes(host, HostFile(file.path, "", host.format, {}), path, None, entry, launch)
    text = HostFile(file.path, "", host.format, {}).with_changes(changes)
    sys.stdout.write(text)
    sys.stderr.write(f"For {host.title}: merge this into {file.path}, or run this again with --write.\n")
    return 0


def _next_steps(host: Host, entry: Tree, launch: Launch, scope: Scope, machine: Machine) -> list[str]:
    lines = [host.then, HOW_IT_ASKS[host.asks].format(title=host.title)]
    written_out = plain_secrets(entry)
    if launch.is_sandbox:
        lines.append("It serves an embedded network with play money: no key, and nothing is paid.")
    elif written_out:
        lines.append(
            f"{', '.join(written_out)} is written out in that file: run {login_for(written_out)}, and take it out "
            "there."
        )
    else:
        if not launch.toolsets or not all(map(is_of_akua, launch.toolsets)):
            also = ", or set AKASH_API_KEY where it starts" if host.reads_environment else ""
            lines.append(f"Its key: run akash-mcp login once, for all hosts{also}.")
        if serves_akua(launch.toolsets):
            lines.append("Its token of Akua: run akash-mcp login --akua once, for all hosts.")
    unseen = sorted(name for name in machine.environ if name.startswith("AKASH_MCP_"))
    if unseen:
        lines.append(
            f"{', '.join(unseen)} of this shell may not reach a server that {host.title} starts: what limits an agent "
            f"belongs into {_config_file()}, which every server reads."
        )
    if scope == "project":
        lines.append("Whoever shares this project needs akash-mcp at the same path.")
    return lines


def _config_file() -> Path:
    from akash_mcp import config  # pydantic, for the few who set variables

    return config.default_config_file()


def _quoted(words: Sequence[str]) -> str:
    return f"“{shlex.join(without_secrets(words))}”" if words else "no arguments"


def _kept(backup: str) -> str:
    return f" What it was is in {backup}." if backup else ""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
