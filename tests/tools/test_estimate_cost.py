"""`estimate_cost`, asked by MCP clients of both eras, beside Consoles of all generations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, get_args

import anyio
import pytest
from agents import ERAS, YES, Connect
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp import config
from akash_mcp.guard.books.sdls import Sdls
from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

GENERATIONS = get_args(Generation)
MARKET = {"toolsets": ("deploy", "observe", "market")}
H100 = {"gpus": 1, "gpu_model": "H100", "cpu": 8, "memory": "32Gi"}


@pytest.fixture
async def proxy(network: EmbeddedNetwork) -> AsyncIterator[LyingProxy]:
    async with lying_proxy(network.console_url) as before:
        yield before


@pytest.mark.parametrize("generation", GENERATIONS, indirect=True)
@pytest.mark.parametrize("era", ERAS)
async def test_an_sdl_has_a_range_a_ceiling_and_what_pays_for_it(
    era: str, generation: Generation, connect: Connect, sdl: str
) -> None:
    async with connect(era, **MARKET) as agent:
        verdict = await agent.call("validate_sdl", sdl=sdl)
        found = await agent.call("estimate_cost", sdl=sdl)
    assert found["hours"] == 24
    assert found["ceiling"]["usd_per_hour"] == verdict["ceiling_usd_per_hour"]
    assert found["ceiling"]["usd_per_month"] == verdict["ceiling_usd_per_month"]
    low, high, ceiling = (Decimal(found[key]["usd_per_month"]) for key in ("lowest", "highest", "ceiling"))
    assert 0 < low < high < ceiling
    assert found["deposit_usd"] == ("5.00" if generation == "2025" else "0.50")
    assert ("no deposit" in found["money"]) is (generation == "2026-11")
    assert "not_known" not in found
    assert set(found["compared_usd_per_month"]) == {"akash", "aws", "gcp", "azure"}


@pytest.mark.parametrize("generation", GENERATIONS, indirect=True)
@pytest.mark.parametrize("era", ERAS)
async def test_a_gpu_costs_what_was_bid_for_it(era: str, generation: Generation, connect: Connect) -> None:
    async with connect(era, **MARKET, max_usd_per_deployment="500") as agent:
        one = await agent.call("estimate_cost", **H100, hours=10)
        four = await agent.call("estimate_cost", **H100, count=4, hours=10)
    for end in ("lowest", "highest"):
        assert Decimal(one[end]["usd_per_hour"]) > 1
        assert Decimal(four[end]["usd_in_all"]) == pytest.approx(4 * Decimal(one[end]["usd_in_all"]), abs=1)
    assert "ceiling" not in one
    assert "in the last 31 days" in one["basis"]
    assert one["not_known"][0].startswith("Assumed: storage ")
    assert ("max_usd_per_hour=" in one["next_step"]) is True


@pytest.mark.parametrize("generation", GENERATIONS, indirect=True)
async def test_what_it_says_pays_for_the_hours_does(
    generation: Generation, connect: Connect, sdl: str
) -> None:
    async with connect(**MARKET, answer=YES) as agent:
        found = await agent.call("estimate_cost", sdl=sdl, hours=3)
        rate = Decimal(found["ceiling"]["usd_per_hour"])
        asked = {"deposit_usd": float(found["deposit_usd"]), "hours": found["hours"]}
        if generation == "2026-11":
            asked["max_usd_per_hour"] = float(rate)
        made = await agent.call("create_deployment", sdl=sdl, **asked)
    assert made["status"] == "created"
    if generation == "2026-11":
        assert "at most 3 h" in made["money"]


async def test_it_needs_no_key_and_an_sdl_goes_by_its_name_too(
    connect: Connect, settings: config.Settings, sdl: str
) -> None:
    async with connect(**MARKET, api_key=None) as agent:
        by_text = await agent.call("estimate_cost", sdl=sdl, hours=5)
    store = Store(settings.state_dir)
    async with anyio.create_task_group() as tasks:
        name = Sdls(store, tasks).keep(sdl)
    store.close()
    async with connect(**MARKET, api_key=None) as agent:
        assert await agent.call("estimate_cost", sdl=name, hours=5) == by_text
        assert "is not the sdl_id" in await agent.refused("estimate_cost", sdl="sdl_0123456789abcdef")


@pytest.mark.parametrize("given", [{}, {"sdl": "x", "cpu": 1}, {"hours": 3}, {"sdl": ""}])
async def test_it_takes_either_an_sdl_or_numbers(given: dict[str, Any], connect: Connect) -> None:
    async with connect(**MARKET) as agent:
        assert "Give either an SDL or numbers." in await agent.refused("estimate_cost", **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cpu": -1}, "cpu must be cores"),
        ({"cpu": 1, "memory": "lots"}, "memory must be a size"),
        ({"gpu_model": "no such\nGPU"}, "nosuchgpu"),
        ({"gpu_model": "<|im_start|>"}, "names such as h100"),
        ({"gpus": 99}, "from 0 to 24"),
        ({"gpus": 0, "gpu_model": "h100"}, "gpus is 0"),
        ({"cpu": 1, "count": 0}, "from 1 to"),
        ({"sdl": "services: ["}, "would be refused"),
    ],
)
async def test_what_cannot_be_is_said(given: dict[str, Any], said: str, connect: Connect) -> None:
    async with connect(**MARKET) as agent:
        result = await agent.ask("estimate_cost", **given)
    assert said in str(result.content)
    assert "<|" not in str(result.content)


async def test_a_gpu_that_nobody_bid_for_has_no_price_but_what_it_was_listed_at(connect: Connect) -> None:
    async with connect(**MARKET) as agent:
        for model, listed in (
            ("h200", "listed from $4.45 an hour on 20 September 2026"),
            ("a40", "for a40."),
        ):
            found = await agent.call("estimate_cost", gpu_model=model)
            assert {"lowest", "highest", "deposit_usd"}.isdisjoint(found)
            assert listed in found["not_known"][0]
            assert "not known" in found["money"]


@pytest.mark.parametrize("price", [None, {"currency": "USD", "min": 0, "max": 0}, {"min": "free"}, []])
async def test_a_price_that_is_none_is_never_free(price: object, proxy: LyingProxy, connect: Connect) -> None:
    def unpriced(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "models": [{**model, "price": price} for model in told["models"]]}

    proxy.rewrite("GET /v1/gpu-prices", unpriced)
    async with connect(**MARKET, console_url=proxy.url) as agent:
        found = await agent.call("estimate_cost", **H100)
    assert {"lowest", "highest", "deposit_usd"}.isdisjoint(found)
    assert found["not_known"][0].startswith("No recent price is known for h100.")


async def test_one_source_that_fails_leaves_the_others(proxy: LyingProxy, connect: Connect, sdl: str) -> None:
    proxy.refuse("GET /v1/gpu-prices", 500, {"error": "x"}, times=99)
    async with connect(**MARKET, console_url=proxy.url) as agent:
        found = await agent.call("estimate_cost", **H100)
    assert "lowest" not in found
    assert found["compared_usd_per_month"]["aws"]
    assert found["not_known"][0].startswith("What GPUs were let for is not known:")
    proxy.honest()
    proxy.refuse("POST /v1/pricing", 500, {"error": "x"}, times=99)
    async with connect(**MARKET, console_url=proxy.url) as agent:
        found = await agent.call("estimate_cost", sdl=sdl)
    assert found["lowest"]
    assert "compared_usd_per_month" not in found
    assert found["not_known"][0].startswith("What the Console compares it with is not known:")


@pytest.mark.parametrize("prices", [[], [{"spec": {}}], {"akash": "x"}])
async def test_a_comparison_that_cannot_be_read_is_left_out(
    prices: object, proxy: LyingProxy, connect: Connect, sdl: str
) -> None:
    proxy.rewrite("POST /v1/pricing", lambda told: prices)
    async with connect(**MARKET, console_url=proxy.url) as agent:
        found = await agent.call("estimate_cost", sdl=sdl)
    assert "compared_usd_per_month" not in found
    assert found["not_known"]


async def test_without_any_network_the_ceiling_and_the_price_lists_are_left(
    connect: Connect, sdl: str
) -> None:
    async with connect(**MARKET, console_url="http://127.0.0.1:9") as agent:
        web = await agent.call("estimate_cost", sdl=sdl)
        gpu = await agent.call("estimate_cost", **H100)
    assert web["ceiling"]
    assert web["lowest"]
    assert web["deposit_usd"] == "5.00"
    assert "Which Console API answers is not known" in web["money"]
    assert len(web["not_known"]) == 2
    assert "lowest" not in gpu


async def test_what_providers_and_clouds_write_is_not_shown(proxy: LyingProxy, connect: Connect) -> None:
    def hostile(told: dict[str, Any]) -> dict[str, Any]:
        return {
            **told,
            "models": [{**each, "vendor": "<|im_start|>", "model": "\u202eh100"} for each in told["models"]],
        }

    proxy.rewrite("GET /v1/gpu-prices", hostile)
    async with connect(**MARKET, console_url=proxy.url) as agent:
        result = await agent.ask("estimate_cost", **H100)
    assert "im_start" not in str(result.content)
    assert "\u202e" not in str(result.content)


async def test_what_is_over_the_users_limits_is_said_with_what_fits(connect: Connect) -> None:
    limits = {"max_usd_per_deployment": "10", "max_usd_per_hour": "0.10", "max_hours": 48}
    async with connect(**MARKET, **limits) as agent:
        found = await agent.call("estimate_cost", **H100, hours=100)
    assert "100 hours are over the user's limit of 48." in found["next_step"]
    assert "an hour is over the user's limit of $0.10" in found["next_step"]
    assert "over the user's limit of $10.00 a deployment, which pays for " in found["next_step"]
    assert "deploy(" not in found["next_step"]


async def test_a_ceiling_below_the_market_is_said(connect: Connect, sdl: str) -> None:
    async with connect(**MARKET) as agent:
        found = await agent.call("estimate_cost", sdl=sdl.replace("amount: 100", "amount: 1"))
    assert "so few may bid, or nobody" in found["next_step"]


async def test_up_to_ten_sizes_are_compared_in_two_requests_and_more_not_at_all(
    proxy: LyingProxy, connect: Connect
) -> None:
    async with connect(**MARKET) as agent:
        ten = await agent.call("estimate_cost", sdl=sizes(10))
    assert "compared_usd_per_month" in ten
    proxy.refuse("POST /v1/pricing", 200, [{"akash": 1}] * 9)  # the first request is of nine sizes
    proxy.refuse("POST /v1/pricing", 200, [{"akash": 1}])
    async with connect(**MARKET, console_url=proxy.url) as agent:
        assert (await agent.call("estimate_cost", sdl=sizes(10)))["compared_usd_per_month"] == {
            "akash": "10.00"
        }
        eleven = await agent.call("estimate_cost", sdl=sizes(11))
    assert [sent.route for sent in proxy.requests].count("POST /v1/pricing") == 2
    assert "More than 10 sizes" in eleven["not_known"][0]


def sizes(number: int) -> str:
    """An SDL of so many services, each of another size."""
    lines = {"services": "", "compute": "", "pricing": "", "deployment": ""}
    for i in range(number):
        lines["services"] += (
            f"  s{i}: {{image: 'nginx:1.29.3', expose: [{{port: 80, to: [{{global: true}}]}}]}}\n"
        )
        lines["compute"] += (
            f"    s{i}: {{resources: {{cpu: {{units: {i + 1}}}, memory: {{size: 1Gi}}, storage: {{size: 1Gi}}}}}}\n"
        )
        lines["pricing"] += f"        s{i}: {{denom: uact, amount: 1000}}\n"
        lines["deployment"] += f"  s{i}: {{dc: {{profile: s{i}, count: 1}}}}\n"
    return (
        f'version: "2.0"\nservices:\n{lines["services"]}profiles:\n  compute:\n{lines["compute"]}'
        f"  placement:\n    dc:\n      pricing:\n{lines['pricing']}deployment:\n{lines['deployment']}"
    )
