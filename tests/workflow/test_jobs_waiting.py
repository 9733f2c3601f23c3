"""A run is waited for at a provider of the embedded network until it has ended, whatever happens to its log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from agents import SPEED
from failing_deployments import script, sdl_of, service
from scripted_provider import leased, scripted
from scripted_provider import running as status_of
from workloads import run_workload

from akash_mcp import config
from akash_mcp.guard.job_ends import Ending, JobEnd
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.server import _runtime
from akash_mcp.workflow.jobs.until import parse_until
from akash_mcp.workflow.jobs.waiting import wait_until
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

INTERVALS = Intervals().times(SPEED)
LATE, SOON = 60.0, 3.0
"""Real seconds to the deadline: of a run that ends before it, and of one that does not."""


@dataclass
class Waiting:
    """Waits for the run of one deployment."""

    rt: Runtime
    leases: list[LeaseId]
    told: list[str] = field(default_factory=list)

    async def until(self, text: str, *, seconds: float = LATE) -> JobEnd:
        async def tell(message: str) -> None:
            self.told.append(message)

        with anyio.fail_after(seconds + 30):
            return await wait_until(
                self.rt, self.leases, parse_until(text), tell, deadline=time.time() + seconds
            )


@asynccontextmanager
async def waiting(settings: config.Settings, *leases: LeaseId) -> AsyncIterator[Waiting]:
    async with _runtime(settings, Store(settings.state_dir), INTERVALS) as rt:
        yield Waiting(rt, list(leases))


def run(network: EmbeddedNetwork, web: dict[str, Any]) -> LeaseId:
    """The lease of a deployment with this one service."""
    provider = next(iter(network.chain.providers))
    return LeaseId(
        Dseq(run_workload(network, sdl_of(web=web), provider=provider)), 1, 1, ProviderAddress(provider)
    )


def job(epochs: int, *, seconds: float = 1.0, **more: Any) -> dict[str, Any]:
    """A job that trains for so many epochs, each of so many real seconds."""
    env = [f"EPOCHS={epochs}", f"EPOCH_SECONDS={seconds * SPEED}"]
    return service("ghcr.io/acme/job:1", env=env, **more)


EPOCHS = tuple(f"epoch {number}/3" for number in (1, 2, 3))


# ── how it ends ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_ends_at_its_text(network: EmbeddedNetwork, settings: config.Settings) -> None:
    async with waiting(settings, run(network, job(3))) as it:
        end = await it.until("log:web:EPOCH 2/3")
    assert (end.how, end.exit_code) == (Ending.TEXT, None)
    assert end.lines[:3] == ("loading data", "epoch 1/3", "epoch 2/3")
    assert abs(end.at - time.time()) < 30
    assert any("waiting until the log of service web has" in message for message in it.told)


async def test_a_run_ends_with_the_first_end_of_its_container(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(3))) as it:
        end = await it.until("exit:web")
    assert end.how is Ending.CONTAINER
    assert end.lines == ("loading data", *EPOCHS, "saved model.pt")
    assert end.exit_code is None, "no provider tells it"


async def test_a_run_whose_container_ends_before_its_text_ends_too(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    failing = script('sleep 60; echo "training failed with exit code 3"; exit 3')
    async with waiting(settings, run(network, failing)) as it:
        end = await it.until("log:web:epoch 10/10")
    assert (end.how, end.exit_code) == (Ending.CONTAINER, 3)
    assert end.lines == ("training failed with exit code 3",)
    assert end.what == "The run ended: its container ended by itself. Its log says exit code 3."


async def test_a_run_that_says_nothing_ends_with_its_container(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, script("sleep 90"))) as it:
        end = await it.until("exit:web")
    assert (end.how, end.lines) == (Ending.CONTAINER, ())


async def test_what_was_said_before_anyone_listened_counts(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, script("echo all done; sleep infinity"))) as it:
        end = await it.until("log:web:all done")
    assert (end.how, end.lines) == (Ending.TEXT, ("all done",))


async def test_what_a_run_says_right_after_its_text_is_kept(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    web = script("sleep 60; echo epoch 10/10; sleep 2; echo accuracy 0.93; sleep infinity")
    async with waiting(settings, run(network, web)) as it:
        end = await it.until("log:web:epoch 10/10")
    assert end.lines == ("epoch 10/10", "accuracy 0.93")


async def test_a_text_that_a_later_start_says_is_shown_with_its_lines(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    lease = run(network, job(2, seconds=0.5))
    async with waiting(settings, lease) as it:
        network.clock.skip(600)
        end = await it.until("log:web:saved model")
    assert (end.how, end.lines[-1]) == (Ending.TEXT, "saved model.pt")


async def test_a_run_that_ended_before_anyone_looked_says_so(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    lease = run(network, script("echo finished"))
    network.clock.skip(100)
    async with waiting(settings, lease) as it:
        end = await it.until("exit:web")
    assert (end.how, end.lines) == (Ending.CONTAINER_UNSEEN, ("finished",))


async def test_a_run_that_never_ends_is_over_with_its_hours(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, service("nginx:1.29"))) as it:
        began = time.monotonic()
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE
    assert time.monotonic() - began >= SOON
    assert "start worker process" in end.lines[-1]


@pytest.mark.parametrize("until", ["exit:web", "log:web:epoch 99/99"])
async def test_a_run_whose_lease_its_provider_closes_is_over_and_its_last_lines_are_kept(
    until: str, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    lease = run(network, job(99))
    async with waiting(settings, lease) as it, anyio.create_task_group() as tasks:

        async def close() -> None:
            await anyio.sleep(3)
            [active] = network.chain.deployments[network.owner, lease.dseq].leases
            transactions.close_lease(
                network.chain, network.owner, active, reason="lease_closed_reason_unstable"
            )

        tasks.start_soon(close)
        end = await it.until(until)
    assert end.how is Ending.LEASE_OVER
    assert end.lines[:2] == ("loading data", "epoch 1/99")


async def test_all_replicas_have_to_end(network: EmbeddedNetwork, settings: config.Settings) -> None:
    lease = run(network, job(2, count=2))
    async with waiting(settings, lease) as it:
        end = await it.until("exit:web")
    assert end.how is Ending.CONTAINER
    assert sum(line.endswith(": saved model.pt") for line in end.lines) == 2


# ── what happens to its log ─────────────────────────────────────────────────────────────────────────────────


async def test_a_text_in_a_line_that_comes_in_two_frames_is_seen(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    # gorilla cuts a message at 4,096 bytes, which is in the middle of the text.
    line = "." * 4_040 + "epoch 10/10 is over" + "." * 3_000
    async with waiting(settings, run(network, script(f"echo {line}; sleep infinity"))) as it:
        end = await it.until("log:web:epoch 10/10 is over")
    assert end.how is Ending.TEXT


@pytest.mark.parametrize("fault", ["provider-unreachable", "kube-down"])
async def test_a_text_that_comes_while_its_provider_is_away_is_seen_afterwards(
    fault: str, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(9))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(be_away, network, fault)
        end = await it.until("log:web:epoch 2/9")
    assert end.how is Ending.TEXT
    assert end.lines[:3] == ("loading data", "epoch 1/9", "epoch 2/9")


async def test_a_container_that_ends_while_its_provider_is_away_has_ended_all_the_same(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(2))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(be_away, network, "provider-unreachable")
        end = await it.until("exit:web")
    assert end.how is Ending.CONTAINER
    assert end.lines[0] == "loading data"


async def be_away(network: EmbeddedNetwork, fault: str) -> None:
    """The provider goes away after half a second, and comes back two seconds later."""
    await anyio.sleep(0.5)
    await network.inject(fault)
    await anyio.sleep(2)
    await network.inject(fault, count=0)


async def test_a_secret_in_the_last_lines_is_not_kept(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    leaking = script("echo password=hunter2hunter2; sleep 30; echo ready; sleep infinity")
    async with waiting(settings, run(network, leaking)) as it:
        end = await it.until("log:web:ready")
    assert "hunter2" not in str(end)
    assert end.lines[-1] == "ready"


POD = "web-6cbb7f9f4b-4xk2d"


def said(*lines: str, pod: str = POD) -> list[object]:
    return [{"name": pod, "message": line} for line in lines]


@asynccontextmanager
async def scripted_run(
    network: EmbeddedNetwork, settings: config.Settings, folder: Path
) -> AsyncIterator[tuple[Any, Waiting]]:
    """A run at a provider that says what a test wrote down, and that drops every stream once it has said it."""
    provider = next(iter(network.chain.providers))
    dseq = leased(network, sdl_of(web=service("nginx:1.29")), provider).dseq
    lease = LeaseId(Dseq(dseq), 1, 1, ProviderAddress(provider))
    async with scripted(network, provider, folder) as told, waiting(settings, lease) as it:
        told.status = status_of(web={})
        yield told, it


async def test_streams_that_are_dropped_again_and_again_end_nothing(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it), anyio.create_task_group() as tasks:
        told.logs = said("loading", "epoch 1", "epoch 2")

        async def cut() -> None:
            for length in (1, 3, 0, 2, 3):
                await anyio.sleep(0.3)
                told.logs = said("loading", "epoch 1", "epoch 2")[:length]

        tasks.start_soon(cut)
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE
    assert told.streams > 6
    assert end.lines == ("loading", "epoch 1", "epoch 2")


async def test_a_provider_that_knows_no_such_lease_and_comes_to_its_senses_ended_nothing(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it), anyio.create_task_group() as tasks:
        told.status, told.close = (404, ""), (4001, "")

        async def recover() -> None:
            await anyio.sleep(1)
            told.close = None
            told.status = status_of(web={})
            told.logs = said("loading", "all done")

        tasks.start_soon(recover)
        end = await it.until("log:web:all done")
    assert end.how is Ending.TEXT


async def test_one_that_is_not_ready_twice_and_says_nothing_more_has_ended(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it):
        told.logs = said("loading", "done")
        told.status = status_of(web={"ready_replicas": 0, "available": 0})
        end = await it.until("exit:web")
    assert (end.how, end.lines) == (Ending.CONTAINER, ("loading", "done"))


async def test_one_that_an_update_takes_away_has_not_ended(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    def event(reason: str, note: str) -> dict[str, object]:
        return {"type": "Normal", "reason": reason, "note": note, "object": {"kind": "Pod", "name": POD}}

    async with scripted_run(network, settings, tmp_path) as (told, it):
        told.logs = said("loading")
        told.status = status_of(web={"ready_replicas": 0, "available": 0})
        told.events = [event("Started", "Started"), event("Killing", "Stopping container web")]
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE


async def test_the_end_of_one_of_two_replicas_is_not_the_end(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it), anyio.create_task_group() as tasks:
        told.status = status_of(web={"total": 2, "replicas": 2, "available": 2, "ready_replicas": 2})
        told.logs = [*said("10:00 a"), *said("10:00 b", pod="web-6cbb7f9f4b-zzzzz")]

        async def restart() -> None:
            await anyio.sleep(1)
            told.logs = [*said("11:00 a"), *said("10:00 b", pod="web-6cbb7f9f4b-zzzzz")]

        tasks.start_soon(restart)
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE
    assert end.lines == ("4xk2d: 10:00 a", "zzzzz: 10:00 b")
