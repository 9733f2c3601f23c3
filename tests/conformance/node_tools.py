"""The programs of others, in Node: the official conformance suite and Inspector, of exact versions, in `.node/`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".node"
PACKAGES = {
    "node": "22.23.3",
    "@modelcontextprotocol/conformance": "0.2.0-alpha.12",
    "@modelcontextprotocol/inspector": "2.12.0",
}
_INSTALL_SECONDS = 600


class NoNodeTools(Exception):
    """They are not here, and npm cannot get them."""


@dataclass(frozen=True, slots=True)
class NodeTools:
    """Where they are installed."""

    place: Path

    @property
    def node(self) -> str:
        """The interpreter."""
        return str(self._modules / "node/bin/node")

    def suite(self, *arguments: str) -> list[str]:
        """A command line of the official suite."""
        return [self.node, str(self._modules / "@modelcontextprotocol/conformance/dist/index.js"), *arguments]

    def inspector(self, *arguments: str) -> list[str]:
        """A command line of Inspector, without its window."""
        launcher = self._modules / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        return [self.node, str(launcher), "--cli", *arguments]

    @property
    def _modules(self) -> Path:
        return self.place / "node_modules"


def installed(place: Path = PLACE) -> NodeTools | None:
    """The tools, where exactly these versions are there."""
    modules = place / "node_modules"
    for name, version in PACKAGES.items():
        described = modules / name / "package.json"
        if not described.exists() or json.loads(described.read_text("utf-8"))["version"] != version:
            return None
    return NodeTools(place) if (modules / "node/bin/node").exists() else None


def install(place: Path = PLACE) -> NodeTools:
    """The tools, installed where they are not. Raises `NoNodeTools` with npm's own words."""
    there = installed(place)
    if there is not None:
        return there
    npm = shutil.which("npm")
    if npm is None:
        raise NoNodeTools("npm is not installed")
    place.mkdir(exist_ok=True)
    # Without one of its own, npm would install beside the nearest one above.
    (place / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    done = subprocess.run(
        [
            npm,
            "install",
            "--no-package-lock",
            "--no-save",
            *_quiet(),
            *(f"{n}@{v}" for n, v in PACKAGES.items()),
        ],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    there = installed(place)
    if done.returncode or there is None:
        raise NoNodeTools(f"npm ended with {done.returncode}: {done.stdout.strip()[-2000:]}")
    return there


def run(command: Sequence[str], home: Path, *, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """What one of the tools printed, with a home of its own: Inspector writes there."""
    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def _quiet() -> tuple[str, ...]:
    return ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
