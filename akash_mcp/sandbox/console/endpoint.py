"""What a route of the Console is: a method, a path, what a request must look like, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.responses import Response

from akash_mcp.sandbox.console.keyring import Key
from akash_mcp.sandbox.console.schema import Parser


@dataclass(frozen=True)
class Call:
    """A valid request. `line` is its `METHOD /path`; `signed_in` says whether it came with a good key, `key`."""

    line: str
    signed_in: bool
    path: dict[str, Any]
    query: dict[str, Any]
    body: Any
    key: Key | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """How it was sent: `GET`, `POST` and so on."""
        return self.line.partition(" ")[0]


Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """One route. `path` has its parameters in braces. `cache`: max-age and stale-while-revalidate in seconds.

    `max_body` is in bytes. `proxied`: another service answers, and strangers are turned away before anything else.
    `unborn` is what a node that has not caught up answers where a reader expects something new.
    """

    method: str
    path: str
    handler: Handler
    protected: bool = True
    path_schema: Mapping[str, Parser] = field(default_factory=dict)
    query_schema: Mapping[str, Parser] = field(default_factory=dict)
    body_schema: Parser | None = None
    cache: tuple[int, int] | None = None
    max_body: int = 512 * 1024
    proxied: bool = False
    unborn: Callable[[], Response] | None = None
