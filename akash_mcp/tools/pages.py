"""Long lists in small pages: `limit` rows from a `cursor` on, with the `fields` that are asked for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from typing import Annotated, TypeVar

from pydantic import Field

from akash_mcp.errors import BadArgument
from akash_mcp.tools.results import Result

T = TypeVar("T")
R = TypeVar("R", bound=Result)

MOST_ROWS = 50

LimitArg = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows, up to 50")]
CursorArg = Annotated[str | None, Field(description="next_cursor of the last page", max_length=40)]

_CURSOR = re.compile(r"([0-9]{1,6})\.([0-9a-f]{8})")


def page(rows: Sequence[T], limit: int, cursor: str | None, *asked: object) -> tuple[Sequence[T], str | None]:
    """A page of `rows`, and the cursor of the next one, None after the last.

    A cursor is good for the list that it came from: `asked` are the arguments that chose the rows. Raises `BadArgument`
    for another one. Where the market moves between two pages, a row can be seen twice or not at all.
    """
    mark = hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()[:8]
    start = 0
    if cursor is not None:
        found = _CURSOR.fullmatch(cursor)
        if found is None or found[2] != mark:
            raise BadArgument(
                "This cursor is not of this list.",
                next_step="Leave cursor out, or repeat the arguments that it came from.",
            )
        start = int(found[1])
    end = start + limit
    return rows[start:end], f"{end}.{mark}" if end < len(rows) else None


def only(row: R, fields: Collection[str] | None, *, always: Collection[str]) -> R:
    """The row with the `fields` that are asked for and those that are there `always`; None of them asks for all.

    Raises `BadArgument` for a field that rows do not have, and names those that they have.
    """
    if not fields:
        return row
    known = type(row).model_fields
    if unknown := [name for name in fields if name not in known]:
        raise BadArgument(f"There is no field {unknown[0][:40]!r}.", next_step=f"Fields: {', '.join(known)}.")
    kept = {*fields, *always}
    return row.model_copy(update={name: None for name in known if name not in kept})
