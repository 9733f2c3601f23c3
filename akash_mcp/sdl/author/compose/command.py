"""What a service runs: `entrypoint` and `command`, each a list of words or one text.

Kubernetes, on which every provider runs, reads `$(NAME)` and `$$` in commands and variables, so a dollar before `(` or
`$` is doubled: what arrives is what the compose file says.
"""

from __future__ import annotations

import re

from akash_mcp.sdl.author.compose.file import ComposeFile, Fields
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.author.compose.words import has_open_quote, split
from akash_mcp.sdl.author.workload import is_carried
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

_READ_BY_KUBERNETES = re.compile(r"\$(?=[$(])")


def read_command(file: ComposeFile, service: str, fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`entrypoint` and `command`, as an SDL's `command` and `args`.

    An empty one clears what the image has, which an SDL can only do by putting something else there.
    """
    entrypoint = _field(file, service, fields, "entrypoint")
    command = _field(file, service, fields, "command")
    if entrypoint == () and command:
        return command, ()
    if entrypoint == () or (command == () and not entrypoint):
        cleared = "entrypoint" if entrypoint == () else "command"
        file.leave_out(
            service, f"{cleared}: empty", "an SDL cannot clear what the image starts", "name what to start"
        )
    return entrypoint or (), command or ()


def _field(file: ComposeFile, service: str, fields: Fields, key: str) -> tuple[str, ...] | None:
    try:
        return _words(file, service, fields.take(key), fields.at(key))
    except Unresolved as missing:
        file.unresolved(service, fields.at(key), missing)
        return None


def _words(file: ComposeFile, service: str, value: Value, path: Path) -> tuple[str, ...] | None:
    """A command: a list as it is, a text in words. None where there is none, no words where it is there and empty.

    Raises `Unresolved`.
    """
    if value is None:
        return None
    if isinstance(value, list):
        texts = [file.text(item, at) for item, at in file.items(value, path)]
    else:
        texts = _split(file, service, file.text(value, path), path)
    if has_open_quote(texts):
        raise file.bad(path, "gives a shell a quote that is never closed", next_step="Close it.")
    if not all(is_carried(text) for text in texts):
        file.leave_out(
            service, str(path[-1]), "it holds control characters", "write it without them", protects="command"
        )
        return None
    return tuple(for_kubernetes(file, text) for text in texts)


def _split(file: ComposeFile, service: str, text: str, path: Path) -> list[str]:
    try:
        words, dropped = split(text)
    except ValueError as bad:
        raise file.bad(path, f"cannot be split into words: {bad}") from bad
    if dropped:
        file.leave_out(
            service,
            f"{path[-1]}: what stands behind {dropped[0]}",
            "no shell reads it, and Compose drops it too",
            "write [sh, -c, …] with the whole line as the third",
        )
    return words


def for_kubernetes(file: ComposeFile, text: str) -> str:
    """The text that Kubernetes turns into this one."""
    doubled = _READ_BY_KUBERNETES.sub("$$", text)
    if doubled != text:
        file.note('"$(" and "$$" are written with one more dollar, because Kubernetes would read them.')
    return doubled
