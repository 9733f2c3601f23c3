"""What a deployment is called: the words of whoever created it, and behind them the operation that did.

By the operation, which nobody else has, a creation whose answer was lost is found again. The words alone need not be
unique. Only the API of autumn 2026 keeps names; it takes 256 characters and finds a part of one in any case of letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from akash_mcp.ids import OpId
from akash_mcp.sanitize.text import one_line

LONGEST_WORDS = 200
"""Bytes: more than as many of the characters that the API counts."""

_SEPARATOR = " · "
_MARK = re.compile(rf"(?:\A|{_SEPARATOR})op_[0-9a-f]{{16}}\Z")


def words_for(asked: str, services: Iterable[str]) -> str:
    """How it is called on one line, its secrets masked: as was asked, else by its services as the Console would."""
    return one_line(asked or "+".join(services), limit=LONGEST_WORDS)


def full_name(words: str, op_id: OpId) -> str:
    """The name to create it with."""
    return f"{words}{_SEPARATOR}{op_id}" if words else op_id


def words_of(name: str | None) -> str:
    """A name without the operation, which tells a reader nothing. Empty where there are no words."""
    return _MARK.sub("", name or "")


def bears(name: str | None, op_id: str) -> bool:
    """Whether a name is one of this operation's, and not of another whose name only holds it."""
    return name is not None and (name == op_id or name.endswith(f"{_SEPARATOR}{op_id}"))


def operation_of(name: str | None) -> OpId | None:
    """The operation that a name bears at its end; None where it bears none."""
    found = _MARK.search(name or "")
    return OpId(found[0].removeprefix(_SEPARATOR)) if found else None
