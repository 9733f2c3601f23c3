"""Names of GPUs, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.market.gpu_names import bare_model, gib, interface, known_model, near_models, read_name

KNOWN = (
    "a10", "a100", "a40", "gt1030", "gtx1080ti", "h100", "h200", "l40", "l40s", "mi100", "rtx3090", "rtx3090ti",
    "rtx4000", "rtx4000ada", "rtx4000sffada", "rtx4090", "rtx6000ada", "rtx8000", "rtxa6000", "rtxpro6000", "t4",
    "v100",
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "model", "memory", "form"),
    [
        ("h100", "h100", None, ""),
        ("H100 80GB", "h100", 80, ""),
        ("h100-sxm", "h100", None, "sxm"),
        ("NVIDIA H100 80GB HBM3 SXM5", "h100", 80, "sxm"),
        ("NVIDIA A100-SXM4-40GB", "a100", 40, "sxm"),
        ("A100 PCIe 80 GiB", "a100", 80, "pcie"),
        ("RTX 4090", "rtx4090", None, ""),
        ("GeForce RTX 4090 24G", "rtx4090", 24, ""),
        ("4090", "rtx4090", None, ""),
        ("3090 Ti", "rtx3090ti", None, ""),
        ("1080ti", "gtx1080ti", None, ""),
        ("A6000", "rtxa6000", None, ""),
        ("RTX 6000 Ada Generation", "rtx6000ada", None, ""),
        ("NVIDIA RTX 4000 Ada", "rtx4000ada", None, ""),
        ("RTX 4000", "rtx4000", None, ""),
        ("RTX 4000 SFF Ada", "rtx4000sffada", None, ""),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtxpro6000", None, ""),
        ("Tesla T4", "t4", None, ""),
        ("tesla_v100_sxm2_32gb", "v100", 32, "sxm"),
        ("L40S", "l40s", None, ""),
        ("AMD Instinct MI100", "mi100", None, ""),
    ],
)
def test_a_name_is_read_as_people_write_it(written: str, model: str, memory: int | None, form: str) -> None:
    name = read_name(written)
    assert (known_model(name, KNOWN), name.gib, name.interface) == (model, memory, form)


@pytest.mark.parametrize("written", ["", "h900", "nvidia", "80GB", "sxm", "6000", "8x h100", "rtx", "gpu"])
def test_what_names_no_model_is_none(written: str) -> None:
    assert known_model(read_name(written), KNOWN) is None


def test_a_series_that_could_be_two_is_none() -> None:
    assert known_model(read_name("1650"), ("gtx1650", "rtx1650")) is None


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("h10", "h100"),
        ("rtx 4900", "rtx4090"),
        ("8x h100", "h100"),
        ("A100X", "a100"),
        ("rtx 6000", "rtx6000ada"),
    ],
)
def test_the_nearest_names_are_told(written: str, near: str) -> None:
    assert near in near_models(read_name(written), KNOWN)


def test_nothing_is_near_to_nothing() -> None:
    assert near_models(read_name("NVIDIA 80GB"), KNOWN) == []


@given(
    st.sampled_from(KNOWN),
    st.sampled_from(["", "NVIDIA ", "nvidia-", "AMD Instinct "]),
    st.sampled_from(["", " 80GB", "-80gib", " 24Gi"]),
    st.sampled_from(["", " SXM5", " PCIe"]),
    st.booleans(),
)
def test_a_known_name_is_found_in_all_its_dress(
    model: str, brand: str, memory: str, form: str, is_upper: bool
) -> None:
    written = f"{brand}{model.upper() if is_upper else model}{memory}{form}"
    name = read_name(written)
    assert known_model(name, KNOWN) == model
    assert (name.gib is None) is not bool(memory)
    assert name.interface == interface(form.strip())


@given(st.text(max_size=300))
def test_any_text_is_read(written: str) -> None:
    name = read_name(written)
    assert known_model(name, KNOWN) in (None, *KNOWN)
    assert set(near_models(name, KNOWN)) <= set(KNOWN)
    assert bare_model(written).isalnum() or not bare_model(written)


@pytest.mark.parametrize(("ram", "size"), [("80Gi", 80), ("80GB", None), ("", None), ("0x5Gi", None)])
def test_memory_is_that_of_the_catalogue(ram: str, size: int | None) -> None:
    assert gib(ram) == size
