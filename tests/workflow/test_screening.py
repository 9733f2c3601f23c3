"""What a screening comes to in a plan and in a launch that found no offer, and what it asks of the Console."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import yaml
from conftest import INTERVALS
from test_launch_stages import launching

from akash_mcp import config
from akash_mcp.data import examples_dir
from akash_mcp.errors import AkashError
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.market.changes import Change
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sdl import check
from akash_mcp.services import services
from akash_mcp.workflow import planning
from akash_mcp.workflow.market import change_search
from akash_mcp.workflow.market.market_reading import MOST_REQUESTS, NothingKnown
from akash_mcp.workflow.market.screening import screen
from akash_mcp.workflow.market.screening_words import MarketView, market_view, why_no_bids
from akash_mcp.workflow.offers import places
from akash_mcp.workflow.runtime import Runtime

pytestmark = pytest.mark.anyio

GPU = (examples_dir() / "gpu-model-server.yaml").read_text(encoding="utf-8")
A100 = GPU.replace("                - model: rtx4090\n                - model: rtx3090\n", "")
NOBODYS = A100.replace("model: a100", "model: rtx5090")


@asynccontextmanager
async def running(settings: config.Settings) -> AsyncIterator[Runtime]:
    async with services(settings, Store(settings.state_dir), INTERVALS) as rt:
        yield rt


async def plan(rt: Runtime, sdl: str) -> LaunchPlan:
    return await planning.launch_plan(rt, tool="deploy", sdl=sdl, deposit=Usd(5), max_usd_per_hour=None)


async def test_a_plan_tells_who_could_serve_it_and_for_how_much(settings: config.Settings, sdl: str) -> None:
    async with running(settings) as rt:
        plain, gpu = await plan(rt, sdl), await plan(rt, A100)
        assert plain.market == "8 of 10 providers could serve it now."
        assert plain.market in plain.summary
        assert gpu.market.startswith("2 of 10 providers could serve it now, for about $")


async def test_a_plan_tells_that_nobody_could_and_the_smallest_change(settings: config.Settings) -> None:
    async with running(settings) as rt:
        words = (await plan(rt, NOBODYS)).market
    assert words.startswith('No provider could serve it now: GPU model "rtx5090" (10 of 10)')
    assert words.endswith("Smallest change: also take GPU model a100; 2 providers could serve it then.")
    assert len(words) < 250


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_only_providers_in_the_regions_count(settings: config.Settings) -> None:
    async with running(settings) as rt:
        for regions, words in (
            ((), "2 of 10 providers could serve it now"),
            (("Germany",), "1 of 10 providers could serve it now"),
            (("Finland",), 'No provider could serve it now: not in "finland" (9 of 10)'),
        ):
            planned = await planning.launch_plan(
                rt, tool="deploy", sdl=A100, deposit=Usd(5), max_usd_per_hour=None, regions=regions
            )
            assert planned.market.startswith(words)


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_nobody_bids_for_the_region_and_not_for_the_price(settings: config.Settings) -> None:
    async with running(settings) as rt:
        (finland,) = await places(rt, ["Finland"])
        why = await why_no_bids(rt, check(A100), None, regions=[finland], seconds=60)
        able = await screen(rt, check(A100), regions=await places(rt, ["Germany", "Singapore"]))
        everybody = [one.provider for one in able.groups[0].able]
        nobody = await why_no_bids(rt, check(A100), None, excluded=everybody, seconds=60)
    assert 'not in "finland" (9 of 10)' in why
    assert "price" not in why
    assert len(everybody) == 2
    assert "left out as asked (2 of 10)" in nobody


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_another_region_is_a_change_that_was_screened(settings: config.Settings) -> None:
    async with running(settings) as rt:
        report = check(A100)
        (group,) = (await screen(rt, report, regions=await places(rt, ["Finland"]))).groups
        change = next(each for each in group.changes if each.change.setting)
        assert change.change.setting is not None
        name, value = change.change.setting
        assert name == "regions"
        wider = await places(rt, json.loads(value))
        (after,) = (await screen(rt, report, regions=wider)).groups
    assert len(after.able) == change.able > 0
    assert {one.region.split(", ")[-1].casefold() for one in after.able} <= set(wider)


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_a_plan_stands_without_the_market(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with running(settings) as rt:
        await rt.reader.generation()
        await network.inject("503-html")
        assert await market_view(rt, check(sdl), None, seconds=60) == MarketView()
        assert await why_no_bids(rt, check(sdl), None, seconds=60) == ""


async def test_a_slow_market_is_not_waited_for(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with running(settings) as rt:
        await rt.reader.generation()
        await network.inject("slow", value="60", route="POST /v1/bid-screening")
        assert await market_view(rt, check(sdl), None, seconds=0.1) == MarketView()


async def test_a_launch_without_offers_tells_the_smallest_change(settings: config.Settings) -> None:
    async with launching(settings, NOBODYS, bid_give_up=0.05) as it:
        with pytest.raises(AkashError, match="None has arrived") as error:
            await it.go()
    change = "also take GPU model a100 (/profiles/compute/vllm/resources/gpu/attributes/vendor/nvidia = "
    assert change in error.value.next_step


async def test_a_question_holds_no_markup_of_an_sdl(settings: config.Settings) -> None:
    data = yaml.safe_load(A100)
    data["profiles"]["placement"]["akash"]["attributes"] = {"region": "**yes** [x](https://evil.example)"}
    async with running(settings) as rt:
        words = (await plan(rt, yaml.safe_dump(data))).market
    assert words.startswith('No provider could serve it now: attribute "region=??yes?? ?x?(https:')
    assert "*" not in words


async def test_a_launch_without_offers_and_market_tells_what_helps_mostly(
    settings: config.Settings, network: EmbeddedNetwork
) -> None:
    await network.inject("503-html", route="POST /v1/bid-screening")
    await network.inject("drop-connection", route="GET /v1/providers")
    async with launching(settings, NOBODYS, bid_give_up=0.05) as it:
        with pytest.raises(AkashError, match="None has arrived") as error:
            await it.go()
    assert error.value.next_step.startswith("Ask for less")


async def test_a_screening_without_records_asks_for_no_list(settings: config.Settings, sdl: str) -> None:
    async with running(settings) as rt:
        found = await screen(rt, check(sdl), with_records=False)
    assert (len(found.groups[0].able), found.groups[0].total) == (8, 10)
    assert found.groups[0].ruled_out == ()


async def test_a_hopeless_search_has_an_end(settings: config.Settings) -> None:
    data = yaml.safe_load(NOBODYS)
    resources = data["profiles"]["compute"]["vllm"]["resources"]
    resources["cpu"]["units"], resources["memory"]["size"], resources["gpu"]["units"] = 200, "500Gi", 20
    data["profiles"]["placement"]["akash"]["attributes"] = {"region": "mars", "tier": "gold", "host": "moon"}
    async with running(settings) as rt:
        found = await screen(rt, check(yaml.safe_dump(data)))
    assert found.groups[0].able == ()
    assert found.requests <= MOST_REQUESTS + 1


async def test_a_provider_that_failed_lately_is_counted_as_such(settings: config.Settings) -> None:
    async with running(settings) as rt:
        await rt.accounts.bind()
        first = await screen(rt, check(A100))
        for able in first.groups[0].able:
            await rt.evidence.provider_failed(able.provider, "it did not take a manifest")
        found = (await screen(rt, check(A100))).groups[0]
    assert found.able == ()
    assert {obstacle.words: count for obstacle, count in found.ruled_out}["failed us lately"] == 2
    assert found.changes[0].change.edits


async def test_a_screening_that_finds_nobody_for_anything_says_nothing(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with running(settings) as rt:
        await rt.reader.generation()
        network.market.clear()
        assert await market_view(rt, check(sdl), None, seconds=60) == MarketView()
        with pytest.raises(NothingKnown, match="lists no providers"):
            await screen(rt, check(sdl))


async def test_a_ceiling_is_raised_in_the_sdl_and_a_limit_where_it_is_set(settings: config.Settings) -> None:
    cheap = A100.replace("amount: 3000", "amount: 30")
    ceiling = check(cheap).ceiling_usd_hour
    async with running(settings) as rt:
        in_sdl = await why_no_bids(rt, check(cheap), ceiling, seconds=60)
        by_argument = await why_no_bids(rt, check(A100), Usd("0.01"), seconds=60)
    assert "/profiles/placement/akash/pricing/vllm/amount = " in in_sdl
    assert "max_usd_per_hour" not in in_sdl
    assert "max_usd_per_hour = " in by_argument


async def test_a_search_among_many_records_ends_when_nobody_waits_any_more(
    settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    obstacles = change_search._Search._obstacles

    def counted(search: Any, change: Change) -> Any:
        nonlocal looks
        looks += 1
        scope.cancel()
        return obstacles(search, change)

    monkeypatch.setattr(change_search._Search, "_obstacles", counted)
    async with running(settings) as rt:
        with anyio.CancelScope() as scope:
            await screen(rt, check(NOBODYS.replace("units: 1", "units: 64")))
    assert scope.cancelled_caught
    assert looks <= 8


async def test_a_launch_whose_bids_are_all_too_dear_tells_the_rate_that_would_do(
    settings: config.Settings, sdl: str
) -> None:
    too_little = Usd("0.0001")
    async with launching(settings, sdl, rate=too_little, bid_give_up=1.5) as it:
        with pytest.raises(AkashError, match=r"they cost .* an hour, more than is allowed") as error:
            await it.go()
    told = re.match(r"max_usd_per_hour=([\d.]+) would do", error.value.next_step)
    assert told is not None
    assert Usd(told[1]) > too_little
