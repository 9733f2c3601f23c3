"""`akash-mcp draft`: an SDL from an image and a few numbers."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akash_mcp.cli.lint import as_record
from akash_mcp.cli.output import pairs, save, say
from akash_mcp.cli.to_person import to_person
from akash_mcp.errors import BadArgument
from akash_mcp.money import NotMoney, Usd
from akash_mcp.sdl.author.draft import draft

if TYPE_CHECKING:
    from akash_mcp.workflow.image_checks import CheckedImage

_FLAGS = {
    "max_usd_per_hour": "--max-usd-per-hour",
    "check_images": "--check-images",
    "gpu_models": "--gpu",
    "mount=": "--mount ",
}
_ARGUMENTS = re.compile("|".join(rf"(?<![\w./-]){name}" for name in _FLAGS))


def run(
    given: Mapping[str, Any],
    *,
    attributes: Sequence[str],
    max_usd_per_hour: str | None,
    output: Path | None,
    overwrites: bool = False,
    check_images: bool = False,
    as_json: bool = False,
) -> int:
    """Write the SDL to standard output or to `output`, and what was decided to standard error.

    `given` are arguments of `sdl.draft.draft`. With `check_images` the image's registry is asked, and what the image
    says of itself informs the draft. Returns 0, or 1 where the image surely cannot be pulled: what cannot be drafted is
    a `BadArgument`. With `as_json` all of it is one object on standard output.
    """
    make = partial(
        draft,
        **given,
        attributes=pairs("--attribute", attributes),
        max_usd_per_hour=None if max_usd_per_hour is None else _usd(max_usd_per_hour),
    )
    drafted = make()
    images: list[CheckedImage] = []
    if check_images:
        from akash_mcp.cli import image_check  # 0.7 s, which a draft does not need

        images = image_check.check_images(drafted.report, [given["registry"]] if "registry" in given else ())
        drafted = make(config=images[0].answer.config)
    refused = any(image.answer.cannot_be_pulled for image in images)
    if not as_json or output is not None:
        save(drafted.sdl, output, overwrites=overwrites)
    if as_json:
        record = {
            "sdl": drafted.sdl,
            "assumed": [_with_flags(each) for each in drafted.assumed],
            "notes": [_with_flags(each) for each in drafted.notes],
            "report": as_record(str(output or "-"), drafted.report),
            **({"images": [each.record for each in images]} if check_images else {}),
        }
        sys.stdout.write(json.dumps(record) + "\n")
        return int(refused)
    for assumption in drafted.assumed:
        say(f"assumed: {_with_flags(assumption)}")
    for note in drafted.notes:
        say(f"note: {_with_flags(note)}")
    for each in drafted.report.exposed:
        say(f"open to the Internet: {each.words}")
    for warning in drafted.report.warnings:
        say(f"warning {warning.rule}: {warning.message}: {to_person(warning.fix)}")
    for image in images:
        say(image.line)
    return int(refused)


def _with_flags(note: str) -> str:
    """A note, with the flags of this command in the place of the arguments that a model gives."""
    return _ARGUMENTS.sub(lambda found: _FLAGS[found[0]], note)


def _usd(text: str) -> Usd:
    try:
        return Usd.parse(text)
    except NotMoney as error:
        raise BadArgument(f"--max-usd-per-hour must be US dollars, such as 0.5: {error}.") from error
