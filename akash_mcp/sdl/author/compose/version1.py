"""Compose files of version 1, whose services stand at the top: Compose itself has stopped reading them."""

from __future__ import annotations

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.yaml.javascript import Value

_OF_A_SERVICE = frozenset({"image", "build", "dockerfile"})


def version_1(data: Value) -> BadArgument | None:
    """The error for a file of version 1, None where it is another."""
    if not isinstance(data, dict) or "services" in data:
        return None
    services = [
        name for name, value in data.items() if isinstance(value, dict) and _OF_A_SERVICE & set(value)
    ]
    if not services or "version" in data:
        return None
    return BadArgument(
        "The compose file is of version 1: its services stand at the top, and Compose no longer reads it.",
        next_step=f'Write a line "services:" above {services[0][:60]}, and indent all lines below it by two spaces.',
    )
