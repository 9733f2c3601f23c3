"""What keeps `akash-mcp watch` running on each system: a systemd user unit, a launchd agent or a scheduled task.

Each is one file of text and the commands that make the system take it up and let it go. None holds a key: what the
watch needs of the environment is in a file of its own (`environment_file`), which the systems that know no such thing
read by way of `/bin/sh`. Paths may hold spaces and whatever else a file name can: each format has its own quotes.
"""

from __future__ import annotations

import getpass
import os
import plistlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import platformdirs

from akash_mcp.errors import BadSettings

NAME = "akash-mcp-watch"
MARK = "Written by akash-mcp watch (install), which removes it as well (uninstall)."
"""What each file holds that is ours. Without two dashes in a row, which no comment in XML may have."""

_RESTART_SECONDS = 60
_GOODBYE_SECONDS = 60
"""How long it gets to end: a request that is on the wire takes up to 40 s."""

_FROM_FILE = 'set -a; . "$0"; exec "$@"'
"""For `/bin/sh -c`, before the file of the environment and the command."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the system. Where `may_fail`, there may be nothing for it to do."""

    argv: tuple[str, ...]
    may_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The file that makes a system run the watch, and how the system takes it up and lets it go."""

    title: str
    file: Path
    text: str
    encoding: Literal["utf-8", "utf-16"] = "utf-8"
    start: tuple[Step, ...]
    stop: tuple[Step, ...]
    after: tuple[Step, ...] = ()
    """What comes when the file is gone."""
    how: tuple[str, ...]
    """Sentences: how it is looked after."""
    log: Path | None = None
    """The file that it logs to, where that is one of its own."""


def unit_of(platform: str, argv: tuple[str, ...], env_file: Path | None, environ: Mapping[str, str]) -> Unit:
    """The unit that runs `argv` on a platform (`sys.platform`), with the variables of `env_file`.

    Raises `BadSettings` for a path that the platform's format cannot hold.
    """
    if any(ord(char) < 32 or ord(char) == 127 for path in (*argv, str(env_file)) for char in path):
        raise BadSettings("A path with control characters cannot be written into a unit.", money="")
    if platform == "win32":
        return _scheduled_task(argv, environ)
    return _launch_agent(argv, env_file) if platform == "darwin" else _systemd(argv, env_file, environ)


def environment_file(variables: Mapping[str, str]) -> str:
    """Variables as lines that systemd (`EnvironmentFile=`) and a POSIX shell (`.`) read alike.

    Both take a value in double quotes, in which a backslash stands before `"`, `\\`, `$` and a backtick.
    """
    lines = [f"# {MARK}"]
    for name, value in sorted(variables.items()):
        if not value.isprintable():
            raise BadSettings(f"{name} holds a line end or another control character.", money="")
        lines.append(f'{name}="{_escaped(value)}"')
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return re.sub(r'(["\\$`])', r"\\\1", value)


# ── systemd ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _systemd(argv: tuple[str, ...], env_file: Path | None, environ: Mapping[str, str]) -> Unit:
    config = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    unit = f"{NAME}.service"
    environment = f"EnvironmentFile={_globbed(env_file)}\n" if env_file else ""
    text = f"""\
# {MARK}
[Unit]
Description=Closes Akash deployments at their end (akash-mcp watch)
StartLimitIntervalSec=0

[Service]
ExecStart={_exec_start(argv)}
{environment}Restart=always
RestartSec={_RESTART_SECONDS}
TimeoutStopSec={_GOODBYE_SECONDS}

[Install]
WantedBy=default.target
"""
    systemctl = ("systemctl", "--user")
    reload = Step((*systemctl, "daemon-reload"))
    return Unit(
        title="a systemd user unit",
        file=config / "systemd" / "user" / unit,
        text=text,
        # Restarted: where it runs already, it runs with what was written before.
        start=(reload, Step((*systemctl, "enable", unit)), Step((*systemctl, "restart", unit))),
        stop=(Step((*systemctl, "disable", "--now", unit)),),
        after=(reload,),
        how=(
            f"How it is doing: systemctl --user status {NAME}. Its log: journalctl --user -u {NAME}.",
            "It ends when you log out, unless you run loginctl enable-linger.",
        ),
    )


def _exec_start(argv: tuple[str, ...]) -> str:
    # systemd.service(5): words in double quotes take C escapes, % begins a specifier, and past the program $ begins a
    # variable. The program itself may hold no quote and no backslash, however it is written.
    program, *words = ("/bin/sh", "-c", 'exec "$@"', "sh", *argv) if set(argv[0]) & set("\"'\\") else argv
    return " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in words)])


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def _globbed(path: Path) -> str:
    # systemd.exec(5): a file of the environment is not a word but a pattern, taken up to the end of its line.
    return re.sub(r"([\\*?\[{])", r"\\\1", str(path)).replace("%", "%%")


# ── launchd ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _launch_agent(argv: tuple[str, ...], env_file: Path | None) -> Unit:
    log = Path.home() / "Library" / "Logs" / f"{NAME}.log"
    file = Path.home() / "Library" / "LaunchAgents" / f"{NAME}.plist"
    domain = f"gui/{os.getuid()}"
    agent = {
        "Label": NAME,
        "ProgramArguments": ["/bin/sh", "-c", _FROM_FILE, str(env_file), *argv] if env_file else [*argv],
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": _RESTART_SECONDS,
        "ExitTimeOut": _GOODBYE_SECONDS,
        "ProcessType": "Background",
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
        "Umask": 0o077,
    }
    text = plistlib.dumps(agent, sort_keys=False).decode().replace("<plist", f"<!-- {MARK} -->\n<plist", 1)
    stop = ("launchctl", "bootout", f"{domain}/{NAME}")
    return Unit(
        title="a launchd agent",
        file=file,
        text=text,
        # What runs already runs with what was written before.
        start=(Step(stop, may_fail=True), Step(("launchctl", "bootstrap", domain, str(file)))),
        stop=(Step(stop, may_fail=True),),
        how=(
            f"How it is doing: launchctl print {domain}/{NAME}. Its log: {log}.",
            "It ends when you log out.",
        ),
        log=log,
    )


# ── Windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _scheduled_task(argv: tuple[str, ...], environ: Mapping[str, str]) -> Unit:
    folder = platformdirs.user_config_path("akash-mcp", appauthor=False)
    log = platformdirs.user_log_path("akash-mcp", appauthor=False) / "watch.log"
    if "%" in f"{argv[0]}{log}":
        raise BadSettings("A path with % in it cannot be written into a scheduled task.", money="")
    user = "\\".join(filter(None, (environ.get("USERDOMAIN"), getpass.getuser())))
    # /s: cmd.exe takes off the outermost quotes, and nothing but % means anything inside the others.
    line = f'/d /s /c "{" ".join(_cmd_word(word) for word in argv)} 2>>"{log}""'
    text = f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{escape(MARK)}</Description></RegistrationInfo>
  <Triggers>
    <LogonTrigger><Enabled>true</Enabled><UserId>{escape(user)}</UserId></LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{escape(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT{_RESTART_SECONDS // 60}M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>cmd.exe</Command><Arguments>{escape(line)}</Arguments></Exec>
  </Actions>
</Task>
"""
    file = folder / f"{NAME}.xml"
    return Unit(
        title="a scheduled task",
        file=file,
        text=text,
        encoding="utf-16",
        start=(
            Step(("schtasks", "/Create", "/TN", NAME, "/XML", str(file), "/F")),
            Step(("schtasks", "/Run", "/TN", NAME)),
        ),
        stop=(
            Step(("schtasks", "/End", "/TN", NAME), may_fail=True),
            Step(("schtasks", "/Delete", "/TN", NAME, "/F"), may_fail=True),
        ),
        how=(
            f"How it is doing: schtasks /Query /TN {NAME} /V /FO LIST. Its log: {log}.",
            "It ends when you log out.",
        ),
        log=log,
    )


def _cmd_word(word: str) -> str:
    return f'"{word}"' if re.search(r"[^\w./:\\-]", word) else word
