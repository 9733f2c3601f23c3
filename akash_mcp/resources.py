"""Resources: the SDL guide, the budget and the deployments, for hosts that show resources. Tools give all of it too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from pydantic import BaseModel

from akash_mcp.data import guide
from akash_mcp.errors import AkashError, NotFound
from akash_mcp.ids import BadId, parse_dseq
from akash_mcp.sanitize.text import one_line
from akash_mcp.tools.deployment_results import deployment_result
from akash_mcp.tools.hiding import as_json, learn_secrets
from akash_mcp.tools.observe import budget_of, deployments_of
from akash_mcp.workflow import status
from akash_mcp.workflow.runtime import Runtime

JSON = "application/json"


def add_resources(server: MCPServer[Any], runtime: Callable[[], Runtime]) -> None:
    """Register all resources. `runtime` gives the process's services while the server runs.

    It does not come from the SDK's context, which only resource templates receive.
    """

    @server.resource("akash://guide/sdl", title="How to write an SDL", mime_type="text/markdown")
    def sdl_guide() -> str:
        """How to write an SDL that deploys, and the mistakes that cost money."""
        return guide("sdl.md")

    @server.resource("akash://budget", title="Budget", mime_type=JSON)
    async def budget() -> str:
        """The user's limits, how much of them is held and left, and the account's credit."""
        await runtime().accounts.recall()
        return await _json(runtime(), budget_of(runtime()))

    @server.resource("akash://deployments", title="Deployments", mime_type=JSON)
    async def deployments() -> str:
        """The account's active deployments."""
        await runtime().accounts.recall()
        return await _json(runtime(), deployments_of(runtime()))

    @server.resource("akash://deployments/{dseq}", title="Deployment", mime_type=JSON)
    async def deployment(dseq: str) -> str:
        """One deployment: services, addresses, rate, escrow left."""
        await runtime().accounts.recall()
        await learn_secrets(runtime(), {"dseq": dseq})
        return await _json(runtime(), _deployment(runtime(), dseq))


async def _deployment(rt: Runtime, dseq: str) -> BaseModel:
    return deployment_result(await status.deployment_status(rt, parse_dseq(dseq)))


async def _json(rt: Runtime, asked: Awaitable[BaseModel]) -> str:
    try:
        answer = await asked
    except (NotFound, BadId) as unknown:
        raise ResourceNotFoundError(one_line(str(unknown))) from unknown
    except AkashError as failure:
        raise ResourceError(one_line(str(failure))) from failure
    return as_json(answer, play_money=rt.play_money)
