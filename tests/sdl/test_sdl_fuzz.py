"""Thousands of wrong and strange inputs: an answer each time, never an exception, and one that hangs together."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sdl_data import BASE

from akash_mcp.sdl import Report, check, diff
from akash_mcp.sdl.output.manifest import sha256_hex

relaxed = settings(suppress_health_check=[HealthCheck.too_slow])

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "80",
            "2.0",
            "512Mi",
            "..Gi",
            "9e9Gi",
            "0x1",
            "1e400",
            "-1",
            "nvidia",
            "ram",
            "beta3",
            "web",
            "dc",
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


RICH = yaml.safe_load(BASE)
RICH["endpoints"] = {"mine": {"kind": "ip"}}
RICH["reclamation"] = {"min_window": "24h"}
RICH["services"]["web"] |= {
    "command": ["sh"],
    "args": ["-c"],
    "env": ["A=b"],
    "credentials": {"host": "h", "username": "u", "password": "secret"},
    "dependencies": [{"service": "web"}],
    "params": {
        "storage": {"data": {"mount": "/d", "readOnly": False}},
        "permissions": {"read": ["logs"]},
        "tee": "cpu",
    },
}
RICH["services"]["web"]["expose"][0] |= {
    "proto": "TCP",
    "accept": ["a.com"],
    "http_options": {"max_body_size": 1, "next_cases": ["off"], "next_tries": 1},
    "to": [{"global": True, "ip": "mine"}, {"service": "web"}],
}
RICH["profiles"]["compute"]["web"]["resources"] |= {
    "storage": [
        {"size": "1Gi"},
        {"name": "data", "size": "1Gi", "attributes": {"persistent": True, "class": "beta3"}},
    ],
    "gpu": {"units": 1, "attributes": {"vendor": {"nvidia": [{"model": "a100", "ram": "80Gi"}]}}},
}
RICH["profiles"]["placement"]["dc"] |= {
    "attributes": {"host": "akash"},
    "signedBy": {"anyOf": ["x"], "allOf": []},
}
PLACES = places(RICH)


def mutated(place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    root = copy.deepcopy(RICH)
    parent = root
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return root


def holds_together(source: str) -> Report:
    report = check(source)
    lines = source.count("\n") + source.count("\r") + 1
    assert report.ok <= report.console_ok
    assert report.ok == (not report.errors)
    assert report.console_ok == (report.manifest is not None)
    assert report.manifest is None or report.manifest_sha256 == sha256_hex(report.manifest)
    for finding in (*report.errors, *report.warnings):
        assert finding.message
        assert 1 <= finding.line <= lines
        assert finding.column >= 1
    assert {finding.judge for finding in report.errors} <= {"console", "chain", "provider"}
    return report


def test_the_rich_sdl_is_good() -> None:
    report = holds_together(json.dumps(RICH))
    assert [finding.message for finding in report.errors if finding.rule != "P05"] == []


EXTREMES = (
    2**63,
    2e24,
    1e300,
    1.7e308,
    5e-324,
    -1e300,
    "9" * 30,
    "9" * 400,
    f"{'9' * 400}Gi",
    f"0.{'0' * 400}1Ei",
)


@pytest.mark.parametrize("extreme", EXTREMES, ids=lambda each: str(each)[:8])
def test_an_extreme_number_gets_an_answer_anywhere(extreme: float | str) -> None:
    for place in PLACES:
        holds_together(json.dumps(mutated(place, extreme)))


@relaxed
@given(st.sampled_from(PLACES), values)
def test_any_value_anywhere_gets_an_answer(place: tuple[Any, ...], value: Any) -> None:
    report = holds_together(json.dumps(mutated(place, value), indent=1, ensure_ascii=False))
    diff(report, report)


@relaxed
@given(
    st.integers(0, len(BASE)),
    st.integers(0, 30),
    st.text(alphabet="&*!|>%@`'\"#{}[],:?-\n\t <~x0é\u2028\ud800\x00", max_size=6),
)
def test_any_cut_and_splice_of_the_text_gets_an_answer(start: int, length: int, splice: str) -> None:
    holds_together(BASE[:start] + splice + BASE[start + length :])


@relaxed
@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_any_text_gets_an_answer(source: str) -> None:
    holds_together(source)


@relaxed
@given(st.sampled_from(PLACES[1:]))
def test_any_missing_part_gets_an_answer(place: tuple[Any, ...]) -> None:
    root = copy.deepcopy(RICH)
    parent = root
    for step in place[:-1]:
        parent = parent[step]
    del parent[place[-1]]
    holds_together(json.dumps(root, indent=1))
