"""The page of clients: what came of every part with each of them, what failed, and what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from client_story import PARTS, Story

from akash_mcp.tools.deadline import WAIT_SECONDS

_HEAD = """\
# Clients

What `make clients` found on {day}: the server, driven by clients that others wrote, each of the version named and in an environment of its own, against an embedded network. A ✓ was seen from outside: what was deployed answered at its address with 200, and the network's own books say that it is closed, or that nothing was made.

| part | what is done |
|---|---|
| list, call | the tools are listed, and `validate_sdl` called; text and structured content say the same |
| yes | its user is asked by `deploy` and agrees |
| late no | it declines after two seconds, as a person might: that is a no, and nothing is made |
| decline, cancel, empty yes, no | it declines, cancels, accepts with nothing filled in, or fills in a no, within a second, as [clients that answer by themselves](approval.md#clients-that-answer-by-themselves) do: nothing is made, and its model gets the plan with a token |
| two-step | it cannot ask: it is shown the plan, and `confirm` carries it out |
| error | a call fails, and its model learns why, and that no money moved |
| nulls | every optional argument is sent as null |
| pending | the launch takes longer than a call waits, and `get_deployment` waits for the rest; on one way of each |
| task | it takes [tasks](protocol.md#tasks): the same launch, and the one call tells how it ended, {wait:g} seconds or more later |

A – is what the client does not offer, or what was not done on this way.
"""  # noqa: E501 - a paragraph of a page is a line


def written(stories: Sequence[Story], day: date) -> str:
    """The page, in Markdown."""
    return (
        "\n".join(
            [
                _HEAD.format(day=day.isoformat(), wait=WAIT_SECONDS),
                *_table(stories),
                *_not_run(stories),
                "",
                *_failures(stories),
                *_notes(stories),
                *_without_tasks(stories),
            ]
        )
        + "\n"
    )


def _table(stories: Sequence[Story]) -> Iterator[str]:
    yield f"| client | version | over | era | protocol | {' | '.join(PARTS)} |"
    yield f"|---|---|---|---|---|{'---|' * len(PARTS)}"
    for story in filter(_was_run, stories):
        spec, way = story.spec, story.way
        told = (spec.name, spec.version, way.transport, way.era, story.protocol or "not told")
        yield f"| {' | '.join([*told, *(_cell(story, part) for part in PARTS)])} |"


def _not_run(stories: Sequence[Story]) -> Iterator[str]:
    left = [
        f"{_named(story)} over {story.way.transport}, {story.way.era}"
        for story in stories
        if not _was_run(story)
    ]
    if left:
        yield from ("", f"Not run yet: {'; '.join(left)}.")


def _was_run(story: Story) -> bool:
    return bool(story.came)


def _cell(story: Story, part: str) -> str:
    if part not in story.came:
        return "–"
    return "✓" if story.came[part] is None else "✗"


def _failures(stories: Sequence[Story]) -> Iterator[str]:
    yield "## What failed"
    yield ""
    ways: dict[tuple[str, str, str], list[str]] = {}
    for story in stories:
        for part, why in story.came.items():
            if why:
                same = ways.setdefault((_named(story), part, _one_line(why)), [])
                same.append(f"{story.way.transport} {story.way.era}")
    for (name, part, why), each in ways.items():
        yield f"- {name}, **{part}** ({', '.join(each)}): {why}"
    if not ways:
        yield "Nothing."


def _notes(stories: Sequence[Story]) -> Iterator[str]:
    notes = dict.fromkeys(
        f"- {_named(story)}: {_one_line(note)}" for story in stories for note in story.notes
    )
    if notes:
        yield from ("", "## What is odd", "", *notes)


def _without_tasks(stories: Sequence[Story]) -> Iterator[str]:
    yield from ("", "## How they take tasks", "")
    yield (
        "Inspector does by itself; the Python SDK, and behind mcp-remote, by a `ClientExtension` that its user writes; "
        "the TypeScript SDK by `@modelcontextprotocol/ext-tasks` 0.2.2, whose requests its user sends; fastmcp and "
        "pydantic-ai by the package `fastmcp-tasks`. Before 2026-07-28 there is no such extension, so none does on its "
        "legacy ways. These do not at all:"
    )
    whys = dict.fromkeys((_named(story), story.spec.no_tasks) for story in stories if story.spec.no_tasks)
    yield from ("", *(f"- {name}: {why}" for name, why in whys))


def _named(story: Story) -> str:
    return f"{story.spec.name} {story.spec.version}"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
