"""An SDL as it is stored says what it said when it came: same manifest, nothing in the clear, for real SDLs."""

from __future__ import annotations

import pytest
import shared_data
import yaml

from akash_mcp.sandbox.console.generation_2026_11 import references
from akash_mcp.sandbox.console.generation_2026_11.definitions import define
from akash_mcp.sandbox.console.judgement import judge
from akash_mcp.sandbox.console.responses import Problem

pytestmark = shared_data.needed


def texts() -> list[str]:
    """The SDLs of the corpus and of the fixtures that Console takes."""
    folder = shared_data.find("sdl")
    paths = sorted([*folder.glob("corpus/*.y*ml"), *folder.glob("fixtures/**/*.y*ml")]) if folder else []
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        try:
            judge(text)
        except Problem:
            continue
        found.append(text)
    return found


def test_real_sdls_are_stored_and_read_back_as_they_were() -> None:
    kept = texts()
    assert len(kept) > 40
    for text in kept:
        definition = define(text, supplied=None, inherited={})
        again = references.resolved(references.parsed(definition.sdl), definition.secrets)
        assert judge(references.written(again)).version == judge(text).version
        assert yaml.safe_load(definition.sdl) == references.parsed(definition.sdl), "YAML 1.1 and 1.2 agree"
        shown = references.parsed(definition.sdl)
        assert all(slot.name for slot in references.slots(shown) if slot.value)


@pytest.mark.parametrize("value", ["1e3", "yes", "0o17", "~", "", "a: b", "line\nbreak", "#x", "é", "1_000"])
def test_text_that_looks_like_something_else_stays_text(value: str) -> None:
    tree = {"services": {"web": {"image": "x", "args": [value]}}}
    assert references.parsed(references.written(tree)) == tree == yaml.safe_load(references.written(tree))
