"""`akash-mcp watch --install`: have this system keep the watch running; `--uninstall` takes back what that wrote.

The watch has to know what the servers know: the key, and which ledger. What of this is in the configuration file it
reads there. What is in this shell's environment only is written into a file beside that one, readable by its owner
alone (0600); a key never stands in a unit, which others may read. Nothing is written where it could not run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from akash_mcp import config
from akash_mcp.cli.lasting_command import lasting_command
from akash_mcp.cli.watch_units import MARK, Step, Unit, environment_file, unit_of
from akash_mcp.cli.whole_file import write_whole
from akash_mcp.clients.proxies import PROXY_VARIABLES
from akash_mcp.config import Settings
from akash_mcp.errors import BadSettings
from akash_mcp.guard.private_files import who_else_can_write
from akash_mcp.key_sources import has_key
from akash_mcp.sanitize.text import one_line

CRON_MINUTES = 5
"""Minutes between two looks where cron starts the watch, and nobody said."""

_SURROUNDINGS = (
    *("XDG_CONFIG_HOME", "XDG_STATE_HOME", "PYTHON_KEYRING_BACKEND"),
    *(spelled for name in PROXY_VARIABLES for spelled in (name, name.upper())),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""Variables that decide where the configuration file, the ledger and the key are, and how the Console is reached."""

_STEP_SECONDS = 60


def install(
    *,
    every: int | None = None,
    only_print: bool = False,
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Write the unit of this system and start it, or with `only_print` show it. Returns 0.

    `every` is in minutes and goes to the watch. Raises `BadSettings` for wrong settings, without a key, where the
    system has nothing that could keep it running (with what to do instead), and for a file that is not ours.
    """
    settings = config.load(environ=environ)
    if not has_key(settings):
        raise BadSettings(
            "There is no Console API key, so the watch could close nothing.",
            next_step=f"Run akash-mcp login, or put api_key into {config.default_config_file()} (chmod 600), and run "
            "this again.",
            money="",
        )
    command = lasting_command()
    argv = (*command, "watch", *(("--every", str(every)) if every else ()))
    variables = {} if platform == "win32" else _variables(environ)
    env_file = _env_file() if variables else None
    unit = unit_of(platform, argv, env_file, environ)
    environment = environment_file(variables)
    if only_print:
        sys.stdout.write(unit.text)
        kept = f" {_listed(variables)} would go into {env_file}, readable by you alone." if env_file else ""
        sys.stderr.write(f"This is {unit.title}, for {unit.file}.{kept}\n")
        return 0
    if platform not in ("win32", "darwin"):
        _check_systemd(command, every or CRON_MINUTES, variables)
    for file, encoding in ((unit.file, unit.encoding), (_env_file(), "utf-8")):
        _check_ours(file, encoding)
    if unit.log is not None:
        _make(unit.log.parent)
    if env_file is not None:
        _write(env_file, environment, "utf-8", mode=0o600)
    else:
        _remove(_env_file())  # of an installation that needed one
    _write(unit.file, unit.text, unit.encoding)
    for step in unit.start:
        _take(step)
    sys.stdout.writelines(f"{line}\n" for line in _done(unit, settings, variables, platform, environ))
    return 0


def uninstall(*, platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> int:
    """Stop the watch that `install` set up and remove the files that it wrote, and no others. Returns 0.

    Raises `BadSettings` where a file of that name is not ours. What the system refuses is said, and the files go.
    """
    unit = unit_of(platform, ("akash-mcp", "watch"), None, environ)
    written = [
        (file, encoding)
        for file, encoding in ((unit.file, unit.encoding), (_env_file(), "utf-8"))
        if file.exists()
    ]
    if not written:
        sys.stdout.write(f"The watch is not installed: there is no {unit.file}. Nothing changed.\n")
        return 0
    for file, encoding in written:
        _check_ours(file, encoding)
    stopped = [_did(step) for step in unit.stop]
    for file, _ in written:
        _remove(file)
    for step in unit.after:
        _did(step)
    still = "" if all(stopped) else " It may still run until you log out."
    sys.stdout.write(
        f"The watch is uninstalled. Removed: {', '.join(str(file) for file, _ in written)}.{still}\n"
    )
    if unit.log is not None and unit.log.exists():
        sys.stdout.write(f"Its log is still there: {unit.log}.\n")
    return 0


def _env_file() -> Path:
    return config.default_config_file().with_name("watch.env")


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the environment decides what the watch does: our settings, where our files are, and not what only a
    server needs."""
    settings = [
        name for field in Settings.model_fields if field != "token" for name in config.variables_of(field)
    ]
    found = {
        name: environ[name].strip() for name in (*settings, *_SURROUNDINGS) if environ.get(name, "").strip()
    }
    named = environ.get(config.CONFIG_VARIABLE, "").strip()
    if named:
        found[config.CONFIG_VARIABLE] = str(Path(named).expanduser().absolute())
    return found


def _check_systemd(command: Sequence[str], every: int, variables: Mapping[str, str]) -> None:
    """Raise `BadSettings`, which shows a line for cron, unless systemd runs a session of this user."""
    if shutil.which("systemctl") is None:
        why = "this system has no systemd"
    elif _run(("systemctl", "--user", "show-environment")).returncode != 0:
        why = (
            "there is no systemd user session here, as in a container, in WSL without systemd, or under sudo"
        )
    else:
        return
    unseen = (
        f" Cron passes on nothing of this environment: put what {_listed(variables)} "
        f"{'say' if len(variables) > 1 else 'says'} into {config.default_config_file()} (chmod 600)."
        if variables
        else ""
    )
    line = f"*/{every} * * * * {shlex.join(command)} watch --once".replace("%", "\\%")
    raise BadSettings(
        f"The watch was not installed: {why}.",
        next_step=f"Where cron runs, add this line with crontab -e:\n\n{line}\n\nElse keep akash-mcp watch running "
        f"beside your server.{unseen}",
        money="",
    )


def _check_ours(file: Path, encoding: str) -> None:
    try:
        ours = MARK in file.read_text(encoding=encoding)
    except FileNotFoundError:
        return
    except UnicodeError:
        ours = False
    except OSError as error:
        raise BadSettings(f"{file} cannot be read: {error.strerror}.", money="") from error
    if not ours:
        raise BadSettings(
            f"{file} was not written by akash-mcp watch --install, so it was left as it is.",
            next_step="Move it away and run this again.",
            money="",
        )


def _write(file: Path, text: str, encoding: str, mode: int | None = None) -> None:
    try:
        _make(file.parent)
        exposed = who_else_can_write(file)
        if exposed is not None:
            raise BadSettings(
                f"Others could change what the watch does: {exposed}.",
                next_step=f"Run {exposed.fix}",
                money="",
            )
        if mode is not None and file.exists():
            file.chmod(mode)  # which the new one takes over
        write_whole(file, text, encoding)
    except OSError as error:
        raise BadSettings(f"{file} cannot be written: {error.strerror}.", money="") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"{folder} cannot be made: {error.strerror}.", money="") from error


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise BadSettings(f"{file} cannot be removed: {error.strerror}.", money="") from error


def _take(step: Step) -> None:
    done = _run(step.argv)
    if done.returncode and not step.may_fail:
        raise BadSettings(
            f"{_refusal(step, done)} The files are written, and the watch does not run.",
            next_step="Run this again when that is fixed, or take the files back with akash-mcp watch --uninstall.",
            money="",
        )


def _did(step: Step) -> bool:
    """Whether the system did it. What it refuses is said."""
    done = _run(step.argv)
    if done.returncode and not step.may_fail:
        sys.stderr.write(f"{_refusal(step, done)}\n")
        return False
    return True


def _run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=_STEP_SECONDS, check=False
        )
    except OSError as error:
        return subprocess.CompletedProcess(argv, 127, "", str(error.strerror))
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"it did not end within {_STEP_SECONDS} s")


def _refusal(step: Step, done: subprocess.CompletedProcess[str]) -> str:
    said = one_line(done.stderr or done.stdout or f"exit code {done.returncode}", limit=300)
    return f"{shlex.join(step.argv)} failed: {said.rstrip('.')}."


def _done(
    unit: Unit,
    settings: Settings,
    variables: Mapping[str, str],
    platform: str,
    environ: Mapping[str, str],
) -> list[str]:
    lines = [f"The watch was started, and will be at each login: {unit.file} is {unit.title}."]
    if variables:
        lines.append(f"{_listed(variables)} of this shell went into {_env_file()}, readable by you alone.")
    here = _variables(environ) if platform == "win32" else {}
    if here:
        lines.append(
            f"It sees {_listed(here)} only where Windows keeps them for you (setx); else put what they say into "
            f"{config.default_config_file()}."
        )
    return [
        *lines,
        f"It looks after the ledger in {settings.state_dir}: a server with another state_dir needs its own watch.",
        *unit.how,
        "To remove it: akash-mcp watch --uninstall.",
    ]


def _listed(variables: Mapping[str, str]) -> str:
    return ", ".join(sorted(variables))
