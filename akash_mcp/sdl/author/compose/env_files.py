"""`env_file`: variables of a service that stand in files of the machine that runs Compose.

They are read only where the caller has a reader for them, since a compose file could name any file of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from akash_mcp.sdl.author.compose.env_text import read_env_text
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

EnvFileReader: TypeAlias = Callable[[str], str | None]
"""The text of a file by the path that a compose file has for it, None where there is none. Raises `AkashError` for one
that it does not read."""


def read_env_files(
    file: ComposeFile, service: str, fields: Fields, reader: EnvFileReader | None
) -> dict[str, str]:
    """The variables of a service's `env_file`, where the later of two files wins.

    Without a `reader` each file is listed: as a protection that is lost, unless the service can do without it.
    """
    value, at = fields.take("env_file"), fields.at("env_file")
    found: dict[str, str] = {}
    for item, path in [(value, at)] if isinstance(value, str | dict) else file.items(value, at):
        try:
            name, required, raw = _entry(file, service, item, path)
        except Unresolved as missing:
            file.unresolved(service, path, missing)
            continue
        if reader is None:
            file.leave_out(
                service,
                f"env_file: {name[:60]}",
                "files of your machine do not travel to a provider",
                "write its lines under environment, or import with --read-env-files",
                protects="env_file" if required else "",
            )
        elif (text := reader(name)) is not None:
            found |= read_env_text(text, name[:60], file.variables.given, unset=file.variables.unset, raw=raw)
        elif required:
            raise file.bad(path, f"names a file that is not there: {name[:60]}")
    file.variables.hide(found)
    return found


def _entry(file: ComposeFile, service: str, item: Value, path: Path) -> tuple[str, bool, bool]:
    """The path of a file, whether the service needs it, and whether its values are raw."""
    if not isinstance(item, dict):
        return file.text(item, path), True, False
    fields = file.fields(item, path, service)
    name, required, form = fields.text("path"), fields.text("required", "true"), fields.text("format")
    fields.leave_out_rest()
    return name, required.lower() != "false", form == "raw"
