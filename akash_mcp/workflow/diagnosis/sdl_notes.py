"""What the check of an SDL notes about a service: it runs, and its container sees something else than was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sanitize.text import field
from akash_mcp.sdl import Finding, check
from akash_mcp.sdl.model import Service

_RULE = "N"
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class SdlNote:
    """One such warning (N01 to N08), with its line in the SDL. `variable`: whose value it is about; empty for another.

    All of it is clean. `message` and `fix` hold names, and no values.
    """

    rule: str
    line: int
    message: str
    fix: str
    variable: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def notes_of(sdl: str) -> Mapping[str, tuple[SdlNote, ...]]:
    """The notes about each service of an SDL that has any. An SDL that cannot be read has none."""
    report = check(sdl)
    found: dict[str, tuple[SdlNote, ...]] = {}
    services = report.model.services if report.model else {}
    for finding in report.warnings:
        match finding.path.split("/"):
            # A name with a "/" is spelt otherwise in a path; no provider runs such a service.
            case ["", "services", name, *place] if finding.rule.startswith(_RULE) and name in services:
                found[name] = (*found.get(name, ()), _note(finding, services[name], place))
    return found


def _note(finding: Finding, service: Service, place: list[str]) -> SdlNote:
    variable = ""
    if place[0] == "env":
        variable = field(service.env[int(place[1])].partition("=")[0], 64)
    message, fix = field(finding.message, _LONGEST), field(finding.fix, _LONGEST)
    return SdlNote(finding.rule, finding.line, message, fix, variable)
