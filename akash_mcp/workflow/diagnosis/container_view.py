"""What a container found instead of what was meant: one word for a command line, a disk that is root's, lost+found,
no shell, a value with its quotes.

An event or a log shows it; a note of the SDL (`sdl_notes`) says where it was written. A value is blamed only where both
point to it. The texts are those of runc, tini, shells, Node.js, Java, PostgreSQL and MySQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from akash_mcp.sanitize.secrets import sounds_secret
from akash_mcp.sdl.images.shells import shell_of
from akash_mcp.workflow.desired_state import DesiredService
from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import CauseKind
from akash_mcp.workflow.diagnosis.log_patterns import tells_of_failure
from akash_mcp.workflow.diagnosis.sdl_notes import SdlNote

_MATCHED_CHARACTERS = 2_000
"""So much of a line is searched: no known text is longer, and a hostile line may be."""

_PROGRAM_IN_EVENT = re.compile(
    r'exec: "((?:[^"\\]|\\.){1,600})": (?:executable file not found|(?:stat .{1,600}: )?no such file or directory)'
)
_LINE_IN_LOG = re.compile(
    r'exec: "[^"\s]{1,100} [^"]{0,600}": executable file not found'  # gosu, and others in Go
    r"|tini \(\d+\)\] exec \S{1,100} .{1,600} failed: No such file"
)
_SHELL_IN_LOG = re.compile(
    r"(?:^|[\s\"'‘:])(?:/usr)?(?:/bin/)?(?:sh|ash|bash|dash)[\"'’]?:? "
    r"(?:executable file not found|(?:failed: )?no such file or directory|not found)",
    re.I,
)
_BAD_OPTION = re.compile(
    r"(?:unrecogni[sz]ed|unknown|unexpected|invalid|illegal|bad|no such|undefined) (?:option|argument|flag|command)"
    r"|flag provided but not defined|not found|no such file|cannot find module|can't open",
    re.I,
)
_NOT_ALLOWED = re.compile(
    r"EACCES|permission denied|operation not permitted|not writable|AccessDenied|failed to obtain node locks",
    re.I,
)
_LOST_AND_FOUND = re.compile(r"lost\+found")
_NOT_EMPTY = re.compile(r"exists but is not empty|data directory has files in it", re.I)
_NOT_LET_IN = re.compile(
    r"\b401\b|\b403\b|unauthori[sz]ed|forbidden|(?:invalid|incorrect|wrong|bad|malformed).{0,20}(?:key|token|password"
    r"|credential)|(?:authentication|login|password authentication) failed|access denied",
    re.I,
)
_QUOTES_SHOWN = re.compile(r"\\[\"']|\"'|'\"|\"\"|%22|''|`[\"']")
_REFERENCE = re.compile(r"\$\{\w{1,64}\}|\$\([\w.-]{1,64}\)|\$[A-Z_]\w{1,64}|%\w{3,64}%")
_NO_CONNECTION = re.compile(r"refused|ECONNREFUSED|could not connect|can't connect|failed to connect", re.I)
_AT_HOME = re.compile(r"localhost|127\.0\.0\.1|::1")


_MOST_LIKELY_FIRST = ("N04", "N08", "N07", "N06", "N05", "N02", "N03", "N01")


@dataclass(frozen=True, slots=True)
class ContainerView:
    """What a container found: the kind of cause, `facts` for its words, and as `evidence` a note of the SDL, if any."""

    kind: CauseKind
    facts: dict[str, str]
    evidence: tuple[str, ...]

    @classmethod
    def of(cls, kind: CauseKind, note: SdlNote | None, **facts: str) -> ContainerView:
        """Such a cause, about which the SDL has this note."""
        if note is None:
            return cls(kind, {"note": "", **facts}, ())
        told = {
            "note": f" (line {note.line}: {note.fix})",
            "message": str(note),
            "line": f"line {note.line}",
            "write": note.fix,
        }
        return cls(kind, told | facts, (f"the SDL, {note}",))


def view_at_start(event_notes: Iterable[str], notes: Sequence[SdlNote]) -> ContainerView | None:
    """Why a container cannot be created, by the program that was looked for; None for another reason."""
    for text in event_notes:
        if match := _PROGRAM_IN_EVENT.search(text[:_MATCHED_CHARACTERS]):
            if shell := shell_of(match[1]):
                return ContainerView.of(causes.NO_SHELL, _first(notes, "N08"), shell=shell)
            if len(match[1].split(None, 1)) > 1:
                return ContainerView.of(causes.COMMAND_IN_ONE_ITEM, _first(notes, "N04"))
    return None


def view_in_log(
    lines: Sequence[str], wanted: DesiredService | None, notes: Sequence[SdlNote]
) -> ContainerView | None:
    """What the end of a log shows the container to have found; None for nothing of it."""
    searched = [line[:_MATCHED_CHARACTERS] for line in lines]

    def told(text: re.Pattern[str]) -> bool:
        return any(map(text.search, searched))

    on_top, one_item = _first(notes, "N07"), _first(notes, "N04")
    if told(_LOST_AND_FOUND) or (on_top and told(_NOT_EMPTY)):
        return ContainerView.of(causes.DATA_FOLDER_NOT_EMPTY, on_top)
    if mount := _forbidden_disk(searched, wanted, notes):
        return ContainerView.of(causes.DISK_NOT_WRITABLE, _first(notes, "N06"), mount=mount)
    if told(_LINE_IN_LOG) or (one_item and told(_BAD_OPTION)):
        return ContainerView.of(causes.WORDS_IN_ONE_ITEM, one_item)
    if told(_SHELL_IN_LOG):
        return ContainerView.of(causes.NO_SHELL_TO_RUN, _first(notes, "N08"))
    blamed = next((note for note in notes if _is_blamed(note, searched)), None)
    return ContainerView.of(causes.VALUE_AS_TEXT, blamed) if blamed else None


def likely_view(notes: Sequence[SdlNote]) -> ContainerView | None:
    """What the SDL notes about a service whose end does not show its cause: first what surely breaks it."""
    known = [note for rule in _MOST_LIKELY_FIRST for note in notes if note.rule == rule]
    return ContainerView.of(causes.DOUBTFUL_LINE, known[0]) if known else None


def _first(notes: Sequence[SdlNote], rule: str) -> SdlNote | None:
    return next((note for note in notes if note.rule == rule), None)


def _forbidden_disk(
    lines: Sequence[str], wanted: DesiredService | None, notes: Sequence[SdlNote]
) -> str | None:
    """Where the disk is mounted that a container may not write to; None for none."""
    denied = [line for line in lines if _NOT_ALLOWED.search(line)]
    disks = [disk.mount.rstrip("/") for disk in wanted.disks if disk.kind != "ram"] if wanted else []
    mounts = [mount for mount in disks if mount]
    for mount in mounts:
        below = re.compile(re.escape(mount) + r"(?![\w.-])")
        if any(map(below.search, denied)):
            return mount
    return mounts[0] if denied and mounts and _first(notes, "N06") else None


def _is_blamed(note: SdlNote, lines: Sequence[str]) -> bool:
    """Whether the end of a log points to the value that a note is about."""
    if not note.variable:
        return False
    if note.rule == "N05":
        return any(_NO_CONNECTION.search(line) and _AT_HOME.search(line) for line in lines)
    own = re.compile(rf"(?<!\w){re.escape(note.variable)}(?!\w)")
    signs: list[Callable[[str], object]] = [lambda line: own.search(line) and tells_of_failure(line)]
    if note.rule == "N01":
        signs.append(lambda line: _QUOTES_SHOWN.search(line) and tells_of_failure(line))
    if note.rule == "N02" and (reference := _REFERENCE.search(note.message)):
        signs.append(lambda line: reference[0] in line)
    if sounds_secret(note.variable) or re.search("UR[IL]|DSN", note.variable, re.I):
        signs.append(_NOT_LET_IN.search)
    return any(sign(line) for sign in signs for line in lines)
