"""What was spent and what is being spent: the history of a wallet by day, and what a week costs.

Spending is computed from leases and not from settlements, up to where a lease ends or is expected to end.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox import escrow
from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.account import json_number
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer, validation_error
from akash_mcp.sandbox.units import API_BLOCKS_PER_WEEK, UACT_PER_USD, cents

_DAY = datetime.timedelta(days=1)
_LONGEST = 366
_RANGE_WRONG = "Date range cannot exceed 366 days and startDate must be before endDate"


class Usage:
    """Reads about money spent, in USD."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        days = {
            "address": schema.akash_address,
            "startDate": schema.optional(schema.date),
            "endDate": schema.optional(schema.date),
        }
        return [
            Endpoint("GET", "/v1/usage/history", self.history, False, query_schema=days),
            Endpoint("GET", "/v1/usage/history/stats", self.stats, False, query_schema=days),
            Endpoint("GET", "/v1/weekly-cost", self.weekly),
        ]

    async def history(self, call: Call) -> Response:
        """A row a day, today last."""
        days = self._days(call)
        return answer(self._rows(call.query["address"], days)) if days else _range_wrong()

    async def stats(self, call: Call) -> Response:
        """The same days in four numbers."""
        days = self._days(call)
        if not days:
            return _range_wrong()
        deployments = self._backend.chain.deployments_of(call.query["address"])
        spent = self._spent(deployments, days[0], _after(days[-1]))
        opened = [d for d in deployments if days[0] <= self._day_of(d) <= days[-1]]
        return answer(
            {
                "totalSpent": json_number(cents(spent)),
                "averageSpentPerDay": json_number(cents(spent / len(days))),
                "totalDeployments": len(opened),
                "averageDeploymentsPerDay": json_number(cents(Decimal(len(opened)) / len(days))),
            }
        )

    async def weekly(self, call: Call) -> Response:
        """What a week costs of the deployments that Console goes on funding."""
        backend = self._backend
        funded = [
            deployment
            for deployment in backend.chain.deployments_of(backend.account.address)
            if backend.funding.keeps(deployment)
        ]
        uact = sum((d.rate * API_BLOCKS_PER_WEEK for d in funded), Decimal(0))
        return answer({"data": {"weeklyCost": json_number(cents(uact / UACT_PER_USD))}})

    def _days(self, call: Call) -> list[datetime.date]:
        """The days that are asked for, thirty unless said otherwise; none where the range makes no sense."""
        today = datetime.datetime.fromtimestamp(self._backend.chain.clock.now(), datetime.UTC).date()
        last: datetime.date = call.query.get("endDate", today)
        first: datetime.date = call.query.get("startDate") or _before(last, 30)
        count = (last - first).days + 1
        if not 1 <= count <= _LONGEST:
            return []
        return [first + _DAY * index for index in range(count)]

    def _rows(self, owner: str, days: list[datetime.date]) -> list[dict[str, Any]]:
        deployments = self._backend.chain.deployments_of(owner)
        rows = []
        total = self._spent(deployments, None, days[0])
        for day in days:
            spent = self._spent(deployments, day, _after(day))
            total += spent
            daily, so_far = json_number(cents(spent)), json_number(cents(total))
            active = sum(1 for deployment in deployments if self._lived_on(deployment, day))
            rows.append(
                {
                    "date": day.isoformat(),
                    "activeDeployments": active,
                    "dailyAktSpent": 0,
                    "totalAktSpent": 0,
                    "dailyUsdcSpent": daily,
                    "totalUsdcSpent": so_far,
                    "dailyActSpent": daily,
                    "totalActSpent": so_far,
                    "dailyUsdSpent": daily,
                    "totalUsdSpent": so_far,
                }
            )
        return rows

    def _spent(
        self, deployments: list[Deployment], start: datetime.date | None, end: datetime.date
    ) -> Decimal:
        """USD of rent within these days, the last of them not included."""
        first = self._height(start) if start else 0
        last = self._height(end)
        uact = Decimal(0)
        for deployment in deployments:
            dry = escrow.dry_height(deployment)
            for lease in deployment.leases:
                until = lease.closed_height or dry or last
                blocks = min(until, last) - max(lease.created_height, first)
                uact += max(0, blocks) * lease.price
        return uact / UACT_PER_USD

    def _height(self, day: datetime.date) -> int:
        """The first block of a day, or the latest block where that day is still to come."""
        clock = self._backend.chain.clock
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()
        return min(clock.height_at(midnight - clock.now() + clock.elapsed()), clock.height())

    def _day_of(self, deployment: Deployment) -> datetime.date:
        seconds = self._backend.chain.clock.block_time(deployment.created_height)
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()

    def _lived_on(self, deployment: Deployment, day: datetime.date) -> bool:
        if self._day_of(deployment) > day:
            return False
        return not deployment.closed_height or deployment.closed_height >= self._height(day)


def _after(day: datetime.date) -> datetime.date:
    return min(day, datetime.date.max - _DAY) + _DAY


def _before(day: datetime.date, days: int) -> datetime.date:
    return datetime.date.fromordinal(max(1, day.toordinal() - days))


def _range_wrong() -> Response:
    return validation_error([schema.issue((), _RANGE_WRONG)])
