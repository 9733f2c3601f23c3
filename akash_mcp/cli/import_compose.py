"""`akash-mcp import`: a compose file as an SDL, and a list of what it leaves out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from akash_mcp.cli.lint import as_record
from akash_mcp.cli.output import pairs, read, save, say
from akash_mcp.sdl.author.compose import Converted, convert

if TYPE_CHECKING:
    from akash_mcp.workflow.image_checks import CheckedImage


def run(
    file: Path,
    *,
    variables: Sequence[str],
    images: Sequence[str],
    output: Path | None,
    as_json: bool,
    logins: Sequence[str] = (),
    check_images: bool = False,
) -> int:
    """Write the SDL of `file` (`-` is standard input) to standard output or to `output`, the rest to standard error.

    `variables` are NAME=VALUE, `images` SERVICE=IMAGE, `logins` credentials of registries (`registry_login.FORM`).
    With `as_json` all of it is one object on standard output. With `check_images` registries are asked. Returns 0
    where Console, chain and provider would take the SDL and no image surely cannot be pulled, 1 otherwise. Raises
    `BadArgument` where there is nothing to convert.
    """
    converted = convert(
        read(file), variables=pairs("--env", variables), images=pairs("--image", images), registries=logins
    )
    checked: list[CheckedImage] = []
    if check_images:
        from akash_mcp.cli import image_check  # 0.7 s, which a conversion does not need

        checked = image_check.check_images(converted.report, logins)
    if as_json:
        if output is not None:
            save(converted.sdl, output)
        record = _as_record(str(file), converted)
        if check_images:
            record["images"] = [each.record for each in checked]
        sys.stdout.write(json.dumps(record, ensure_ascii=True) + "\n")
    else:
        save(converted.sdl, output)
        _show(converted)
        for each in checked:
            say(each.line)
    refused = not converted.report.ok or any(each.answer.cannot_be_pulled for each in checked)
    return 1 if refused else 0


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
    for warning in converted.report.warnings:
        say(f"warning {warning.rule} (line {warning.line}): {warning.message}: {warning.fix}")
    for error in converted.report.errors:
        say(f"error {error.rule} (line {error.line}): {error.message}: {error.fix}")
