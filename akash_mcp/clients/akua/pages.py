"""Akua's lists, page by page, so that none can go on for ever and none that is not whole looks whole.

A page is `{data, has_more, next_cursor}`. It ends where Akua says that there is no more, and nowhere else: a list that
was ended by us, or that does not say, carries the reason with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from akash_mcp.clients.akua.fields import text
from akash_mcp.clients.api_model import read_json
from akash_mcp.clients.http import Response
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import AkashError

PAGE = 100
MOST_PAGES = 50
MOST_RECORDS = 2000
MOST_EMPTY_PAGES = 3
"""So many in a row that hold nothing, and still go on, are enough."""
LARGEST_PAGE = 4 * 2**20
MOST_BYTES = 16 * 2**20
"""Of one page, and of all of a list: what is read takes some twenty times its size in memory."""
LONGEST_CURSOR = 2048
LIST_SECONDS = 30.0
PAGE_DEADLINE = Deadline(read=12, total=20)


class HasId(Protocol):
    """A record that is told from others by its id."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Listing(Generic[T_co]):
    """The records of a list as far as they could be read, and why that is not all: `problem`, "" where it is."""

    records: list[T_co]
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether this is certainly all there is."""
        return not self.problem


@dataclass(frozen=True)
class Page:
    """A page of a list, its records not yet understood."""

    data: list[Any]
    has_more: bool | None
    """None where it does not say."""
    next_cursor: str | None
    is_last: bool
    """Whether it says that nothing follows."""
    size: int
    """In bytes."""


def page_of(answer: Response) -> Page:
    """The page that an answer is. Raises what the answer's `lost` makes for one without a list."""
    try:
        value = read_json(answer.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise answer.lost("it has no list in data")
    told, cursor = value.get("has_more"), text(value.get("next_cursor"))
    has_more = told if isinstance(told, bool) else None
    ends = has_more is None and "next_cursor" in value and value["next_cursor"] is None
    is_last = has_more is False or ends
    return Page(value["data"], has_more, cursor, is_last=is_last, size=len(answer.body))


FetchPage = Callable[[Mapping[str, str], Deadline], Awaitable[Page]]
"""Asks for the page of these parameters, and raises an `AkashError` where it cannot be had."""


async def read_list(
    fetch: FetchPage, shape: type[T], *, monotonic: Callable[[], float], most: int | None = None
) -> Listing[T]:
    """The records of all pages, or the first `most` of them.

    Raises what `fetch` raises for the first page; where a later one fails, what there is by then is returned.
    """
    pages = _Pages(TypeAdapter(shape), most)
    ends = monotonic() + LIST_SECONDS
    params = {"limit": str(PAGE if most is None else min(PAGE, most))}
    while True:
        left = ends - monotonic()
        if left <= 0:
            return pages.listing("Reading it took too long, so there are more.")
        deadline = Deadline(PAGE_DEADLINE.read, min(PAGE_DEADLINE.total, left))
        try:
            page = await fetch(params, deadline)
        except AkashError as failed:
            if not pages.count:
                raise
            return pages.listing(f"Page {pages.count + 1} of it could not be read: {failed.what}")
        reason = pages.take(page)
        if reason is not None:
            return pages.listing(reason)
        params = {**params, "cursor": page.next_cursor or ""}


class _Pages(Generic[T]):
    """What the pages read so far hold."""

    def __init__(self, shape: TypeAdapter[T], most: int | None) -> None:
        self._shape = shape
        self._most = MOST_RECORDS if most is None else min(most, MOST_RECORDS)
        self._records: dict[str, T] = {}
        self._left_out = False
        self._unread = self._twice = self._empty = self._size = 0
        self._cursors: set[str] = set()
        self.count = 0

    def take(self, page: Page) -> str | None:
        """Add a page. Why the list ends with it: "" where that is its end, None where it goes on."""
        self.count += 1
        self._size += page.size
        self._empty = 0 if page.data else self._empty + 1
        for entry in page.data:
            self._add(entry)
        if self._left_out or (len(self._records) >= self._most and not page.is_last):
            return f"Only the first {self._most} of it are here."
        return "" if page.is_last else self._obstacle(page)

    def _obstacle(self, page: Page) -> str | None:
        """Why the page that follows is not asked for."""
        if page.next_cursor is None:
            says = (
                "says that there is more, and not where"
                if page.has_more
                else "does not say whether there is more"
            )
            return f"Akua {says}, so some may be missing."
        if page.next_cursor in self._cursors or len(page.next_cursor) > LONGEST_CURSOR:
            return "Akua's pages do not lead on, so some may be missing."
        if self._empty >= MOST_EMPTY_PAGES:
            return "Akua says that there is more, and gives empty pages, so some may be missing."
        if self.count >= MOST_PAGES:
            return f"There are more than {MOST_PAGES} pages of it, and the rest was not read."
        if self._size >= MOST_BYTES:
            return f"It is larger than {MOST_BYTES // 2**20} MiB, and the rest was not read."
        self._cursors.add(page.next_cursor)
        return None

    def _add(self, entry: object) -> None:
        try:
            record = self._shape.validate_python(entry)
        except ValidationError:
            self._unread += 1
            return
        if record.id in self._records:
            self._twice += 1
        elif len(self._records) >= self._most:
            self._left_out = True
        else:
            self._records[record.id] = record

    def listing(self, reason: str) -> Listing[T]:
        """The list, which ends for this reason."""
        unread = f"{_records(self._unread)} of it could not be read." if self._unread else ""
        twice = f"{_records(self._twice)} came twice, so others may be missing." if self._twice else ""
        return Listing(list(self._records.values()), " ".join(filter(None, (reason, unread, twice))))


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
