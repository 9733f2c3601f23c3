"""What the tools say of money, held to the network's books: every tool, in every generation, in every situation.

Nothing is known here of what an answer ought to say. Each sentence is searched for claims (an amount that went in or
came back, that nothing moved, the most that something can cost), and each claim is compared with what the chain's and
the account's books show before the call, after it, and when all has come to its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from agents import YES, Agent, Connect, text_of
from mcp.types import ElicitResult

from akash_mcp.money import Usd
from akash_mcp.sandbox.escrow import accrued
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

DOLLAR = Decimal(10**6)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Books:
    """US dollars: the account's credit, and what all deployments hold and have paid."""

    credit: Decimal
    escrow: Decimal
    spent: Decimal

    @property
    def put_in(self) -> Decimal:
        """All that ever went into escrow, less what came back."""
        return self.escrow + self.spent


def books(network: EmbeddedNetwork) -> Books:
    held = spent = Decimal(0)
    for deployment in network.chain.deployments.values():
        owed = min(accrued(deployment, network.chain.height), deployment.escrow.funds)
        held += deployment.escrow.funds - owed
        spent += deployment.escrow.transferred + owed
    return Books(network.chain.accounts[network.owner].allowance_uact / DOLLAR, held / DOLLAR, spent / DOLLAR)


def spent_by(network: EmbeddedNetwork, dseq: str) -> Decimal:
    deployment = network.chain.deployments[network.owner, dseq]
    owed = min(accrued(deployment, network.chain.height), deployment.escrow.funds)
    return (deployment.escrow.transferred + owed) / DOLLAR


Claim = Callable[[Decimal, Books, Books], bool]

CLAIMS: dict[str, Claim] = {
    # An amount in is rounded up, an amount back is rounded down, and neither by more than a cent.
    r"\$([\d.]++) (?:went into|was added to)": lambda usd, was, now: (
        0 <= usd - (now.put_in - was.put_in) < CENT
    ),
    r"\$([\d.]++) came back": lambda usd, was, now: 0 <= now.credit - was.credit - usd < 2 * CENT,
    r"(?:rest of the deposit|left of its escrow) came back": lambda _, was, now: now.escrow == 0,
    r"[Nn]othing is spent until a lease": lambda _, was, now: now.spent == was.spent,
    r"No deposit was made": lambda _, was, now: now.put_in == was.put_in,
    r"No money moved": lambda _, was, now: now.credit == was.credit,
}
MOST = (
    r"[Aa]t most \$([\d.]++)(?! an hour)(?! together)",
    r"\$([\d.]++) (?:more |in all )?at most",
    r"\$([\d.]++) is the most",
    r"for at most \$([\d.]++)",
)


@dataclass
class Auditor:
    """Calls tools, agrees to each plan, and compares what is said with the books. `false` holds what was not true."""

    agent: Agent
    network: EmbeddedNetwork
    situation: str = ""
    claims: dict[str, int] = field(default_factory=dict)
    false: list[str] = field(default_factory=list)
    most: list[tuple[str, Decimal]] = field(default_factory=list)
    """What was called the most that what runs now can cost."""

    async def done(self, situation: str, tool: str, **arguments: Any) -> dict[str, Any]:
        self.situation = situation
        answer = await self._called(tool, arguments)
        if answer["status"] == "confirmation_required":
            if tool != "close_deployment":
                self._most(answer["summary"])
                self._most(f"at most ${answer['most_it_can_cost_usd']}.")
            answer = await self._called("confirm", {"approval_token": answer["approval_token"]})
        self._most(answer.get("money", ""))
        return await self.agent.finished(answer)

    async def refused(self, situation: str, agent: Agent, tool: str, **arguments: Any) -> None:
        self.situation = situation
        was = books(self.network)
        self._audit(await agent.refused(tool, **arguments), was)

    async def _called(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        was = books(self.network)
        result = await self.agent.ask(tool, **arguments)
        assert not result.is_error, text_of(result)
        answer = dict(result.structured_content or {})
        self._audit(" ".join(str(answer.get(part, "")) for part in ("summary", "money", "next_step")), was)
        if "refunded_usd" in answer:
            self._audit(f"${answer['refunded_usd']} came back", was)
        return answer

    def _audit(self, said: str, was: Books) -> None:
        now = books(self.network)
        for pattern, holds in CLAIMS.items():
            for match in re.finditer(pattern, said):
                self.claims[self.situation] = self.claims.get(self.situation, 0) + 1
                usd = Decimal(match[1].rstrip(".")) if match.groups() else Decimal(0)
                if not holds(usd, was, now):
                    self.false.append(f"{self.situation}: {match[0]!r}: {was} -> {now}")
        self._cost(said)

    def _cost(self, said: str) -> None:
        for match in re.finditer(r"[Dd]eployment (\d+).*[Ii]t cost \$([\d.]++)", said):
            self.claims[self.situation] = self.claims.get(self.situation, 0) + 1
            cost, paid = Decimal(match[2].rstrip(".")), spent_by(self.network, match[1])
            if not paid <= cost <= paid * Decimal("1.01") + CENT / 1000:
                self.false.append(f"{self.situation}: {match[0]!r}, and {paid} was paid")

    def _most(self, said: str) -> None:
        for pattern in MOST:
            self.most += [
                (f"{self.situation}: {match[0]!r}", Decimal(match[1].rstrip(".")))
                for match in re.finditer(pattern, said)
            ]

    def over(self, dseq: str, *, before: Decimal = Decimal(0)) -> None:
        """What runs has come to its end: it cost no more than each of the amounts that was called the most."""
        paid = spent_by(self.network, dseq) - before
        assert self.most
        self.false += [f"{claim}, and {paid} was paid" for claim, most in self.most if paid > most]
        self.most.clear()


async def test_what_came_back_is_what_was_in_it_and_not_what_was_reserved(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    """It told $4.99 of a deposit that the Console had made $0.50, and $1.00 of the $11.00 in somebody else's."""
    headers = {"x-api-key": network.api_key}
    async with httpx2.AsyncClient(base_url=network.console_url, headers=headers, trust_env=False) as person:
        made = await person.post("/v1/deployments", json={"data": {"sdl": sdl, "deposit": 10}})
    theirs = made.json()["data"]["dseq"]
    await network.inject("fixed-deposit")
    async with connect(answer=YES, approval="elicit") as agent:
        ours = (await agent.call("create_deployment", sdl=sdl, deposit_usd=5))["dseq"]
        assert (await agent.call("close_deployment", dseq=ours))["refunded_usd"] == "0.50"
        await agent.call("add_funds", dseq=theirs, amount_usd=1)
        closed = await agent.call("close_deployment", dseq=theirs)
        assert closed["money"] == "It cost $0.00, and $11.00 came back."
        again = await agent.call("close_deployment", dseq=theirs)
    assert again["money"] == "It cost $0.00; what was left of its escrow came back."
    assert "refunded_usd" not in again


SITUATIONS = {
    "over budget", "declined", "created", "closed without a lease", "leased", "funded", "closed after hours",
    "unwound", "ready",
}  # fmt: skip


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_what_is_said_of_money_is_in_the_books(
    generation: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    """Spending is at 6.098 s a block, as the chain makes them here."""
    async with (
        connect(answer=ElicitResult(action="decline")) as unwilling,
        connect(max_usd_per_deployment=Usd(2)) as poor,
        connect(approval="two-step") as agent,
    ):
        audit = Auditor(agent, network)
        await audit.refused("over budget", poor, "deploy", sdl=sdl, deposit_usd=5, hours=48)
        await audit.refused("declined", unwilling, "deploy", sdl=sdl, deposit_usd=5)

        dseq = (await audit.done("created", "create_deployment", sdl=sdl, deposit_usd="5.001"))["dseq"]
        audit.most.clear()
        await audit.done("closed without a lease", "close_deployment", dseq=dseq)

        dseq = (await audit.done("created", "create_deployment", sdl=sdl, deposit_usd=5))["dseq"]
        offer = (await agent.call("list_bids", dseq=dseq))["offers"][0]
        chosen = {"dseq": dseq, "providers": [offer["provider"]], "max_usd_per_hour": 1}
        await audit.done("leased", "create_lease", **chosen)
        network.clock.skip(20 * 3600)
        await audit.done("funded", "add_funds", dseq=dseq, amount_usd=1)
        network.clock.skip(3600)
        await audit.done("closed after hours", "close_deployment", dseq=dseq)
        # What was called the most of the creation, of the lease, and of the hours that were added.
        audit.over(dseq)

        audit.situation = "unwound"
        token = (await agent.call("deploy", sdl=sdl, deposit_usd=5, max_usd_per_hour="0.00106"))[
            "approval_token"
        ]
        await audit.refused(
            "unwound",
            agent,
            "confirm",
            approval_token=token,
        )

        dseq = (await audit.done("ready", "deploy", sdl=sdl, deposit_usd=5))["dseq"]
        network.clock.skip(200 * 3600)
        assert (await agent.call("get_deployment", id=dseq))["state"] != "active" or generation != "2026-11"
        audit.over(dseq)
        shown = network.state()["settings"]
    assert audit.false == []
    assert audit.claims.keys() >= SITUATIONS - {"ready", "leased"}
    assert (generation == "reference") is (dseq in shown if isinstance(shown, dict) else False)
