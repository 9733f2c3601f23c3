"""What a service runs: `entrypoint`, `command` and `environment`, in both forms of each.

Kubernetes, on which every provider runs, reads `$(NAME)` and `$$` in all three, so a dollar before `(` or `$` is
doubled: what arrives is what the compose file says.
"""

from __future__ import annotations

import re
import shlex

from akash_mcp.sdl.author.compose.reading import Reading
from akash_mcp.sdl.author.compose.variables import Unresolved
from akash_mcp.sdl.author.workload import is_carried, is_variable
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

_SECRET = re.compile(
    r"(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY)(?!.*_FILE$)"
)
_READ_BY_KUBERNETES = re.compile(r"\$(?=[$(])")


def words(reading: Reading, service: str, value: Value, path: Path) -> tuple[str, ...] | None:
    """A command: a list as it is, a text split as a shell would split it (no shell runs it). None where there is none,
    no words where it is there and empty. Raises `Unresolved`."""
    if value is None:
        return None
    if isinstance(value, list):
        texts = [reading.text(item, at) for item, at in reading.items(value, path)]
    else:
        try:
            texts = shlex.split(reading.text(value, path))
        except ValueError as bad:
            raise reading.bad(path, f"cannot be split into words: {bad}") from bad
    if not all(is_carried(text) for text in texts):
        reading.leave_out(service, str(path[-1]), "it holds control characters", "write it without them")
        return None
    return tuple(for_kubernetes(reading, text) for text in texts)


def environment(reading: Reading, service: str, value: Value, path: Path) -> dict[str, str]:
    """The variables with a value. Those without take theirs from the machine that runs Compose, and are left out."""
    found: dict[str, str] = {}
    for name, item, at in _variables(reading, value, path):
        what = f"environment: {name[:60]}"
        try:
            name = reading.text(name, at)
            if item is None:
                reading.leave_out(
                    service,
                    what,
                    "its value comes from the machine that runs Compose",
                    f"write {name[:60]}=value",
                )
                continue
            text = reading.text(item, at)
        except Unresolved as missing:
            why = f"it needs ${{{missing.name}}}, which has no value here"
            reading.leave_out(service, what, why, f"give {missing.name} a value among the variables")
            continue
        if not is_variable(name):
            reading.leave_out(service, what, "providers take no variable of that name", "rename it")
        elif not is_carried(text):
            reading.leave_out(service, what, "its value holds control characters", "write it without them")
        else:
            found[name] = for_kubernetes(reading, text)
    if secret := [name for name in found if found[name] and _SECRET.search(name.upper())]:
        reading.note(
            f"{service}: the SDL says {', '.join(secret)} as plain text, which the provider can read."
        )
    return found


def _variables(reading: Reading, value: Value, path: Path) -> list[tuple[str, Value, Path]]:
    if isinstance(value, dict):
        return [(name, item, (*path, name)) for name, item in value.items()]
    pairs: list[tuple[str, Value, Path]] = []
    for item, at in reading.items(value, path):
        if not isinstance(item, str):
            raise reading.bad(at, "must be NAME=VALUE")
        name, equals, text = item.partition("=")
        pairs.append((name, text if equals else None, at))
    return pairs


def for_kubernetes(reading: Reading, text: str) -> str:
    """The text that Kubernetes turns into this one."""
    doubled = _READ_BY_KUBERNETES.sub("$$", text)
    if doubled != text:
        reading.note('"$(" and "$$" are written with one more dollar, because Kubernetes would read them.')
    return doubled
