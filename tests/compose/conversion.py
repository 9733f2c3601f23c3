"""Compose files given as text, and what came of them, for tests."""

from __future__ import annotations

from typing import Any

from akash_mcp.sdl.author.compose import Converted, convert
from akash_mcp.sdl.author.compose.extends import extended
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.variables import Variables
from akash_mcp.sdl.yaml.loader import load


def services(made: Converted) -> dict[str, Any]:
    """The services of the SDL."""
    data: Any = load(made.sdl).data
    found: dict[str, Any] = data["services"]
    return found


def resources(made: Converted, service: str) -> dict[str, Any]:
    """What one service orders."""
    data: Any = load(made.sdl).data
    found: dict[str, Any] = data["profiles"]["compute"][service]["resources"]
    return found


def extend(text: str) -> Any:
    """The services of a compose file after each has taken over what it extends."""
    document = load(text, as_written=True)
    data: Any = extended(document, ComposeFile(document, Variables({})).bad).data
    return data["services"]


def left_out(made: Converted, service: str | None = None) -> list[str]:
    """What was left out, of one service or of all."""
    return [each.what for each in made.left_out if service in (None, each.service)]


def why(made: Converted, what: str) -> str:
    """The reason and the fix of the one thing that was left out and whose name holds `what`."""
    (found,) = (each for each in made.left_out if what in each.what)
    return f"{found.why}; {found.fix}"


def noted(made: Converted, part: str) -> str:
    """The one note that holds a part."""
    (note,) = (note for note in made.notes if part in note)
    return note


def published(made: Converted) -> dict[str, list[tuple[int, int | None, str, tuple[str, ...]]]]:
    """What the world reaches of each service: port, outer port, protocol, host names."""
    return {
        name: [
            (each["port"], each.get("as"), each.get("proto", "TCP"), tuple(each.get("accept", ())))
            for each in service.get("expose", ())
            if {"global": True} in each["to"]
        ]
        for name, service in services(made).items()
    }


__all__ = ["convert", "extend", "left_out", "noted", "published", "resources", "services", "why"]
