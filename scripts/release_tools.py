"""What the scripts around a release share: where programs are, how they are run, and a host that meets the server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

TOP = Path(__file__).parent.parent
NODE = TOP / ".node" / "node_modules"
_SEARCHED = os.pathsep.join(
    [str(Path(sys.executable).parent), str(NODE / ".bin"), os.environ.get("PATH", "")]
)


class Missing(Exception):
    """A program is not there. Its text says how to get it."""


class Failed(Exception):
    """A step went wrong. Its text is what a person needs to see of it."""


def program(name: str) -> str:
    """The path of a program: of this environment, of .node, or of the PATH."""
    found = shutil.which(name, path=_SEARCHED)
    if found is None:
        raise Missing(
            f"{name} is not here: run `make .node/.installed` for node's, or pip install '.[release]'."
        )
    return found


def bare_environment(home: Path, **more: str) -> dict[str, str]:
    """What a host application with a window gives to a server: hardly anything, and here a home that is thrown away.

    How packages are reached stays as it is on this machine: mirrors, certificates and proxies.
    """
    reach = ("PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy")
    kept = {name: value for name, value in os.environ.items() if name.startswith(reach)}
    return {**kept, "PATH": _SEARCHED, "HOME": str(home), **more}


def run(words: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = TOP) -> str:
    """Run a program and return what it printed. Raises `Failed` with its words where it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=env,
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def megabytes(folder: Path) -> float:
    """The size of a folder's files in 10^6 bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def tools_of(command: str, args: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[int, float]:
    """Start a server as a host does and list its tools: how many there are, and the seconds until they were told."""

    async def ask() -> int:
        server = StdioServerParameters(command=command, args=list(args), env=dict(env), cwd=cwd)
        async with Client(server) as client:
            return len((await client.list_tools()).tools)

    began = time.monotonic()
    count = anyio.run(ask)
    return count, time.monotonic() - began
