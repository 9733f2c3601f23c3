"""A host's file: read as it is, and written whole or not at all, with a copy of what it was."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from akash_mcp.cli.hosts.formats import Change, Name, Tree, Unmergeable, edited, format_named
from akash_mcp.cli.whole_file import write_whole
from akash_mcp.errors import BadSettings

_BOM = "\ufeff"
_TOO_DEEP = Unmergeable("it is nested too deeply, or holds itself")


@dataclass(frozen=True, slots=True)
class HostFile:
    """What stands in a host's file. `path` is where the person has it, be that a link."""

    path: Path
    text: str
    format: Name
    tree: Tree

    def with_changes(self, changes: Sequence[Change]) -> str:
        """The text with the changes. Raises `BadSettings` where they cannot be made alone."""
        try:
            return self._bom + edited(format_named(self.format), self.text.removeprefix(_BOM), changes)
        except Unmergeable as error:
            raise cannot_edit(self.path, error) from error
        except RecursionError as error:
            raise cannot_edit(self.path, _TOO_DEEP) from error

    def write(self, text: str) -> str:
        """Write the text, and return the name of the copy of what was there, or nothing where nothing was.

        Raises `BadSettings` where that fails, or the host has written the file meanwhile: it is then what it was.
        """
        if read(self.path, self.format).text != self.text:
            raise BadSettings(
                f"{self.path} was changed by another program just now. Nothing was written.",
                next_step="Run this again.",
                money="",
            )
        real = self.path.resolve()  # a link stays one
        backup = ""
        try:
            real.parent.mkdir(parents=True, exist_ok=True)
            if self.text:
                backup = f"{real.name}.{datetime.now().astimezone():%Y%m%dT%H%M%S%f}.bak"
                shutil.copy2(real, real.with_name(backup))
            write_whole(real, text)
        except OSError as error:
            raise BadSettings(
                f"{self.path} cannot be changed: {error.strerror}. It is as it was.", money=""
            ) from error
        return backup

    @property
    def _bom(self) -> str:
        return _BOM if self.text.startswith(_BOM) else ""


def read(path: Path, format: Name) -> HostFile:
    """The file, or an empty one where there is none. Raises `BadSettings` where it cannot be read or taken."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError as error:
        raise cannot_edit(path, Unmergeable("it is not UTF-8")) from error
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}.", money="") from error
    try:
        return HostFile(path, text, format, format_named(format).parse(text.removeprefix(_BOM)))
    except Unmergeable as error:
        raise cannot_edit(path, error) from error
    except RecursionError as error:  # of the readers of TOML and YAML
        raise cannot_edit(path, _TOO_DEEP) from error


def cannot_edit(path: Path, error: Unmergeable) -> BadSettings:
    """What is wrong with a file, where, and what to do about it."""
    where = f"{path}, line {error.line}" if error.line else str(path)
    return BadSettings(
        f"{where}: {error.why}. Nothing was written.",
        next_step="Fix that and run this again, or run it without --write and merge by hand what it shows.",
        money="",
    )
