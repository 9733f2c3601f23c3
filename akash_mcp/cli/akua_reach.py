"""Whose an Akua token is and what it reaches, for `akash-mcp doctor` and `login --akua`: found out by reads alone.

A workspace's token reaches that one. Somebody's own reaches every workspace of theirs, and nothing is done with it
before one is named. Akua's quotas bound what a workspace may have, and are no budget: they know no amount of money.
Unknown is said as unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import TypeVar

from akash_mcp.cli.check import Check
from akash_mcp.cli.to_person import to_person
from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.models import AccessState, Quota, Workspace
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.config import Settings
from akash_mcp.errors import AkashError, BadSettings
from akash_mcp.sanitize.text import field, quoted

NEAR_ITS_END = Decimal("0.8")
"""The part of a quota that is used, from which on its owner should know."""
MOST_QUOTAS = 10
"""How many quotas are told each in a line."""
AKUA_PLACE = "https://akua.dev"
"""Where a person sees their workspaces, tokens and plan."""

T = TypeVar("T")


async def token_checks(settings: Settings, token: AkuaToken) -> list[Check]:
    """Whether Akua takes the token, which workspace is in force, whether it can be used, and what is left there.

    Raises `MissingAkuaToken`, and what Akua does to a token that it refuses.
    """
    await token.need()
    async with AkuaClient(
        settings.akua_url, token, workspace=settings.akua_workspace or "", ca_file=settings.ca_file
    ) as client:
        reader = AkuaReader(client)
        accepted = Check("akua", True, f"{settings.akua_url} accepts the token")
        try:
            workspace = await reader.workspace()
        except BadSettings as unclear:
            fix = f"{to_person(unclear.next_step)} In the configuration file it is akua_workspace."
            return [accepted, Check("akua", False, to_person(unclear.what), fix)]
        access = await _told(reader.access_state(workspace.id))
        quotas = await _told(reader.quotas())
    return [accepted, _workspace(settings, workspace), _access(access), *_quotas(quotas)]


async def _told(read: Awaitable[T]) -> T | AkashError:
    try:
        return await read
    except AkashError as refusal:
        return refusal


def _workspace(settings: Settings, workspace: Workspace) -> Check:
    name = f"{quoted(workspace.name)} ({field(workspace.id)})" if workspace.name else field(workspace.id)
    how = (
        f"which {settings.place_of('akua_workspace')} names"
        if settings.akua_workspace
        else "the only one that the token reaches"
    )
    tier = workspace.plan.tier if workspace.plan is not None else None
    return Check("akua", True, f"workspace {name}, {how}{f'; plan {quoted(tier)}' if tier else ''}")


def _access(told: AccessState | AkashError) -> Check:
    """Whether the workspace can be used, as far as Akua says it."""
    if isinstance(told, AkashError):
        return Check("akua", True, f"whether the workspace can be used is not known: {told.what}", warns=True)
    status = quoted(told.status) if told.status else "not told"
    why = f" ({quoted(told.reason)})" if told.reason else ""
    if told.accessible is False:
        return Check(
            "akua",
            False,
            f"The workspace cannot be used: its state is {status}{why}.",
            f"Look at its plan and payment at {AKUA_PLACE}.",
        )
    if told.accessible is None or told.status is None:
        return Check(
            "akua", True, f"whether the workspace can be used is not known: its state is {status}", warns=True
        )
    if told.status == "active":
        return Check("akua", True, "the workspace can be used")
    return Check(
        "akua",
        True,
        f"the workspace can be used, and its state is {status}{why}",
        f"Look at its plan and payment at {AKUA_PLACE}.",
        warns=True,
    )


def _quotas(told: Sequence[Quota] | AkashError) -> list[Check]:
    """A line for each quota that is near its end, else one that says how many there are."""
    if isinstance(told, AkashError):
        return [Check("akua", True, f"quotas are not known: {told.what}", warns=True)]
    near = [quota for quota in told if _is_near_its_end(quota)]
    unknown = sum(_used(quota) is None or quota.limit is None for quota in told)
    lines = [
        Check(
            "akua",
            True,
            f"quota {quoted(quota.metric or 'without a name')}: {_shown(_used(quota))} of {_shown(quota.limit)} used",
            f"What needs more is refused. Delete what is not needed any more, or look at the plan at {AKUA_PLACE}.",
            warns=True,
        )
        for quota in near[:MOST_QUOTAS]
    ]
    if len(near) > MOST_QUOTAS:
        lines.append(
            Check("akua", True, f"{len(near) - MOST_QUOTAS} more quotas are near their end", warns=True)
        )
    if not told:
        return [Check("akua", True, "no quotas are told")]
    if not near:
        known = "known to be " if unknown else ""
        not_told = f"; of {unknown} Akua does not tell limit and use" if unknown else ""
        lines.append(Check("akua", True, f"quotas: none of {len(told)} is {known}near its end{not_told}"))
    return lines


def _is_near_its_end(quota: Quota) -> bool:
    """Whether little of it is left. What a plan does not have at all (0 of 0) is not near anything."""
    used = _used(quota)
    return (
        used is not None
        and quota.limit is not None
        and quota.limit > 0
        and used >= quota.limit * NEAR_ITS_END
    )


def _used(quota: Quota) -> Decimal | None:
    if quota.usage is None and quota.limit is not None and quota.remaining is not None:
        return quota.limit - quota.remaining
    return quota.usage


def _shown(number: Decimal | None) -> str:
    return "an unknown number" if number is None else f"{number.normalize():f}"
