"""Programs that list, make, copy, move and remove files."""

from __future__ import annotations

import posixpath

from akash_mcp.sandbox.provider.shell.files import FileFailed
from akash_mcp.sandbox.provider.shell.process import Process


def ls(process: Process) -> int:
    """One name a line, as where its output is no terminal."""
    options = process.options("1aAldR")
    if "l" in options or "R" in options:
        raise process.unknown()
    code = 0
    files, folders = [], []
    for name in process.arguments or ["."]:
        path = process.path(name)
        if not process.files.exists(path):
            code = process.fail(f"cannot access '{name}': {_why(process, path)}", 2)
        elif process.files.is_folder(path) and "d" not in options:
            folders.append(name)
        else:
            files.append(name)
    blocks = ["".join(f"{name}\n" for name in sorted(files))] if files else []
    for name in sorted(folders):
        names = process.files.names(process.path(name))
        if "a" in options:
            names = [".", "..", *names]
        elif "A" not in options:
            names = [each for each in names if not each.startswith(".")]
        title = f"{name}:\n" if len(process.arguments) > 1 else ""
        blocks.append(title + "".join(f"{each}\n" for each in names))
    process.say("\n".join(blocks))
    return code


def mkdir(process: Process) -> int:
    options = process.options("p")
    code = 0 if process.arguments else process.fail("missing operand")
    for name in process.arguments:
        try:
            if options:
                process.files.make_folders(process.path(name))
            else:
                process.files.make_folder(process.path(name))
        except FileFailed as failed:
            code = process.fail(f"cannot create directory '{name}': {failed}")
    return code


def touch(process: Process) -> int:
    process.options("c")
    code = 0 if process.arguments else process.fail("missing file operand")
    for name in process.arguments:
        try:
            if not process.files.is_folder(process.path(name)):
                process.files.write(process.path(name), "", append=True)
        except FileFailed as failed:
            code = process.fail(f"cannot touch '{name}': {failed}")
    return code


def rm(process: Process) -> int:
    options = process.options("frRd")
    is_deep, forced = "r" in options or "R" in options, "f" in options
    code = 0 if process.arguments or forced else process.fail("missing operand")
    for name in process.arguments:
        path = process.path(name)
        if not process.files.exists(path):
            if not forced:
                code = process.fail(f"cannot remove '{name}': {_why(process, path)}")
        elif posixpath.basename(name.rstrip("/")) in (".", ".."):
            code = process.fail(f"refusing to remove '.' or '..' directory: skipping '{name}'")
        elif process.files.is_folder(path) and not is_deep and "d" not in options:
            code = process.fail(f"cannot remove '{name}': Is a directory")
        else:
            for each in reversed(list(process.files.below(path)) if is_deep else [path]):
                try:
                    process.files.remove(each)
                except FileFailed as failed:
                    code = process.fail(f"cannot remove '{name}': {failed}")
    return code


def rmdir(process: Process) -> int:
    process.options("")
    code = 0 if process.arguments else process.fail("missing operand")
    for name in process.arguments:
        path = process.path(name)
        try:
            process.files.names(path)  # that it is a folder
            process.files.remove(path)
        except FileFailed as failed:
            code = process.fail(f"failed to remove '{name}': {failed}")
    return code


def cp(process: Process) -> int:
    options = process.options("rRapf")
    return _to_target(process, is_deep=bool({"r", "R", "a"} & options.keys()), is_move=False)


def mv(process: Process) -> int:
    process.options("f")
    return _to_target(process, is_deep=True, is_move=True)


def _to_target(process: Process, *, is_deep: bool, is_move: bool) -> int:
    """Copy or move every argument but the last to the last."""
    if len(process.arguments) < 2:
        missing = (
            "file operand"
            if not process.arguments
            else f"destination file operand after '{process.arguments[0]}'"
        )
        return process.fail(f"missing {missing}")
    *names, target = process.arguments
    files, into = process.files, process.files.is_folder(process.path(target))
    if len(names) > 1 and not into:
        return process.fail(f"target '{target}': {_why(process, process.path(target))}")
    code = 0
    for name in names:
        source = process.path(name)
        shown = posixpath.join(target, posixpath.basename(name.rstrip("/"))) if into else target
        end = process.path(shown)
        verb = "move" if is_move else "copy"
        if not files.exists(source):
            code = process.fail(f"cannot stat '{name}': {_why(process, source)}")
        elif source == end:
            code = process.fail(f"'{name}' and '{shown}' are the same file")
        elif files.is_folder(source) and not is_deep:
            code = process.fail(f"-r not specified; omitting directory '{name}'")
        elif files.is_folder(source) and (end + "/").startswith(source + "/"):
            what = (
                f"to a subdirectory of itself, '{shown}'"
                if is_move
                else f"a directory, '{name}', into itself, '{shown}'"
            )
            code = process.fail(f"cannot {verb} '{name}' {what}" if is_move else f"cannot {verb} {what}")
        elif files.is_folder(source) and files.is_file(end):
            code = process.fail(f"cannot overwrite non-directory '{shown}' with directory '{name}'")
        elif files.is_file(source) and files.is_folder(end):
            code = process.fail(f"cannot overwrite directory '{shown}' with non-directory")
        else:
            try:
                everything = list(files.below(source))
                for each in everything:
                    copy = end + each[len(source) :]
                    if files.is_folder(each):
                        files.make_folders(copy)
                    else:
                        files.write(copy, files.read(each))
                for each in reversed(everything) if is_move else ():
                    files.remove(each)
            except FileFailed as failed:
                code = process.fail(f"cannot create regular file '{shown}': {failed}")
    return code


def _why(process: Process, path: str) -> str:
    """Why a path leads nowhere."""
    try:
        process.files.names(path)
    except FileFailed as failed:
        return str(failed)
    return "Is a directory"
