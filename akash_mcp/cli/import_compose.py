"""`akash-mcp import`: a compose file as an SDL, and a list of what it leaves out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from akash_mcp.cli.import_screen import screen
from akash_mcp.cli.lint import as_record
from akash_mcp.cli.output import pairs, printable, read, save, say
from akash_mcp.errors import AkashError, BadArgument
from akash_mcp.sdl.author.compose import (
    Converted,
    LostProtections,
    MissingVariables,
    convert,
    read_env_text,
)
from akash_mcp.sdl.yaml.arrival import unfenced
from akash_mcp.sdl.yaml.loader import MAX_BYTES

if TYPE_CHECKING:
    from akash_mcp.workflow.image_checks import CheckedImage


def run(
    file: Path,
    *,
    variables: Sequence[str],
    env_files: Sequence[Path],
    allow_missing: Sequence[str],
    images: Sequence[str],
    accept: Sequence[str],
    reads_env_files: bool,
    opened: Sequence[str],
    logins: Sequence[str],
    output: Path | None,
    overwrites: bool,
    as_json: bool,
    check_images: bool = False,
) -> int:
    """Write the SDL of `file` (`-` is standard input) to standard output or to `output`, the rest to standard error.

    `variables` are NAME=VALUE and win over those in `env_files`, of which the later wins; `images` are SERVICE=IMAGE,
    `opened` SERVICE:PORT, `logins` credentials of registries (`registry_login.FORM`). `accept` and `allow_missing` are
    names, several with commas between them. With `reads_env_files` what services name under `env_file` is read, where
    it lies beside the compose file or below. With `as_json` all of it is one object on standard output, and with
    `check_images` registries are asked.

    Returns 0 where Console, chain and provider would take the SDL and no image surely cannot be pulled, 1 otherwise.
    Raises `BadArgument`, and writes nothing, where there is nothing to convert, a variable is missing, or something
    that protects would be lost.
    """
    try:
        converted = convert(
            unfenced(read(file)),
            variables=_variables(variables, env_files),
            allow_missing=_names(allow_missing),
            images=pairs("--image", images),
            accept=_names(accept),
            opened=opened,
            registries=logins,
            env_file_reader=_Below(file) if reads_env_files else None,
        )
    except MissingVariables as missing:
        raise BadArgument(missing.what, next_step=_ways(missing)) from missing
    except LostProtections as lost:
        raise BadArgument(
            lost.what,
            next_step=f"Change the file, or accept what is lost: --accept {','.join(lost.kinds)}",
            money="",
        ) from lost
    checked: list[CheckedImage] = []
    if check_images:
        from akash_mcp.cli import image_check  # 0.7 s, which a conversion does not need

        checked = image_check.check_images(converted.report, logins)
    if as_json:
        if output is not None:
            save(converted.sdl, output, overwrites=overwrites)
        record = _as_record(str(file), converted)
        if check_images:
            record["images"] = [each.record for each in checked]
        sys.stdout.write(json.dumps(record, ensure_ascii=True) + "\n")
    else:
        save(converted.sdl, output, overwrites=overwrites)
        for line in screen(converted):
            say(line)
        for each in checked:
            say(each.line)
    refused = not converted.report.ok or any(each.answer.cannot_be_pulled for each in checked)
    return 1 if refused else 0


def _variables(words: Sequence[str], files: Sequence[Path]) -> dict[str, str]:
    given = pairs("--env", words)
    found: dict[str, str] = {}
    for file in files:
        found |= read_env_text(read(file), str(file), {**found, **given})
    return {**found, **given}


def _names(words: Sequence[str]) -> list[str]:
    return [name.strip() for word in words for name in word.split(",") if name.strip()]


def _ways(missing: MissingVariables) -> str:
    first = (*missing.names, *missing.required)[0]
    way = (
        f"Give it with --env {first}=…, or all in a file with --env-file .env (Compose reads the .env beside the file "
        "by itself; this does not)."
    )
    if missing.names:
        way += f" To have one empty, as Compose would: --allow-missing {','.join(missing.names)}."
    return way


class _Below:
    """Reads the files that services name under `env_file`, where they lie in the compose file's folder or below."""

    def __init__(self, file: Path) -> None:
        if str(file) == "-":
            raise BadArgument("--read-env-files needs the compose file's folder: name the file.", money="")
        self._folder = file.resolve().parent

    def __call__(self, name: str) -> str | None:
        shown = printable(name[:80])
        try:
            path = (self._folder / name).resolve()  # where a link leads, too
            is_there = path.exists()
        except (OSError, RuntimeError, ValueError) as bad:  # links in a circle, a name that no file can have
            raise AkashError(f"The env_file {shown} cannot be read.", money="") from bad
        if not path.is_relative_to(self._folder):
            raise BadArgument(
                f"The env_file {shown} lies outside the compose file's folder, and is not read.",
                next_step="Copy it there, or write its lines under environment.",
                money="",
            )
        if not is_there:
            return None
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise AkashError(f"The env_file {shown} is not a file of at most 512 KiB.", money="")
        return read(path)


def _as_record(file: str, converted: Converted) -> dict[str, object]:
    return {
        "sdl": converted.sdl,
        "left_out": [asdict(each) for each in converted.left_out],
        "notes": list(converted.notes),
        "report": as_record(file, converted.report),
    }
