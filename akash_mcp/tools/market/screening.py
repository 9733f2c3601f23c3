"""The tool `screen_bids`: who could serve an SDL now, and what to change where nobody can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from akash_mcp.errors import InvalidSdl
from akash_mcp.ids import SdlId
from akash_mcp.market.changes import Change, changed_text
from akash_mcp.sanitize.text import field
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.arguments import RegionsArg, SdlArg, UsdArg, UsdLeft, UsdRate
from akash_mcp.tools.results import Result
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.market.change_search import Verified
from akash_mcp.workflow.market.screening import Able, GroupScreening, Screening, screen
from akash_mcp.workflow.offers import places
from akash_mcp.workflow.planning import accepted
from akash_mcp.workflow.sdl_text import sdl_text

_MOST_REASONS = 6


class AbleResult(Result):
    """A provider that could serve a group."""

    provider: str
    name: str | None = None
    region: str | None = None
    incidents_7d: int | None = None


class EditResult(Result):
    """One field of the SDL, by JSON pointer, and the YAML to write there; without a value it is removed."""

    path: str
    value: str | None = None


class ChangeResult(Result):
    """A change after which `able` providers could serve the group: screened again before it was told."""

    change: str
    sdl_id: str | None = Field(None, description="The SDL with it")
    edits: list[EditResult] | None = Field(None, description="Path and YAML value; none removes it")
    setting: str | None = Field(None, description="Of the user, or an argument")
    able: int


class GroupScreeningResult(Result):
    """One group. `ruled_out`: by which requirement how many providers are; `unknown`: what could not be told of how
    many.
    """

    group: int
    able: int
    of: int | None = None
    providers: list[AbleResult] | None = None
    low_usd_per_hour: UsdLeft | None = Field(None, description="Recent prices")
    high_usd_per_hour: UsdRate | None = None
    ruled_out: list[str] | None = None
    unknown: list[str] | None = None
    changes: list[ChangeResult] | None = None


class ScreeningResult(Result):
    """Who could serve an SDL, as the Console's screening or the records of providers say."""

    by: Literal["console", "records"]
    groups: list[GroupScreeningResult]
    not_read: list[str] | None = None
    next_step: str


async def screen_bids(
    ctx: AppContext,
    sdl: SdlArg,
    max_usd_per_hour: Annotated[UsdArg | None, Field(description="Instead of the SDL's ceiling")] = None,
    regions: RegionsArg | None = None,
    limit: Annotated[int, Field(ge=0, le=20, description="Providers a group, up to 20")] = 3,
) -> ScreeningResult:
    """Which providers could serve an SDL now, for free; where none can, what rules them out and the smallest change
    that brings bids."""
    rt = runtime(ctx)
    report = accepted(await sdl_text(rt, sdl))
    if not report.groups:
        raise InvalidSdl("The SDL orders nothing.", next_step="Add a deployment to it.")
    found = await screen(
        rt, report, max_usd_per_hour=max_usd_per_hour, regions=await places(rt, regions or ())
    )
    return _result(found, limit, lambda change: rt.sdls.keep(changed_text(report.data, change)))


def _result(found: Screening, limit: int, named: Callable[[Change], SdlId]) -> ScreeningResult:
    return ScreeningResult(
        by=found.by,
        groups=[_group(group, limit, named) for group in found.groups],
        not_read=list(found.notes) or None,
        next_step=_next_step(found),
    )


def _group(group: GroupScreening, limit: int, named: Callable[[Change], SdlId]) -> GroupScreeningResult:
    recent = group.usd_per_hour
    return GroupScreeningResult(
        group=group.gseq,
        able=len(group.able),
        of=group.total,
        providers=[_able(one) for one in group.able[:limit]] or None,
        low_usd_per_hour=recent.low if recent else None,
        high_usd_per_hour=recent.high if recent else None,
        ruled_out=[f"{count}: {obstacle.words}" for obstacle, count in group.ruled_out[:_MOST_REASONS]]
        or None,
        unknown=[f"{count}: {doubt}" for doubt, count in group.unknown] or None,
        changes=[_change(each, named) for each in group.changes] or None,
    )


def _able(one: Able) -> AbleResult:
    return AbleResult(
        provider=one.provider,
        name=field(one.name, 60) or None,
        region=field(one.region, 60) or None,
        incidents_7d=one.incidents_7d,
    )


def _change(verified: Verified, named: Callable[[Change], SdlId]) -> ChangeResult:
    change: Change = verified.change
    return ChangeResult(
        change=change.words,
        sdl_id=named(change) if change.edits else None,
        edits=[EditResult(path=edit.pointer, value=edit.text) for edit in change.edits] or None,
        setting=" = ".join(change.setting) if change.setting else None,
        able=verified.able,
    )


def _next_step(found: Screening) -> str:
    doubt = (
        ""
        if found.by == "console"
        else " By records: whether one node has room for a replica is not known from them."
    )
    if found.is_possible:
        return f"deploy. Who could serve it does not have to bid.{doubt}"
    if not found.is_impossible:
        return (
            f"Whether anybody could serve it is not known: too little is told of those not ruled out.{doubt}"
        )
    if any(group.changes for group in found.groups):
        return (
            f"Nobody would bid as it stands. Ask the user which change they want: deploy its sdl_id.{doubt}"
        )
    return f"Nobody would bid as it stands, and no small change was found: ask for less.{doubt}"


TOOLS = (ToolSpec(screen_bids, "Screen providers for an SDL", Effect.READS),)
