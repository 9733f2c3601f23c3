"""Names of GPUs that providers have, and of those that nobody is known to have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdl_data import changed

from akash_mcp.money import HOURS_PER_MONTH, Usd
from akash_mcp.sdl import Finding
from akash_mcp.sdl.author.draft import draft
from akash_mcp.sdl.rules.known_gpus import CHEAPEST, DEAREST, NAMES, meant_by, usd_an_hour

GPU = "        gpu: {units: 1, attributes: {vendor: {nvidia: [{model: '%s'}]}}}\n  placement:"


def about_the_name(model: str) -> list[Finding]:
    report = changed(("  placement:", GPU % model), ("amount: 1000", "amount: 9000"))
    return [found for found in report.warnings if found.rule == "D03"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("4090", "rtx4090"),
        ("rtx-4090", "rtx4090"),
        ("nvidia-geforce-rtx-4090", "rtx4090"),
        ("RTX 4070 Super", "rtx4070s"),
        ("NVIDIA H100 80GB", "h100"),
        ("a100-sxm4-80gb", "a100"),
        ("a6000", "rtxa6000"),
        ("1080ti", "gtx1080ti"),
        ("tesla-t4", "t4"),
    ],
)
def test_a_name_spelled_otherwise_is_known_by_the_one_that_is_meant(name: str, known: str) -> None:
    assert meant_by(name) == known
    if name.islower():
        (finding,) = about_the_name(name)
        assert finding.fix == f"write {known}"


@pytest.mark.parametrize("name", ["rtx5060", "h800", "gh200", "mi300x", "l40s", "4", "", "---", "é"])
def test_another_gpu_is_never_put_in_place_of_one_that_nobody_has(name: str) -> None:
    assert meant_by(name) is None


def test_a_model_that_nobody_is_known_to_have_is_a_warning_that_says_how_old_that_is() -> None:
    (finding,) = about_the_name("h800")
    assert finding.message == 'no provider is known to have a GPU named "h800" (names of June 2026)'
    assert finding.judge == "market"
    assert "name a model" in finding.fix


def test_known_models_are_not_warned_of() -> None:
    for name in (*NAMES, "*"):
        assert not about_the_name(name)


@given(st.text(max_size=80))
def test_what_is_meant_is_always_a_known_name(name: str) -> None:
    assert meant_by(name) in {None, *NAMES}


def test_listed_prices_lie_between_the_cheapest_and_the_dearest() -> None:
    listed = [price for name in NAMES if (price := usd_an_hour(name))]
    assert min(low for low, _ in listed) == CHEAPEST
    assert max(high for _, high in listed) == DEAREST
    assert usd_an_hour("a40") is None
    assert usd_an_hour("v100") == (Usd("0.17"), Usd("0.36"))


@pytest.mark.parametrize("models", [["h200"], ["b300"], ["gtx1050ti"], ["rtx4090", "h100"], ["a40"], []])
def test_the_ceiling_of_a_draft_fits_its_gpu(models: list[str]) -> None:
    drafted = draft("nginx:1.29.3", gpus=2, gpu_models=models)
    assert not drafted.report.warnings
    assert drafted.report.ceiling_usd_month is not None
    highest = max((price[1] for name in models if (price := usd_an_hour(name))), default=CHEAPEST)
    assert drafted.report.ceiling_usd_month > highest * HOURS_PER_MONTH * 2 * 2
