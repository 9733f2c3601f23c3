"""`akash-mcp import`: a compose file as an SDL, and a list of what it leaves out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from akash_mcp.cli.lint import as_record
from akash_mcp.cli.output import pairs, read, save, say
from akash_mcp.sdl.author.compose import Converted, convert


def run(
    file: Path,
    *,
    variables: Sequence[str],
    images: Sequence[str],
    opened: Sequence[str],
    output: Path | None,
    as_json: bool,
) -> int:
    """Write the SDL of `file` (`-` is standard input) to standard output or to `output`, the rest to standard error.

    `variables` are NAME=VALUE, `images` SERVICE=IMAGE, `opened` SERVICE:PORT. With `as_json` all of it is one object on
    standard output. Returns 0 where Console, chain and provider would take the SDL, 1 otherwise. Raises `BadArgument`
    where there is nothing to convert.
    """
    converted = convert(
        read(file), variables=pairs("--env", variables), images=pairs("--image", images), opened=opened
    )
    if as_json:
        if output is not None:
            save(converted.sdl, output)
        sys.stdout.write(json.dumps(_as_record(str(file), converted), ensure_ascii=True) + "\n")
    else:
        save(converted.sdl, output)
        _show(converted)
    return 0 if converted.report.ok else 1


def _as_record(file: str, converted: Converted) -> dict[str, object]:
    return {
        "sdl": converted.sdl,
        "left_out": [asdict(each) for each in converted.left_out],
        "notes": list(converted.notes),
        "report": as_record(file, converted.report),
    }


def _show(converted: Converted) -> None:
    for each in converted.left_out:
        where = f"{each.service}: " if each.service else ""
        fix = f"; fix: {each.fix}" if each.fix else ""
        say(f"left out: {where}{each.what}: {each.why}{fix}")
    for note in converted.notes:
        say(f"note: {note}")
    for each_open in converted.report.exposed:
        say(f"open to the Internet: {each_open.words}")
    for warning in converted.report.warnings:
        say(f"warning {warning.rule} (line {warning.line}): {warning.message}: {warning.fix}")
    for error in converted.report.errors:
        say(f"error {error.rule} (line {error.line}): {error.message}: {error.fix}")
