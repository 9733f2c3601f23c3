"""The variables of a service: `environment` as a map or as a list of NAME=VALUE."""

from __future__ import annotations

import re

from akash_mcp.sdl.author.compose.command import for_kubernetes
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.author.workload import is_carried, is_variable_name
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

_SECRET = re.compile(
    r"(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY)(?!.*_FILE$)"
)


def read_environment(file: ComposeFile, service: str, value: Value, path: Path) -> dict[str, str]:
    """The variables with a value. Those without take theirs from the machine that runs Compose, and are left out."""
    found: dict[str, str] = {}
    for name, item, at in _variables(file, value, path):
        what = f"environment: {name[:60]}"
        try:
            name = file.text(name, at)
            if item is None:
                file.leave_out(
                    service,
                    what,
                    "its value comes from the machine that runs Compose",
                    f"write {name[:60]}=value",
                )
                continue
            text = file.text(item, at)
        except Unresolved as missing:
            why = f"it needs ${{{missing.name}}}, which has no value here"
            file.leave_out(service, what, why, f"give {missing.name} a value among the variables")
            continue
        if not is_variable_name(name):
            file.leave_out(service, what, "providers take no variable of that name", "rename it")
        elif not is_carried(text):
            file.leave_out(service, what, "its value holds control characters", "write it without them")
        else:
            found[name] = for_kubernetes(file, text)
    if secret := [name for name in found if found[name] and _SECRET.search(name.upper())]:
        file.note(
            f"{service}: the SDL says {', '.join(secret)} as plain text. Let the user store each with akash-mcp secret "
            "set NAME, and write secret://NAME as its value; the provider can read it even so."
        )
    return found


def _variables(file: ComposeFile, value: Value, path: Path) -> list[tuple[str, Value, Path]]:
    if isinstance(value, dict):
        return [(name, item, (*path, name)) for name, item in value.items()]
    pairs: list[tuple[str, Value, Path]] = []
    for item, at in file.items(value, path):
        if not isinstance(item, str):
            raise file.bad(at, "must be NAME=VALUE")
        name, equals, text = item.partition("=")
        pairs.append((name, text if equals else None, at))
    return pairs
