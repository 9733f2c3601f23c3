"""Redirections: which descriptors a command has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from akash_mcp.sandbox.provider.shell import expansion
from akash_mcp.sandbox.provider.shell.control import ShellFailed
from akash_mcp.sandbox.provider.shell.files import FileFailed, UnknownFile, resolve
from akash_mcp.sandbox.provider.shell.process import NotPlayed
from akash_mcp.sandbox.provider.shell.streams import Closed, Descriptors, Sink, Source, ToFile, Waiting
from akash_mcp.sandbox.provider.shell.syntax import Redirection

if TYPE_CHECKING:
    from akash_mcp.sandbox.provider.shell.machine import Shell


class CannotRedirect(Exception):
    """A file that cannot be opened, in dash's words."""


def redirected(redirections: Sequence[Redirection], shell: Shell) -> Waiting[Descriptors]:
    """The descriptors with these redirections. Raises `CannotRedirect`."""
    descriptors = dict(shell.descriptors)
    for each in redirections:
        target = yield from expansion.text_of(each.target, shell)
        if each.operator == "<<":
            descriptors[each.descriptor] = Source(target)
        elif each.operator in ("<&", ">&"):
            _duplicate(each.descriptor, target, descriptors)
        elif each.operator == "<>":
            raise NotPlayed((f"<> {target}",))
        else:
            descriptors[each.descriptor] = _opened(each.operator, target, descriptors, shell)
    return descriptors


def _duplicate(descriptor: int, target: str, descriptors: dict[int, Source | Sink]) -> None:
    if target == "-":
        descriptors[descriptor] = Closed()
    elif not re.fullmatch(r"[0-9]{1,3}", target):
        raise ShellFailed("Syntax error: Bad fd number")
    elif int(target) not in descriptors:
        raise CannotRedirect(f"{target}: Bad file descriptor")
    else:
        descriptors[descriptor] = descriptors[int(target)]


def _opened(operator: str, target: str, descriptors: Descriptors, shell: Shell) -> Source | Sink:
    names = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2, "/proc/1/fd/1": 1, "/proc/1/fd/2": 2}
    if target in names:
        return descriptors[names[target]]
    path = resolve(shell.folder, target) if target else ""
    try:
        if not target:
            raise FileFailed("No such file or directory")
        if operator == "<":
            return Source(shell.files.read(path))
        shell.files.write(path, "", append=operator == ">>")
    except UnknownFile as unknown:
        raise NotPlayed((operator, target)) from unknown
    except FileFailed as failed:
        if operator == "<":
            reason = "No such file" if str(failed).startswith("No such") else failed
            raise CannotRedirect(f"cannot open {target}: {reason}") from failed
        reason = "Directory nonexistent" if str(failed).startswith("No such") else failed
        raise CannotRedirect(f"cannot create {target}: {reason}") from failed
    return ToFile(shell.files, path)
