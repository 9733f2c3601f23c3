"""`list_bids` says whether more bids may come, and of what runs which was taken, why, and what else there was."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents import ERAS, YES, Connect, text_of

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

EARLY, LATE = 1, 40


@pytest.mark.parametrize("era", ERAS)
async def test_bids_that_have_not_come_yet_are_told(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    await network.inject("late-bids", value="3600")
    async with connect(era, answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        first = await agent.call("list_bids", dseq=dseq, wait_s=0)
        assert (first["status"], first["offers"], first["more_may_come"]) == ("pending", [], True)
        assert first["next_step"].startswith(f"No bids yet: call list_bids(dseq={dseq}) again.")
        later = await agent.call("list_bids", dseq=dseq, wait_s=EARLY)
        assert (later["status"], later["more_may_come"]) == ("pending", False)
        assert "providers mostly bid within half a minute" in later["next_step"]


@pytest.mark.parametrize("era", ERAS)
async def test_all_bids_are_waited_for_and_no_more_is_expected_then(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        found = await agent.call("list_bids", dseq=dseq, prefer="cheapest", wait_s=LATE)
        [deployment] = network.chain.deployments.values()
        assert len(found["offers"]) + len(found["rejected"]) == len(deployment.bids)
        assert (found["status"], found["more_may_come"], found["hours"]) == ("offers", False, 24)
        assert found["next_step"].endswith("No more bids are to be expected.")


@pytest.mark.parametrize("era", ERAS)
async def test_what_runs_shows_what_was_taken_and_why_and_how_to_move(
    era: str, connect: Connect, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        ran = await agent.finished(
            await agent.call("deploy", sdl=sdl, deposit_usd="1", prefer="cheapest", hours=2)
        )
        dseq = ran["dseq"]
        found = await agent.call("list_bids", dseq=dseq, prefer="cheapest")
        taken = [each for each in found["offers"] if each.get("taken")]
        assert (found["status"], found["hours"], len(taken), len(found["offers"]) > 1) == (
            "leased",
            2,
            1,
            True,
        )
        assert "more_may_come" not in found
        assert taken == found["offers"][:1]
        assert found["why"].startswith("chosen of ")
        assert "(cheapest)" in found["why"]
        assert "no more were expected" in found["why"]
        assert f'exclude_providers=["{taken[0]["provider"]}"]' in found["next_step"]
        assert "new deployment with empty disks" in found["next_step"]
        await agent.call("close_deployment", dseq=dseq)


async def test_whoever_looks_at_what_others_leased_hears_that_why_is_not_known(
    connect: Connect, tmp_path: Path, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd="1")))["dseq"]
    async with connect(state_dir=tmp_path / "another machine") as stranger:
        found = await stranger.call("list_bids", dseq=dseq)
        assert found["status"] == "leased"
        assert "why" not in found
        assert "Why they were taken is not on record here." in found["next_step"]


async def test_a_provider_that_is_to_be_left_out_is_left_out_and_named(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        best = (await agent.call("list_bids", dseq=dseq, prefer="cheapest"))["offers"][0]
        await agent.call("close_deployment", dseq=dseq)

        arguments = {
            "sdl": sdl,
            "deposit_usd": "1",
            "prefer": "cheapest",
            "exclude_providers": [best["provider"]],
        }
        ran = await agent.finished(await agent.call("deploy", **arguments))
        assert f"Not at {best['provider']}." in agent.asked[-1]
        shown = await agent.call("get_deployment", id=ran["dseq"])
        assert [lease["provider"] for lease in shown["leases"]] != [best["provider"]]


async def test_when_all_are_left_out_the_reasons_are_counted(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    everybody = [seller.provider.owner for seller in network.market.values()]
    async with connect(answer=YES, denied_providers=tuple(everybody)) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        found = await agent.call("list_bids", dseq=dseq, wait_s=EARLY)
        assert found["status"] == "none"
        assert "None of the bids can be accepted: the provider is on the deny list (" in found["next_step"]


async def test_once_bids_are_over_it_is_said_and_not_waited_for(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(answer=YES) as agent:
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd="1"))["dseq"]
        network.clock.skip(600)
        network.chain.schedule.catch_up()
        found = await agent.call("list_bids", dseq=dseq, wait_s=LATE)
        assert (found["status"], found["more_may_come"]) == ("none", False)
        assert "these are over: call close_deployment" in found["next_step"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_region_narrows_the_choice_and_an_unknown_one_is_told_before_money_moves(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(era, answer=YES) as agent:
        unknown = await agent.refused("deploy", sdl=sdl, deposit_usd="1", regions=["Atlantis"])
        assert 'No provider is measured to be in "Atlantis".' in unknown
        assert "Germany (DE)" in unknown
        assert (agent.asked, len(network.chain.deployments)) == ([], 0)
        ran = await agent.finished(
            await agent.call("deploy", sdl=sdl, deposit_usd="1", regions=["germany", "FI"])
        )
        assert 'Only at providers in "fi", "germany".' in agent.asked[-1]
        [deployment] = network.chain.deployments.values()
        country = network.chain.providers[deployment.leases[0].provider].facts["ipCountryCode"]
        assert country in ("DE", "FI")
        found = await agent.call("list_bids", dseq=ran["dseq"], regions=["FI"])
        assert {each["region"].rpartition(", ")[2] for each in found["offers"]} <= {"Finland"}
        unknown = await agent.refused("list_bids", dseq=ran["dseq"], regions=["Atlantis"])
        assert "Atlantis" in unknown


async def test_a_region_that_gets_no_bid_is_named_when_nothing_is_leased(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto") as agent:
        answer = await agent.ask(
            "deploy", sdl=sdl, deposit_usd="1", regions=["Singapore"], max_usd_per_hour=0.000001
        )
        told = text_of(answer)
        if not answer.is_error:
            told = await agent.refused(
                "get_deployment", id=(answer.structured_content or {})["op_id"], wait_for="ready"
            )
        assert 'in none of the regions asked for: "singapore"' in told
