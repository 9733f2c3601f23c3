"""Resources: the SDL guide, the budget, notices, and what has a name here, for hosts that show resources.

Tools give all of it too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from pydantic import BaseModel

from akash_mcp.data import guide
from akash_mcp.errors import AkashError, BadArgument, NotFound
from akash_mcp.guard.books import notices as books
from akash_mcp.guard.books.sdls import is_sdl_id
from akash_mcp.ids import BadId, parse_dseq, parse_provider
from akash_mcp.sanitize.text import one_line
from akash_mcp.tools.deploy import verdict_of
from akash_mcp.tools.deployment_results import deployment_result
from akash_mcp.tools.hiding import as_json, learn_secrets
from akash_mcp.tools.market.provider_results import provider_result
from akash_mcp.tools.market.templates import template_of
from akash_mcp.tools.observe import budget_of, deployments_of
from akash_mcp.tools.operation_results import operation_list
from akash_mcp.tools.results import Result
from akash_mcp.workflow import status
from akash_mcp.workflow.market.providers import read_provider
from akash_mcp.workflow.ongoing import ongoing
from akash_mcp.workflow.runtime import Runtime

JSON = "application/json"
BUDGET = "akash://budget"
DEPLOYMENTS = "akash://deployments"
NOTICES = "akash://notices"


def add_resources(server: MCPServer[Any], runtime: Callable[[], Runtime]) -> None:
    """Register all resources. `runtime` gives the process's services while the server runs.

    It does not come from the SDK's context, which only resource templates receive.
    """

    @server.resource("akash://guide/sdl", title="How to write an SDL", mime_type="text/markdown")
    def sdl_guide() -> str:
        """How to write an SDL that deploys, and the mistakes that cost money."""
        return guide("sdl.md")

    async def read(asked: Callable[[Runtime], Awaitable[BaseModel]]) -> str:
        await runtime().accounts.recall()
        try:
            answer = await asked(runtime())
        except (NotFound, BadId, BadArgument) as unknown:
            raise ResourceNotFoundError(one_line(str(unknown))) from unknown
        except AkashError as failure:
            raise ResourceError(one_line(str(failure))) from failure
        return as_json(answer, play_money=runtime().play_money)

    @server.resource(BUDGET, title="Budget", mime_type=JSON)
    async def budget() -> str:
        """The user's limits, how much of them is held and left, and the account's credit."""
        return await read(budget_of)

    @server.resource(DEPLOYMENTS, title="Deployments", mime_type=JSON)
    async def deployments() -> str:
        """The account's active deployments."""
        return await read(deployments_of)

    @server.resource(NOTICES, title="Notices", mime_type=JSON)
    async def notices() -> str:
        """What happened meanwhile, within a day: what the watch found, and what was done unasked."""
        return await read(_notices)

    @server.resource(f"{DEPLOYMENTS}/{{dseq}}", title="Deployment", mime_type=JSON)
    async def deployment(dseq: str) -> str:
        """One deployment: services, addresses, rate, escrow left."""
        return await read(partial(_deployment, dseq))

    @server.resource("akash://operations/{op_id}", title="Operation", mime_type=JSON)
    async def operation(op_id: str) -> str:
        """One operation that is under way, or ended within a day: how far it is, and what to do about it."""
        return await read(partial(_operation, op_id))

    @server.resource("akash://providers/{provider}", title="Provider", mime_type=JSON)
    async def provider(provider: str) -> str:
        """One provider: uptime, what is free, our own history with it, and what it claims."""
        return await read(partial(_provider, provider))

    @server.resource("akash://templates/{template}", title="Template", mime_type=JSON)
    async def template(template: str) -> str:
        """A ready-made SDL from the Console's catalogue, checked, by an sdl_id, and what has to be filled in."""
        return await read(partial(_template, template))

    @server.resource("akash://sdls/{sdl_id}", title="SDL", mime_type=JSON)
    async def sdl(sdl_id: str) -> str:
        """The verdict on an SDL that was named here: errors, services, what is open to the Internet, price ceiling."""
        return await read(partial(_sdl, sdl_id))


class NoticeList(Result):
    """What was found or done unasked within a day, oldest first, told or not."""

    notices: list[str]


async def _notices(rt: Runtime) -> BaseModel:
    return NoticeList(notices=[str(notice) for notice in await rt.store.read(books.recent)])


async def _deployment(dseq: str, rt: Runtime) -> BaseModel:
    await learn_secrets(rt, {"dseq": dseq})
    return deployment_result(await status.deployment_status(rt, parse_dseq(dseq)))


async def _operation(op_id: str, rt: Runtime) -> BaseModel:
    found, waits = await ongoing(rt)
    named = [each for each in found if each.operation.op_id == op_id]
    waiting = [each for each in waits if each.op_id == op_id]
    if not named and not waiting:
        raise BadArgument("This server has no such operation of today.")
    return operation_list(named, waiting, agent=rt.store.agent)


async def _provider(address: str, rt: Runtime) -> BaseModel:
    return provider_result(await read_provider(rt, parse_provider(address)))


async def _template(template_id: str, rt: Runtime) -> BaseModel:
    return await template_of(rt, template_id)


async def _sdl(sdl_id: str, rt: Runtime) -> BaseModel:
    if not is_sdl_id(sdl_id):
        raise BadArgument("This is not the name of an SDL.")
    return await verdict_of(rt, sdl_id)
