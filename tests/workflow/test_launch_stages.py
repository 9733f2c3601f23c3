"""A launch tells how far it is, and in the end what it came to: leased, running, or closed again and at what cost."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from decimal import Decimal

import pytest
from scripted_console import approved

from akash_mcp import config
from akash_mcp.errors import AkashError
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.permits.bounds import Bound
from akash_mcp.guard.permits.close_permit import Unwound
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.plans.plans import LeasePlan
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import RankedOffer, Ranking, Requirements, rank
from akash_mcp.money import ZERO, Usd, usd_per_hour
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.services import services
from akash_mcp.workflow import planning
from akash_mcp.workflow.bid_wait import wait_for_all_groups
from akash_mcp.workflow.launch import Launched, Leased, launch, lease_from, names
from akash_mcp.workflow.offers import requirements
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

QUICK = dataclasses.replace(Intervals().times(60), retry=0.01)


IMAGE, SLOW = "nginx:1.28.0-alpine", "ghcr.io/acme/huge:1"


class Told(Running[Launched]):
    """Work that remembers every stage."""

    stages: tuple[str, ...] = ()
    on_stage: Callable[[str], None] = staticmethod(lambda stage: None)

    def progress(self, stage: str) -> None:
        self.stages += (re.sub(r"\d{10,}", "N", stage),)
        self.on_stage(stage)

    @property
    def tried(self) -> int:
        """How often offers were chosen to be leased."""
        return sum(stage.startswith("leasing from ") for stage in self.stages)


@dataclasses.dataclass
class Launching:
    rt: Runtime
    permit: LaunchPermit
    running: Told

    async def go(self) -> Launched:
        return await launch(self.rt, self.permit, self.running)

    @property
    def state(self) -> State:
        found = self.rt.store.read_now(journal.find, self.permit.op_id)
        assert found is not None
        return found.state


@asynccontextmanager
async def launching(
    settings: config.Settings, sdl: str, *, rate: Usd | None = None, **odd: float
) -> AsyncIterator[Launching]:
    store = Store(settings.state_dir)
    async with services(settings, store, dataclasses.replace(QUICK, **odd)) as rt:
        plan = await planning.launch_plan(rt, tool="deploy", sdl=sdl, deposit=Usd(1), max_usd_per_hour=rate)
        await rt.accounts.bind()
        permit = await rt.gate.launch(plan, approved(plan))
        yield Launching(rt, permit, Told(permit.op_id))


async def test_a_launch_tells_every_stage(settings: config.Settings, sdl: str) -> None:
    async with launching(settings, sdl) as it:
        launched = await it.go()
        assert launched.readiness.is_ready
        assert it.state is State.READY
        assert launched.leased.usd_per_hour == launched.leased.chosen[0].usd_per_hour > ZERO
        with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
            steps = dict(db.execute("SELECT state, note FROM steps").fetchall())
        assert list(steps) == ["planned", "reserved", "created", "offered", "leased", "ready"]
        provider = launched.leased.chosen[0].offer.provider
        assert (steps["offered"], steps["leased"]) == (f"leasing from {provider}", provider)
        stages = list(dict.fromkeys(it.running.stages))
    assert stages[0] == "creating the deployment"
    assert re.fullmatch(r"deployment N has (1 acceptable offer|\d+ acceptable offers)", stages[1])
    leased = [stage for stage in stages if stage.startswith("leasing from ")]
    assert leased == [f"leasing from {names(launched.leased.chosen)}"]
    assert "deployment N is leased; waiting for its containers" in stages
    assert stages[-1] == "1 of 1 services run"


async def test_what_does_not_run_yet_is_leased(settings: config.Settings, sdl: str) -> None:
    sdl = sdl.replace(IMAGE, SLOW)
    async with launching(settings, sdl, ready_give_up=0.0) as it:
        launched = await it.go()
        assert not launched.readiness.is_ready
        assert launched.leased.chosen
        assert it.state is State.LEASED


async def test_without_an_offer_it_is_closed_again(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with launching(settings, sdl, rate=Usd("0.0000001"), bid_give_up=0.05) as it:
        with pytest.raises(AkashError, match=r"closed again, proven; it cost \$0\.00\.") as error:
            await it.go()
        assert error.value.money == "It costs nothing any more."
        # Which of the two depends on whether the first bids came before it was given up.
        assert re.search("allow (a higher price|that, or a little more)", error.value.next_step)
        assert it.running.stages[-1] == "closing it again"
        assert it.state is State.CLOSED
        assert it.rt.store.read_now(it.rt.ledger.status).held == ZERO
    assert [each.state for each in network.chain.deployments.values()] == ["closed"]


async def test_what_it_asks_of_providers_is_named_where_none_bids(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("no-bids")
    asking = sdl.replace("      pricing:", "      attributes: {region: us-west}\n      pricing:")
    assert asking != sdl
    async with launching(settings, asking, bid_give_up=0.05) as it:
        with pytest.raises(
            AkashError, match=r'None has arrived\. Only at providers with "region" = "us-west"\.'
        ):
            await it.go()


async def test_a_fault_of_ours_ends_it_too_and_tells_nothing_of_itself(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(seconds: float) -> None:
        raise ZeroDivisionError("sesame")

    async with launching(settings, sdl) as it:
        it.rt = dataclasses.replace(it.rt, sleep=broken)
        with pytest.raises(AkashError, match="This server failed while it looked for a lease") as error:
            await it.go()
        assert "sesame" not in str(error.value)
        assert error.value.next_step == "The user finds why in its log."
    assert "a launch broke" in caplog.text
    assert [each.state for each in network.chain.deployments.values()] == ["closed"]


async def test_a_close_that_fails_as_well_is_unknown(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("close-fails", value="500")
    async with launching(settings, sdl, rate=Usd("0.0000001"), bid_give_up=0.05) as it:
        with pytest.raises(Unwound, match=r"Closing it again did not work either: .*not proven") as error:
            await it.go()
        assert "Group 1 has no acceptable bid" in error.value.what
        assert error.value.money == "It may still cost money."
        assert error.value.next_step.startswith("It is tried again by itself, until it is closed")
        assert it.state is State.UNWINDING


def raise_prices(network: EmbeddedNetwork, running: Told, times: int) -> None:
    """Make every offer dearer as soon as one is chosen, so many times."""

    def on_stage(stage: str) -> None:
        if stage.startswith("leasing from ") and running.tried <= times:
            [deployment] = network.chain.deployments.values()
            for bid in deployment.bids:
                bid.price *= Decimal("1.001")

    running.on_stage = on_stage


async def test_an_offer_that_became_dearer_once_is_passed_over(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with launching(settings, sdl) as it:
        raise_prices(network, it.running, 2)
        assert (await it.go()).readiness.is_ready
        assert it.running.tried == 3


async def test_offers_that_become_dearer_every_time_are_given_up(
    settings: config.Settings, network: EmbeddedNetwork, sdl: str
) -> None:
    async with launching(settings, sdl) as it:
        raise_prices(network, it.running, 9)
        with pytest.raises(AkashError, match=r"became dearer\. Deployment \d+ was closed again, proven"):
            await it.go()
        assert it.running.tried == 3
    [deployment] = network.chain.deployments.values()
    assert (deployment.state, deployment.leases) == ("closed", [])


def test_a_provider_without_a_name_is_called_by_its_address() -> None:
    addresses = {"seattle": "akash1aaa", "": "akash1bbb"}
    offers = [
        Offer(
            provider=ProviderAddress(address),
            gseq=gseq,
            price_uact_per_block=Decimal(1000 * gseq),
            name=name,
            online=True,
        )
        for gseq, (name, address) in enumerate(addresses.items(), start=1)
    ]
    ranked = rank(offers, requirements=Requirements(hours=Decimal(24))).ranked
    assert names(ranked) == '"seattle", "akash1bbb"'
    bound = Bound(escrow=Usd(2), held=Usd(2), hours=None)
    assert Leased(Ranking(ranked, ()), ranked, bound).usd_per_hour == usd_per_hour(3000)


@pytest.mark.parametrize(("patience", "state"), [(QUICK.ready_give_up, State.READY), (0.0, State.LEASED)])
async def test_a_lease_of_chosen_providers_tells_its_stages(
    patience: float, state: State, settings: config.Settings, sdl: str
) -> None:
    image = IMAGE if patience else SLOW
    async with launching(settings, sdl.replace(IMAGE, image), ready_give_up=patience) as it:
        dseq = (await it.permit.create()).dseq
        it.rt.store.run_now(holds.let_go, it.permit.op_id)
        ranked: tuple[RankedOffer, ...] = ()
        while len(ranked) < 2:  # waited for until one will do, and the second may come later
            gathered = await wait_for_all_groups(
                it.rt, dseq, 1, requirements(it.rt.policy), "balanced", lambda _: None
            )
            ranked = gathered.ranking.ranked
        # Not the first: the choice is the caller's.
        provider = ranked[1].offer.provider
        plan = LeasePlan(
            tool="create_lease",
            dseq=dseq,
            providers=(provider,),
            max_usd_per_hour=it.permit.plan.max_usd_per_hour,
        )
        permit = await it.rt.gate.lease(plan, approved(plan))
        launched = await lease_from(it.rt, permit, plan, it.running)
        assert [each.offer.provider for each in launched.leased.chosen] == [provider]
        assert launched.dseq == dseq
        operation = it.rt.store.read_now(journal.find, permit.op_id)
        assert operation is not None
        assert operation.state is state
        assert it.running.stages[:2] == ("leasing", "leased; waiting for its containers")
