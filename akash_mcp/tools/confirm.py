"""`confirm`: the plan that was shown is carried out, whichever tool made it, and nobody repeats an argument.

A host that asks its user before a tool runs can ask about this one.
"""

from __future__ import annotations

from typing import Annotated, cast

from pydantic import Field

from akash_mcp.errors import NotApproved
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind
from akash_mcp.tools import account, akua, deploy, exec
from akash_mcp.tools.approval import AppContext, Opened, confirmed, runtime
from akash_mcp.tools.results import Outcome
from akash_mcp.tools.tool import Effect, ToolSpec


async def confirm(
    ctx: AppContext,
    approval_token: Annotated[
        str,
        Field(
            description="Or the op_id that waits for a person",
            max_length=64,
            json_schema_extra={"pattern": "^(approve|op)_"},
        ),
    ],
) -> Outcome:
    """SPENDS. Carry out the plan that was shown to the user, once they agreed; it may delete."""
    decision = await confirmed(ctx, approval_token)
    if isinstance(decision, Opened):
        tool = decision.tool or await _tool_that_opened(ctx, decision)
    else:
        tool = decision.plan.tool
    offered = {tool.name for tool in await ctx.mcp_server.list_tools()}
    carry_out = _CARRY_OUT.get(tool) if tool in offered else None
    if carry_out is None:
        if isinstance(decision, Opened):
            raise NotApproved(
                f"This approval was used before, for operation {decision.op_id}, and is good for one. This server does "
                f"not have the tool {tool} that planned it.",
                money="This call moved none; what that operation did is in list_operations.",
                next_step=f'Call get_deployment(id="{decision.op_id}").',
            )
        raise NotApproved(
            f"This server does not have the tool {tool} that planned this.",
            next_step="Only the user can change which tools it has (AKASH_MCP_TOOLSETS, AKASH_MCP_READ_ONLY).",
        )
    answer = await carry_out(ctx, decision)
    if not isinstance(answer, Outcome):
        return cast(Outcome, answer)  # a command's outcome has the same fields, and what the command wrote
    return answer.model_copy(update={"sdl_id": None})  # the plan's answer told it


async def _tool_that_opened(ctx: AppContext, opened: Opened) -> str:
    """The tool of an operation whose plan is forgotten: which one of its kind makes no difference then."""
    services = runtime(ctx)
    for desk in (services.desk, services.akua.desk):
        operation = await desk.store.read(journal.find, opened.op_id)
        if operation is not None:
            return _TOOL_OF[operation.kind]
    return ""


_TOOL_OF = {
    Kind.LAUNCH: "deploy",
    Kind.LEASE: "create_lease",
    Kind.UPDATE: "update_deployment",
    Kind.FUND: "add_funds",
    Kind.CLOSE: "close_deployment",
    Kind.EXEC: "run_command",
    Kind.TOP_UP: "set_auto_top_up",
    Kind.CERTIFICATE: "create_certificate",
    Kind.AKUA_PACKAGE: "akua_create_package",
    Kind.AKUA_INSTALL: "akua_create_install",
    Kind.AKUA_UPDATE: "akua_update_install",
    Kind.AKUA_DELETE: "akua_delete_install",
    Kind.AKUA_CLUSTER: "akua_create_cluster",
    Kind.AKUA_POWER: "akua_set_cluster_power",
    Kind.AKUA_SCALING: "akua_set_autoscaling",
}

_CARRY_OUT = {
    spec.name: spec.carry_out
    for spec in (*deploy.TOOLS, *account.TOOLS, *exec.TOOLS, *akua.TOOLS, *akua.CLUSTER_TOOLS)
    if spec.carry_out
}

TOOL = ToolSpec(
    confirm, "Carry out what the user agreed to (may spend or delete)", Effect.SPENDS, idempotent=True
)
