"""Names of GPUs that providers have, and of those that nobody is known to have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdl_data import changed

from akash_mcp.money import HOURS_PER_MONTH, Usd
from akash_mcp.sdl import Finding
from akash_mcp.sdl.author.draft import draft
from akash_mcp.sdl.rules.known_gpus import CHEAPEST, DEAREST, NAMES, near, spelled, usd_an_hour

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
    read = spelled(name)
    assert read is not None
    assert read.model == known
    if name.islower():
        (finding,) = about_the_name(name)
        assert finding.fix.startswith(("write ", "write model: "))
        assert known in finding.fix


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("a100-80gb", "write model: a100 and ram: 80Gi"),
        ("a10080gb", "write model: a100 and ram: 80Gi"),
        ("a100-40", "write model: a100 and ram: 40Gi"),
        ("h100sxm", "write model: h100 and interface: sxm"),
        ("h100-pcie", "write model: h100 and interface: pcie"),
        ("a100-sxm4-80gb", "write model: a100 and ram: 80Gi and interface: sxm"),
        ("v10032gb", "write model: v100 and ram: 32Gi"),
        ("rtx409024gb", "write model: rtx4090 and ram: 24Gi"),
        ("rtxa5000", "write a5000"),
        ("A100 80GB", "write model: a100 and ram: 80Gi"),
        # no a10 has 80 of anything, and a h100 not 81
        ("a1080gb", "name a model"),
        ("h10081gb", "name a model"),
    ],
)
def test_memory_and_interface_stand_apart_from_the_model(name: str, fix: str) -> None:
    (finding,) = about_the_name(name)
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("rtx4900", "rtx4090"),
        ("rxt4090", "rtx4090"),
        ("gtx3090", "rtx3090"),
        ("rtx3090t", "rtx3090 or rtx3090ti"),
    ],
)
def test_a_slip_is_asked_about_and_never_taken_for_what_it_may_be(name: str, known: str) -> None:
    assert spelled(name) is None
    (finding,) = about_the_name(name)
    assert finding.fix == f"did you mean {known}?"


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        ("model: a100, ram: 80Gi, interface: sxm", ""),
        ("model: l40s, ram: 48Gi", ""),
        ("model: a100, ram: 24Gi", "write 40Gi or 64Gi or 80Gi, or leave ram out"),
        ("model: rtx4090, interface: sxm", "write pcie, or leave interface out"),
        ("model: h200, interface: pcie", "write sxm, or leave interface out"),
    ],
)
def test_a_size_or_an_interface_that_a_model_does_not_have_is_a_warning(kind: str, fix: str) -> None:
    gpu = GPU.replace("model: '%s'", kind)
    report = changed(("  placement:", gpu), ("amount: 1000", "amount: 9000"))
    assert [found.fix for found in report.warnings if found.rule == "D03"] == ([fix] if fix else [])


@pytest.mark.parametrize("name", ["rtx5060", "h800", "mi300x", "rtx4070tis", "4", "", "---", "é"])
def test_another_gpu_is_never_put_in_place_of_one_that_nobody_has(name: str) -> None:
    assert spelled(name) is None
    assert near(name) == []


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
    read = spelled(name)
    assert read is None or read.model in NAMES


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
