"""`screen_bids`: who could serve an SDL, why nobody could, and a change that, written as it says, brings bids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import yaml
from agents import ERAS, YES, Connect

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.bidders import in_use, quote
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sandbox.sellers import AUDITOR, OTHER_AUDITOR
from akash_mcp.sdl import check

pytestmark = pytest.mark.anyio

GENERATIONS: tuple[Generation, ...] = ("2025", "reference", "2026-11")
MARKET = ("deploy", "market")
ROOMY = 200_000
"""A price ceiling in uact per block that no bid of the embedded network comes near."""


def app(
    *,
    cpu: Any = 1,
    memory: str = "1Gi",
    storage: Any = None,
    gpu: Any = None,
    placement: dict[str, Any] | None = None,
    amount: int = ROOMY,
    service: dict[str, Any] | None = None,
    **top: Any,
) -> dict[str, Any]:
    """An SDL of one service, as parsed YAML."""
    resources: dict[str, Any] = {
        "cpu": {"units": cpu},
        "memory": {"size": memory},
        "storage": storage or {"size": "1Gi"},
    }
    if gpu:
        resources["gpu"] = gpu
    web: dict[str, Any] = {
        "image": "nginx:1.28.0",
        "expose": [{"port": 80, "as": 80, "to": [{"global": True}]}],
    }
    return {
        "version": "2.0",
        **top,
        "services": {"web": {**web, **(service or {})}},
        "profiles": {
            "compute": {"web": {"resources": resources}},
            "placement": {
                "akash": {**(placement or {}), "pricing": {"web": {"denom": "uact", "amount": amount}}}
            },
        },
        "deployment": {"web": {"akash": {"profile": "web", "count": 1}}},
    }


def gpus(units: int, **model: str) -> dict[str, Any]:
    return {"units": units, "attributes": {"vendor": {"nvidia": [model]}}}


def volumes(count: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The first volume and `count` persistent ones with their mounts."""
    names = [f"data{number}" for number in range(count)]
    lasting = {"persistent": True, "class": "beta3"}
    listed: list[dict[str, Any]] = [{"size": "1Gi"}]
    listed += ({"name": name, "size": "2Gi", "attributes": lasting} for name in names)
    return listed, {"params": {"storage": {name: {"mount": f"/{name}"} for name in names}}}


def disks(count: int, **attributes: Any) -> dict[str, Any]:
    listed, service = volumes(count)
    for each in listed[1:]:
        each["attributes"] = {**each["attributes"], **attributes}
    return app(storage=listed, service=service)


LEASED_IP: dict[str, Any] = {
    "endpoints": {"home": {"kind": "ip"}},
    "service": {"expose": [{"port": 80, "as": 80, "to": [{"global": True, "ip": "home"}]}]},
}
CAUSES: dict[str, dict[str, Any]] = {
    "an attribute nobody has": app(placement={"attributes": {"tier": "platinum"}}),
    "a region nobody is in": app(placement={"attributes": {"region": "us-north"}}),
    "a GPU model nobody has": app(gpu=gpus(1, model="rtx5090")),
    "GPU memory and interface that do not go together": app(
        gpu=gpus(1, model="a100", ram="40Gi", interface="sxm")
    ),
    "a disk beyond any provider": app(storage={"size": "30Ti"}),
    "a storage class nobody has": disks(1, **{"class": "beta9"}),
    "a leased IP where none is leased": app(placement={"attributes": {"region": "eu-central"}}, **LEASED_IP),
    "an auditor nobody knows": app(placement={"signedBy": {"allOf": ["akash1" + "q" * 38]}}),
    "an auditor whose providers the Console hides": app(placement={"signedBy": {"allOf": [OTHER_AUDITOR]}}),
    "a ceiling below every recent price": app(gpu=gpus(1, model="a100"), amount=30),
    "more than four volumes": disks(5),
    "a trusted execution environment": app(service={"params": {"tee": "cpu"}}),
    "two causes at once": app(gpu=gpus(1, model="rtx5090"), placement={"attributes": {"tier": "platinum"}}),
}
CAUSES["five causes at once"] = app(
    gpu=gpus(1, model="rtx5090"),
    placement={"attributes": {"region": "us-north", "tier": "gold"}, "signedBy": {"allOf": [OTHER_AUDITOR]}},
    storage={"size": "30Ti"},
)
ON_ONE_NODE: dict[str, dict[str, Any]] = {
    "more GPUs than a node has": app(gpu=gpus(16, model="a100")),
    "more CPU than a node has": app(cpu=200),
    "more memory than a node has": app(memory="700Gi"),
}
"""What no record tells: only a Console that screens knows."""


def applied(sdl: dict[str, Any], change: dict[str, Any]) -> str:
    """The SDL with the edits of an answer, made by nothing but their paths and values."""
    data = json.loads(json.dumps(sdl))
    for edit in change["edits"]:
        *way, last = [step.replace("~1", "/").replace("~0", "~") for step in edit["path"].split("/")[1:]]
        place = data
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key = int(last) if isinstance(place, list) else last
        if "value" in edit:
            place[key] = yaml.safe_load(edit["value"])
        else:
            del place[key]
    return yaml.safe_dump(data)


def bidders(network: EmbeddedNetwork, sdl: str, *, group: int = 0) -> list[str]:
    """Who bids by the network's own engine, and is shown by the Console."""
    report = check(sdl)
    assert report.ok, report.errors
    order = replace(report.groups[group], any_of=(*report.groups[group].any_of, AUDITOR))
    return [
        address
        for address, seller in network.market.items()
        if seller.audited and quote(seller, order, in_use(network.chain, address), Decimal(1)) is not None
    ]


def cases() -> Iterator[Any]:
    for generation in GENERATIONS:
        for name, sdl in (CAUSES if generation == "2025" else {**CAUSES, **ON_ONE_NODE}).items():
            yield pytest.param(generation, sdl, id=f"{name}-{generation}")


@pytest.mark.parametrize(("generation", "sdl"), list(cases()))
async def test_the_change_that_it_tells_brings_bids(
    sdl: dict[str, Any], connect: Connect, network: EmbeddedNetwork, generation: Generation
) -> None:
    assert not bidders(network, yaml.safe_dump(sdl))
    async with connect(toolsets=MARKET) as agent:
        found = await agent.call("screen_bids", sdl=yaml.safe_dump(sdl))
        (group,) = found["groups"]
        assert found["by"] == ("records" if generation == "2025" else "console")
        assert group["able"] == 0
        assert group["ruled_out"]
        assert group["changes"]
        for change in group["changes"]:
            after = applied(sdl, change)
            assert bidders(network, after)
            again = (await agent.call("screen_bids", sdl=change["sdl_id"]))["groups"][0]
            assert again == (await agent.call("screen_bids", sdl=after))["groups"][0]
            assert again["able"] == change["able"] > 0


@pytest.mark.parametrize(
    "cause", ["a GPU model nobody has", "a storage class nobody has", "two causes at once"]
)
async def test_after_the_change_a_real_deployment_gets_offers(
    cause: str, connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(toolsets=MARKET, answer=YES) as agent:
        found = await agent.call("screen_bids", sdl=yaml.safe_dump(CAUSES[cause]))
        change = found["groups"][0]["changes"][0]
        after = applied(CAUSES[cause], change)
        dseq = (await agent.call("create_deployment", sdl=change["sdl_id"], deposit_usd=5))["dseq"]
        bids = await agent.call("list_bids", dseq=dseq)
        assert {offer["provider"] for offer in bids["offers"]} <= set(bidders(network, after))
        assert bids["offers"]


async def test_an_allow_list_is_the_users_to_widen(connect: Connect, network: EmbeddedNetwork) -> None:
    sdl = yaml.safe_dump(app())
    hidden = next(address for address, seller in network.market.items() if not seller.audited)
    async with connect(toolsets=MARKET, allowed_providers=(hidden,)) as agent:
        (group,) = (await agent.call("screen_bids", sdl=sdl))["groups"]
        assert group["able"] == 0
        assert "9: not on the user's allow list" in group["ruled_out"]
        (change,) = group["changes"]
        assert "only the user" in change["change"]
        name, value = change["setting"].split(" = ")
        assert name == "AKASH_MCP_ALLOWED_PROVIDERS"
    async with connect(toolsets=MARKET, allowed_providers=tuple(value.split(","))) as agent:
        (group,) = (await agent.call("screen_bids", sdl=sdl))["groups"]
        assert group["able"] == change["able"] == 1
        assert group["providers"][0]["provider"] in bidders(network, sdl)


async def test_a_rate_below_recent_prices_is_told_as_the_argument_that_it_is(connect: Connect) -> None:
    sdl = yaml.safe_dump(app(gpu=gpus(1, model="a100")))
    async with connect(toolsets=MARKET) as agent:
        (group,) = (await agent.call("screen_bids", sdl=sdl, max_usd_per_hour="0.01"))["groups"]
        name, value = group["changes"][0]["setting"].split(" = ")
        assert name == "max_usd_per_hour"
        (group,) = (await agent.call("screen_bids", sdl=sdl, max_usd_per_hour=value))["groups"]
        assert group["able"]


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("era", ERAS)
async def test_who_could_serve_it_is_told_in_few_words(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, toolsets=MARKET) as agent:
        found = await agent.call("screen_bids", sdl=sdl)
        (group,) = found["groups"]
        assert group["able"] == len(bidders(network, sdl)) == 8
        assert group["of"] == 10
        assert len(group["providers"]) == 3
        assert "changes" not in group
        assert len(json.dumps(found)) < 1_600


async def test_a_gpu_has_a_price_range(connect: Connect, network: EmbeddedNetwork) -> None:
    async with connect(toolsets=MARKET) as agent:
        sdl = yaml.safe_dump(app(gpu=gpus(2, model="a100")))
        (group,) = (await agent.call("screen_bids", sdl=sdl))["groups"]
        (cpu_only,) = (await agent.call("screen_bids", sdl=yaml.safe_dump(app())))["groups"]
    asked = [
        2 * s.gpu.usd_hour * s.margin for s in network.market.values() if s.gpu and s.gpu.model == "a100"
    ]
    assert abs(Decimal(group["low_usd_per_hour"]) - min(asked)) < Decimal("0.02")
    assert 0 <= Decimal(group["high_usd_per_hour"]) - max(asked) < Decimal("0.1")
    assert "low_usd_per_hour" not in cpu_only


async def test_a_console_that_cannot_screen_leaves_it_to_the_records(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("503-html", route="POST /v1/bid-screening")
    async with connect(toolsets=MARKET) as agent:
        found = await agent.call("screen_bids", sdl=sdl)
    assert found["by"] == "records"
    assert found["not_read"] == ["the Console's screening"]
    assert "one node" in found["next_step"]
    assert found["groups"][0]["able"] == 8


async def test_without_screening_and_records_nothing_is_claimed(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("503-html")
    async with connect(toolsets=MARKET) as agent:
        words = await agent.refused("screen_bids", sdl=sdl)
    assert "Who could serve it is not known" in words
    assert "No money moved" in words


async def test_each_group_is_screened_by_itself(connect: Connect) -> None:
    sdl = app()
    sdl["services"]["ai"] = sdl["services"]["web"]
    sdl["profiles"]["compute"]["ai"] = {
        "resources": {**sdl["profiles"]["compute"]["web"]["resources"], "gpu": gpus(1, model="rtx5090")}
    }
    sdl["profiles"]["placement"]["gpus"] = {"pricing": {"ai": {"denom": "uact", "amount": ROOMY}}}
    sdl["deployment"]["ai"] = {"gpus": {"profile": "ai", "count": 1}}
    async with connect(toolsets=MARKET) as agent:
        found = await agent.call("screen_bids", sdl=yaml.safe_dump(sdl))
    first, second = found["groups"]
    assert (first["able"], second["able"]) == (8, 0)
    assert second["changes"][0]["edits"][0]["path"].startswith("/profiles/compute/ai/")


def test_the_examples_that_ship_can_be_screened() -> None:
    for path in examples_dir().glob("*.yaml"):
        assert check(path.read_text(encoding="utf-8")).groups


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_providers_elsewhere_are_ruled_out_by_the_region_that_is_asked_for(
    era: str, generation: Generation, connect: Connect
) -> None:
    sdl = yaml.safe_dump(app(gpu=gpus(1, model="a100")))
    async with connect(era, toolsets=MARKET) as agent:
        (there,) = (await agent.call("screen_bids", sdl=sdl, regions=["Germany"]))["groups"]
        (elsewhere,) = (await agent.call("screen_bids", sdl=sdl, regions=["FI"]))["groups"]
        refused = await agent.refused("screen_bids", sdl=sdl, regions=["Atlantis"])
    assert (there["able"], there["providers"][0]["region"]) == (1, "Hesse, Germany")
    assert elsewhere["able"] == 0
    assert '9: not in "fi"' in elsewhere["ruled_out"]
    assert any(change.get("setting", "").startswith("regions = ") for change in elsewhere["changes"])
    assert "Germany (DE)" in refused
