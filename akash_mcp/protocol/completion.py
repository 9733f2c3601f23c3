"""Completion: what an argument of a prompt, or a part of a resource's address, can be.

From what the ledger and this process know, and at most one read of the Console that a tool makes as well, bounded in
time and kept for a while. It spends nothing, and what cannot be had is left out: nobody's typing waits for a network.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.types import CompleteRequestParams, CompleteResult, Completion

from akash_mcp.errors import AkashError
from akash_mcp.guard.books import journal
from akash_mcp.sanitize.text import field
from akash_mcp.sdl.rules.known_gpus import NAMES
from akash_mcp.tools.hiding import hidden
from akash_mcp.workflow.market.templates import read_catalogue
from akash_mcp.workflow.ongoing import RECENT_SECONDS
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

SECONDS = 2.0
"""How long the values of an argument may take."""
MOST = 100
"""The most values that the protocol lets a server name."""
Find = Callable[[Runtime, list[str]], Awaitable[None]]
"""Adds the values that an argument can have, those known for certain first: what is late is left out."""


async def _dseqs(rt: Runtime, found: list[str]) -> None:
    if rt.key.known is None:  # no keyring is asked for it
        return
    await rt.accounts.recall()
    if rt.store.path.exists():
        found += [launch.dseq for launch in await rt.store.read(journal.open_launches) if launch.dseq]
    found += [detail.dseq for detail in await rt.reader.list_deployments()]


async def _op_ids(rt: Runtime, found: list[str]) -> None:
    if rt.key.known is None:  # no keyring is asked for it
        return
    await rt.accounts.recall()
    if rt.store.path.exists():
        found += [each.op_id for each in await rt.store.read(journal.recent, rt.now() - RECENT_SECONDS)]


async def _providers(rt: Runtime, found: list[str]) -> None:
    records = (await rt.reader.all_providers()).value
    found += [record.owner for record in sorted(records, key=lambda record: not record.is_online)]


async def _templates(rt: Runtime, found: list[str]) -> None:
    found += [template.id for template in (await read_catalogue(rt)).templates]


async def _sdl_ids(rt: Runtime, found: list[str]) -> None:
    found += rt.sdls.seen


async def _models(rt: Runtime, found: list[str]) -> None:
    found += sorted(NAMES)


_FIND: Mapping[str, tuple[Find, float]] = {
    "dseq": (_dseqs, 5.0),
    "op_id": (_op_ids, 0.0),
    "provider": (_providers, 60.0),
    "template": (_templates, 60.0),
    "sdl_id": (_sdl_ids, 0.0),
    "model": (_models, 0.0),
}
"""By the name of the argument, which is the same in prompts and addresses; with how many seconds what the Console was
asked for is good, also where it could not be had. A client asks at each key."""


class Completions:
    """Completes arguments, and remembers for a moment what they can be."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[str, tuple[float, list[str]]] = {}
        self._locks = {name: anyio.Lock() for name in _FIND}

    def serve(self, server: MCPServer[Any]) -> None:
        """Have the server complete."""
        lowlevel = server._lowlevel_server
        lowlevel.add_request_handler("completion/complete", CompleteRequestParams, self._complete)

    async def _complete(
        self, ctx: ServerRequestContext[Any, Any], params: CompleteRequestParams
    ) -> CompleteResult:
        """The values that begin with what was typed; none where nothing is known of the argument."""
        typed, known = params.argument.value.casefold(), await self._values(ctx.lifespan_context, params)
        values = [value for value in known if value.casefold().startswith(typed)]
        told = Completion(values=values[:MOST], total=len(values), has_more=len(values) > MOST)
        return CompleteResult(completion=told)

    async def _values(self, rt: Runtime, params: CompleteRequestParams) -> list[str]:
        name = params.argument.name
        if name not in _FIND:
            return []
        find, good_for = _FIND[name]
        async with self._locks[name]:  # whoever types on meanwhile waits for the same answer
            at, kept = self._kept.get(name, (float("-inf"), []))
            if self._now() - at < good_for:
                return kept
            found: list[str] = []
            try:
                with anyio.move_on_after(SECONDS):
                    await find(rt, found)
            except AkashError as failure:
                log.info("not all values of %s are known: %s", name, failure.code)
            shown = list(dict.fromkeys(str(hidden(field(each))) for each in found))
            self._kept[name] = self._now(), shown
            return shown
