"""Variables without a value that stop a conversion: those that Compose asks for, and those without which another
program would run than the file means, or one without its password.

Compose puts an empty text where a variable has no value, and warns. So an image loses its tag and a server its
password, and the deployment runs. Here the conversion stops and names all of them at once. What may go on without one
is said in `_stopping`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import NamedTuple

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.secrets import sounds_secret
from akash_mcp.sanitize.unicode import visible
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.interpolation import UNSET, BadExpression, Unresolved, interpolate
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Mark, Path

MOST_NAMED = 40
"""Variables that one error names."""
LONGEST_MESSAGE = 100
"""Characters of a file's own message that are repeated."""

_STOPPING = frozenset(
    {"image", "command", "entrypoint", "ports", "expose", "user", "read_only", "cap_drop", "security_opt"}
    | {"network_mode", "networks", "secrets", "configs"}
)
"""Fields of a service that say what runs, who reaches it and what it may do."""
_ALONE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})", re.ASCII)
_USERINFO = re.compile(r"://([^\s/@]*+)@")


class MissingVariables(BadArgument):
    """Variables that the file needs and nobody gave. `names` are those that may be left empty by a caller's word,
    `required` those that the file itself says must not."""

    def __init__(
        self, what: str, *, names: tuple[str, ...], required: tuple[str, ...], next_step: str
    ) -> None:
        super().__init__(what, next_step=next_step)
        self.names = names
        self.required = required


class _Missing(NamedTuple):
    name: str
    mark: Mark
    required: bool
    message: str


def refuse_missing(
    file: ComposeFile, data: Value, services: Collection[str], images: Collection[str]
) -> None:
    """Raise `MissingVariables` where a variable is missing that must not be: one with `:?` anywhere in the file, others
    in what the `services` that are converted run. `images` are the services whose image the caller names."""
    # a value may be large, and only whether it is empty counts here
    forms = {name: value[:1] for name, value in file.variables.given.items()}
    found: dict[_Missing, None] = {}
    for path, text in _texts(data, ()):
        unset: list[Unresolved] = []
        try:
            form = interpolate(text, forms, set(), unset=partial(_noted, unset))
        except BadExpression:  # an error where somebody reads it
            continue
        names = (
            {each.name for each in unset} - file.variables.empty if _is_run(path, services, images) else set()
        )
        stopping = _stopping(data, path, text, form, names) if names else set()
        mark = file.where(path)
        for each in unset:
            if each.required or each.name in stopping:
                found[_Missing(each.name, mark, each.required, each.message)] = None
    if found:
        raise _error(list(found))


def _noted(unset: list[Unresolved], variable: Unresolved) -> str:
    unset.append(variable)
    return UNSET


def alone(text: str) -> str | None:
    """The name of the variable that is the whole text (`$NAME`, `${NAME}`), None where it is something else."""
    match = _ALONE.fullmatch(text)
    return (match[1] or match[2]) if match else None


def _is_run(path: Path, services: Collection[str], images: Collection[str]) -> bool:
    """Whether a place belongs to what is converted."""
    if path[0] == "services":
        return len(path) > 2 and path[1] in services and not (path[2] == "image" and path[1] in images)
    return path[0] == "networks"


def _stopping(data: Value, path: Path, text: str, form: str, names: set[str]) -> set[str]:
    """Those of the variables without a value in a text that stop the conversion, by the place where it stands.

    `form` is the text with `UNSET` for each such variable.
    """
    if path[0] == "networks":
        return names if path[2:] == ("internal",) else set()
    field = path[2] if len(path) > 2 else ""
    if field == "environment":
        return _parts_of_a_secret(path, text, form, names)
    if field == "volumes":
        return set() if _is_source_of_a_bind(data, path, form) else names
    return names if field in _STOPPING else set()


def _parts_of_a_secret(path: Path, text: str, form: str, names: set[str]) -> set[str]:
    """The variables without which a value would be a secret with a hole in it. Where one is the whole value, the entry
    is left out, or is to be stored as a secret."""
    if isinstance(path[-1], int):
        entry, _, text = text.partition("=")
        form = form.partition("=")[2]
    else:
        entry = path[-1]
    if alone(text):
        return set()
    if sounds_secret(entry) or any(UNSET in userinfo for userinfo in _USERINFO.findall(form)):
        return names
    return {name for name in names if sounds_secret(name)}


def _is_source_of_a_bind(data: Value, path: Path, form: str) -> bool:
    """Whether only the source of a bind mount is unknown, which is not carried anyway."""
    if path[-1] == "source":
        return _at(data, (*path[:-1], "type")) == "bind"
    source, colon, rest = form.partition(":")
    return bool(colon) and UNSET not in rest and ("/" in source or source.startswith((".", "~")))


def _at(data: Value, path: Path) -> Value:
    for step in path:
        if isinstance(data, dict) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
    return data


def _texts(data: Value, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text that asks for a variable, with its place."""
    if isinstance(data, str):
        if "$" in data:
            yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _texts(value, (*path, i))


def _error(missing: list[_Missing]) -> MissingVariables:
    told = []
    for each in missing[:MOST_NAMED]:
        message = " ".join(visible(each.message).split())
        says = f": {message[:LONGEST_MESSAGE]}" if message else ""
        told.append(f"{each.name} (line {each.mark.line}, column {each.mark.column}{says})")
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    required = {each.name: None for each in missing if each.required}
    names = tuple(dict.fromkeys(each.name for each in missing if each.name not in required))
    return MissingVariables(
        f"The compose file needs variables that have no value here: {', '.join(told)}{more}.",
        names=names,
        required=tuple(required),
        next_step="Give each a value.",
    )
