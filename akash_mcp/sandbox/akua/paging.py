"""Lists in pages, the newest first. A cursor is opaque, belongs to its list, and outlives what is added meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from akash_mcp.sandbox.akua.errors import invalid
from akash_mcp.sandbox.faults import Faults

_BEGINNING = 1 << 53
_MOST_TEXT = 1_000


class Numbered(Protocol):
    """Something with a place in the order of creation."""

    number: int


Something = TypeVar("Something", bound=Numbered)


class Pages:
    """Cuts lists into pages, well or badly, as the faults say."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._empty = 0

    def page(
        self,
        line: str,
        query: Mapping[str, Any],
        items: Iterable[Something],
        tell: Callable[[Something], dict[str, Any]],
    ) -> dict[str, Any]:
        """`{data, has_more, next_cursor}`. `line` is the request, whose list a cursor belongs to.

        Raises `Refused` (422) for a cursor that was not given out for this list with these filters.
        """
        of = json.dumps([line, {k: v for k, v in query.items() if k not in ("cursor", "limit")}])
        before = _BEGINNING if query.get("cursor") is None else _read(query["cursor"], of)
        limit = query.get("limit", 50)
        rest = sorted((item for item in items if item.number < before), key=lambda i: -i.number)
        shown, has_more = rest[:limit], len(rest) > limit
        data = [tell(item) for item in shown]
        next_cursor = _write(shown[-1].number, of) if has_more else None
        if self._faults.take("page-no-cursor", line):
            has_more, next_cursor = True, None
        elif self._faults.take("page-same-cursor", line):
            has_more, next_cursor = True, _write(before, of)
        elif self._faults.take("page-empty-more", line):
            self._empty += 1
            data, has_more, next_cursor = [], True, _write(_BEGINNING + self._empty, of)
        elif fault := self._faults.take("page-huge", line):
            first = data[0] if data else {}
            data = [{**first, "id": f"huge_{number}"} for number in range(int(fault.seconds(10_000)))]
        return {"data": data, "has_more": has_more, "next_cursor": next_cursor}


def _write(before: int, of: str) -> str:
    text = json.dumps([before, of], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def _read(cursor: str, of: str) -> int:
    try:
        if len(cursor) > _MOST_TEXT:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        before, belongs = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if belongs != of or type(before) is not int:
            raise ValueError("of another list")
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise invalid("The cursor is not one of this list.", "query", "cursor") from error
    return int(before)
