"""The machine whose hosts are configured: its system, its person's home and what their shell has set.

A value, so that where a host looks on macOS and Windows is tested on Linux.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """`platform` as `sys.platform` has it; `project` is the folder that `--scope project` means."""

    platform: str
    home: Path
    environ: Mapping[str, str]
    project: Path

    @classmethod
    def here(cls) -> Machine:
        """This one."""
        return cls(sys.platform, Path.home(), os.environ, Path.cwd())

    def named(self, variable: str, otherwise: Path) -> Path:
        """The folder or file that a variable names, else another."""
        value = self.environ.get(variable, "").strip()
        if value.startswith("~"):
            return self.home / value[1:].lstrip("/\\")
        return Path(value) if value else otherwise

    @property
    def xdg_config(self) -> Path:
        """Where programs from Unix keep settings: `~/.config`, also on macOS, unless XDG_CONFIG_HOME says so."""
        return self.named("XDG_CONFIG_HOME", self.home / ".config")

    @property
    def roaming(self) -> Path:
        """%APPDATA% of Windows."""
        return self.named("APPDATA", self.home / "AppData" / "Roaming")

    @property
    def local(self) -> Path:
        """%LOCALAPPDATA% of Windows."""
        return self.named("LOCALAPPDATA", self.home / "AppData" / "Local")

    @property
    def applications(self) -> Path:
        """Where desktop applications keep settings, each in a folder of its own."""
        if self.platform == "win32":
            return self.roaming
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self.xdg_config


def first_there(*candidates: Path) -> Path:
    """The first that exists, else the last: where a host looks in several places, what is there wins."""
    return next((path for path in candidates if path.exists()), candidates[-1])
