"""The official suite, where its tools are installed, and what counts as passing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from check_conformance import overlaid_server
from node_tools import NodeTools, installed
from official_suite import EXCUSED, REVISIONS, Scenario, Verdict, judge


@pytest.fixture
def tools() -> NodeTools:
    there = installed()
    if there is None:
        pytest.skip("the official suite is not installed; make conformance installs and runs it")
    return there


def test_the_server_conforms(tools: NodeTools, tmp_path: Path) -> None:
    with overlaid_server(tmp_path) as url:
        for revision in REVISIONS:
            assert judge(tools, url, revision, tmp_path / revision).failures == []


def verdict(*scenarios: Scenario, exit_code: int = 0) -> Verdict:
    return Verdict("2026-07-28", exit_code, "what it printed", scenarios)


def test_nothing_run_is_not_passed() -> None:
    assert verdict().failures == ["2026-07-28: nothing was run: what it printed"]


def test_what_fails_is_told_unless_it_is_excused() -> None:
    excused = Scenario(next(iter(EXCUSED)), 1, ("a: FAILURE: b",))
    assert verdict(Scenario("ping", 1, ()), excused, exit_code=1).failures == []
    assert verdict(Scenario("ping", 1, ("a: WARNING: b",))).failures == ["2026-07-28: ping: a: WARNING: b"]


def test_what_passes_is_not_excused_for_long() -> None:
    name = next(iter(EXCUSED))
    assert verdict(Scenario(name, 2, ())).failures == [f"2026-07-28: {name} passes, and is still excused"]


def test_an_exit_code_without_a_reason_fails() -> None:
    assert verdict(Scenario("ping", 1, ()), exit_code=3).failures == [
        "2026-07-28: the suite ended with 3: what it printed"
    ]


def test_other_versions_of_the_tools_do_not_count(tmp_path: Path) -> None:
    assert installed(tmp_path) is None
    for name in ("node", "@modelcontextprotocol/conformance", "@modelcontextprotocol/inspector"):
        package = tmp_path / "node_modules" / name / "package.json"
        package.parent.mkdir(parents=True)
        package.write_text(json.dumps({"version": "0.0.1"}), encoding="utf-8")
    assert installed(tmp_path) is None
