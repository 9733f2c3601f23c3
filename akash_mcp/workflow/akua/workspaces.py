"""Where at Akua a call works: the workspace in force, whether it can be used, and how much of what it may have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from akash_mcp.clients.akua.models import AccessState, Quota, Workspace
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.workflow.akua.parts import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The workspace in force. What is None could not be read; `problems` says what that is."""

    workspace: Workspace
    access: AccessState | None
    quotas: list[Quota] | None
    others: list[Workspace] | None
    """The other workspaces that the token reaches, as far as they could be read."""
    problems: list[str]


async def standing(reader: AkuaReader) -> Standing:
    """Read all that. Raises `AkashError` where the workspace itself is not known."""
    workspace = await reader.workspace()
    async with reading() as parts:
        access = parts.read("Whether it can be used", partial(reader.access_state, workspace.id))
        quotas = parts.read("Its quotas", reader.quotas)
        reached = parts.read("The list of workspaces", reader.workspaces)
    problems = parts.problems
    if reached.value is not None and not reached.value.is_whole:
        problems.append(f"The list of workspaces is not whole: {reached.value.problem}")
    return Standing(
        workspace=workspace,
        access=access.value,
        quotas=quotas.value,
        others=None
        if reached.value is None
        else [each for each in reached.value.records if each.id != workspace.id],
        problems=problems,
    )
