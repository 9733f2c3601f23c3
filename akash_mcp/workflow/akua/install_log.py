"""What `akua_get_install_logs` answers: what the containers wrote last, fenced as data, and what is missing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from akash_mcp.clients.akua.logs import LogLine
from akash_mcp.clients.akua.models import Pod
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import AkashError
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.sanitize.text import Cleaned, clean, fence, field, quoted

ROOM_BYTES = 12_000
"""The most that the lines of an answer take. Hosts cut or refuse far larger answers."""
MOST_SOURCES = 12
"""Containers whose lines are shown."""
_LINE_BYTES = 2_000
_NAMED_PODS = 10

Source = tuple[str, str]
"""A pod and a container of it, "" where Akua does not say."""


async def install_log(
    reader: AkuaReader,
    install_id: str,
    *,
    pod: str | None,
    container: str | None,
    tail: int,
    since_seconds: int | None,
) -> str:
    """Read the lines and write the answer: notes, then the lines of each container between marks.

    Raises `AkashError` where nothing could be read.
    """
    logs = await reader.logs(install_id, pod=pod, container=container, tail=tail, since_seconds=since_seconds)
    notes = [field(logs.problem, 400)] if logs.problem else []
    if logs.cut:
        notes.append("Ask with pod, container or a smaller tail to see less.")
    if not logs.lines:
        return "\n".join([*notes, await _nothing(reader, install_id, is_whole=not notes)])
    return "\n".join([*notes, *_fences(install_id, logs.lines)])


async def _nothing(reader: AkuaReader, install_id: str, *, is_whole: bool) -> str:
    """What to say where no line came. The pods that there are help whoever asked for another one."""
    said = "There are no such lines." if is_whole else "No line came, which does not mean that there is none."
    try:
        pods = await reader.pods(install_id)
    except AkashError as unread:
        return f"{said} Its pods could not be listed: {unread.what}"
    return f"{said} {_named(pods)}"


def _named(pods: Sequence[Pod]) -> str:
    if not pods:
        return "Akua lists no pod of this install."
    shown = [
        quoted(pod.name)
        + (f" ({', '.join(quoted(each) for each in pod.containers[:3])})" if pod.containers else "")
        for pod in pods[:_NAMED_PODS]
    ]
    more = f" and {len(pods) - _NAMED_PODS} more" if len(pods) > _NAMED_PODS else ""
    return f"Its pods and their containers: {', '.join(shown)}{more}."


def _fences(install_id: str, lines: Sequence[LogLine]) -> Iterator[str]:
    """The lines of each container between marks of their own: cleaned as one text, since a secret may span several."""
    sources: dict[Source, list[LogLine]] = {}
    for line in lines:
        sources.setdefault((line.pod or "", line.container or ""), []).append(line)
    if len(sources) > MOST_SOURCES:
        yield f"Of {len(sources)} containers the first {MOST_SOURCES} are shown. Ask with pod."
    room = ROOM_BYTES // min(len(sources), MOST_SOURCES)
    for (pod, container), written in list(sources.items())[:MOST_SOURCES]:
        newest = next((each.at for each in reversed(written) if each.at is not None), None)
        parts = [f"logs of install {field(install_id, 80)}"]
        parts += [f"pod {field(pod, 80)}"] if pod else []
        parts += [f"container {field(container, 80)}"] if container else []
        parts += [f"newest line of {in_utc(newest)}"] if newest is not None else []
        yield fence(", ".join(parts), _cleaned(written, room))


def _cleaned(lines: Sequence[LogLine], room: int) -> Cleaned:
    whole = clean("\n".join(_bounded(line.text) for line in lines), limit=room, keep="end")
    if not whole.cut:
        return whole
    # The first of what is kept is half a line.
    return Cleaned(whole.text.partition("\n")[2] or whole.text, cut=True)


def _bounded(text: str) -> str:
    shown = clean(text, limit=_LINE_BYTES)
    return f"{shown.text}… ({len(text):,} characters)" if shown.cut else text
