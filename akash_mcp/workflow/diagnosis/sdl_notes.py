"""What the check of an SDL notes about a service: it runs, and its container sees something else than was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sanitize.text import field
from akash_mcp.sdl import Finding, check
from akash_mcp.sdl.model import Sdl

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
    for finding in report.warnings if report.model else ():
        match finding.path.split("/")[1:]:
            case ["services", service, *place] if finding.rule.startswith(_RULE) and report.model:
                found[service] = (*found.get(service, ()), _note(finding, report.model, service, place))
    return found


def _note(finding: Finding, sdl: Sdl, service: str, place: list[str]) -> SdlNote:
    variable = ""
    if place[0] == "env":
        variable = field(sdl.services[service].env[int(place[1])].partition("=")[0], 64)
    message, fix = field(finding.message, _LONGEST), field(finding.fix, _LONGEST)
    return SdlNote(finding.rule, finding.line, message, fix, variable)
