"""Changes by name on the API of autumn 2026: what is sent, what is asked, and what is said of what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agents import SPEED, YES, Agent, Connect
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp.config import Settings
from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sdl import check
from akash_mcp.services import services
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

STRICT = pytest.mark.parametrize("strict", [False, True], ids=["source", "contract"])
PATCH, PUT, DEFINE = (
    r"PATCH /v1/deployments/\d+",
    r"PUT /v1/deployments/\d+",
    r"POST /v1/deployments/\d+/definition",
)
NGINX, ANY_IMAGE = "nginx:1.28.0-alpine", "ghcr.io/acme/page:1"
AS, OPTIONS = "        as: 80\n", "        http_options: {{{}}}\n"
DETAIL = r"GET /v1/deployments/\d+"


@pytest.fixture
def strict() -> bool:
    return False


@pytest.fixture
async def network(strict: bool, quick_retries: None) -> AsyncIterator[EmbeddedNetwork]:
    async with EmbeddedNetwork(Options(speed=SPEED, generation="2026-11", strict=strict)) as running:
        yield running


@pytest.fixture
def sdl(sdl: str) -> str:
    assert "    image: nginx" in sdl
    return sdl.replace("    expose:", "    env: [LEVEL=info, PASSWORD=hunter22, URL=x]\n    expose:", 1)


@dataclass
class Deployed:
    """A deployment of `agent`'s, and what stands between it and the Console."""

    network: EmbeddedNetwork
    proxy: LyingProxy
    agent: Agent
    dseq: str

    def bodies(self, route: str = "PATCH") -> list[Any]:
        """What was sent to change it, in order."""
        return [each.body["data"] for each in self.proxy.requests if each.route.startswith(route)]

    async def console(self, method: str, **data: Any) -> Any:
        """What somebody else does with it, not through us."""
        async with httpx2.AsyncClient(headers={"x-api-key": self.network.api_key}, verify=False) as person:
            url = f"{self.network.console_url}/v1/deployments/{self.dseq}"
            answer = await person.request(method, url, json={"data": data} if data else None)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def version(self) -> str:
        return str((await self.console("GET"))["consoleSettings"]["manifestVersion"])

    async def updated(self, sdl: str) -> dict[str, Any]:
        return await self.agent.call("update_deployment", dseq=self.dseq, sdl=sdl)


@asynccontextmanager
async def deployed(connect: Connect, network: EmbeddedNetwork, sdl: str) -> AsyncIterator[Deployed]:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto", console_url=proxy.url) as agent,
    ):
        made = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=1))
        yield Deployed(network, proxy, agent, made["dseq"])


TOLD_OTHERWISE: list[tuple[dict[str, Any], str]] = [
    ({}, "cannot be read now"),
    ({"consoleSettings": {}}, "cannot be read now"),
    ({"consoleSettings": {"sdl": "", "manifestVersion": "a="}}, "cannot be read now"),
    ({"consoleSettings": {"sdl": "version: '3'", "manifestVersion": "a="}}, "is not understood here"),
    ({"deployment": {"id": {}, "state": "closed"}}, "is closed"),
]


def telling(told: dict[str, Any], answer: Any) -> Any:
    """A deployment's record with another word in it, and none on what the Console keeps."""
    record = {name: value for name, value in answer["data"].items() if name != "consoleSettings"}
    deployment = record["deployment"] | {"state": told.get("deployment", {}).get("state", "active")}
    return {"data": record | told | {"deployment": deployment}}


@STRICT
async def test_only_what_changed_since_the_last_change_is_sent(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    sdl = sdl.replace(NGINX, ANY_IMAGE)  # which listens on whatever port it is given
    first = sdl.replace("=info", "=debug").replace(AS, AS + OPTIONS.format("read_timeout: 500"))
    second = sdl.replace("=info", "=warn").replace(", URL=x", "").replace("port: 80 ", "port: 8080 ")
    async with deployed(connect, network, sdl) as it:
        versions = [await it.version()]
        for changed in (first, second, second):
            assert (await it.updated(changed))["status"] == "updated"
            versions.append(await it.version())
        one, two, none = it.bodies()
        assert [each["ifManifestVersion"] for each in (one, two, none)] == versions[:3]
        assert len(set(versions)) == 3
        assert one["services"] == {
            "web": {"env": {"LEVEL": "debug"}, "expose": {"80": {"httpOptions": {"readTimeout": 500}}}}
        }
        assert two["services"] == {
            "web": {
                "env": {"LEVEL": "warn", "URL": None},
                "expose": {"80": {"port": 8080, "httpOptions": {"readTimeout": 60000}}},
            }
        }
        # Nothing to change: only delivered again.
        assert none["services"] == {"web": {"image": ANY_IMAGE}}
        assert (await it.agent.call("get_deployment", id=it.dseq, wait_for="ready"))["ready"]
    assert (it.proxy.sent(PUT), it.proxy.sent(DEFINE)) == (0, 0)


async def test_what_no_field_can_say_is_refused_before_anything_is_sent(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with deployed(connect, network, sdl) as it:
        for old, new, why in (
            ("count: 1", "count: 2", "count 1 → 2"),
            (AS, "        as: 81\n", "number of HTTP addresses 1 → 0"),
            (AS, AS + OPTIONS.format("max_body_size: 0"), '"max_body_size" of port 80 cannot become 0'),
            ("URL=x", "MY-URL=x", 'the variable "MY-URL" cannot change'),
        ):
            said = await it.agent.refused("update_deployment", dseq=it.dseq, sdl=sdl.replace(old, new))
            assert why in said
            assert "new deployment" in said
        for told, why in TOLD_OTHERWISE:
            it.proxy.honest()
            it.proxy.rewrite(DETAIL, partial(telling, told))
            said = await it.agent.refused(
                "update_deployment", dseq=it.dseq, sdl=sdl.replace("=info", "=debug")
            )
            assert why in said
        assert it.bodies() == it.bodies("PUT") == []


async def test_values_that_cannot_be_seen_may_change_and_the_question_says_so(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with deployed(connect, network, sdl) as it, connect(answer=YES) as person:
        await it.console("PATCH", services={"web": {"env": {"LEVEL": "trace"}}})
        changed = await person.call("update_deployment", dseq=it.dseq, sdl=sdl.replace("URL=x", "MORE=1"))
        assert changed["status"] == "updated"
    [asked] = person.asked
    assert '"web": env added "MORE"; env removed "URL"; env that may change "LEVEL", "PASSWORD".' in asked
    assert "hunter22" not in asked


async def test_what_was_asked_about_is_changed_and_nothing_else(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with deployed(connect, network, sdl) as it, connect(approval="two-step") as careful:
        wanted = {"dseq": it.dseq, "sdl": sdl.replace("=info", "=debug")}
        shown = await careful.call("update_deployment", **wanted)
        assert 'env changed "LEVEL"' in shown["summary"]
        old = await it.console("GET")
        await it.console("PATCH", services={"web": {"image": "nginx:1.29.0-alpine"}})
        theirs = await it.version()
        again = await careful.refused("confirm", approval_token=shown["approval_token"])
        assert "No money moved." in again
        # As if somebody changed it just after it was read.
        it.proxy.rewrite(DETAIL, lambda _: {"data": old})
        said = await it.agent.refused("update_deployment", **wanted)
        assert "changed concurrently" in said
        assert "No money moved. Read the deployment again" in said
        assert (len(it.bodies()), await it.version()) == (1, theirs)


async def test_a_change_whose_answer_is_lost_is_sent_once_more(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with deployed(connect, network, sdl) as it:
        it.proxy.lose(PATCH)
        assert (await it.updated(sdl.replace("=info", "=debug")))["status"] == "updated"
        first, again = it.bodies()
        assert first == again
        # What was sent is what later changes are told from.
        await it.updated(sdl)
        assert it.bodies()[2]["services"] == {"web": {"env": {"LEVEL": "info"}}}
        it.proxy.lose(PATCH, times=2)
        said = await it.agent.refused("update_deployment", dseq=it.dseq, sdl=sdl.replace("=info", "=warn"))
        assert "Whether deployment" in said
        assert "is not known" in said


@pytest.mark.parametrize(("refusals", "status"), [(1, "updated"), (9, "pending")])
async def test_a_provider_that_lags_gets_it_once_more_and_no_third_time(
    connect: Connect, network: EmbeddedNetwork, sdl: str, refusals: int, status: str
) -> None:
    async with deployed(connect, network, sdl) as it:
        before = await it.version()
        await network.inject("lease-manifest-fails", count=refusals, value="422")
        done = await it.updated(sdl.replace("=info", "=debug"))
        assert done["status"] == status
        assert ("its provider has not taken it yet" in done["summary"]) is (status == "pending")
        assert done["money"].startswith("No money moved")
        assert len(it.bodies()) == 2
        assert await it.version() != before
        await network.inject("lease-manifest-fails", count=0)
        await it.updated(sdl)
        assert it.bodies()[2]["services"] == {"web": {"env": {"LEVEL": "info"}}}


async def test_a_refusal_of_the_provider_is_not_taken_for_one_of_the_console(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with deployed(connect, network, sdl) as it:
        wanted = {"dseq": it.dseq, "sdl": sdl.replace("=info", "=debug")}
        it.proxy.refuse(PATCH, 400, {"message": "No.", "code": "bad_request"})
        said = await it.agent.refused("update_deployment", **wanted)
        assert "refused the request (400: No.). No money moved." in said
        assert len(it.bodies()) == 1
        # This one comes after it was recorded, and is the second in a row: a third is not sent.
        await network.inject("lease-manifest-fails", count=9, value="400")
        said = await it.agent.refused("update_deployment", **wanted)
        assert f"Whether deployment {it.dseq} was changed is not known." in said
        assert len(it.bodies()) == 2


async def begin_anew(settings: Settings, folder: Path) -> None:
    """A person says that a ledger of this account begins in a folder, although its deployments run already."""
    async with services(settings, Store(folder), Intervals()) as rt:
        await rt.accounts.acknowledge()


@pytest.mark.parametrize("ours", [True, False])
async def test_what_the_console_has_no_definition_of_is_given_one(
    connect: Connect,
    network: EmbeddedNetwork,
    settings: Settings,
    sdl: str,
    tmp_path: Path,
    ours: bool,
) -> None:
    await network.inject("definition-missing", count=1)
    state = tmp_path / ("state" if ours else "another")
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(approval="auto") as first,
        connect(answer=YES, console_url=proxy.url, state_dir=state) as agent,
    ):
        made = await first.call("create_deployment", sdl=sdl, deposit_usd=1)
        if not ours:
            await begin_anew(settings, state)
        it = Deployed(network, proxy, agent, made["dseq"])
        [offer, *_] = (await first.call("list_bids", dseq=it.dseq, wait_s=40))["offers"]
        lease = {"dseq": it.dseq, "gseq": 1, "oseq": 1, "provider": offer["provider"]}
        async with httpx2.AsyncClient(headers={"x-api-key": network.api_key}, verify=False) as person:
            body = {"manifest": check(sdl).manifest, "leases": [lease]}
            answer = await person.post(f"{network.console_url}/v1/leases", json=body)
        assert answer.status_code == 200, answer.text
        assert (await it.updated(sdl.replace("=info", "=debug")))["status"] == "updated"
        assert await it.version()
        sent = [proxy.sent(route) for route in (DEFINE, PATCH, PUT)]
        assert sent == ([1, 1, 0] if ours else [0, 0, 1])
        await it.updated(sdl.replace("=info", "=warn"))
        assert [proxy.sent(route) for route in (DEFINE, PUT)] == [sent[0], sent[2]]
