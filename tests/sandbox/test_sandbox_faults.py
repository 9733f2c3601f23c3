"""Faults by name: reading them, counting them down, narrowing them."""

from __future__ import annotations

import pytest

from akash_mcp.sandbox.faults import Fault, Faults, UnknownFault, parse


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("no-bids", Fault("no-bids")),
        ("429*3", Fault("429", count=3)),
        ("slow=0.5", Fault("slow", value="0.5")),
        ("lease-manifest-fails*1=495", Fault("lease-manifest-fails", count=1, value="495")),
    ],
)
def test_faults_are_written_name_count_value(text: str, fault: Fault) -> None:
    assert parse(text) == fault


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "no fault is called 'nonsense'"),
        ("", "no fault"),
        ("429*many", "'many' is not a number"),
        ("429*" + "9" * 5_001, "is not a number of requests"),
        ("slow=later", "is a number, not"),
        ("close-fails=418", "one of 500, unsettled, landed"),
        ("certificate-expired*2", "cannot be counted"),
        ("manifest-slow=long", "is a number, not"),
    ],
)
def test_an_unknown_fault_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UnknownFault, match=reason):
        parse(text)


def test_a_count_is_used_up() -> None:
    faults = Faults()
    faults.set("429", count=2)
    assert [faults.take("429") is not None for _ in range(3)] == [True, True, False]


def test_a_route_narrows_a_fault() -> None:
    faults = Faults()
    faults.set("drop-connection", count=1, route="POST /v1/leases")
    assert faults.take("drop-connection", "GET /v1/bids") is None
    assert faults.take("drop-connection", "POST /v1/leases") is not None


def test_a_count_of_zero_switches_off() -> None:
    faults = Faults()
    faults.set("no-bids")
    faults.set("no-bids", count=0)
    assert faults.take("no-bids") is None


def test_a_fault_is_for_one_provider_where_its_value_names_it() -> None:
    faults = Faults()
    faults.set("kube-down", count=1, value="akash1one")
    assert faults.at("kube-down", "akash1two") is None
    assert faults.at("kube-down", "akash1one") is not None
    assert faults.at("kube-down", "akash1one") is None
