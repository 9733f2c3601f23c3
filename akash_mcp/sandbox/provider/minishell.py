"""A shell small enough to read: what a container's command or a tenant's `exec` is seen to do.

Programs: `echo`, `true`, `false`, `exit`, `sleep`, `cat FILE`, `env`, `printenv`, `hostname`, joined by `;`, `&&`, `||`
and ends of lines, with `>&2`, inside `sh -c` or without it. Anything else, such as files that are written and pipes, is
not played here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash")


@dataclass
class Outcome:
    """What came of a command. `output`: (simulated seconds since the start, is_stderr, text). `seconds`: how long."""

    output: list[tuple[float, bool, str]] = field(default_factory=list)
    exit_code: int = 0
    seconds: float = 0.0

    def text(self, *, stderr: bool) -> str:
        """All that was written to one of the two streams."""
        return "".join(text for _, is_stderr, text in self.output if is_stderr == stderr)


class NotPlayed(Exception):
    """A program that the embedded network does not know."""


@dataclass(frozen=True)
class Box:
    """What a command sees of its container."""

    hostname: str
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def run(argv: Sequence[str], box: Box) -> Outcome:
    """Play a command. Raises `NotPlayed` for programs that are not known."""
    outcome = Outcome()
    if len(argv) >= 3 and argv[0] in _SHELLS and argv[1] in ("-c", "-ec", "-lc"):
        try:
            _script(argv[2], box, outcome)
        except ValueError as error:  # an open quote, or a number that is none
            outcome.output.append((outcome.seconds, True, f"sh: syntax error: {error}\n"))
            outcome.exit_code = 2
    elif argv and argv[0] != "exit":  # a word of the shell and no program
        _program(list(argv), box, outcome)
    else:
        raise NotPlayed(" ".join(argv))
    return outcome


def _script(script: str, box: Box, outcome: Outcome) -> None:
    operator, words = ";", list[str]()
    for token in _tokens(script):
        if token not in (";", "&&", "||"):
            words.append(token)
            continue
        skipped = (operator == "&&" and outcome.exit_code) or (operator == "||" and not outcome.exit_code)
        if words and not skipped:
            if words[0] == "exit":
                outcome.exit_code = int(words[1]) % 256 if words[1:] else outcome.exit_code
                return
            _program(words, box, outcome)
        operator, words = token, []


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


def _program(words: list[str], box: Box, outcome: Outcome) -> None:
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
            write(f"{box.hostname}\n")
        case (("env" | "printenv"), []):
            write("".join(f"{key}={value}\n" for key, value in box.env.items()))
        case "printenv", [variable]:
            if variable in box.env:
                write(f"{box.env[variable]}\n")
            else:
                outcome.exit_code = 1
        case "cat", [_, *_]:
            for path in arguments:
                if path in box.files:
                    write(box.files[path])
                else:
                    write(f"cat: {path}: No such file or directory\n", is_error=True)
                    outcome.exit_code = 1
        case _:
            raise NotPlayed(name)
