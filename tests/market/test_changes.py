"""A change makes the SDL that its edits say, in any order that they were found in."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.data import examples_dir
from akash_mcp.market.changes import Change, Edit, changed, in_order
from akash_mcp.sdl import check

DATABASE = yaml.safe_load((examples_dir() / "web-with-database.yaml").read_text(encoding="utf-8"))


def test_a_change_writes_and_removes() -> None:
    at = ("profiles", "compute", "database", "resources")
    edits = (Edit((*at, "storage", 1, "size"), "20Gi"), Edit(("services", "web", "env")))
    after = changed(DATABASE, Change("both", edits))
    assert after.ok
    assert after.groups[0].resources[0].storage[1].size == 20 * 2**30
    assert after.model is not None
    assert after.model.services["web"].env == ()
    assert DATABASE["services"]["web"]["env"]


def test_a_change_that_the_console_refuses_is_seen() -> None:
    assert not changed(DATABASE, Change("wrong", (Edit(("profiles", "compute", "web")),))).ok


def test_an_edit_is_told_as_pointer_and_yaml() -> None:
    edit = Edit(("profiles", "placement", "a/b", "attributes", "x~y"), [{"model": "a100"}])
    assert edit.pointer == "/profiles/placement/a~1b/attributes/x~0y"
    assert yaml.safe_load(str(edit.text)) == [{"model": "a100"}]
    assert Edit(("a",)).text is None


def test_what_lies_inside_of_what_goes_is_left_out() -> None:
    assert in_order([Edit(("a", "b")), Edit(("a",))]) == (Edit(("a",)),)


@given(st.sets(st.integers(0, 9)), st.randoms())
def test_items_of_a_list_go_without_moving_each_other(gone: set[int], random: Any) -> None:
    edits = [Edit(("list", index)) for index in gone]
    random.shuffle(edits)
    data: dict[str, Any] = {"list": list(range(10))}
    for edit in in_order(edits):
        del data["list"][edit.path[1]]
    assert data["list"] == [index for index in range(10) if index not in gone]


@pytest.mark.parametrize("path", sorted(examples_dir().glob("*.yaml")), ids=lambda path: path.stem)
def test_no_change_is_the_same_order(path: Any) -> None:
    before = check(path.read_text(encoding="utf-8"))
    after = changed(copy.deepcopy(before.data), Change("none"))
    assert (after.groups, after.manifest) == (before.groups, before.manifest)
    assert json.dumps(before.data)
