"""Lists in pages: everything once, the newest first, whatever is added meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_akua import AkuaWorld, errors, new_akua

from akash_mcp.sandbox.akua.catalogue import AKUA
from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.paging import Pages
from akash_mcp.sandbox.faults import Faults


@dataclass
class Numbered:
    number: int


def _walk(pages: Pages, items: list[Numbered], limit: int, added: list[int]) -> list[list[int]]:
    """All pages, with something new before each but the first."""
    cursor, told = None, []
    for _ in range(len(items) + 2):
        query = {"limit": limit, **({} if cursor is None else {"cursor": cursor})}
        page = pages.page("GET /x", query, items, lambda item: {"number": item.number})
        told.append([item["number"] for item in page["data"]])
        assert page["has_more"] == (page["next_cursor"] is not None)
        cursor = page["next_cursor"]
        if cursor is None:
            return told
        items += [Numbered(added.pop(0))] if added else []
    raise AssertionError("the pages never end")


@given(st.integers(0, 250), st.integers(1, 100), st.integers(0, 5))
def test_pages_hold_everything_that_was_there_once_and_in_order(count: int, limit: int, new: int) -> None:
    items = [Numbered(number) for number in range(count)]
    told = _walk(Pages(Faults(AKUA)), items, limit, [1_000 + number for number in range(new)])
    assert [number for page in told for number in page] == list(range(count))[::-1]
    assert all(len(page) == limit for page in told[:-1])


@given(st.text(max_size=30))
def test_no_text_is_a_cursor_unless_it_was_given_out(cursor: str) -> None:
    with pytest.raises(Refused):
        Pages(Faults(AKUA)).page("GET /x", {"cursor": cursor}, [Numbered(1)], lambda item: {})


async def _ids(world: AkuaWorld, path: str, **params: Any) -> list[str]:
    ids: list[str] = []
    while True:
        page = await world.ok("GET", path, params=params)
        ids += [entry["id"] for entry in page["data"]]
        if not page["has_more"]:
            return ids
        params["cursor"] = page["next_cursor"]


@pytest.mark.anyio
async def test_all_installs_are_found_page_by_page() -> None:
    async with new_akua(installs=120) as world:
        ids = await _ids(world, "/installs", limit=50)
        assert len(ids) == len(set(ids)) == 120
        assert ids == await _ids(world, "/installs")
        assert ids[-1] == world.truth("installs")[0]["id"]  # the oldest


@pytest.mark.anyio
async def test_a_list_can_be_narrowed_to_a_product() -> None:
    async with new_akua(installs=3) as world:
        product, region = await world.first("/products"), await world.first("/regions")
        body = {
            "product_id": product["id"],
            "region_id": region["id"],
            "initial_values": {"hostname": "a.b"},
        }
        operation = await world.ok("POST", "/installs", json=body)
        assert operation["metadata"]["product_id"] == product["id"]
        found = await _ids(world, "/installs", product_id=product["id"])
        assert found == [operation["owner_id"]]
        assert await _ids(world, "/installs", product_id="prod_other") == []


@pytest.mark.anyio
async def test_a_cursor_belongs_to_its_list_and_its_filters() -> None:
    async with new_akua(installs=3) as world:
        cursor = (await world.ok("GET", "/installs?limit=1"))["next_cursor"]
        for path in (f"/packages?cursor={cursor}", f"/installs?cursor={cursor}&product_id=prod_x"):
            status, error = errors(await world.call("GET", path))
            assert (status, error["path"]) == (422, ["query", "cursor"])
