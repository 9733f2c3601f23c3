"""A shell small enough to read: what a container's command or a tenant's `exec` is seen to do.

Programs: `echo`, `true`, `false`, `exit`, `sleep`, `cat FILE`, `env`, `printenv`, `hostname`, joined by `;`, `&&`, `||`
and ends of lines, with `>&2`, inside `sh -c` or without it; there, `exec`, and the words `"$0"` to `"$9"` and `"$@"`.
Anything else, such as files that are written and pipes, is not played here.

A session, which is what `exec` has, knows `yes` and a `cat` of its standard input too, and what it does not know it
does not have: its shell says `not found`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash")


@dataclass
class Outcome:
    """What came of a command. `output`: (simulated seconds since the start, is_stderr, text). `seconds`: how long.

    After its output a session may go on: it `copies_stdin` to its end, or writes what is `endless` for ever.
    """

    output: list[tuple[float, bool, str]] = field(default_factory=list)
    exit_code: int = 0
    seconds: float = 0.0
    copies_stdin: bool = False
    endless: str = ""


class NotPlayed(Exception):
    """A program that the embedded network does not know."""


@dataclass(frozen=True)
class ContainerView:
    """What a command sees of its container."""

    hostname: str
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def run(argv: Sequence[str], view: ContainerView, *, session: bool = False) -> Outcome:
    """Play a command. Raises `NotPlayed` for programs that are not known."""
    outcome = Outcome()
    if not argv or argv[0] == "exec":  # a word of the shell, not a program
        raise NotPlayed(" ".join(argv))
    _command(list(argv), view, outcome, session)
    return outcome


def _command(words: list[str], view: ContainerView, outcome: Outcome, session: bool) -> None:
    if len(words) >= 3 and words[0] in SHELLS and words[1] in ("-c", "-ec", "-lc"):
        try:
            _script(words[2], words[3:] or words[:1], view, outcome, session)
        except ValueError as error:  # an open quote, or what should be a number and is not
            outcome.output.append((outcome.seconds, True, f"sh: syntax error: {error}\n"))
            outcome.exit_code = 2
    else:
        _program(words, view, outcome, session)


def _script(
    script: str, parameters: Sequence[str], view: ContainerView, outcome: Outcome, session: bool
) -> None:
    operator, words = ";", list[str]()
    for token in _tokens(script):
        if token not in (";", "&&", "||"):
            words += _expanded(token, parameters)
            continue
        skipped = (operator == "&&" and outcome.exit_code) or (operator == "||" and not outcome.exit_code)
        if words and not skipped:
            if words[0] == "exit":
                outcome.exit_code = int(words[1]) % 256 if words[1:] else outcome.exit_code
                return
            is_last = words[0] == "exec"
            try:
                _command(words[is_last:], view, outcome, session)
            except NotPlayed as unknown:
                if not session:
                    raise
                outcome.output.append((outcome.seconds, True, f"sh: 1: {unknown}: not found\n"))
                outcome.exit_code = 127
            if is_last or outcome.copies_stdin or outcome.endless:
                return
        operator, words = token, []


def _expanded(token: str, parameters: Sequence[str]) -> Sequence[str]:
    """A word with its parameter put in. Which quotes stood around it is not known any more."""
    if token == "$@":
        return parameters[1:]
    if len(token) == 2 and token[0] == "$" and token[1].isdigit():
        return parameters[int(token[1]) : int(token[1]) + 1]
    return [token]


def _tokens(script: str) -> list[str]:
    """The words of a script and the operators between them. Raises `NotPlayed` for files, pipes and jobs."""
    tokens: list[str] = []
    lines = script.strip().splitlines()
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
        lexer.whitespace_split = True
        try:
            tokens += [*lexer, ";"]
        except ValueError as error:
            if len(lines) > 1:  # a quote over several lines
                raise NotPlayed(line) from error
            raise
    for token in tokens:
        if set(token) <= set(";&|<>") and token not in (";", "&&", "||", ">&"):
            raise NotPlayed(token)
    return tokens


def _program(words: list[str], view: ContainerView, outcome: Outcome, session: bool) -> None:
    stderr = words[-2:] == [">&", "2"]
    name, *arguments = words[:-2] if stderr else words

    def write(text: str, *, is_error: bool = stderr) -> None:
        outcome.output.append((outcome.seconds, is_error, text))

    outcome.exit_code = 0
    match name.rpartition("/")[2], arguments:
        case "echo", _:
            write(" ".join(arguments) + "\n")
        case "true", _:
            pass
        case "false", _:
            outcome.exit_code = 1
        case "sleep", [duration]:
            outcome.seconds += float(duration.removesuffix("s"))
        case "hostname", []:
            write(f"{view.hostname}\n")
        case (("env" | "printenv"), []):
            write("".join(f"{key}={value}\n" for key, value in view.env.items()))
        case "printenv", [variable]:
            if variable in view.env:
                write(f"{view.env[variable]}\n")
            else:
                outcome.exit_code = 1
        case "yes", [] if session:
            outcome.endless = "y\n"
        case "cat", [] if session:
            outcome.copies_stdin = True
        case "cat", [_, *_]:
            for path in arguments:
                if path in view.files:
                    write(view.files[path])
                else:
                    write(f"cat: {path}: No such file or directory\n", is_error=True)
                    outcome.exit_code = 1
        case _:
            raise NotPlayed(name)
