"""A launch whose provider fails goes on at another one, in the same approval; what is the app's own fault does not.

The truth is in the network's own books: how many deployments there are, what they cost, and what the ledger holds.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from typing import Any

import anyio
import pytest
import yaml
from agents import SPEED, Agent, Connect, text_of
from failing_deployments import sdl_of, service
from launch_books import check_books, deployments, providers, until

from akash_mcp import config
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.faults import PER_PROVIDER
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

PATIENT = dataclasses.replace(Intervals().times(SPEED), moves_on=300.0)
"""However long a busy machine takes over an attempt, it is not too old to be followed by another."""

DEPOSIT = 6
"""US dollars: the API of 2025 takes no less than five, also for what comes after the first."""


@asynccontextmanager
async def meanwhile(act: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Beside the block, until it ends."""
    async with anyio.create_task_group() as beside:
        beside.start_soon(act)
        yield
        beside.cancel_scope.cancel()


@asynccontextmanager
async def failing_at_first(
    network: EmbeddedNetwork, fault: str, value: str | None = None
) -> AsyncIterator[None]:
    """The first provider that is leased from goes wrong in this way, and no other."""

    async def go_wrong() -> None:
        if fault in PER_PROVIDER:
            await until(lambda: bool(providers(network)))
            await network.inject(fault, value=providers(network)[0])
        else:
            await network.inject(fault, value=value)
            await until(lambda: any(deployment.state == "closed" for deployment in deployments(network)))
            await network.inject(fault, count=0)

    async with meanwhile(go_wrong):
        yield


async def ended(agent: Agent, answer: dict[str, Any]) -> dict[str, Any]:
    """What `get_deployment` says in the end of an operation that an answer names."""
    with anyio.fail_after(60):
        while True:
            shown = await agent.call("get_deployment", id=answer["op_id"])
            if shown["state"] != "under way":
                return shown
            await anyio.sleep(0.05)


async def failed(agent: Agent, **arguments: Any) -> str:
    """Why a launch comes to nothing, told at once or to who waits for it."""
    answer = await agent.ask("deploy", **arguments)
    if answer.is_error:
        return text_of(answer)
    return await agent.refused(
        "get_deployment", id=(answer.structured_content or {})["op_id"], wait_for="ready"
    )


def is_leased(settings: config.Settings) -> bool:
    """Whether a lease is written down: what it runs was delivered."""
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
        return bool(db.execute("SELECT 1 FROM operations WHERE state = 'leased'").fetchall())


def is_under_way(settings: config.Settings) -> bool:
    """Whether anybody has anything in hand."""
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
        return bool(db.execute("SELECT 1 FROM operations WHERE lease_until IS NOT NULL").fetchall())


FAULTS = [
    ("lease-manifest-fails", "422", "2025"),
    ("lease-manifest-fails", "422", "reference"),
    ("lease-manifest-fails", "422", "2026-11"),
    ("lease-manifest-fails", "503", "reference"),
    ("certificate-unregistered", None, "2025"),
    ("certificate-expired", None, "reference"),
    ("certificate-mismatch", None, "2026-11"),
    ("kube-down", None, "2026-11"),
]


@pytest.mark.parametrize(("fault", "value", "generation"), FAULTS)
async def test_what_fails_at_its_provider_runs_at_another_and_both_are_told(
    fault: str,
    value: str | None,
    connect: Connect,
    network: EmbeddedNetwork,
    settings: config.Settings,
    sdl: str,
) -> None:
    async with connect(approval="auto", intervals=PATIENT) as agent:
        async with failing_at_first(network, fault, value):
            answer = await agent.call("deploy", sdl=sdl, deposit_usd=DEPOSIT)
            shown = await ended(agent, answer)
        first, second = deployments(network)
        assert (first.state, second.state) == ("closed", "active")
        assert len(set(providers(network))) == 2
        assert shown["ready"]
        assert shown["dseq"] == second.dseq
        assert f"Before that, deployment {first.dseq} " in shown["problem"]
        if answer["status"] != "pending":
            assert (answer["status"], answer["dseq"]) == ("ready", second.dseq)
            assert f"Deployment {first.dseq} was closed again, proven" in answer["summary"]
            assert "was spent on what was tried before." in answer["money"]
        check_books(settings, network, approved=DEPOSIT * 10**6)
        [row] = (await agent.call("list_deployments"))["deployments"]
        assert (row["dseq"], row["ours"]) == (second.dseq, True)
        assert (await agent.call("add_funds", dseq=second.dseq, amount_usd=1))["status"] == "funded"
        assert (await agent.call("close_deployment", dseq=second.dseq))["status"] == "closed"
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert [deployment.state for deployment in deployments(network)] == ["closed", "closed"]
    check_books(settings, network, approved=(DEPOSIT + 1) * 10**6)


@pytest.mark.parametrize("reason", ["lease_closed_reason_decommission", "lease_closed_reason_unspecified"])
async def test_a_lease_that_its_provider_ends_is_followed_by_another(
    reason: str, connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    async def end() -> None:
        await until(lambda: bool(providers(network)) and is_leased(settings))
        [first] = deployments(network)
        transactions.close_lease(network.chain, network.owner, first.leases[0], reason=reason)

    async with connect(approval="auto", intervals=PATIENT) as agent:
        async with meanwhile(end):
            shown = await ended(agent, await agent.call("deploy", sdl=sdl, deposit_usd=1))
        assert shown["ready"]
        assert shown["dseq"] == deployments(network)[1].dseq
    assert [deployment.state for deployment in deployments(network)] == ["closed", "active"]
    check_books(settings, network, approved=10**6)


OWN_FAULTS = {
    "an image that is nowhere": sdl_of(web=service("ghcr.io/acme/does-not-exist:1")),
    "a crash": sdl_of(web=service("ghcr.io/acme/crash:1")),
    "a wrong port": sdl_of(web=service("ghcr.io/acme/deaf:1")),
}


@pytest.mark.parametrize("sdl", OWN_FAULTS.values(), ids=OWN_FAULTS)
async def test_what_is_the_apps_own_fault_stays_where_it_is(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto", intervals=PATIENT) as agent:
        shown = await ended(agent, await agent.call("deploy", sdl=sdl, deposit_usd=1))
        assert not shown["ready"]
        assert "Before that" not in shown.get("problem", "")
    assert [deployment.state for deployment in deployments(network)] == ["active"]


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_another_gpu_than_paid_for_is_told_and_what_runs_is_left_running(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    gpu = "gpu: {units: 1, attributes: {vendor: {nvidia: [{model: t4}]}}}"
    sdl = sdl_of(web=service("nginx:1.29")).replace("cpu:", f"{gpu}\n        cpu:")
    await network.inject("gpu-other", value="p4")
    async with connect(approval="auto", intervals=PATIENT) as agent:
        answer = await agent.call(
            "deploy", sdl=sdl.replace("amount: 100", "amount: 400"), deposit_usd=DEPOSIT
        )
        assert (await ended(agent, answer))["ready"]
    assert [deployment.state for deployment in deployments(network)] == ["active"]


THREE = "3 were tried, which is the most for one approval."
HELD_BACK = "Akash Console takes no"
"""What is refused again and again keeps the account from leasing anything: it is not tried a third time."""


@pytest.mark.parametrize(
    ("generation", "tries", "why"),
    [("2025", 3, THREE), ("reference", 3, THREE), ("2026-11", 2, HELD_BACK)],
)
async def test_after_the_third_provider_it_ends_and_tells_of_all(
    tries: int, why: str, connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    await network.inject("lease-manifest-fails", value="422")
    async with connect(approval="auto", intervals=PATIENT) as agent:
        told = await failed(agent, sdl=sdl, deposit_usd=DEPOSIT)
        assert [deployment.state for deployment in deployments(network)] == ["closed"] * tries
        assert len(set(providers(network))) == tries
        assert all(
            f"Deployment {each.dseq} was closed again, proven" in told for each in deployments(network)
        )
        assert f"No further provider is tried: {why}" in told
        assert "All attempts together cost $" in told
        assert "No money moved" not in told
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    check_books(settings, network, approved=DEPOSIT * 10**6)


async def test_what_is_left_below_the_minimum_deposit_is_not_spent(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    async def run_up_rent() -> None:
        await until(lambda: bool(providers(network)) and is_leased(settings))
        network.clock.skip(3600)
        await network.inject("kube-down", value=providers(network)[0])

    async with connect(approval="auto", intervals=PATIENT) as agent:
        async with meanwhile(run_up_rent):
            told = await failed(agent, sdl=sdl, deposit_usd="0.5")
        assert "is left of the approved $0.50, and a deployment takes $0.50 at least" in told
        assert "was closed again, proven" in told
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert [deployment.state for deployment in deployments(network)] == ["closed"]
    check_books(settings, network, approved=500_000)


async def test_a_provider_that_fails_one_of_two_groups_is_passed_over_for_both(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    sdl = yaml.safe_load(sdl_of(web=service("nginx:1.29"), api=service("nginx:1.28")))
    placement = sdl["profiles"]["placement"]
    placement["other"] = {"pricing": {"api": placement["akash"]["pricing"].pop("api")}}
    sdl["deployment"]["api"] = {"other": sdl["deployment"]["api"]["akash"]}
    async with connect(approval="auto", intervals=PATIENT) as agent:
        async with failing_at_first(network, "lease-manifest-fails", "422"):
            shown = await ended(agent, await agent.call("deploy", sdl=yaml.safe_dump(sdl), deposit_usd=2))
        assert shown["ready"]
    first, second = deployments(network)
    assert (len(first.leases), len(second.leases)) == (2, 2)
    assert not {lease.provider for lease in first.leases} & {lease.provider for lease in second.leases}
    check_books(settings, network, approved=2 * 10**6)


async def test_the_same_yes_finds_what_the_launch_became_also_after_a_restart(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="two-step", intervals=PATIENT) as agent:
        plan = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        async with failing_at_first(network, "lease-manifest-fails", "422"):
            shown = await ended(agent, await agent.agreed(plan))
        assert shown["ready"]
        assert (await agent.agreed(plan))["dseq"] == shown["dseq"]
    async with connect(approval="two-step", intervals=PATIENT) as agent:
        found = await agent.agreed(plan)
        assert (found["status"], found["dseq"]) == ("ready", shown["dseq"])
    assert len(deployments(network)) == 2


async def test_who_closes_the_first_is_told_that_its_launch_goes_on(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto", intervals=PATIENT) as agent:
        async with failing_at_first(network, "lease-manifest-fails", "422"):
            shown = await ended(agent, await agent.call("deploy", sdl=sdl, deposit_usd=1))
        first, second = deployments(network)
        closed = await agent.call("close_deployment", dseq=first.dseq)
        assert closed["status"] == "closed"
        assert f"close_deployment(dseq={second.dseq}) ends that too" in closed["next_step"]
        assert (await agent.call("close_deployment", dseq=shown["dseq"]))[
            "next_step"
        ] == "Nothing needs doing."
        assert (await agent.call("close_deployment", dseq=first.dseq))["next_step"] == "Nothing needs doing."


async def test_what_a_person_closes_is_not_launched_anew(
    connect: Connect, network: EmbeddedNetwork, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 1.0)
    async with connect(approval="auto", intervals=PATIENT) as agent:
        async with failing_at_first(network, "kube-down"):
            answer = await agent.call("deploy", sdl=sdl, deposit_usd=1)
            assert answer["status"] == "pending"
            await agent.call("close_deployment", dseq=answer["dseq"])
            assert "closed meanwhile" in await agent.refused(  # or is being closed: both are told
                "get_deployment", id=answer["op_id"], wait_for="ready"
            )
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert [deployment.state for deployment in deployments(network)] == ["closed"]


async def test_an_old_launch_that_a_server_takes_up_is_not_closed_for_another(
    connect: Connect,
    network: EmbeddedNetwork,
    settings: config.Settings,
    sdl: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it runs may have run for hours, and somebody may use it."""
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 0.5)
    slow = dataclasses.replace(PATIENT, ready_steady=60.0, ready_give_up=60.0)
    async with connect(approval="auto", intervals=slow) as agent:
        answer = await agent.call("deploy", sdl=sdl, deposit_usd=1)
        await until(lambda: bool(providers(network)) and is_leased(settings))
    assert is_under_way(settings)
    await network.inject("kube-down")
    old = dataclasses.replace(PATIENT, moves_on=0.0, first_look=0.0, ready_give_up=1.0)
    async with connect(approval="auto", intervals=old) as agent:
        await until(lambda: bool(providers(network)) and is_leased(settings))
        await until(lambda: not is_under_way(settings))
        assert (await agent.call("get_deployment", id=answer["op_id"]))["dseq"] == answer["dseq"]
    assert [deployment.state for deployment in deployments(network)] == ["active"]
