"""What was approved, as text in the journal: whoever carries an operation on does what its plan says and nothing else.

The values of secrets are not in it, since an SDL refers to them by name. It is forgotten when the operation ends.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.plans.plans import Plan

P = TypeVar("P", bound=Plan)


def text_of(plan: Plan) -> str:
    """A plan as JSON, with all its fields."""
    return _adapter(type(plan)).dump_json(plan).decode()


def plan_of(kind: type[P], text: str) -> P:
    """The plan that `text_of` wrote. Raises `LedgerUnusable` where it cannot be read as one of this kind."""
    try:
        plan: P = _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise LedgerUnusable("What was approved cannot be read in the ledger any more.") from error
    return plan


@cache
def _adapter(kind: type[Plan]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
