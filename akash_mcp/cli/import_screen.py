"""What a person reads of a converted compose file: each service in a line, what is not carried, what was decided, and
what to do next.

It is meant to fit on one screen, so what is said of several services is said once.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence

from akash_mcp.cli.output import printable
from akash_mcp.cli.to_person import to_person
from akash_mcp.sdl.author.compose import Converted, LeftOut
from akash_mcp.sdl.author.compose.left_out import THE_SERVICE
from akash_mcp.sdl.author.compose.notes import TO_STORE
from akash_mcp.sdl.author.workload import WEB_PORT, ExposedPort, Workload
from akash_mcp.sdl.author.writer import size_text
from akash_mcp.sdl.images.usual_ports import UNUSED_PORT
from akash_mcp.sdl.report import Finding

COLUMNS = 80

_NEXT = "Try it here, for free: akash-mcp demo FILE. Then tell your agent to deploy it."


def screen(converted: Converted) -> list[str]:
    """The lines, of at most 80 columns unless a word is longer, without what could steer a terminal."""
    services = {each.service for each in converted.left_out} | {each.name for each in converted.workloads}
    to_store = [note for note in converted.notes if note.startswith(TO_STORE)]
    decided = [note for note in converted.notes if note not in to_store]
    gone = {each.service: each for each in converted.left_out if each.what == THE_SERVICE}
    others = [each for each in converted.left_out if each not in gone.values()]
    to_read = [each for each in others if each.protects or each.fix]
    warnings = converted.report.warnings
    return [
        *_wrapped(map(_service, converted.workloads)),
        *_wrapped(f"{each.service}: left out, since {_why(each)}" for each in gone.values()),
        *_section("Open to the Internet:", _findings([w for w in warnings if w.rule[0] == "E"])),
        *_section("Not carried:", _not_carried(to_read)),
        *_wrapped(_without_effect(each for each in others if each not in to_read)),
        *_section("Decided:", _merged(decided, services)),
        *_section("Fix before you deploy:", _findings(converted.report.errors)),
        *_section("Warnings:", _findings([w for w in warnings if w.rule[0] != "E"])),
        *_section("Next:", [*to_store, _NEXT] if converted.report.ok else []),
    ]


def _findings(findings: Sequence[Finding]) -> list[str]:
    """What the judges say, by rule: where, what of each, and how to fix the first, the others being fixed like it."""
    rules: dict[str, list[Finding]] = {}
    for each in findings:
        rules.setdefault(each.rule, []).append(each)
    told = []
    for rule, found in rules.items():
        lines = ", ".join(str(each.line) for each in found)
        alike = ", and so with the others" if len({each.fix for each in found}) > 1 else ""
        what = "; ".join(_merged([each.message for each in found], ()))
        told.append(f"{rule} (SDL line {lines}): {what}: {to_person(found[0].fix)}{alike}")
    return told


def _section(title: str, items: Sequence[str]) -> list[str]:
    return [title, *_wrapped(f"- {item}" for item in items)] if items else []


def _wrapped(items: Iterable[str]) -> list[str]:
    return [
        line
        for item in items
        for line in textwrap.wrap(
            printable(item), COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    ]


def _service(workload: Workload) -> str:
    """One service: its image, who reaches it, its disks and replicas."""
    parts = [f"{workload.name}: {workload.image}", _reach(workload.exposed)]
    parts += [f"disk {disk.name} {size_text(disk.size)} at {disk.mount}" for disk in workload.disks]
    if workload.gpus:
        parts.append(f"{workload.gpus.count} GPU")
    if workload.count > 1:
        parts.append(f"{workload.count} replicas")
    return "; ".join(parts)


def _reach(exposed: Sequence[ExposedPort]) -> str:
    opened = [
        f"a web address (port {port.port})"
        if port.external == WEB_PORT
        else f"{port.port}/{port.proto.lower()}"
        for port in exposed
        if port.is_global and port.port != UNUSED_PORT
    ]
    if opened:
        return f"open to the world: {', '.join(opened)}"
    return "neighbours only" if any(port.services for port in exposed) else "opens no port"


def _not_carried(left_out: Iterable[LeftOut]) -> list[str]:
    """What is left out, with everything that has one reason in one item."""
    groups: list[tuple[_Alike, dict[str, dict[str, None]]]] = []
    for each in left_out:
        words = f"{_why(each)}{f' [{each.protects} accepted]' if each.protects else ''}".split()
        whats = next((whats for reason, whats in groups if reason.takes("", words)), None)
        if whats is None:
            groups.append((_Alike("", words), whats := {}))
        whats.setdefault(each.what, {})[each.service] = None
    return [f"{_things(whats)}: {reason}" for reason, whats in groups]


def _why(each: LeftOut) -> str:
    return f"{each.why}; fix: {to_person(each.fix)}" if each.fix else each.why


def _without_effect(left_out: Iterable[LeftOut]) -> list[str]:
    """What is left out without anything to do about it, by name."""
    whats: dict[str, dict[str, None]] = {}
    for each in left_out:
        whats.setdefault(each.what, {})[each.service] = None
    return [f"Not carried, and nothing to do (--json says why): {_things(whats)}."] if whats else []


def _things(whats: Mapping[str, Iterable[str]]) -> str:
    """Things with the services that have them."""
    things = {what: ", ".join(service for service in services if service) for what, services in whats.items()}
    return ", ".join(f"{what} ({named})" if named else what for what, named in things.items())


class _Alike:
    """Sentences that differ in a few words: those words are told beside each other, the rest once."""

    MOST = 3
    """Words in which they may differ."""

    def __init__(self, service: str, words: list[str]) -> None:
        self.services = {service: None}
        self.words = [{word: None} for word in words]

    def takes(self, service: str, words: list[str]) -> bool:
        """Add a sentence that is like those here; False where it is not."""
        if len(words) != len(self.words) or ("" in self.services) != (service == ""):
            return False
        varied = sum(len({*seen, word}) > 1 for seen, word in zip(self.words, words, strict=True))
        if varied > min(self.MOST, len(words) // 3):
            return False
        self.services[service] = None
        for seen, word in zip(self.words, words, strict=True):
            seen[word] = None
        return True

    def __str__(self) -> str:
        ends = ".,:;"
        texts = [
            "/".join([*(word.rstrip(ends) for word in list(seen)[:-1]), list(seen)[-1]])
            for seen in self.words
        ]
        named = ", ".join(self.services)
        return f"{named}: {' '.join(texts)}" if named else " ".join(texts)


def _merged(notes: Sequence[str], services: Collection[str]) -> list[str]:
    """The notes, with those that are much alike told as one."""
    groups: list[_Alike] = []
    for note in notes:
        service, colon, rest = note.partition(": ")
        if not colon or service not in services:
            service, rest = "", note
        words = rest.split()
        if not any(group.takes(service, words) for group in groups):
            groups.append(_Alike(service, words))
    return [str(group) for group in groups]
