"""The tools that look for GPUs and providers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field

from akash_mcp.market.gpu_search import GpuWanted, KindFound
from akash_mcp.money import Usd
from akash_mcp.sanitize.text import quoted
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.arguments import ProviderArg, UsdArg
from akash_mcp.tools.market.provider_results import (
    GpuList,
    ProviderList,
    ProviderResult,
    gpu_provider_row,
    kind_result,
    provider_result,
    provider_row,
)
from akash_mcp.tools.pages import CursorArg, LimitArg, only, page
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.market import providers as market

_MOST_KINDS = 8

RegionArg = Annotated[str | None, Field(description="Country, region or code", max_length=100)]


async def find_gpus(
    ctx: AppContext,
    model: Annotated[str | None, Field(description="Such as rtx4090 or H100 80GB", max_length=100)] = None,
    memory: Annotated[str | None, Field(description="At least, such as 24Gi", max_length=20)] = None,
    count: Annotated[int, Field(description="On one node", ge=1, le=market.MOST_GPUS)] = 1,
    region: RegionArg = None,
    max_usd_per_hour: Annotated[UsdArg | None, Field(description="For all count")] = None,
    limit: LimitArg = 5,
    cursor: CursorArg = None,
) -> GpuList:
    """Who has which GPUs free, and what they were let for lately."""
    found = await market.find_gpus(
        runtime(ctx),
        model=model,
        memory=memory,
        count=count,
        region=region,
        max_usd_per_hour=max_usd_per_hour,
    )
    search = found.search
    highest = max_usd_per_hour.exact() if max_usd_per_hour else None
    rows, next_cursor = page(search.providers, limit, cursor, model, memory, count, region, highest)
    return GpuList(
        gpus=[kind_result(kind) for kind in search.kinds[:_MOST_KINDS]],
        gpus_not_shown=max(len(search.kinds) - _MOST_KINDS, 0) or None,
        providers=[gpu_provider_row(row, found.failing, kinds=len(search.kinds)) for row in rows],
        total=len(search.providers),
        next_cursor=next_cursor,
        left_out=list(_left_out(found, max_usd_per_hour)) or None,
        not_known=list(found.not_known) or None,
        age_seconds=round(found.age_seconds),
        next_step=" ".join((*_about_gpus(found), *_about_region(found.claimed))),
    )


async def list_providers(
    ctx: AppContext,
    region: RegionArg = None,
    audited: Annotated[bool | None, Field(description="Only these, or only the others")] = None,
    gpu: Annotated[str | None, Field(description="A model, or any", max_length=100)] = None,
    online: Annotated[bool, Field(description="Only these, as if absent; false shows all")] = True,
    limit: LimitArg = 5,
    cursor: CursorArg = None,
    fields: Annotated[
        list[str] | None, Field(description="Such as place; all by default", max_length=20)
    ] = None,
) -> ProviderList:
    """Providers, those that can be leased from and answer most reliably first."""
    found = await market.list_providers(
        runtime(ctx), region=region, audited=audited, gpu=gpu, online=True if online else None
    )
    records, next_cursor = page(found.records, limit, cursor, region, audited, gpu, online)
    rows = [provider_row(record, found.failing) for record in records]
    nobody = f"None of the {found.total} providers is like that: ask for less." if not rows else ""
    more = "get_provider tells more of one." if rows else ""
    return ProviderList(
        providers=[only(row, fields, always=("provider",)) for row in rows],
        total=len(found.records),
        next_cursor=next_cursor,
        age_seconds=round(found.age_seconds),
        next_step=" ".join(filter(None, (nobody, more, *_about_region(found.claimed)))),
    )


async def get_provider(
    ctx: AppContext, address: Annotated[ProviderArg, Field(description="It begins with akash1")]
) -> ProviderResult:
    """One provider: uptime, what is free, GPUs, our own history with it, and what it claims."""
    return provider_result(await market.read_provider(runtime(ctx), address))


def _left_out(found: market.GpusFound, most: Usd | None) -> Iterator[str]:
    for why, count in found.search.left_out.items():
        yield f"{count} {why}"
    for why, kinds in (
        (f"at more than {most} an hour", found.search.dearer),
        ("without a known price", found.search.without_price),
    ):
        if kinds:
            yield f"{', '.join(map(str, kinds[:_MOST_KINDS]))}: {why}"


def _about_gpus(found: market.GpusFound) -> Iterator[str]:
    wanted = found.wanted
    if not found.search.providers:
        if found.nobody_has:
            yield f"{wanted.model} is a model that an SDL may name, and no provider is known to have one."
        else:
            yield f"Nobody who can be leased from is known to have {_words(wanted)}."
        there_are = ", ".join(map(_kind_and_price, found.others.kinds[:_MOST_KINDS]))
        less = "at another price" if found.others.differ_in_price else "without the other wishes"
        yield (
            f"There are, {less}: {there_are}." if there_are else "Which others are free is not known either."
        )
        return
    if wanted.count > 1 and found.checked:
        yield f"Each of these had {wanted.count} free on one node when the Console looked."
    elif wanted.count > 1:
        yield f"Whether any of these has {wanted.count} free on one node is not known."
    yield "Prices are of a month's bids for one GPU; a provider tells its own when it bids on an SDL that names it."


def _kind_and_price(found: KindFound) -> str:
    return f"{found.kind} (from {found.price.low} an hour each)" if found.price else str(found.kind)


def _about_region(claimed: Collection[str]) -> Iterator[str]:
    if claimed:
        named = ", ".join(map(quoted, sorted(claimed)))
        yield f"{named} is the providers' own word; the country or continent in it is measured."


def _words(wanted: GpuWanted) -> str:
    size = (
        f"{wanted.gib}Gi" if wanted.gib else f"of at least {wanted.least_gib}Gi" if wanted.least_gib else ""
    )
    parts = (f"{wanted.count}x", wanted.model or "GPU", size, wanted.interface, "free")
    where = "there" if wanted.places else ""
    most = f"for at most {wanted.max_usd_per_hour} an hour" if wanted.max_usd_per_hour else ""
    return " ".join(filter(None, (*parts, where, most)))


TOOLS = (
    ToolSpec(find_gpus, "Find GPUs", Effect.READS),
    ToolSpec(list_providers, "List providers", Effect.READS),
    ToolSpec(get_provider, "Show a provider", Effect.READS),
)
