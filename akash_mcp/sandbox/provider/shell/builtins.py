"""The words that change the shell itself. Each gets the shell and its arguments, and returns its exit code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from akash_mcp.sandbox.provider.shell import printing
from akash_mcp.sandbox.provider.shell.control import (
    BreakLoop,
    ContinueLoop,
    ExitShell,
    ReturnFromFunction,
    ShellFailed,
)
from akash_mcp.sandbox.provider.shell.expansion import split_line
from akash_mcp.sandbox.provider.shell.files import FileFailed, UnknownFile, resolve
from akash_mcp.sandbox.provider.shell.process import NotPlayed
from akash_mcp.sandbox.provider.shell.streams import Sink, Source, Waiting, sink_of
from akash_mcp.sandbox.provider.shell.words import NAME

if TYPE_CHECKING:
    from akash_mcp.sandbox.provider.shell.machine import Shell

Builtin: TypeAlias = "Callable[[Shell, list[str]], int | Waiting[int]]"


def _number(words: list[str], otherwise: int) -> int:
    if not words:
        return otherwise
    if not re.fullmatch(r"[0-9]{1,9}", words[0]):
        raise ShellFailed(f"Illegal number: {words[0]}")
    return int(words[0])


def _exit(shell: Shell, words: list[str]) -> int:
    raise ExitShell(_number(words, shell.status) % 256)


def _return(shell: Shell, words: list[str]) -> int:
    if not shell.is_in_function:
        return _exit(shell, words)
    raise ReturnFromFunction(_number(words, shell.status) % 256)


def _break(shell: Shell, words: list[str]) -> int:
    loops = min(_number(words, 1), shell.loops)
    if loops:
        shell.status = 0
        raise BreakLoop(loops)
    return 0


def _continue(shell: Shell, words: list[str]) -> int:
    loops = min(_number(words, 1), shell.loops)
    if loops:
        shell.status = 0
        raise ContinueLoop(loops)
    return 0


def _cd(shell: Shell, words: list[str]) -> int:
    words = words[1:] if words[:1] == ["--"] else words
    target = words[0] if words else shell.variables.get("HOME", "/")
    if target == "-":
        target = shell.variables.get("OLDPWD", shell.folder)
        _stdout(shell).write(f"{target}\n")
    path = resolve(shell.folder, target)
    if target and not shell.files.is_folder(path):
        try:
            shell.files.names(path)
        except UnknownFile as unknown:
            raise NotPlayed(("cd", *words)) from unknown
        except FileFailed:
            pass  # told in the shell's words
        shell.complain(f"cd: can't cd to {target}")
        return 2
    if target:
        shell.variables["OLDPWD"], shell.folder = shell.folder, path
        shell.variables["PWD"] = path
    return 0


def _pwd(shell: Shell, words: list[str]) -> int:
    _stdout(shell).write(f"{shell.folder}\n")
    return 0


def _echo(shell: Shell, words: list[str]) -> int:
    """Dash's makes escapes, bash's does not."""
    newline = "\n"
    escapes = not shell.is_bash
    while words and (words[0] == "-n" or (shell.is_bash and re.fullmatch(r"-[neE]+", words[0]))):
        newline = "" if "n" in words[0] else newline
        escapes = escapes or "e" in words[0]
        words = words[1:]
        if not shell.is_bash:
            break
    text, ended = " ".join(words), False
    if escapes:
        text, ended = printing.unescaped(text, zero_first=True)
    _stdout(shell).write(text if ended else text + newline)
    return 0


def _export(shell: Shell, words: list[str]) -> int:
    if words[:1] == ["-p"] or not words:
        raise NotPlayed(("export", *words))
    for word in words:
        name, has_value, value = word.partition("=")
        if not NAME.fullmatch(name):
            raise ShellFailed(f"export: {word}: bad variable name")
        if has_value:
            shell.variables[name] = value
        shell.exported.add(name)
    return 0


def _unset(shell: Shell, words: list[str]) -> int:
    functions = words[:1] == ["-f"]
    for name in words[1:] if words[:1] in (["-f"], ["-v"]) else words:
        if functions:
            shell.functions.pop(name, None)
        elif not NAME.fullmatch(name):
            raise ShellFailed(f"unset: {name}: bad variable name")
        else:
            shell.variables.pop(name, None)
            shell.exported.discard(name)
    return 0


def _set(shell: Shell, words: list[str]) -> int:
    rest = list(words)
    if not rest:
        raise NotPlayed(("set",))
    while rest and rest[0][:1] in ("-", "+") and rest[0] not in ("-", "--"):
        on, letters = rest[0][0] == "-", rest[0][1:]
        if letters == "o" and rest[1:2] in (["errexit"], ["nounset"]):
            letters = {"errexit": "e", "nounset": "u"}[rest.pop(1)]
        if not letters or not set(letters) <= set("eu"):
            raise NotPlayed(("set", *words))
        shell.exits_on_error = on if "e" in letters else shell.exits_on_error
        shell.refuses_unset = on if "u" in letters else shell.refuses_unset
        del rest[0]
    if rest:
        shell.parameters = rest[1:] if rest[0] in ("-", "--") else rest
    return 0


def _shift(shell: Shell, words: list[str]) -> int:
    count = _number(words, 1)
    if count > len(shell.parameters):
        raise ShellFailed("shift: can't shift that many")
    shell.parameters = shell.parameters[count:]
    return 0


def _eval(shell: Shell, words: list[str]) -> Waiting[int]:
    shell.status = 0
    return (yield from shell.run_text(" ".join(words), tested=shell.is_tested))


def _read(shell: Shell, words: list[str]) -> Waiting[int]:
    """Lines end at a newline; without `-r` a backslash keeps the next character as it is."""
    is_raw = words[:1] == ["-r"]
    names = words[1:] if is_raw else words
    if not names or any(not NAME.fullmatch(name) for name in names):
        raise NotPlayed(("read", *words))
    source = shell.descriptors.get(0)
    line = (yield from source.read_line()) if isinstance(source, Source) else ""
    ended = line.endswith("\n")
    text = line.removesuffix("\n")
    if not is_raw:
        while text.endswith("\\") and ended and isinstance(source, Source):
            more = yield from source.read_line()
            ended = more.endswith("\n")
            text = text[:-1] + more.removesuffix("\n")
        text = re.sub(r"\\(.)", r"\1", text)
    values = split_line(text, shell.variables.get("IFS"), len(names))
    for name, value in zip(names, [*values, *[""] * len(names)], strict=False):
        shell.variables[name] = value
    return 0 if ended else 1


def _local(shell: Shell, words: list[str]) -> int:
    raise NotPlayed(("local", *words))


def _trap(shell: Shell, words: list[str]) -> int:
    """Signals never come here, so what is done at one need not be kept; the end of the shell does come."""
    if len(words) < 2 or {"EXIT", "0", "ERR", "DEBUG"} & set(words[1:]):
        raise NotPlayed(("trap", *words))
    return 0


def _dot(shell: Shell, words: list[str]) -> Waiting[int]:
    """`. FILE`: its commands, in this shell."""
    if len(words) != 1:
        raise NotPlayed((".", *words))
    try:
        text = shell.files.read(resolve(shell.folder, words[0]))
    except FileFailed as failed:
        raise ShellFailed(f".: cannot open {words[0]}: {failed}") from failed
    except UnknownFile as unknown:
        raise NotPlayed((".", *words)) from unknown
    shell.status = 0
    return (yield from shell.run_text(text, tested=shell.is_tested))


def _stdout(shell: Shell) -> Sink:
    return sink_of(shell.descriptors, 1)


BUILTINS: Mapping[str, Builtin] = {
    ".": _dot,
    ":": lambda shell, words: 0,
    "break": _break,
    "cd": _cd,
    "continue": _continue,
    "echo": _echo,
    "eval": _eval,
    "exit": _exit,
    "export": _export,
    "local": _local,
    "pwd": _pwd,
    "read": _read,
    "return": _return,
    "set": _set,
    "shift": _shift,
    "trap": _trap,
    "unset": _unset,
}

SPECIAL = frozenset(
    (
        ".",
        ":",
        "break",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "return",
        "set",
        "shift",
        "trap",
        "unset",
    )
)
"""Those whose errors end the shell, and before which assignments last (POSIX 2.14)."""
