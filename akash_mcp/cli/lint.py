"""`akash-mcp lint`: what Console, chain and providers would say of SDL files, before anything is spent."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from akash_mcp.cli.compose_file import instead, is_compose
from akash_mcp.cli.output import printable, read, say
from akash_mcp.cli.to_person import to_person
from akash_mcp.errors import AkashError
from akash_mcp.sanitize.secrets import mask
from akash_mcp.sdl import Finding, Report, check
from akash_mcp.sdl.exposure import Exposed

if TYPE_CHECKING:
    from akash_mcp.workflow.image_checks import CheckedImage

ACCEPTED, REFUSED, UNREADABLE = 0, 1, 2

_NEAR = 2_000
"""Characters of a line, before and behind a place, that are searched for secrets: a line may be a whole file."""

_WHO = {
    "console": "the Console refuses",
    "chain": "the chain refuses, after the deposit",
    "provider": "the provider refuses, after the lease",
    "akash-mcp": "akash-mcp refuses",
}


def run(
    files: Sequence[Path], *, as_json: bool, check_images: bool = False, logins: Sequence[str] = ()
) -> int:
    """Judge each file (`-` is standard input) and write what is found to standard output.

    Returns 0 where nothing is refused, 1 where something is, 2 where a file could not be read. Warnings refuse
    nothing. With `as_json` each file is one line of JSON, otherwise text for people, in colour on a terminal only.
    With `check_images` registries are asked, with these `logins`, and an image that surely cannot be pulled is refused.
    """
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)
    outcome = ACCEPTED
    for file in files:
        try:
            source = read(file)
        except AkashError as error:
            say(str(error))
            outcome = UNREADABLE
            continue
        report = check(source)
        images = _check_images(report, logins) if check_images else []
        if as_json:
            record = as_record(str(file), report)
            if check_images:
                record["images"] = [each.record for each in images]
            sys.stdout.write(json.dumps(record, ensure_ascii=True) + "\n")
        else:
            if is_compose(report):
                _print(console, f"{printable(str(file))}: ", "refused", f": {instead(file)}", "bold red")
            else:
                _show(console, str(file), source, report)
            for each in images:
                _print(console, f"{printable(str(file))}: ", printable(each.line), "", _style(each))
            if file is not files[-1]:
                console.print()
        if not report.ok or any(each.answer.cannot_be_pulled for each in images):
            outcome = max(outcome, REFUSED)
    return outcome


def as_record(file: str, report: Report) -> dict[str, object]:
    """A report as one JSON object. Prices are decimal text in uact per block, the ceiling decimal text in dollars."""
    month = report.ceiling_usd_month
    return {
        "file": file,
        "ok": report.ok,
        "console_ok": report.console_ok,
        "errors": [_as_record(finding) for finding in report.errors],
        "warnings": [_as_record(finding) for finding in report.warnings],
        "exposed": [_exposed_record(each) for each in report.exposed],
        "secrets": list(dict.fromkeys(name for name, _ in report.secrets)),
        "groups": [asdict(group, dict_factory=_with_decimal_text) for group in report.groups],
        "manifest_sha256": report.manifest_sha256,
        "ceiling_usd_month": None if month is None else month.plain(),
    }


def _as_record(finding: Finding) -> dict[str, object]:
    record = asdict(finding)
    record["hint"] = record.pop("fix")
    return record


def _exposed_record(each: Exposed) -> dict[str, object]:
    """One port that everybody can reach. `kind` and `guard` are null where it is not known what listens there."""
    guarding = each.guarding
    return {
        "service": each.service,
        "port": each.port,
        "as": each.outer_port,
        "way": each.way,
        "hosts": list(each.hosts),
        "kind": guarding and guarding.kind.value,
        "guard": guarding and guarding.guard.name.lower(),
        "unsafe": each.is_unsafe,
        "note": each.note,
    }


def _with_decimal_text(items: list[tuple[str, object]]) -> dict[str, object]:
    return {key: f"{value:f}" if isinstance(value, Decimal) else value for key, value in items}


def _show(console: Console, file: str, source: str, report: Report) -> None:
    lines = re.split("\r\n|\r|\n", source)
    for finding in sorted(report.errors, key=_place):
        _show_finding(console, file, lines, finding, f"error {finding.rule}", "bold red")
    for finding in sorted(report.warnings, key=_place):
        _show_finding(console, file, lines, finding, f"warning {finding.rule}", "yellow")
    if report.ok:
        verdict, style, said = "ok", "bold green", "the Console, the chain and a provider would take it"
    else:
        count = len(report.errors)
        verdict, style, said = "refused", "bold red", f"{count} error{'' if count == 1 else 's'}"
    if report.ceiling_usd_month is not None:
        said += f"; it may cost at most {report.ceiling_usd_month} a month"
    _print(console, f"{printable(file)}: ", verdict, f": {said}", style)
    if report.exposed:
        console.print("Open to the Internet:")
        for each in report.exposed:
            _print(console, "  ", printable(each.words), "", "bold red" if each.is_unsafe else "")


def _check_images(report: Report, logins: Sequence[str]) -> list[CheckedImage]:
    from akash_mcp.cli import image_check  # 0.7 s, which judging a file does not need

    return image_check.check_images(report, logins)


def _style(image: CheckedImage) -> str:
    if image.answer.cannot_be_pulled:
        return "bold red"
    return "green" if image.answer.config else "yellow"


def _place(finding: Finding) -> tuple[int, int]:
    return finding.line, finding.column


def _show_finding(
    console: Console, file: str, lines: Sequence[str], finding: Finding, name: str, style: str
) -> None:
    who = f" ({_WHO[finding.judge]})" if name.startswith("error") else ""
    where = f"{printable(file)}:{finding.line}:{finding.column}: "
    _print(console, where, name, f"{who}: {printable(finding.message)}", style)
    if finding.line <= len(lines):
        _show_line(console, finding, lines[finding.line - 1], style)
    if finding.fix:
        _print(console, "      ", "=", f" {printable(to_person(finding.fix))}", "dim")


def _show_line(console: Console, finding: Finding, line: str, style: str) -> None:
    """The line without secrets, a caret under the place; of a line too long for the terminal the part around it."""
    number = f"{finding.line:>5} | "
    room = console.width - len(number)
    at = finding.column - 1
    near = max(0, at - _NEAR)
    before = len(_hidden(line[near:at]))
    start = 0 if before < room else before - room // 2
    shown = _hidden(line[near : at + _NEAR])[start : start + room]
    console.print(Text().append(number, "dim").append(shown), no_wrap=True, overflow="crop")
    console.print(Text(" " * (len(number) + cell_len(shown[: before - start])) + "^", style), no_wrap=True)


def _hidden(text: str) -> str:
    """Text of a file without what could steer a terminal, and without secrets: a log of lint is often public."""
    return mask(printable(text))[0]


def _print(console: Console, before: str, marked: str, after: str, style: str) -> None:
    """A line of text; on a terminal one that wraps between words, under itself."""
    text = before + marked + after
    if console.is_terminal:
        text = fill(
            text, console.width, subsequent_indent=" " * 8, break_on_hyphens=False, break_long_words=False
        )
    line = Text(text)
    if (start := text.find(marked, len(before))) >= 0:  # else it was wrapped itself
        line.stylize(style, start, start + len(marked))
    console.print(line)
