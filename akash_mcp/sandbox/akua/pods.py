"""The pods of an install and what they log, line after line, from the moment that they started."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from akash_mcp.sandbox.akua.records import Install

CONTAINERS = ("web", "metrics")
LINE_SECONDS = 5
"""A container logs a line so often, in simulated seconds."""

MOST_LINES = 2_000
"""Of a container; what is older is gone."""


def pods_of(install: Install) -> list[str]:
    """Names of its pods; none before it was deployed."""
    suffix = install.id.partition("_")[2][:6]
    return [] if install.running_since is None else [f"web-{suffix}-{number}" for number in range(2)]


@dataclass(frozen=True)
class Line:
    """One line. `at`: simulated seconds since the start."""

    at: float
    pod: str
    container: str
    content: str

    def timestamp(self, beginning: float) -> str:
        """As ISO 8601; `beginning` is when the clock started, in seconds since the epoch."""
        moment = datetime.datetime.fromtimestamp(beginning + self.at, datetime.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lines(
    install: Install, pods: Sequence[str], containers: Sequence[str], after: float, until: float
) -> Iterator[Line]:
    """What these containers logged after one moment and until another, in order."""
    if install.running_since is None:
        return
    first = max(0, int((after - install.running_since) // LINE_SECONDS) + 1)
    last = int((until - install.running_since) // LINE_SECONDS)
    for number in range(max(first, last - MOST_LINES + 1), last + 1):
        at = install.running_since + number * LINE_SECONDS
        for pod in pods:
            for container in containers:
                yield Line(at, pod, container, _content(container, number, is_doomed=install.is_doomed))


def _content(container: str, number: int, *, is_doomed: bool) -> str:
    if is_doomed and container == "web":
        return "web: fatal: the database does not answer; starting again"
    if number == 0:
        return f"{container}: listening on port 8080"
    return f'GET /{"metrics" if container == "metrics" else ""} 200 request="{number}"'
