"""Install and run the package in every way that README.md names, from what a release would upload.

    python scripts/check_packages.py               # `make packages` is the same; it needs PyPI or a mirror of it

Each way gets a home and a cache of its own, which are thrown away, so that the first figure is what somebody waits who
has nothing yet. It builds dist/ anew.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from manifests import project
from release_tools import TOP, Failed, Missing, bare_environment, megabytes, program, run, tools_of
from tool_reference import DEFAULT_TOOLS

DIST = TOP / "dist"


def build() -> Path:
    """Build wheel and source distribution as a release does, and check what PyPI would show. Returns the wheel."""
    for old in (*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")):
        old.unlink()
    run([sys.executable, "-m", "build", "--outdir", DIST])
    built = [*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")]
    run([program("twine"), "check", "--strict", *built])
    for path in built:
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, its page renders")
    return built[0]


def by_uvx(wheel: Path, home: Path) -> list[str | Path]:
    """`uvx akash-mcp`: nothing is installed that stays."""
    return [program("uvx"), "--from", wheel, "akash-mcp"]


def by_pipx_run(wheel: Path, home: Path) -> list[str | Path]:
    """`pipx run akash-mcp`."""
    return [program("pipx"), "run", "--spec", wheel, "akash-mcp"]


def by_uv_tool(wheel: Path, home: Path) -> list[str | Path]:
    """`uv tool install akash-mcp`."""
    run([program("uv"), "tool", "install", wheel], env=bare_environment(home), cwd=home)
    return [home / ".local" / "bin" / "akash-mcp"]


def by_pip(wheel: Path, home: Path) -> list[str | Path]:
    """`pip install akash-mcp` in a virtual environment."""
    run([sys.executable, "-m", "venv", home / "venv"])
    run(
        [home / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", wheel],
        env=bare_environment(home),
    )
    return [home / "venv" / "bin" / "akash-mcp"]


WAYS: dict[str, Callable[[Path, Path], list[str | Path]]] = {
    "uvx": by_uvx,
    "pipx run": by_pipx_run,
    "uv tool install": by_uv_tool,
    "pip install": by_pip,
}


def check_way(name: str, wheel: Path) -> None:
    """Run `--version` with nothing there and again, and serve a client. Raises `Failed`."""
    with tempfile.TemporaryDirectory(prefix="akash-mcp-packages-") as folder:
        home = Path(folder)
        environ = bare_environment(home)
        began = time.monotonic()
        words = [str(word) for word in WAYS[name](wheel, home)]
        said = run([*words, "--version"], env=environ, cwd=home).strip()
        first = time.monotonic() - began
        if said != f"akash-mcp {project().version}":
            raise Failed(f"By {name}, --version said {said!r}.")
        began = time.monotonic()
        run([*words, "--version"], env=environ, cwd=home)
        again = time.monotonic() - began
        count, listed = tools_of(words[0], words[1:], environ, home)
        if count != len(DEFAULT_TOOLS):
            raise Failed(f"By {name} it has {count} tools instead of {len(DEFAULT_TOOLS)}.")
        print(
            f"{name}: {first:.1f} s with nothing there, {again:.1f} s again, its tools after {listed:.1f} s"
        )


def sizes(wheel: Path) -> None:
    """Print the size of an environment with the package, beside one with only `mcp`."""
    with tempfile.TemporaryDirectory(prefix="akash-mcp-packages-") as folder:
        for name, wanted in (("mcp", "mcp>=2.3,<2.4"), ("akash-mcp", str(wheel))):
            place = Path(folder) / name
            run([program("uv"), "venv", "--quiet", "--python", sys.executable, place])
            run([program("uv"), "pip", "install", "--quiet", "--python", place / "bin" / "python", wanted])
            print(f"an environment with {name}: {megabytes(place):.0f} MB")


def main() -> int:
    """Build, and try every way."""
    try:
        wheel = build()
        for name in WAYS:
            check_way(name, wheel)
        sizes(wheel)
    except (Failed, Missing) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
