"""The command that starts akash-mcp tomorrow as well: after an update, with its caches cleared, from anywhere.

A host application and a unit of the system have another PATH and working folder than a shell, so it is absolute. How
this process was installed decides the rest:

- `pip install`, in a virtual environment, for the user or for all: the script that was installed.
- `uv tool install`, `pipx install`: the script that they put into a folder for programs. The environment behind it
  belongs to the tool, which may make it anew.
- `uvx`, `pipx run`: the tool itself, told to run akash-mcp. The environment is in a cache, and will be gone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from akash_mcp.errors import BadSettings

NAME = "akash-mcp"


def lasting_command() -> tuple[str, ...]:
    """The program and its first arguments, behind which a command such as `serve` goes.

    Raises `BadSettings` where akash-mcp is not installed in a way that lasts.
    """
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        raise _not_installed() from None
    return command_of(installed, Path(sys.prefix), os.environ)


def command_of(installed: Distribution, prefix: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command of what is `installed` in the environment at `prefix`. Raises `BadSettings`."""
    if (prefix / "uv-receipt.toml").exists():
        return _startable(_shim_of_uv(prefix / "uv-receipt.toml"))
    if (prefix / "pipx_metadata.json").exists():
        shim = _shim_of_pipx(prefix, environ)
        if shim is not None:
            return _startable(shim)
        return (*_startable(_program("pipx")), "run", *_source(installed, "--spec"), NAME)
    if _is_uvs_cache(prefix):
        return (*_uvx(environ), *_source(installed, "--from"), NAME)
    return _startable(_script(installed))


def _script(installed: Distribution) -> Path:
    """The script that the installer wrote, by the record that it keeps."""
    for file in installed.files or ():
        if file.name in (NAME, f"{NAME}.exe"):
            script = Path(os.path.normpath(str(installed.locate_file(file))))
            if script.exists():
                return script
    raise _not_installed()


def _shim_of_uv(receipt: Path) -> Path:
    """Where `uv tool install` put the script, as it notes for itself."""
    try:
        points = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["entrypoints"]
        for point in points:
            if point["name"] in (NAME, f"{NAME}.exe") and Path(point["install-path"]).exists():
                return Path(point["install-path"])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise _not_installed() from error
    raise _not_installed()


def _shim_of_pipx(prefix: Path, environ: Mapping[str, str]) -> Path | None:
    """Where `pipx install` put the script. None in an environment of `pipx run`, which puts none anywhere."""
    script = prefix / ("Scripts" if sys.platform == "win32" else "bin") / _file_name(NAME)
    folders = (environ.get("PIPX_BIN_DIR"), environ.get("PIPX_GLOBAL_BIN_DIR"), *_BINS)
    for folder in filter(None, folders):
        shim = Path(folder).expanduser() / _file_name(NAME)
        if shim.exists() and (shim.resolve() == script.resolve() or sys.platform == "win32"):
            return shim  # on Windows a copy: links need a right that most users lack
    return script if prefix.parent.name == "venvs" and script.exists() else None


_BINS = ("~/.local/bin", "/usr/local/bin")


def _is_uvs_cache(prefix: Path) -> bool:
    """Whether uv made this environment for one run, in its cache."""
    try:
        made_by_uv = "uv = " in (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    return made_by_uv and any(
        part.startswith(("archive-v", "environments-v", "builds-v")) for part in prefix.parts
    )


def _uvx(environ: Mapping[str, str]) -> tuple[str, ...]:
    found = shutil.which("uvx")
    if found is not None:
        return _startable(Path(found).absolute())
    beside = Path(environ.get("UV", "")).with_name(_file_name("uvx")) if environ.get("UV") else None
    if beside is not None and beside.exists():
        return _startable(beside)
    return (*_startable(_program("uv")), "tool", "run")


def _source(installed: Distribution, flag: str) -> tuple[str, ...]:
    """What it was installed from, where that was no index: a folder, a wheel or a repository (PEP 610)."""
    written = installed.read_text("direct_url.json")
    if not written:
        return ()
    origin = json.loads(written)
    url = str(origin["url"])
    repository = origin.get("vcs_info")
    if repository is None:
        return (flag, url)
    revision = repository.get("requested_revision")
    return (flag, f"{repository['vcs']}+{url}{f'@{revision}' if revision else ''}")


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise BadSettings(
            f"akash-mcp runs out of a cache of {name}, and there is no {name} on the PATH to start it again.",
            next_step="Install it to stay: uv tool install akash-mcp, or pipx install akash-mcp.",
            money="",
        )
    return Path(found).absolute()


def _startable(program: Path) -> tuple[str, ...]:
    """The program; on Windows a script of the command interpreter through that, since it cannot be started alone."""
    if program.suffix.lower() in (".cmd", ".bat"):
        return ("cmd", "/c", str(program))
    return (str(program),)


def _file_name(program: str) -> str:
    return f"{program}.exe" if sys.platform == "win32" else program


def _not_installed() -> BadSettings:
    return BadSettings(
        "akash-mcp is not installed here as a program that a host could start.",
        next_step="Install it with uv tool install, pipx install or pip install, and run this again.",
        money="",
    )
