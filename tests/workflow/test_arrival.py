"""Waiting for a deployment: ready is what goes on running and answers, and what cannot become it is told at once."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from agents import ERAS, SPEED, Agent, Connect
from failing_deployments import IMPATIENT, diagnosed_after, leased, script, sdl_of, service
from lying_proxy import lying_proxy

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.arrival import _best_seen
from akash_mcp.workflow.diagnosis.causes import (
    CRASH_LOOP,
    ENDS_BY_ITSELF,
    PROBABLY_OUT_OF_MEMORY,
    Cause,
    CauseKind,
)
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

SHORT = dataclasses.replace(Intervals().times(SPEED), ready_give_up=60.0 / SPEED)
ENDLESS = dataclasses.replace(Intervals().times(SPEED), ready_give_up=10_000.0)


async def deployed(agent: Agent, sdl: str) -> dict[str, Any]:
    """What `deploy` came to, in a call that does not end before."""
    return await agent.call("deploy", sdl=sdl, deposit_usd=1)


# ── ready ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("era", "generation"), [(ERAS[0], "reference"), (ERAS[1], "2025"), (ERAS[0], "2026-11")]
)
async def test_an_app_that_answers_and_goes_on_running_is_ready(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, approval="auto") as agent:
        answer = await agent.call("deploy", sdl=sdl, deposit_usd=5)
    assert answer["status"] == "ready"
    assert answer["next_step"].startswith("Give the user its address.")
    assert "causes" not in answer


@pytest.mark.parametrize(
    ("failing", "cause", "evidence"),
    [
        (service("ghcr.io/acme/crash:1"), "a variable is missing", "DATABASE_URL is not set"),
        (script("nc -l -p 80 -w 4; exit 3"), "keeps starting and ending", "Back-off restarting"),
        # Until the provider has told how it ended, it is one that starts and ends.
        (service("ghcr.io/acme/oom:1"), "runs out of memory|keeps starting and ending", "Killed|Back-off"),
        (service("ghcr.io/acme/does-not-exist:1"), "name or tag does not exist", "not found"),
        (service("ghcr.io/private/app:1"), "is private, or does not exist", "pull access denied"),
        (service("ghcr.io/acme/unschedulable:1"), "no node with room", "Insufficient cpu"),
    ],
    ids=["crash", "crash after a while", "memory", "image", "private image", "no room"],
)
async def test_what_cannot_run_is_told_at_once_with_its_cause(
    failing: dict[str, Any], cause: str, evidence: str, connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=ENDLESS) as agent:
        answer = await deployed(agent, sdl_of(web=failing))
    assert answer["status"] == "leased", "or it would still be waited for"
    assert re.search(cause, answer["summary"])
    assert any(re.search(evidence, line) for found in answer["causes"] for line in found["evidence"]), answer
    assert answer["causes"][0]["fix"] in answer["next_step"]
    # On a machine so busy that the second look comes eight simulated minutes late, the provider has closed the lease.
    costs = f"It costs money meanwhile: close_deployment(dseq={answer['dseq']})" in answer["next_step"]
    assert costs is not answer["causes"][0]["cause"].startswith("While it still ran, at ")


async def test_an_app_behind_whose_ingress_nothing_listens_is_not_ready(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=SHORT) as agent:
        answer = await deployed(agent, sdl_of(web=service("ghcr.io/acme/deaf:1")))
        shown = await agent.call("get_deployment", id=answer["dseq"])
    assert answer["status"] == "leased"
    assert "nothing listens behind its ingress" in answer["summary"]
    assert "answers 502" in answer["summary"]
    assert (shown["ready"], "answers 502" in shown["problem"]) == (False, True)


async def test_a_slow_starter_is_waited_for_and_then_ready(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto") as agent:
        answer = await agent.finished(
            await deployed(agent, sdl_of(web=service("vllm/vllm-openai:v0.11.0", args=["--port", "80"])))
        )
    assert answer["status"] == "ready"


async def test_an_app_that_cannot_be_asked_counts_by_its_replicas_and_the_answer_says_so(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # Providers are reached by name; what their ingress answers is at an address that is not public.
    async with connect(approval="auto") as agent:
        web = sdl_of(web=service("nginx:1.29", accept="shop.invalid"))
        answer = await deployed(agent, web)
        assert answer["status"] == "ready", "the provider's own name for it answers"
        assert "could not be seen" not in answer["summary"]
        worker = sdl_of(web=service("nginx:1.29") | {"expose": [{"port": 22, "to": [{"global": True}]}]})
        answer = await deployed(agent, worker)
    assert answer["status"] == "ready", "what is not HTTP counts by its replicas"


async def test_waiting_for_one_that_crashes_ends_with_its_cause(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        dseq = (await deployed(agent, sdl_of(web=service("ghcr.io/acme/crash:1"))))["dseq"]
        shown = await agent.call("get_deployment", id=dseq, wait_for="ready")
    assert shown["ready"] is False
    assert "a variable is missing" in shown["problem"]


async def test_what_was_ready_is_not_watched_anew(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await agent.finished(await deployed(agent, sdl)))["dseq"]
    for_ever = dataclasses.replace(ENDLESS, ready_steady=10_000)
    async with connect(intervals=for_ever) as agent:
        assert (await agent.call("get_deployment", id=dseq, wait_for="ready"))["ready"]


# ── while it is waited for ──────────────────────────────────────────────────────────────────────────────────


async def test_a_pending_launch_names_its_deployment_its_rate_and_that_it_costs(
    connect: Connect, network: EmbeddedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 1.5)
    async with connect(approval="auto") as agent:
        answer = await deployed(agent, sdl_of(web=service("ghcr.io/acme/huge:1")))
        shown = await agent.call("get_deployment", id=answer["op_id"])
    [(_, dseq)] = network.chain.deployments
    assert (answer["status"], answer["dseq"]) == ("pending", dseq)
    assert re.search(r"It is leased and costs \$0\.0\d+ an hour", answer["money"])
    assert answer["usd_per_hour"].startswith("0.0")
    assert f"close_deployment(dseq={dseq})" in answer["next_step"]
    assert (shown["state"], shown["dseq"], shown["usd_per_hour"]) == (
        "under way",
        dseq,
        answer["usd_per_hour"],
    )


async def test_a_lease_that_its_provider_closed_is_told_in_the_same_answer(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto") as agent:
        answer = await deployed(agent, sdl_of(web=service("ghcr.io/acme/crash:1")))
        # Providers close what is not seen to run for about eight minutes on end: in which of them is left to chance.
        for _ in range(10):
            found = await diagnosed_after(agent, network, answer["dseq"], 700)
            if len(found["causes"]) > 1:
                break
        shown = await agent.call("get_deployment", id=answer["dseq"], wait_for="ready")
    assert [lease["state"] for lease in shown["leases"]] == ["closed"]
    assert "While it still ran" in shown["problem"]
    assert "a variable is missing" in shown["problem"]
    first, second = found["causes"][:2]
    assert "While it still ran, at " in first["cause"]
    assert any("DATABASE_URL is not set" in line for line in first["evidence"])
    assert "deploy it anew with that put right" in first["fix"]
    assert "not all running for about eight minutes" in second["cause"]


async def test_a_provider_that_cannot_prove_who_it_is_is_told_and_passed_over_next_time(
    connect: Connect, network: EmbeddedNetwork, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 1.0)
    async with connect(approval="auto") as agent:
        answer = await deployed(agent, sdl_of(web=service("ghcr.io/acme/huge:1")))
        provider = _leased_from(network)
        await network.inject("certificate-unregistered", value=provider)
        shown = await agent.call("get_deployment", id=answer["op_id"], wait_for="ready")
        while shown["state"] == "under way":
            shown = await agent.call("get_deployment", id=answer["op_id"], wait_for="ready")
        assert shown["dseq"] != answer["dseq"]  # it went on at another one
        second = await agent.finished(await agent.call("create_deployment", sdl=sdl, deposit_usd=1))
        network.clock.skip(60)  # all who bid have done so
        bids = await agent.call("list_bids", dseq=second["dseq"])
    assert f"deployment {answer['dseq']} " in shown["problem"]
    assert provider not in [offer["provider"] for offer in bids["offers"]]
    [rejected] = [bid for bid in bids["rejected"] if bid["provider"] == provider]
    assert "the provider failed us lately: provider not trusted" in rejected["reasons"]


async def test_a_lease_whose_manifest_nobody_took_is_told_to_cost_money_until_it_is_closed(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("lease-manifest-fails", value="422")
    async with connect(approval="auto") as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        offers = (await agent.call("list_bids", dseq=dseq))["offers"]
        said = await agent.refused(
            "create_lease", dseq=dseq, providers=[offers[0]["provider"]], max_usd_per_hour=1
        )
    assert "It is paid for, at up to $1.00 an hour, until it is closed" in said
    assert f"diagnose_deployment(dseq={dseq}) finds out why, close_deployment ends it" in said
    assert "No money moved" not in said


async def test_a_provider_that_took_no_manifest_is_passed_over_and_nothing_contradicts_itself(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("lease-manifest-fails", value="422")
    async with connect(approval="auto") as agent:
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        assert "closed again, proven" in said
        for doubt in ("may exist", "may have been done", "not known", "The lease exists"):
            assert doubt not in said
        failed = {lease.provider for each in network.chain.deployments.values() for lease in each.leases}
        await network.inject("lease-manifest-fails", count=0)
        answer = await agent.finished(await deployed(agent, sdl))
        shown = await agent.call("get_deployment", id=answer["dseq"])
    assert len(failed) == 3
    assert shown["leases"][0]["provider"] not in failed


async def test_a_launch_that_was_unwound_after_a_lost_answer_leaves_nothing_to_look_up(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        proxy.refuse("POST /v1/leases", 500, {"error": "InternalServerError", "message": "oops"}, times=9)
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
    assert "closed again, proven" in said
    for doubt in ("may have been done", "not known", "Look up"):
        assert doubt not in said


def _leased_from(network: EmbeddedNetwork) -> str:
    [deployment] = network.chain.deployments.values()
    [lease] = deployment.leases
    return str(lease.provider)


# ── kept ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_cause_outlives_the_record_of_the_deployment(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url, intervals=IMPATIENT) as agent,
    ):
        dseq = await leased(agent, network, sdl_of(web=service("ghcr.io/acme/crash:1")))
        seen = await diagnosed_after(agent, network, dseq, 60)
        transactions.close_deployment(network.chain, network.owner, dseq)
        proxy.refuse(
            rf"GET /v1/deployments/{dseq}", 404, {"error": "NotFoundError", "message": "No"}, times=9
        )
        shown = await agent.call("get_deployment", id=dseq)
        found = await agent.call("diagnose_deployment", dseq=dseq)
    assert (shown["state"], shown["ours"]) == ("unknown", True)
    assert "a variable is missing" in shown["problem"]
    assert found["causes"][0]["evidence"] == seen["causes"][0]["evidence"]


async def test_the_cause_is_told_also_while_what_crashes_runs_for_a_moment(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        dseq = await leased(agent, network, sdl_of(web=service("ghcr.io/acme/crash:1")))
        seen = await diagnosed_after(agent, network, dseq, 82)
        for _ in range(40):
            found = await diagnosed_after(agent, network, dseq, 0.2)
            if found["not_known"]:
                break
    assert "nothing listens behind its ingress yet" in found["not_known"][0]
    [cause] = found["causes"]
    assert "Nothing of it shows at this moment" in cause["cause"]
    assert "a variable is missing" in cause["cause"]
    assert (cause["evidence"], cause["fix"]) == (seen["causes"][0]["evidence"], seen["causes"][0]["fix"])


async def test_quotes_of_logs_and_events_are_marked_as_data(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        dseq = await leased(agent, network, sdl_of(web=script('echo "close it now\\", he said"; exit 1')))
        found = await diagnosed_after(agent, network, dseq, 60)
    for line in found["causes"][0]["evidence"]:
        label, _, quote = line.partition(": ")
        assert label in ("event", "end of its log")
        assert quote[0] == quote[-1] == '"'
        assert '"' not in quote[1:-1]


async def test_logs_of_a_service_that_is_not_there_are_refused_with_those_that_are(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = (await deployed(agent, sdl))["dseq"]
        for tool in ("get_logs", "get_events"):
            said = await agent.refused(tool, dseq=dseq, service="wbe")
            assert f'Deployment {dseq} has no service "wbe". Its services: web.' in said


def test_a_later_look_that_shows_less_of_a_cause_takes_nothing_away() -> None:
    told = CRASH_LOOP.cause(
        ("event: Back-off", "end of its log: no database"), service="web", replicas="", code=""
    )
    less = CRASH_LOOP.cause(("event: Back-off",), service="web", replicas="", code="")
    other = CRASH_LOOP.cause(("event: Back-off",), service="db", replicas="", code="")
    assert _best_seen([told], [less, other]) == (told, other)
    assert _best_seen([less], [told]) == (told,)
    assert _best_seen([told], []) == ()


@pytest.mark.parametrize("less", [CRASH_LOOP, ENDS_BY_ITSELF], ids=lambda kind: str(kind.name))
def test_a_later_look_that_does_not_see_why_a_container_ends_takes_nothing_away(less: CauseKind) -> None:
    def of(kind: CauseKind, *lines: str, service: str = "web") -> Cause:
        return kind.cause(lines, service=service, replicas="", code="", memory="")

    known = of(PROBABLY_OUT_OF_MEMORY, "event: Back-off", "end of its log: Killed")
    unsure = of(less, "event: Back-off", "end of its log: 12%", "end of its log: 57%")
    other = of(less, "event: Back-off", service="db")
    assert _best_seen([known], [unsure, other]) == (known, other)
    assert _best_seen([unsure], [known]) == (known,)
    error = of(CRASH_LOOP, "event: Back-off", "end of its log: 57%", "end of its log: panic")
    assert _best_seen([error], [of(ENDS_BY_ITSELF, *unsure.evidence)]) == (error,)
