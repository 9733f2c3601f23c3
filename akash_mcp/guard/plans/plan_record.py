"""What was approved, as text in the journal: whoever carries an operation on does what its plan says and nothing else.

The values of secrets are not in it, since an SDL refers to them by name. It is forgotten when the operation ends.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.plans.akua_plans import AKUA_PLANS
from akash_mcp.guard.plans.plans import (
    CertificatePlan,
    ClosePlan,
    ExecPlan,
    FundPlan,
    LaunchPlan,
    LeasePlan,
    Plan,
    TopUpPlan,
    UpdatePlan,
)

P = TypeVar("P", bound=Plan)

_PLANS: tuple[type[Plan], ...] = (
    LaunchPlan,
    LeasePlan,
    UpdatePlan,
    FundPlan,
    ClosePlan,
    ExecPlan,
    TopUpPlan,
    CertificatePlan,
    *AKUA_PLANS,
)
_KINDS: dict[str, type[Plan]] = {kind.__name__: kind for kind in _PLANS}


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


def kind_of(plan: Plan) -> str:
    """What kind of plan it is, for `any_plan_of`."""
    return type(plan).__name__


def is_kept(kind: str) -> bool:
    """Whether a plan of this kind may stand in the journal after it was answered: a command is written down nowhere."""
    return kind != ExecPlan.__name__


def any_plan_of(kind: str, text: str) -> Plan:
    """The plan of a kind that `kind_of` named. Raises `LedgerUnusable` where it cannot be read as one."""
    if kind not in _KINDS:
        raise LedgerUnusable("What was shown is not a kind of plan that this version of akash-mcp knows.")
    return plan_of(_KINDS[kind], text)


@cache
def _adapter(kind: type[Plan]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
