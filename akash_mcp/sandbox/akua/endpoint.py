"""What a route of Akua is: a method, a path, what a request must look like, and who answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

from akash_mcp.sandbox.akua.records import Workspace

Context: TypeAlias = Literal["required", "optional"]
"""Whether a token that sees several workspaces has to name one."""


@dataclass(frozen=True)
class Call:
    """A request that was found well-formed. `path` and `query` by name; `body` is `{}` where there is none.

    `workspaces`: those that its token sees, or the one that its context names.
    """

    line: str
    workspaces: tuple[Workspace, ...]
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: dict[str, Any]
    if_match: str | None = None
    key: str | None = None
    accept: str = "*/*"

    @property
    def workspace(self) -> Workspace:
        """The one workspace that it is about, where its endpoint requires a context."""
        return self.workspaces[0]


@dataclass(frozen=True)
class Answer:
    """What is answered: JSON as `tell` gives it, now and at every replay, or a stream of server-sent events."""

    tell: Callable[[], Any]
    status: int = 200
    stream: AsyncIterator[bytes] | None = None


Handler: TypeAlias = Callable[[Call], Answer | Awaitable[Answer]]
Header: TypeAlias = Literal["required", "optional", "none"]


@dataclass(frozen=True)
class Endpoint:
    """One route. `path` is a template without `/v1`, as the document has it. `body`: JSON Schema of what it takes.

    `query`: names of parameters, each with what reads its text. `paged`: it takes `cursor` and `limit` as well.
    """

    method: str
    path: str
    handler: Handler
    context: Context = "required"
    query: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    if_match: Header = "none"
    key: Header = "none"
    paged: bool = False

    @property
    def name(self) -> str:
        """`METHOD /template`."""
        return f"{self.method} {self.path}"


class Template:
    """A path of the document, held against a path as it came over the wire.

    Segments are unquoted one by one, so `%3A` is a colon and `%2F` is a slash inside a segment. A template that ends
    with `/*` takes any rest.
    """

    def __init__(self, path: str) -> None:
        self._is_open = path.endswith("/*")
        self._segments = [_pattern(segment) for segment in path.removesuffix("/*").strip("/").split("/")]

    def match(self, raw: str) -> dict[str, str] | None:
        """The parameters, or nothing where it is another path."""
        segments = raw.removeprefix("/").split("/")
        if self._is_open and len(segments) > len(self._segments):
            segments = segments[: len(self._segments)]
        elif self._is_open or len(segments) != len(self._segments):
            return None
        found: dict[str, str] = {}
        for pattern, segment in zip(self._segments, segments, strict=True):
            matched = pattern.fullmatch(unquote(segment))
            if matched is None:
                return None
            found.update(matched.groupdict())
        return found


def _pattern(segment: str) -> re.Pattern[str]:
    """A parameter never takes a colon, which begins an action, and takes a slash only where it came as `%2F`."""
    literal, *named = re.split(r"\{(\w+)\}", segment)
    parts = [re.escape(literal)]
    for name, following in zip(named[::2], named[1::2], strict=True):
        parts += [f"(?P<{name}>[^:]+)", re.escape(following)]
    return re.compile("".join(parts))
