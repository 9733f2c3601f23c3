"""Rate, escrow and how long it lasts, and whether what runs is what should run: from records alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from agents import Connect
from pydantic import BaseModel
from scripted_provider import answering

from akash_mcp import tools
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.market_models import Block
from akash_mcp.clients.console.models import DETAIL, DeploymentDetail
from akash_mcp.clients.lease_status import LEASE_STATUS
from akash_mcp.clients.retries import Deadline
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import Usd
from akash_mcp.tools.results import Result
from akash_mcp.workflow.readiness import Readiness
from akash_mcp.workflow.status import funds_of, height_at_most

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEASE = LeaseId(Dseq("5"), 1, 1, ProviderAddress("akash1provider"))


def deployment(funds: str = "1000000", price: str = "100", **more: Any) -> DeploymentDetail:
    return DETAIL.validate_python(
        {
            "deployment": {"id": {"dseq": "5"}, "state": "active"},
            "leases": [
                {
                    "id": {"dseq": "5", "provider": "akash1provider"},
                    "state": "active",
                    "price": {"denom": "uact", "amount": price},
                }
            ],
            "escrow_account": {
                "state": {
                    "funds": [{"denom": "uact", "amount": funds}],
                    "settled_at": 1000,
                    "transferred": [],
                }
            },
            **more,
        }
    )


# ── money ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_rent_since_the_last_settlement_is_taken_off() -> None:
    funds = funds_of(deployment(), height=6000, now=NOW.timestamp(), generation=None, ours=True)
    assert funds.escrow_left == Usd("0.5")
    assert funds.hours_left is not None
    # 5000 more blocks, which are promised at their shortest: 6 seconds
    assert abs(funds.hours_left - Decimal(5000) * 6 / 3600) < Decimal("0.0001")
    assert funds.runs_until == datetime(2026, 11, 21, 20, 20, tzinfo=UTC)


def test_blocks_that_a_late_index_does_not_know_yet_are_counted_as_spent() -> None:
    known = Block(height=6000, datetime="2026-11-21T11:59:00Z")
    assert height_at_most(known, NOW.timestamp()) == 6010
    assert height_at_most(known, NOW.timestamp() - 3600) == 6000  # our clock may be behind
    assert height_at_most(Block(height=6000), NOW.timestamp()) == 0
    assert height_at_most(Block(), NOW.timestamp()) == 0


def test_an_escrow_that_is_used_up_lasts_no_longer() -> None:
    funds = funds_of(deployment(), height=99_999, now=NOW.timestamp(), generation=None, ours=True)
    assert (funds.escrow_left, funds.hours_left, funds.runs_until) == (Usd(0), Decimal(0), NOW)


@pytest.mark.parametrize("price", ["0", "0.000000000000000001"])
def test_a_rate_next_to_nothing_has_no_end(price: str) -> None:
    funds = funds_of(deployment(price=price), height=1000, now=NOW.timestamp(), generation=None, ours=True)
    assert (funds.hours_left, funds.runs_until) == (None, None)


LIMITED = {"runtimeLimitHours": 24, "runtimeEndsAt": "2026-11-22T06:00:00.000Z"}


@pytest.mark.parametrize(
    ("funds", "credit", "hours"),
    [
        ("2000000", None, "18"),  # its escrow pays for 33 hours, and the Console closes it before
        ("1079999", None, "18"),  # the Console funds until the limit, and rounds down
        ("600000", Usd(1), "18"),
        ("600000", Usd("0.24"), "14"),  # the money ends before the limit does
        ("600000", Usd(0), "10"),
        ("600000", None, None),
        ("many", Usd(1), None),
    ],
)
def test_where_the_console_pays_it_runs_until_the_limit_or_until_the_credit_ends(
    funds: str, credit: Usd | None, hours: str | None
) -> None:
    told = funds_of(
        deployment(funds, settings=LIMITED),
        height=1000,
        now=NOW.timestamp(),
        generation=Generation.V2026_11,
        ours=True,
        credit=credit,
    )
    if hours is None:
        assert (told.hours_left, told.runs_until) == (None, None)
    else:
        assert (told.hours_left, told.runs_until) == (Decimal(hours), NOW + timedelta(hours=int(hours)))
    assert told.limit_hours == 18


NO_MOMENT = ["soon", "2026-11-22T06:00:00", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"]


@pytest.mark.parametrize(
    "settings",
    [
        *({"runtimeLimitHours": 24, "runtimeEndsAt": ends} for ends in NO_MOMENT),
        *(
            LIMITED | {"runtimeLimitHours": hours} for hours in (None, "many")
        ),  # it was lifted, or is not known
        {},
        None,
    ],
)
def test_where_the_console_pays_an_escrow_is_no_end(settings: dict[str, object] | None) -> None:
    unlimited = deployment("2000000", settings=settings)
    funds = funds_of(unlimited, height=1000, now=NOW.timestamp(), generation=Generation.V2026_11, ours=True)
    assert (funds.hours_left, funds.runs_until) == (None, None)


@pytest.mark.parametrize(
    ("generation", "ours", "ends"),
    [
        (Generation.V2025, False, True),
        (Generation.REFERENCE, True, True),
        (Generation.REFERENCE, False, False),  # it may be topped up, and asking would switch that on
        (Generation.V2026_11, True, False),
    ],
)
def test_an_escrow_ends_what_nothing_is_added_to(generation: Generation, ours: bool, ends: bool) -> None:
    funds = funds_of(deployment(), height=1000, now=NOW.timestamp(), generation=generation, ours=ours)
    assert (funds.hours_left is not None) is ends


# ── readiness ───────────────────────────────────────────────────────────────────────────────────────────────

UP = {"total": 1, "replicas": 1, "updated_replicas": 1, "ready_replicas": 1}


@pytest.mark.parametrize(
    ("services", "desired", "ready"),
    [
        ({"web": UP}, {"web": 1}, True),
        ({"web": UP}, {}, True),
        ({"web": UP}, {"web": 2}, False),
        ({"web": UP}, {"web": 1, "db": 1}, False),
        ({"web": {**UP, "ready_replicas": 2, "total": 3, "replicas": 3}}, {"web": 2}, False),
        ({"web": {**UP, "total": 2, "replicas": 2, "ready_replicas": 2}}, {"web": 2}, False),
        ({}, {}, False),
    ],
    ids=["all", "no manifest", "too few", "one missing", "one too many and down", "an old one left", "none"],
)
def test_it_is_ready_when_all_that_should_run_does(
    services: dict[str, Any], desired: dict[str, int], ready: bool
) -> None:
    status = LEASE_STATUS.validate_python({"services": services})
    assert Readiness(1, {LEASE: status}, desired={LEASE: desired}).is_ready is ready


def test_a_lease_without_a_status_is_not_ready() -> None:
    status = LEASE_STATUS.validate_python({"services": {"web": UP}})
    half = Readiness(2, {LEASE: status})
    assert not half.is_ready
    assert half.progress == "1 of 1 services run; 1 of 2 providers report nothing yet"


# ── the Console ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_a_deployment_that_the_console_is_slow_to_read_is_found_in_its_list(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.workflow.status.READ_DEADLINE", Deadline(0.3, 0.3))
    record = json.loads(deployment().model_dump_json()) | {"leases": []}

    def answers(path: str) -> tuple[int, object] | None:
        if path.startswith("/v1/deployments/"):
            return None
        if path == "/v1/deployments":
            return 200, {"data": {"deployments": [record], "pagination": {"hasMore": False}}}
        return (200, [{"height": 2000}]) if path == "/v1/blocks" else (404, "")

    async with answering(answers) as url, connect(console_url=url) as agent:
        shown = await agent.call("get_deployment", id="5")
        assert (shown["state"], shown["escrow_left_usd"]) == ("active", "1.00")
        assert "too long" in await agent.refused("get_deployment", id="6")


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_answer_cleans_its_texts_by_itself() -> None:
    results = [kind for kind in vars(tools.results).values() if isinstance(kind, type)]
    assert len(results) > 15
    assert all(
        issubclass(kind, Result) for kind in results if issubclass(kind, BaseModel) and kind is not BaseModel
    )
