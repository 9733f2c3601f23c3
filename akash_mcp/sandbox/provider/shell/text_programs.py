"""Programs that read text and write some of it, or say something of it."""

from __future__ import annotations

import re

from akash_mcp.sandbox.provider.shell.files import FileFailed
from akash_mcp.sandbox.provider.shell.process import Process
from akash_mcp.sandbox.provider.shell.regular import Expression, NotKnown
from akash_mcp.sandbox.provider.shell.streams import Source, ToFile, Waiting

_LOOKS_A_STATE = 20
"""What a state of a pattern costs at one character, as looks at a character."""


def cat(process: Process) -> Waiting[int]:
    process.options("u")
    code = 0
    for name in process.arguments or ["-"]:
        try:
            source = process.input(name)
        except FileFailed as failed:
            code = process.fail(f"{name}: {failed}")
            continue
        while piece := (yield from source.read()):
            process.budget.spend()
            process.say(piece)
    return code


def tee(process: Process) -> Waiting[int]:
    options = process.options("a")
    code = 0
    copies = []
    for name in process.arguments:
        try:
            process.files.write(process.path(name), "", append="a" in options)
            copies.append(ToFile(process.files, process.path(name)))
        except FileFailed as failed:
            code = process.fail(f"{name}: {failed}")
    while piece := (yield from process.stdin.read()):
        process.budget.spend()
        process.say(piece)
        for copy in copies:
            copy.write(piece)
    return code


def head(process: Process) -> Waiting[int]:
    _old_count(process)
    options = process.options("q", valued="nc")
    count = _count(process, options, "c" if "c" in options else "n")
    inputs = process.inputs()
    for index, (name, source) in enumerate(inputs):
        _title(process, name, index, "q" in options)
        left = count
        while left > 0:
            process.budget.spend()
            if "c" in options:
                piece = yield from source.read()
                data = piece.encode("utf-8", "surrogateescape")
                piece = data[:left].decode("utf-8", "surrogateescape")
                left -= len(data)
            else:
                piece = yield from source.read_line()
                left -= 1
            if not piece:
                break
            process.say(piece)
    return _all_read(process, inputs)


def tail(process: Process) -> Waiting[int]:
    _old_count(process)
    options = process.options("qfF", valued="nc")
    from_start = options.get("n", "").startswith("+")
    count = _count(process, options, "c" if "c" in options else "n")
    follows = "f" in options or "F" in options
    inputs = process.inputs()
    for index, (name, source) in enumerate(inputs):
        _title(process, name, index, "q" in options)
        text = yield from source.read_all()
        if "c" in options:
            data = text.encode("utf-8", "surrogateescape")
            process.say(data[max(0, len(data) - count) :].decode("utf-8", "surrogateescape"))
        else:
            lines = (
                text.splitlines(keepends=True) if "\r" not in text else re.findall(r"[^\n]*\n|[^\n]+", text)
            )
            process.say(
                "".join(lines[max(0, count - 1) :] if from_start else lines[len(lines) - count :][:count])
            )
    if follows and inputs:
        yield from _follow(process)
    return _all_read(process, inputs)


def _follow(process: Process) -> Waiting[None]:
    """Look every second for what was added to the files, and never end."""
    paths = [process.path(name) for name in process.arguments if process.files.is_file(process.path(name))]
    if all(path == "/dev/null" for path in paths):
        yield from process.wait(float("inf"))
    seen = {path: len(process.files.read(path)) for path in paths}
    while True:
        yield from process.wait(1.0)
        process.budget.spend()
        for path in paths:
            if process.files.is_file(path):
                text = process.files.read(path)
                process.say(text[seen[path] :] if len(text) >= seen[path] else text)
                seen[path] = len(text)


def wc(process: Process) -> Waiting[int]:
    options = process.options("lwc")
    shown = [letter for letter in "lwc" if letter in options or not options]
    inputs = process.inputs()
    rows: list[tuple[list[int], str]] = []
    for name, source in inputs:
        lines = words = size = 0
        is_in_word = False
        while piece := (yield from source.read()):
            process.budget.spend()
            lines += piece.count("\n")
            words += len(piece.split()) - (is_in_word and not piece[0].isspace())
            is_in_word = not piece[-1].isspace()
            size += len(piece.encode("utf-8", "surrogateescape"))
        figures = {"l": lines, "w": words, "c": size}
        rows.append(([figures[letter] for letter in shown], name if process.arguments else ""))
    if len(process.arguments) > 1:
        rows.append(([sum(row[at] for row, _ in rows) for at in range(len(shown))], "total"))
    is_bare = len(shown) == 1 and len(process.arguments) <= 1
    width = len(str(max(rows[-1][0]))) if rows else 1
    if not is_bare and not all(
        process.files.is_file(process.path(name)) for name in process.arguments or ["-"]
    ):
        width = max(width, 7)  # as coreutils does where it cannot know the sizes before
    for row, name in rows:
        process.say(
            " ".join([*(f"{n:{1 if is_bare else width}}" for n in row), *([name] if name else [])]) + "\n"
        )
    return _all_read(process, inputs)


def grep(process: Process) -> Waiting[int]:
    options = process.options("ivcqnFEsx", valued="e")
    if "e" not in options:
        if not process.arguments:
            raise process.unknown()
        options["e"] = process.arguments.pop(0)
    pattern = _pattern(process, options)
    inputs = process.inputs()
    is_named = len(process.arguments) > 1
    found_any = False
    for name, source in inputs:
        count = number = 0
        while line := (yield from source.read_line()):
            process.budget.spend()
            number += 1
            text = line.removesuffix("\n")
            process.budget.work(len(text) * pattern.states * _LOOKS_A_STATE)
            if pattern.is_in(text) == ("v" in options):
                continue
            count, found_any = count + 1, True
            if "q" in options:
                return 0
            if "c" not in options:
                prefix = f"{name}:" * is_named + f"{number}:" * ("n" in options)
                process.say(f"{prefix}{text}\n")
        if "c" in options and "q" not in options:
            process.say(f"{name}:" * is_named + f"{count}\n")
    if _all_read(process, inputs):
        return 2
    return 0 if found_any else 1


def _pattern(process: Process, options: dict[str, str]) -> Expression:
    """What `grep` looks for."""
    text = options["e"]
    if "F" in options:
        text = re.escape(text)
    elif re.search(r"\\[^.*\[\]^$\\/-]|\[\[|^\*", text):
        raise process.unknown()
    elif "E" not in options:
        text = re.sub(r"[+?{}()|]", r"\\\g<0>", text)
    try:
        return Expression(f"^({text})$" if "x" in options else text, ignores_case="i" in options)
    except NotKnown as error:
        raise process.unknown() from error


def _old_count(process: Process) -> None:
    """`head -3` is `head -n 3`."""
    if process.arguments and re.fullmatch(r"-[0-9]+", process.arguments[0]):
        process.arguments[:1] = ["-n", process.arguments[0][1:]]


def _count(process: Process, options: dict[str, str], letter: str) -> int:
    text = options.get(letter, "10").removeprefix("+")
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise process.unknown()
    return int(text)


def _title(process: Process, name: str, index: int, is_quiet: bool) -> None:
    if len(process.arguments) > 1 and not is_quiet:
        process.say(f"{chr(10) * bool(index)}==> {'standard input' if name == '-' else name} <==\n")


def _all_read(process: Process, inputs: list[tuple[str, Source]]) -> int:
    return int(len(inputs) < len(process.arguments or ["-"]))
