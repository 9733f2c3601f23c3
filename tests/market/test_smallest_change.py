"""The ways to bring bids: each can be written into the SDL, asks for less in each step, and small ones come first."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_matching import OWNER, RECORD, record, wanted

from akash_mcp.data import examples_dir
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.asked import Asked
from akash_mcp.market.changes import Candidate, Change, changed
from akash_mcp.market.matching import Kind, Wanted, match_all
from akash_mcp.market.prices import PriceRange
from akash_mcp.market.smallest_change import candidates
from akash_mcp.money import Usd
from akash_mcp.sdl import check

DATABASE = (examples_dir() / "web-with-database.yaml").read_text(encoding="utf-8")
GPU = (examples_dir() / "gpu-model-server.yaml").read_text(encoding="utf-8")
GIB = Decimal(2**30)


def ways(data: dict[str, Any], wish: Wanted, **of_provider: Any) -> list[Candidate]:
    """The ways for an SDL on a market of one provider."""
    report = check(yaml.safe_dump(data))
    assert report.ok, report.errors
    assert report.model is not None
    (group,) = report.groups
    records = [record(**of_provider)]
    matches = match_all(records, group, wish)
    memory = {"a100": Decimal(80), "rtx5090": Decimal(32)}
    return candidates(
        Asked(sdl=report.model, group=group, records=records, matches=matches, wanted=wish, gpu_memory=memory)
    )


def demanding() -> dict[str, Any]:
    """An SDL that asks too much in nearly every way."""
    data: dict[str, Any] = yaml.safe_load(GPU)
    resources = data["profiles"]["compute"]["vllm"]["resources"]
    resources["cpu"]["units"], resources["memory"]["size"] = 300, "1024Gi"
    resources["gpu"]["units"] = 12
    resources["gpu"]["attributes"]["vendor"]["nvidia"] = [{"model": "rtx5090", "ram": "32Gi"}]
    resources["storage"] = [
        {"size": "20Ti"},
        {"name": "data", "size": "2Ti", "attributes": {"persistent": True, "class": "beta1"}},
    ]
    placement = data["profiles"]["placement"]["akash"]
    placement["attributes"] = {"region": "us-north", "tier": "gold"}
    placement["signedBy"] = {"allOf": ["akash1nobody"]}
    placement["pricing"]["vllm"]["amount"] = 10
    data["endpoints"] = {"home": {"kind": "ip"}}
    data["services"]["vllm"]["expose"][0]["to"] = [{"global": True, "ip": "home"}]
    data["services"]["vllm"]["params"] = {"storage": {"data": {"mount": "/data"}}}
    return data


def against(data: dict[str, Any], change: Change, wish: Wanted, **of_provider: Any) -> set[Kind]:
    """What still speaks against the one provider after a change."""
    report = changed(data, change)
    assert report.ok, (change, report.errors)
    (found,) = match_all([record(**of_provider)], report.groups[0], wish)
    return set(found.kinds)


def test_every_step_can_be_written_and_none_asks_for_more_than_the_one_before() -> None:
    wish = wanted(PriceRange(Usd(2), Usd(4)))
    found = ways(demanding(), wish, featEndpointIp=False)
    kinds = {way.kind for way in found}
    assert {Kind.ATTRIBUTE, Kind.AUDITOR, Kind.DISK, Kind.PERSISTENT, Kind.STORAGE_CLASS} <= kinds
    assert {Kind.CPU, Kind.MEMORY, Kind.GPUS, Kind.GPU_MODEL, Kind.LEASED_IP, Kind.CEILING} <= kinds
    for way in found:
        left = [against(demanding(), step, wish, featEndpointIp=False) for step in way.steps]
        for before, after in pairwise(left):
            assert after <= before
        assert way.kind not in left[-1] or way.kind is Kind.ATTRIBUTE


def test_a_smaller_loss_comes_first_and_money_last() -> None:
    order = [way.kind for way in ways(demanding(), wanted(PriceRange(Usd(2), Usd(4))))]
    places = [order.index(kind) for kind in (Kind.ATTRIBUTE, Kind.DISK, Kind.CPU, Kind.GPUS, Kind.GPU_MODEL)]
    assert places == sorted(places)
    assert order[-1] is Kind.CEILING


def test_what_is_met_is_not_taken_away() -> None:
    data = yaml.safe_load(DATABASE)
    assert ways(data, wanted()) == []


def test_only_the_settings_can_help_against_the_users_own_list() -> None:
    other = ProviderAddress("akash1" + "b" * 38)
    (way,) = ways(yaml.safe_load(DATABASE), wanted(allowed=frozenset({other})))
    (step,) = way.steps
    assert step.edits == ()
    assert step.setting == ("AKASH_MCP_ALLOWED_PROVIDERS", f"{OWNER},{other}")


def test_a_value_of_a_providers_that_is_more_than_a_word_is_never_offered() -> None:
    data = yaml.safe_load(DATABASE)
    data["profiles"]["placement"]["akash"]["attributes"] = {"region": "us-north"}
    odd = [{"key": "region", "value": "x: y # ignore this", "auditedBy": []}, RECORD["attributes"][1]]
    assert [way.steps[0].words for way in ways(data, wanted(), attributes=odd)] == [
        'ask for no attribute "region"'
    ]
    (other, *_) = ways(data, wanted())
    assert other.steps[0].words == 'region: us-west in place of "us-north"'


@pytest.mark.parametrize("models", [["h100"], ["rtx5090", "h100"]])
def test_another_gpu_model_is_added_to_those_that_were_asked_for(models: list[str]) -> None:
    data = yaml.safe_load(GPU)
    vendor = data["profiles"]["compute"]["vllm"]["resources"]["gpu"]["attributes"]["vendor"]
    vendor["nvidia"] = [{"model": model} for model in models]
    (way,) = (way for way in ways(data, wanted()) if way.kind is Kind.GPU_MODEL)
    assert way.steps[0].edits[0].value == [*vendor["nvidia"], {"model": "a100"}]


@given(cores=st.integers(65, 380), memory=st.integers(257, 500), gpus=st.integers(8, 20))
def test_the_first_step_that_fits_is_the_largest_size_that_does(cores: int, memory: int, gpus: int) -> None:
    data = yaml.safe_load(GPU)
    resources = data["profiles"]["compute"]["vllm"]["resources"]
    resources["gpu"]["attributes"]["vendor"]["nvidia"] = [{"model": "a100"}]
    resources["cpu"]["units"], resources["memory"]["size"] = cores, f"{memory}Gi"
    resources["gpu"]["units"] = gpus
    found = ways(data, wanted())
    for kind, largest in ((Kind.CPU, 64), (Kind.MEMORY, "256Gi"), (Kind.GPUS, 7)):
        (way,) = (way for way in found if way.kind is kind)
        first = next(step for step in way.steps if kind not in against(data, step, wanted()))
        assert first.edits[0].value == largest
