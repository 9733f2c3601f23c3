"""What was approved, as the journal keeps it: whoever reads it there reads the very plan that was approved."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.plans.plan_record import plan_of, text_of
from akash_mcp.guard.plans.plans import (
    CertificatePlan,
    ClosePlan,
    FundPlan,
    LaunchPlan,
    LeasePlan,
    Plan,
    TopUpPlan,
    UpdatePlan,
)
from akash_mcp.ids import Dseq
from akash_mcp.money import MOST, Usd

KEPT = (LaunchPlan, LeasePlan, FundPlan, UpdatePlan, ClosePlan, TopUpPlan, CertificatePlan)
"""The kinds whose plans are kept: a command is written down nowhere."""

# What a plan adds up is an amount too.
AMOUNTS = st.decimals(0, int(MOST) // 1000, places=30).map(Usd) | st.decimals(0, 1000, places=6).map(Usd)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
st.register_type_strategy(Usd, AMOUNTS)
st.register_type_strategy(Decimal, st.decimals(0, 10**6, places=12))
PATCHES = st.none() | st.dictionaries(st.text(), st.dictionaries(st.text(), JSON))


def plans(kind: type[Plan]) -> st.SearchStrategy[Plan]:
    return st.builds(kind, patch=PATCHES) if kind is UpdatePlan else st.from_type(kind)


@pytest.mark.parametrize("kind", KEPT)
@given(data=st.data())
def test_a_plan_comes_back_as_it_was_approved(kind: type[Plan], data: st.DataObject) -> None:
    plan = data.draw(plans(kind))
    read = plan_of(kind, text_of(plan))
    # Also the fields that only tell how things stood, which neither the fingerprint nor == looks at.
    assert dataclasses.asdict(read) == dataclasses.asdict(plan)
    assert [type(value) for value in fields(read)] == [type(value) for value in fields(plan)]
    assert read.fingerprint == plan.fingerprint
    assert read.summary == plan.summary


def fields(plan: Plan) -> list[Any]:
    return [getattr(plan, each.name) for each in dataclasses.fields(plan)]


FUND = FundPlan(tool="add_funds", dseq=Dseq("7"), amount=Usd("0.1"), ours=True)


def test_an_amount_is_kept_as_text_and_not_as_a_number() -> None:
    assert json.loads(text_of(FUND))["amount"] == {"amount": "0.1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        "{}",
        text_of(ClosePlan(tool="close_deployment", dseq=Dseq("7"), ours=True)),
        text_of(FUND).replace('"0.1"', '"-0.1"'),
        text_of(FUND).replace('"0.1"', '"NaN"'),
    ],
    ids=["nothing", "rubbish", "no fields", "another kind", "a negative amount", "no amount"],
)
def test_what_is_not_such_a_plan_is_told_as_a_ledger_that_cannot_be_read(text: str) -> None:
    with pytest.raises(LedgerUnusable, match="What was approved cannot be read"):
        plan_of(FundPlan, text)
