"""Limits: what one budget may commit, what it has committed, and how it is told that something does not fit.

Two budgets can bind at once: that of the agent which a server works for, and the roof over all agents together. What
is asked for has to fit into both, and what is left is what is left in the tighter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from akash_mcp.errors import OverBudget
from akash_mcp.money import ZERO, Usd, told_apart

_A_DEPLOYMENT = Usd(10)
_A_DAY = Usd(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a budget allows. None: no limit.

    `max_usd_per_day` is for any 24 hours, `max_usd_per_month` for a calendar month in UTC, `max_usd_total` for all
    time. `max_usd_per_hour` is the highest rate of one deployment, `max_usd_per_hour_together` of all that are open.
    `default_hours` is how long a run lasts that names no end, `max_hours` how long any may.
    """

    max_usd_per_deployment: Usd = _A_DEPLOYMENT
    max_usd_per_day: Usd = _A_DAY
    max_usd_per_month: Usd | None = None
    max_usd_total: Usd | None = None
    max_usd_per_hour: Usd | None = None
    max_usd_per_hour_together: Usd | None = None
    max_deployments: int = 5
    default_hours: int = 24
    max_hours: int = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What was committed in a budget: held and spent together, but for `held`.

    What was reserved counts for the day and the month in which it was. `spent_today` and `spent_month` are what of
    these is settled. `usd_per_hour` is what all that is open costs at most, but for `unrated` deployments, whose rate
    is not known.
    """

    held: Usd = ZERO
    today: Usd = ZERO
    month: Usd = ZERO
    total: Usd = ZERO
    spent_today: Usd = ZERO
    spent_month: Usd = ZERO
    usd_per_hour: Usd = ZERO
    live_deployments: int = 0
    unrated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one budget stands. `agent`: whose it is, where it is one agent's own. `whose`: whom its limits bind, in
    words; empty where there is one budget for everybody.
    """

    limits: Limits
    committed: Committed
    agent: str = ""
    whose: str = ""

    @property
    def left_today(self) -> Usd:
        """What may still be committed within the 24 hours."""
        return _left(self.limits.max_usd_per_day, self.committed.today)

    @property
    def left_this_month(self) -> Usd | None:
        """What may still be committed this month; None without a limit."""
        return _left_of(self.limits.max_usd_per_month, self.committed.month)

    @property
    def left_in_all(self) -> Usd | None:
        """What may still be committed ever; None without a limit."""
        return _left_of(self.limits.max_usd_total, self.committed.total)

    @property
    def left_per_hour(self) -> Usd | None:
        """What further deployments may cost an hour, those together; None without a limit.

        Nothing while it is not known what one that is open costs.
        """
        limit = self.limits.max_usd_per_hour_together
        if limit is not None and self.committed.unrated:
            return ZERO
        return _left_of(limit, self.committed.usd_per_hour)

    @property
    def left_deployments(self) -> int:
        """How many more may be open at once."""
        return max(self.limits.max_deployments - self.committed.live_deployments, 0)

    def words(self, preposition: str) -> str:
        """Whom it binds, to be added to a sentence: ` to agent builder`, or nothing."""
        return f" {preposition} {self.whose}" if self.whose else ""

    def setting(self, name: str) -> str:
        """Where a person writes one of its limits."""
        return f"{name} of [agents.{self.agent}]" if self.agent else f"AKASH_MCP_{name.upper()}"


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Where the budget of this server's agent stands, and the roof over all agents: one and the same without agents."""

    own: Standing
    roof: Standing

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The budgets that bind: the roof first."""
        return (self.roof,) if self.own is self.roof else (self.roof, self.own)

    @property
    def held(self) -> Usd:
        """What this agent's operations hold."""
        return self.own.committed.held

    @property
    def today(self) -> Usd:
        """What this agent committed in the last 24 hours, held and spent together."""
        return self.own.committed.today

    @property
    def month(self) -> Usd:
        """What this agent committed this calendar month (UTC), held and spent together."""
        return self.own.committed.month

    @property
    def total(self) -> Usd:
        """What this agent ever committed, held and spent together."""
        return self.own.committed.total

    @property
    def usd_per_hour(self) -> Usd:
        """What this agent's open deployments cost at most."""
        return self.own.committed.usd_per_hour

    @property
    def live_deployments(self) -> int:
        """How many deployments this agent has open."""
        return self.own.committed.live_deployments

    @property
    def left_today(self) -> Usd:
        """What may still be committed within 24 hours, in both budgets."""
        return min(each.left_today for each in self.standings)

    @property
    def left_this_month(self) -> Usd | None:
        """What may still be committed this month, in both budgets; None without a limit."""
        return _least([each.left_this_month for each in self.standings])

    @property
    def left_in_all(self) -> Usd | None:
        """What may still be committed ever, in both budgets; None without a limit."""
        return _least([each.left_in_all for each in self.standings])

    @property
    def left_per_hour(self) -> Usd | None:
        """What further deployments may cost an hour, in both budgets; None without a limit."""
        return _least([each.left_per_hour for each in self.standings])


def check_deployment(total: Usd, own: Standing) -> None:
    """Raise `OverBudget` where one deployment would cost more than one may, all its deposits together."""
    limit = own.limits.max_usd_per_deployment
    if total > limit:
        cost, most = told_apart(total, limit)
        raise OverBudget(
            f"This would let one deployment cost {cost}, over the limit of {most} per deployment.",
            next_step="Ask for less. Only the user can raise the limit "
            f"({own.setting('max_usd_per_deployment')}).",
        )


def check_amount(amount: Usd, status: BudgetStatus) -> None:
    """Raise `OverBudget` where an amount does not fit into what is left of a day, of a month or of all."""
    for name, period, lefts in (
        ("max_usd_per_day", "in 24 hours", [each.left_today for each in status.standings]),
        ("max_usd_per_month", "this month (UTC)", [each.left_this_month for each in status.standings]),
        ("max_usd_total", "in all", [each.left_in_all for each in status.standings]),
    ):
        tightest = _tightest(lefts, status)
        if tightest is None or amount <= tightest[0]:
            continue
        left, budget = tightest
        limit = getattr(budget.limits, name)
        raise OverBudget(
            # What is told to be left can be asked for.
            f"This needs {amount}, and {left.rounded_down()} is left of the {limit} allowed{budget.words('to')} "
            f"{period}.",
            next_step="Close a deployment, whose reservation then shrinks to what it cost, or ask for less. Only "
            f"the user can raise the limit ({budget.setting(name)}).",
        )


def check_number(status: BudgetStatus) -> None:
    """Raise `OverBudget` where no further deployment may be open."""
    for budget in status.standings:
        if not budget.left_deployments:
            raise OverBudget(
                f"{budget.committed.live_deployments} deployments are open, which is the limit{budget.words('of')}.",
                next_step="Close one with close_deployment. Only the user can raise the limit "
                f"({budget.setting('max_deployments')}).",
            )


def check_rate(rate: Usd | None, status: BudgetStatus) -> None:
    """Raise `OverBudget` where `rate`, in USD an hour, does not fit beside what is open.

    None is not known, and fits only where no limit is set. So does every rate beside one that is not known.
    """
    name = "max_usd_per_hour_together"
    tightest = _tightest([each.left_per_hour for each in status.standings], status)
    if tightest is None or (rate is not None and rate <= tightest[0]):
        return
    left, budget = tightest
    limit = budget.limits.max_usd_per_hour_together
    if rate is None or budget.committed.unrated:
        whose = "this" if rate is None else f"{budget.committed.unrated} of the open deployments"
        raise OverBudget(
            f"What {whose} can cost an hour is not known, and all together may cost {limit} an hour"
            f"{budget.words('for')}.",
            next_step="Call list_deployments, which reads what they cost, and try again; or close one.",
        )
    raise OverBudget(
        f"This can cost {rate} an hour, and {left.rounded_down()} an hour is left of the {limit} allowed"
        f"{budget.words('to')} for all open deployments together.",
        next_step="Close a deployment, or ask for a lower max_usd_per_hour. Only the user can raise the limit "
        f"({budget.setting(name)}).",
    )


def check_rate_of_another(rate: Usd, allowed: Usd, agent: str) -> None:
    """Raise `OverBudget` for a rate above what another agent was allowed for its deployment, in USD an hour."""
    if rate > allowed:
        cost, most = told_apart(rate, allowed)
        raise OverBudget(
            f"{cost} an hour is over the {most} an hour that {f'agent {agent}' if agent else 'whoever'} opened this "
            "deployment for.",
            next_step="Ask for less, or let the agent that opened it lease for it.",
        )


def _tightest(lefts: Sequence[Usd | None], status: BudgetStatus) -> tuple[Usd, Standing] | None:
    """The least that is left, and in which budget; None where none has a limit."""
    limited = [
        (left, budget) for left, budget in zip(lefts, status.standings, strict=True) if left is not None
    ]
    return min(limited, key=lambda each: each[0], default=None)


def _least(lefts: Sequence[Usd | None]) -> Usd | None:
    return min((left for left in lefts if left is not None), default=None)


def _left_of(limit: Usd | None, committed: Usd) -> Usd | None:
    return None if limit is None else _left(limit, committed)


def _left(limit: Usd, committed: Usd) -> Usd:
    return limit - committed if committed < limit else ZERO
