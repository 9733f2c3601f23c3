"""The programs that are played, by name. One returns its exit code, at once or after a wait."""

from __future__ import annotations

import datetime
import math
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from akash_mcp.sandbox.provider.shell import conditions, file_programs, printing, text_programs
from akash_mcp.sandbox.provider.shell.process import Process
from akash_mcp.sandbox.provider.shell.streams import Waiting

Program: TypeAlias = Callable[[Process], "int | Waiting[int]"]

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_YES_LINES = 16 * 1024


def _echo(process: Process) -> int:
    """GNU's: no escapes unless asked for."""
    words, newline, escapes = list(process.arguments), "\n", False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        option = words.pop(0)
        newline = "" if "n" in option else newline
        escapes = "e" in option and "E" not in option
    text = " ".join(words)
    if escapes:
        text, ended = printing.unescaped(text, zero_first=True)
        newline = "" if ended else newline
    process.say(text + newline)
    return 0


def _printf(process: Process) -> int:
    if process.arguments[:1] == ["--"]:
        del process.arguments[0]
    if not process.arguments:
        return process.fail("usage: printf format [arg ...]", 2)
    try:
        text, problems = printing.formatted(process.arguments[0], process.arguments[1:])
    except printing.BadFormat as bad:
        return process.fail(str(bad), 2)
    process.say(text)
    for problem in problems:
        process.fail(problem)
    return 1 if problems else 0


def _sleep(process: Process) -> Waiting[int]:
    if not process.arguments:
        return process.fail("missing operand")
    seconds = 0.0
    for word in process.arguments:
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([smhd]?)", word)
        if match is None and word not in ("infinity", "inf"):
            return process.fail(f"invalid time interval '{word}'")
        seconds += float(match[1]) * _SECONDS[match[2]] if match else math.inf
    yield from process.wait(seconds)
    return 0


def _seq(process: Process) -> int:
    words = process.arguments
    if not 1 <= len(words) <= 3 or not all(re.fullmatch(r"[-+]?[0-9]{1,18}", word) for word in words):
        raise process.unknown()
    numbers = [int(word) for word in words]
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) == 3 else 1
    if step == 0:
        return process.fail(f"invalid Zero increment value: '{words[1]}'")
    for number in range(first, numbers[-1] + (1 if step > 0 else -1), step):
        process.budget.spend()
        process.say(f"{number}\n")
    return 0


def _date(process: Process) -> int:
    """In UTC, as containers have it."""
    words = [word for word in process.arguments if word not in ("-u", "--utc")]
    when = datetime.datetime.fromtimestamp(process.host.now(), datetime.UTC)
    if words and not (len(words) == 1 and words[0].startswith("+")):
        raise process.unknown()
    template = words[0][1:] if words else "%a %b %e %H:%M:%S UTC %Y"
    template = re.sub(r"%(s|N|Z)", lambda m: _DATE_PARTS[m[1]](when), template)
    process.say(when.strftime(template) + "\n")
    return 0


_DATE_PARTS: Mapping[str, Callable[[datetime.datetime], str]] = {
    "s": lambda when: str(int(when.timestamp())),
    "N": lambda when: f"{when.microsecond * 1000:09}",
    "Z": lambda when: "UTC",
}


def _printenv(process: Process) -> int:
    if not process.arguments:
        process.say("".join(f"{name}={value}\n" for name, value in process.env.items()))
        return 0
    found = [process.env[name] for name in process.arguments if name in process.env]
    process.say("".join(f"{value}\n" for value in found))
    return 0 if len(found) == len(process.arguments) else 1


def _hostname(process: Process) -> int:
    if process.arguments:
        raise process.unknown()
    process.say(f"{process.host.hostname}\n")
    return 0


def _pwd(process: Process) -> int:
    process.say(f"{process.folder}\n")
    return 0


def _basename(process: Process) -> int:
    match process.arguments:
        case [path] | [path, _]:
            name = posixpath.basename(path.rstrip("/")) or path[:1]
            suffix = process.arguments[1] if len(process.arguments) == 2 else ""
            process.say((name.removesuffix(suffix) or name if suffix != name else name) + "\n")
            return 0
    raise process.unknown()


def _dirname(process: Process) -> int:
    if len(process.arguments) != 1:
        raise process.unknown()
    path = process.arguments[0].rstrip("/") or process.arguments[0][:1]
    process.say((posixpath.dirname(path) or ".") + "\n")
    return 0


def _yes(process: Process) -> Waiting[int]:
    line = (" ".join(process.arguments) or "y") + "\n"
    while True:
        process.budget.spend()
        process.say(line * max(1, _YES_LINES * 2 // len(line)))
        yield 0.0


def _nc(process: Process) -> Waiting[int]:
    """Listening is played, as a port that answers, with `-w` for so many seconds; connecting is not."""
    options = process.options("lknv46u", valued="pws")
    port = options.get("p") or (process.arguments[-1] if process.arguments else "")
    if (
        "l" not in options
        or "u" in options
        or not re.fullmatch(r"[0-9]{1,5}", port)
        or process.host.listen is None
    ):
        raise process.unknown()
    if not re.fullmatch(r"[0-9]{1,9}", options.get("w", "0")):
        raise process.unknown()
    stop = process.host.listen(int(port))
    yield from process.wait(float(options["w"]) if "w" in options else math.inf)
    stop()
    return 1


PROGRAMS: Mapping[str, Program] = {
    "[": conditions.test,
    "basename": _basename,
    "cat": text_programs.cat,
    "cp": file_programs.cp,
    "date": _date,
    "dirname": _dirname,
    "echo": _echo,
    "false": lambda _: 1,
    "grep": text_programs.grep,
    "head": text_programs.head,
    "hostname": _hostname,
    "ls": file_programs.ls,
    "mkdir": file_programs.mkdir,
    "mv": file_programs.mv,
    "nc": _nc,
    "printenv": _printenv,
    "printf": _printf,
    "pwd": _pwd,
    "rm": file_programs.rm,
    "rmdir": file_programs.rmdir,
    "seq": _seq,
    "sleep": _sleep,
    "tail": text_programs.tail,
    "tee": text_programs.tee,
    "test": conditions.test,
    "touch": file_programs.touch,
    "true": lambda _: 0,
    "wc": text_programs.wc,
    "yes": _yes,
}
"""`env` and shells start others, so the shell itself has them."""
