"""Proves that what `akash-mcp install` writes lasts, in each way that akash-mcp can be installed.

    .venv/bin/python scripts/install_forms.py [--only NAME] [--uv PATH] [--pipx PATH]

For each way: a wheel of this checkout is installed in a throw-away home, writes an entry for Claude Desktop, is updated
or loses its caches, and then is started as that host starts it: with a near-empty environment, in another folder. It
has to answer `initialize`. Needs an index of packages, uv and pipx; several minutes and a gigabyte of disk meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "install_forms", "version": "1"},
    },
}
NETWORK = {
    name: value
    for name, value in os.environ.items()
    if name.startswith(
        ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "PIP_INDEX", "PIP_CERT")
    )
    or name.upper() in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
}
"""How this machine reaches an index: uvx and pipx run load packages anew when the host starts them."""


@dataclass(frozen=True)
class Place:
    """Where one way is tried: its home, the wheel, and the tools."""

    home: Path
    wheel: Path
    uv: str
    pipx: str

    def run(self, *words: str | Path) -> str:
        """Run a program in that home; raises with what it said where it fails."""
        # Only the tools are on the PATH, so that no other akash-mcp of this machine is found.
        tools = os.pathsep.join({str(Path(tool).parent) for tool in (self.uv, self.pipx)})
        environ = {"HOME": str(self.home), "PATH": f"{tools}{os.pathsep}{os.defpath}", **NETWORK}
        environ["PIP_CACHE_DIR"] = str(self.home.parent / "pip-cache")  # kept from one way to the next
        done = subprocess.run(
            [str(word) for word in words],
            env=environ,
            cwd=self.home,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed: {done.stderr.strip()[-500:]}")
        return done.stdout

    @property
    def base_python(self) -> Path:
        """Python outside of this virtual environment."""
        return Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


Way = Callable[[Place], Iterator[None]]
"""Installs, writes the entry up to its `yield`, and then does what an entry has to survive."""

WRITE = ("install", "claude-desktop", "--write")


def venv(at: Place) -> Iterator[None]:
    folder = at.home / "venv"
    at.run(at.base_python, "-m", "venv", folder)
    at.run(folder / "bin" / "pip", "install", "--quiet", at.wheel)
    at.run(folder / "bin" / "akash-mcp", *WRITE)
    yield
    at.run(folder / "bin" / "pip", "install", "--quiet", "--force-reinstall", "--no-deps", at.wheel)


def user(at: Place) -> Iterator[None]:
    pip = (at.base_python, "-m", "pip", "install", "--quiet", "--user", "--break-system-packages")
    at.run(*pip, at.wheel)
    at.run(at.home / ".local" / "bin" / "akash-mcp", *WRITE)
    yield
    at.run(*pip, "--force-reinstall", "--no-deps", at.wheel)


def pipx(at: Place) -> Iterator[None]:
    at.run(at.pipx, "install", at.wheel)
    at.run(at.home / ".local" / "bin" / "akash-mcp", *WRITE)
    yield
    at.run(at.pipx, "reinstall", "akash-mcp")


def pipx_run(at: Place) -> Iterator[None]:
    at.run(at.pipx, "run", "--spec", at.wheel, "akash-mcp", *WRITE)
    yield
    shutil.rmtree(at.home / ".cache")


def uv_tool(at: Place) -> Iterator[None]:
    at.run(at.uv, "tool", "install", "--quiet", at.wheel)
    at.run(at.home / ".local" / "bin" / "akash-mcp", *WRITE)
    yield
    shutil.rmtree(at.home / ".cache")
    shutil.rmtree(at.home / ".local" / "share" / "uv" / "tools")
    at.run(at.uv, "tool", "install", "--quiet", "--force", at.wheel)


def uvx(at: Place) -> Iterator[None]:
    at.run(Path(at.uv).with_name("uvx"), "--quiet", "--from", at.wheel, "akash-mcp", *WRITE)
    yield
    shutil.rmtree(at.home / ".cache")


WAYS: dict[str, tuple[str, Way]] = {
    "pip, in a venv": ("installed again", venv),
    "pip --user": ("installed again", user),
    "pipx": ("pipx reinstall", pipx),
    "pipx run": ("cache deleted", pipx_run),
    "uv tool": ("tool and cache deleted, installed again", uv_tool),
    "uvx": ("cache deleted", uvx),
}


def tried(way: Way, at: Place) -> tuple[str, str]:
    """The command that was written, and how it answered."""
    steps = way(at)
    next(steps)
    written = json.loads((at.home / ".config" / "Claude" / "claude_desktop_config.json").read_text())
    entry = written["mcpServers"]["akash"]
    argv = [entry["command"], *entry["args"]]
    next(steps, None)
    began = time.monotonic()
    done = subprocess.run(
        argv,
        input=json.dumps(HELLO) + "\n",
        env={"HOME": str(at.home), "PATH": "/usr/bin:/bin", **NETWORK},
        cwd="/",
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )
    took = time.monotonic() - began
    try:
        name = json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"]
        answer = f"{name} answered; it ran {took:.1f} s"
    except (LookupError, ValueError):
        answer = f"NO ANSWER: {done.stderr.strip()[-300:]}"
    return " ".join(argv).replace(str(at.home), "~").replace(str(at.wheel.parent), "…"), answer


def main() -> int:
    """Print a row for each way; 1 where one did not answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=WAYS)
    parser.add_argument("--uv", default=shutil.which("uv"))
    parser.add_argument("--pipx", default=shutil.which("pipx"))
    given = parser.parse_args()
    if not (given.uv and given.pipx):
        parser.error("uv and pipx are needed: name them with --uv and --pipx")
    failed = False
    with tempfile.TemporaryDirectory(prefix="install-forms-") as name:
        folder = Path(name)
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
        subprocess.run([str(word) for word in build], check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        print("| installed by | what is written | then | started by a host |\n|---|---|---|---|")
        for title, (survived, way) in WAYS.items():
            if given.only in (None, title):
                home = folder / title.replace(" ", "-").replace(",", "")
                home.mkdir()
                command, answer = tried(way, Place(home, wheel, given.uv, given.pipx))
                failed = failed or answer.startswith("NO")
                print(f"| {title} | `{command}` | {survived} | {answer} |", flush=True)
                shutil.rmtree(home)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
