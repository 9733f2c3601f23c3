"""How a demo is told: each step as it is done, the failures in their order, and the line of JSON at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import anyio
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from akash_mcp.cli.to_person import to_person


class DemoFailed(Exception):
    """A step did not do what it should, seen from outside."""


@dataclass
class Story:
    """Shows a person each step, and keeps in `result` what `--json` prints at the end."""

    out: Console
    started: float = field(default_factory=time.monotonic)
    result: dict[str, Any] = field(default_factory=dict)
    waits: Status = field(init=False)
    """Says what is being done."""

    def __post_init__(self) -> None:
        self.waits = self.out.status("Starting what is embedded …")

    def doing(self, what: str) -> None:
        """Say what a person waits for now."""
        self.waits.update(f"{what} …")

    def step(self, title: str, detail: str = "") -> None:
        """Print a step that was done, with the seconds since the start."""
        seconds = time.monotonic() - self.started
        self.out.print(f"[bold green]✓[/] [bold]{escape(title)}[/] [dim]{seconds:.1f} s[/]")
        if detail:
            self.out.print(f"  {escape(detail)}")

    def aside(self, text: str) -> None:
        """Print what is no step: how something stands that takes longer."""
        self.out.print(f"  [dim]{escape(text)}[/]")


def tell(
    tale: Callable[[Story], Awaitable[None]],
    *,
    title: str,
    how: str,
    ending: str,
    keys: Sequence[str],
    as_json: bool,
) -> int:
    """Run a demo, and return its status: 0 where `tale` came to its end, 1 where it raised `DemoFailed`.

    `title` and `how` it is played stand above it, `ending` behind the seconds that it took. With `as_json`, stdout ends
    with one line: what the story's result holds under `keys`, between `ok` and `seconds`.
    """
    story = Story(Console(stderr=as_json, highlight=False))
    story.out.print(f"[bold]{escape(title)}[/], {escape(how)}\n")
    ok = True
    try:
        with story.waits if story.out.is_terminal and not as_json else nullcontext():
            anyio.run(tale, story)
    except* DemoFailed as failures:
        ok = False
        for failure in _leaves(failures):
            for each in _in_turn(failure):
                story.out.print(f"[bold red]✗ {escape(to_person(str(each)))}[/]")
    seconds = round(time.monotonic() - story.started, 1)
    if as_json:
        line = {"ok": ok, **{key: story.result.get(key) for key in keys}, "seconds": seconds}
        sys.stdout.write(json.dumps(line) + "\n")
    elif ok:
        story.out.print(
            f"\n[bold green]All of it was seen from outside, in {seconds} seconds, {escape(ending)}.[/]"
        )
    return 0 if ok else 1


def _leaves(group: BaseExceptionGroup[DemoFailed]) -> Iterator[DemoFailed]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _in_turn(failure: BaseException, *, is_reworded: bool = False) -> Iterator[DemoFailed]:
    """A failure after those that it came on top of: closing may fail too, and that must not hide why it closes.

    One that was raised from another says that one's words again; what that one came on top of it does not say.
    """
    is_cause = failure.__cause__ is not None
    earlier = failure.__cause__ if is_cause or failure.__suppress_context__ else failure.__context__
    if earlier is not None:
        yield from _in_turn(earlier, is_reworded=is_cause)
    if isinstance(failure, DemoFailed) and not is_reworded:
        yield failure
