"""The page about Akua says what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from akash_mcp.tools import TOOLSETS
from akash_mcp.tools.tool import Effect

PAGE = (Path(__file__).parent.parent / "docs" / "akua.md").read_text(encoding="utf-8")
SPECS = {spec.name: spec for toolset in ("akua", "akua-clusters") for spec in TOOLSETS[toolset]}


def test_its_table_has_every_tool_and_says_which_ask() -> None:
    rows = re.findall(r"^\| [^|]+ \| ((?:`akua_\w+` ?)+) \| (\w+) \|$", PAGE, flags=re.MULTILINE)
    listed = {name: effect for names, effect in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed.keys() == SPECS.keys()
    for name, effect in listed.items():
        assert (effect == "read") is (SPECS[name].effect is Effect.READS), name


def test_the_calls_of_a_whole_life_are_calls_that_the_tools_take() -> None:
    calls = re.findall(r"`(akua_\w+)\(([^)]*)\)`", PAGE)
    assert len(calls) >= 7
    for name, arguments in calls:
        known = SPECS[name].build().parameters["properties"]
        for argument in filter(None, arguments.split(", ")):
            assert argument.partition("=")[0] in known, (name, argument)


@pytest.mark.parametrize(
    "said", ["unrelated to Akash", "No limit of this server bounds", "No real Akua was reached"]
)
def test_what_nobody_may_overlook_is_said(said: str) -> None:
    assert said in PAGE
