"""Akua's lists end, and what is not whole says so."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_akua import Act, ScriptedAkua, page, refusal, reply

from akash_mcp.clients.akua.models import Cluster
from akash_mcp.clients.akua.pages import (
    LARGEST_PAGE,
    LONGEST_CURSOR,
    MOST_BYTES,
    MOST_EMPTY_PAGES,
    MOST_PAGES,
    MOST_RECORDS,
    Listing,
    Page,
    page_of,
    read_list,
)
from akash_mcp.clients.http import Response
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import AkashError, NotFound, ServerError

pytestmark = pytest.mark.anyio


def records(*numbers: int) -> list[dict[str, object]]:
    return [{"id": f"clu_{number}"} for number in numbers]


async def listed(*script: Act, most: int | None = None) -> tuple[Listing[Cluster], ScriptedAkua]:
    async with ScriptedAkua(*script) as akua:
        return await akua.client().read_all("/clusters", Cluster, params={"x": "y"}, most=most), akua


def ids(listing: Listing[Cluster]) -> list[str]:
    return [record.id for record in listing.records]


async def test_all_pages_are_read_in_order() -> None:
    listing, akua = await listed(
        page(*records(1, 2), more=True, cursor="a&b=c"), page(more=True, cursor="d"), page(*records(3))
    )
    assert ids(listing) == ["clu_1", "clu_2", "clu_3"]
    assert listing.is_whole
    assert [sent.query for sent in akua.requests] == [
        {"x": "y", "limit": "100"},
        {"x": "y", "limit": "100", "cursor": "a&b=c"},
        {"x": "y", "limit": "100", "cursor": "d"},
    ]


@pytest.mark.parametrize(
    ("script", "seen", "says"),
    [
        ([page(*records(1), more=True)], 1, "there is more, and not where"),
        ([reply(200, {"data": records(1)})], 1, "does not say whether there is more"),
        ([page(*records(1), more="no", cursor=5), page(*records(2))], 2, ""),
        ([reply(200, {"data": records(1), "next_cursor": None})], 1, ""),
        ([page(*records(1), more=False, cursor="c")], 1, ""),
        ([page(*records(1), more=True, cursor="c")], 1, "do not lead on.*came twice"),
        (
            [page(*records(1), more=True, cursor="c"), page(*records(2), more=True, cursor="c")],
            2,
            "do not lead on",
        ),
        ([page(*records(1), more=True, cursor="c" * (LONGEST_CURSOR + 1))], 1, "do not lead on"),
        ([page({"id": "clu_1"}, {"name": "x"}, 5)], 1, "2 records of it could not be read"),
        ([page(*records(1, 1, 2))], 2, "1 record came twice"),
        ([page(*records(1), more=True, cursor="c"), refusal(403, "not yours")], 1, "Page 2 of it.*not yours"),
        ([page(*records(1), more=True, cursor="c"), reply(200, "<html>")], 1, "Page 2 of it.*cannot be read"),
        ([page(*records(1), more=True, cursor="c"), reply(200, {"data": None})], 1, "Page 2 of it.*no list"),
    ],
)
async def test_a_list_says_why_it_is_not_whole(script: list[Act], seen: int, says: str) -> None:
    listing, _ = await listed(*script)
    assert len(listing.records) == seen
    assert listing.is_whole is (says == "")
    assert re.search(says, listing.problem)


async def test_a_first_page_that_cannot_be_had_raises() -> None:
    for script, kind in (
        (refusal(404), NotFound),
        (reply(200, "[]"), ServerError),
        (reply(200, {"data": {}}), ServerError),
    ):
        with pytest.raises(kind):
            await listed(script)


async def test_only_as_many_as_are_wanted_are_asked_for() -> None:
    listing, akua = await listed(page(*records(1, 2, 3), more=True, cursor="c"), most=2)
    assert ids(listing) == ["clu_1", "clu_2"]
    assert "Only the first 2" in listing.problem
    assert akua.only.query == {"x": "y", "limit": "2"}
    listing, _ = await listed(page(*records(1, 2)), most=2)
    assert listing.is_whole
    listing, _ = await listed(page(*records(1, 2, 3)), most=2)  # more than was asked for
    assert (ids(listing), listing.is_whole) == (["clu_1", "clu_2"], False)


async def test_the_cleaned_words_of_a_failure_are_told() -> None:
    listing, _ = await listed(
        page(*records(1), more=True, cursor="c"), refusal(403, "\x1b[1m![x](http://evil)\nnext")
    )
    assert [each for each in ("\x1b", "![", "\n") if each in listing.problem] == []


def answer(content: object) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(200, body, lambda why: ServerError(why, status=200))


class Told:
    """Pages as somebody might write them, one for each request, and the last one from then on."""

    def __init__(self, pages: list[Any], seconds: float = 0) -> None:
        self.asked: list[Mapping[str, str]] = []
        self.now = 0.0
        self._pages = pages
        self._seconds = seconds

    async def fetch(self, params: Mapping[str, str], deadline: Deadline) -> Page:
        told = self._pages[min(len(self.asked), len(self._pages) - 1)]
        self.asked.append(params)
        self.now += self._seconds
        assert deadline.total > 0
        return page_of(answer(told(len(self.asked)) if callable(told) else told))

    def read(self, most: int | None = None) -> Listing[Cluster]:
        async def run() -> Listing[Cluster]:
            return await read_list(self.fetch, Cluster, monotonic=lambda: self.now, most=most)

        return anyio.run(run)


def endless(size: int, number: int) -> dict[str, object]:
    """The page of this number of a list without end."""
    first = number * size
    return {"data": records(*range(first, first + size)), "has_more": True, "next_cursor": f"c{number}"}


@pytest.mark.parametrize(
    ("size", "requests", "seen", "says"),
    [
        (0, MOST_EMPTY_PAGES, 0, "empty pages"),
        (1, MOST_PAGES, MOST_PAGES, f"more than {MOST_PAGES} pages"),
        (100, MOST_RECORDS // 100, MOST_RECORDS, f"Only the first {MOST_RECORDS}"),
        (3000, 1, MOST_RECORDS, f"Only the first {MOST_RECORDS}"),
    ],
)
def test_a_list_without_end_ends(size: int, requests: int, seen: int, says: str) -> None:
    told = Told([lambda number: endless(size, number)])
    listing = told.read()
    assert (len(told.asked), len(listing.records)) == (requests, seen)
    assert says in listing.problem


def test_a_list_of_giant_records_ends() -> None:
    def giant(number: int) -> dict[str, object]:
        return {**endless(1, number), "padding": "x" * (2**20)}

    told = Told([giant])
    listing = told.read()
    assert len(told.asked) == MOST_BYTES // 2**20
    assert "larger than 16 MiB" in listing.problem


async def test_a_giant_page_is_not_taken() -> None:
    with pytest.raises(ServerError, match="larger than"):
        await listed(reply(200, "x" * (LARGEST_PAGE + 1)))


def test_a_list_that_takes_too_long_ends() -> None:
    told = Told([lambda number: endless(1, number)], seconds=9)
    listing = told.read()
    assert len(listing.records) == 4
    assert "took too long" in listing.problem


ANY: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just({}) | st.just([])
)
RECORD = st.builds(lambda number: {"id": f"clu_{number}"}, st.integers(0, 30)) | ANY
CURSOR = st.sampled_from(["a", "b", "c", "d", None, "", 7]) | ANY
TOLD = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(RECORD, max_size=4) | ANY,
        "has_more": st.booleans() | ANY,
        "next_cursor": CURSOR,
    },
)


@given(st.lists(TOLD | ANY, min_size=1, max_size=8), st.none() | st.integers(1, 5))
def test_whatever_pages_say_it_ends_and_nothing_is_asked_twice(pages: list[Any], most: int | None) -> None:
    told = Told(pages)
    try:
        listing = told.read(most)
    except AkashError:
        assert len(told.asked) == 1
        return
    cursors = Counter(params.get("cursor") for params in told.asked)
    assert max(cursors.values()) == 1
    assert len(told.asked) <= MOST_PAGES
    read = [pages[min(number, len(pages) - 1)] for number in range(len(told.asked))]
    seen = [record.id for record in listing.records]
    assert len(seen) == len(set(seen))
    last = read[-1]
    if listing.is_whole:
        # Only what says so itself is taken for the end, and nothing on the way was lost.
        assert last["has_more"] is False or last["next_cursor"] is None
        assert len(seen) == sum(len(each["data"]) for each in read)
    if most is not None:
        assert len(seen) <= most
