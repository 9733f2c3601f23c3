"""Faults as a client meets them: what is answered, and what really happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from console_world import World, impatient, lease_body, new_world, sdl

from akash_mcp.sandbox.faults import CATALOGUE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as fresh:
        yield fresh


CREATE: dict[str, Any] = {"data": {"sdl": sdl(), "deposit": 5}}


async def dseqs(world: World) -> list[str]:
    listed = (await world.http.get("/v1/deployments")).json()["data"]["deployments"]
    return [item["deployment"]["id"]["dseq"] for item in listed]


async def test_a_create_can_fail_and_have_landed(world: World) -> None:
    await world.network.inject("create-500-but-landed", count=1)
    response = await world.http.post("/v1/deployments", json=CREATE)
    assert response.status_code == 500
    assert "could not be found on-chain" in response.json()["message"]
    assert len(await dseqs(world)) == 1


async def test_a_create_can_time_out_and_have_landed(world: World) -> None:
    await world.network.inject("create-timeout-but-landed", count=1)
    with pytest.raises(httpx2.ReadTimeout):
        await world.http.post("/v1/deployments", json=CREATE, timeout=impatient(0.2))
    assert len(await dseqs(world)) == 1
    assert world.allowance == 95_000_000


async def test_a_create_that_gives_up_answers_500(world: World) -> None:
    await world.network.inject("create-timeout-but-landed", count=1, value="0.05")
    response = await world.http.post("/v1/deployments", json=CREATE)
    assert (response.status_code, response.json()["message"]) == (500, "Internal server error")


async def test_a_dropped_connection_is_no_answer_and_no_deployment(world: World) -> None:
    await world.network.inject("drop-connection", count=1, route="POST /v1/deployments")
    with pytest.raises(httpx2.TransportError):
        await world.http.post("/v1/deployments", json=CREATE)
    assert await dseqs(world) == []


async def test_a_connection_dropped_after_the_fact_leaves_a_deployment(world: World) -> None:
    await world.network.inject("drop-connection", count=1, value="after", route="POST")
    with pytest.raises(httpx2.TransportError):
        await world.http.post("/v1/deployments", json=CREATE)
    assert len(await dseqs(world)) == 1


@pytest.mark.parametrize(
    ("value", "status", "message"),
    [
        ("503", 503, "is temporarily unavailable"),
        ("400", 400, "manifest cross-validation error"),
        ("422", 422, "manifest version validation failed"),
        ("495", 495, "Invalid certificate error: fingerprintMismatch"),
        ("timeout", 500, "Internal server error"),
    ],
)
async def test_a_manifest_can_fail_while_the_lease_stays(
    world: World, value: str, status: int, message: str
) -> None:
    await world.network.inject("lease-manifest-fails", count=1, value=value)
    created = await world.create()
    response = await world.lease(created)
    assert response.status_code == status
    assert message in response.json()["message"]
    leases = (await world.get(created["dseq"]))["leases"]
    assert [lease["state"] for lease in leases] == ["active"]
    again = await world.http.post("/v1/leases", json=lease_body(created, leases[0]["id"]))
    assert again.status_code == 200


async def test_a_dead_provider_is_503_at_the_lease_and_null_in_reads(world: World) -> None:
    created = await world.create()
    await world.network.inject("provider-unreachable")
    response = await world.lease(created)
    assert response.status_code == 503
    lease = (await world.get(created["dseq"]))["leases"][0]
    assert (lease["state"], lease["status"]) == ("active", None)
    host = world.network.chain.providers[lease["id"]["provider"]].host_uri
    async with httpx2.AsyncClient(verify=False) as direct:
        with pytest.raises(httpx2.ConnectError):
            await direct.get(f"{host}/status")


async def test_a_provider_comes_back(world: World) -> None:
    await world.network.inject("provider-unreachable")
    await world.network.inject("provider-unreachable", count=0)
    assert (await world.lease(await world.create())).status_code == 200


async def test_a_provider_whose_certificate_is_not_on_chain_gets_no_token(world: World) -> None:
    created = await world.create()
    for certificate in world.network.chain.certificates:
        certificate.state = "revoked"
    response = await world.lease(created)
    assert (response.status_code, response.json()["error"]) == (495, "BadRequestError")
    assert response.json()["message"] == "Invalid certificate error: unknownCertificate"


async def test_a_provider_with_another_certificate_than_on_chain_gets_no_token(world: World) -> None:
    created = await world.create()
    chain = world.network.chain
    pems = [certificate.pem for certificate in chain.certificates]
    for certificate, pem in zip(chain.certificates, [*pems[1:], pems[0]], strict=True):
        certificate.pem = pem
    response = await world.lease(created)
    assert response.json()["message"] == "Invalid certificate error: fingerprintMismatch"


async def test_nobody_may_bid(world: World) -> None:
    await world.network.inject("no-bids", count=1)
    assert await world.bids((await world.create())["dseq"]) == []
    assert len(await world.bids((await world.create())["dseq"])) == 4


async def test_bids_can_come_late() -> None:
    # At the pace of the wall clock: bids live five minutes, and a busy machine may lose seconds. In less than
    # a hundred blocks: what has no lease by then is closed at the next full ten minutes of the day.
    async with new_world(speed=1) as world:
        await world.network.inject("late-bids", count=1, value="300")
        dseq = (await world.create())["dseq"]
        assert await world.bids(dseq) == []
        world.network.clock.skip(300)
        assert len(await world.bids(dseq)) == 4


async def test_429_says_when_to_come_back(world: World) -> None:
    await world.network.inject("429", count=1, value="7")
    response = await world.http.get("/v1/deployments")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["code"] == "rate_limited"
    assert (await world.http.get("/v1/deployments")).status_code == 200


async def test_503_can_be_a_page(world: World) -> None:
    await world.network.inject("503-html", count=1)
    response = await world.http.get("/v1/deployments")
    assert (response.status_code, response.headers["content-type"]) == (503, "text/html; charset=utf-8")


async def test_a_slow_answer_comes_late(world: World) -> None:
    await world.network.inject("slow", count=1, value="5")
    with pytest.raises(httpx2.ReadTimeout):
        await world.http.get("/v1/deployments", timeout=impatient(0.1))


async def test_a_wallet_being_provisioned_is_409_for_requests_that_spend_only(world: World) -> None:
    await world.network.inject("wallet-provisioning", count=1)
    assert (await world.http.get("/v1/deployments")).status_code == 200
    response = await world.http.post("/v1/deployments", json=CREATE)
    assert (response.status_code, response.json()["code"]) == (409, "wallet_provisioning")
    assert (await world.http.post("/v1/deployments", json=CREATE)).status_code == 201


async def test_an_empty_wallet_is_402(world: World) -> None:
    await world.network.inject("insufficient-balance", count=1)
    response = await world.http.post("/v1/deployments", json=CREATE)
    assert (response.status_code, response.json()["error"]) == (402, "PaymentRequiredError")


async def test_a_managed_deposit_ignores_the_callers(world: World) -> None:
    await world.network.inject("fixed-deposit")
    await world.create(deposit=50)
    assert world.allowance == 99_500_000


@pytest.mark.parametrize(
    ("value", "status", "state"),
    [("500", 500, "active"), ("unsettled", 400, "active"), ("landed", 500, "closed")],
)
async def test_a_close_can_fail(world: World, value: str, status: int, state: str) -> None:
    dseq = (await world.create())["dseq"]
    await world.network.inject("close-fails", count=1, value=value)
    assert (await world.http.delete(f"/v1/deployments/{dseq}")).status_code == status
    assert world.truth(dseq).state == state
    assert (await world.http.delete(f"/v1/deployments/{dseq}")).status_code == 200


async def test_stale_reads_do_not_know_of_a_new_deployment(world: World) -> None:
    dseq = (await world.create())["dseq"]
    await world.network.inject("stale-reads", count=3)
    assert (await world.http.get(f"/v1/deployments/{dseq}")).status_code == 404
    assert await world.bids(dseq) == []
    assert await dseqs(world) == []
    assert (await world.get(dseq))["deployment"]["state"] == "active"


async def test_stale_reads_show_a_closed_deployment_as_it_was(world: World) -> None:
    dseq = (await world.create())["dseq"]
    await world.get(dseq)
    await world.http.delete(f"/v1/deployments/{dseq}")
    await world.network.inject("stale-reads", count=1)
    assert [(await world.get(dseq))["deployment"]["state"] for _ in range(2)] == ["active", "closed"]


async def test_the_indexer_knows_no_hash_and_no_reason(world: World) -> None:
    created = await world.create()
    await world.lease(created)
    await world.network.inject("unknown-hash", count=1)
    read = await world.get(created["dseq"])
    assert read["deployment"]["hash"] == "unknown_value"
    assert "reason" not in read["leases"][0]


async def test_the_list_can_swap_leases(world: World) -> None:
    leased = await world.create()
    await world.lease(leased)
    bare = await world.create()
    await world.network.inject("swapped-leases", count=1)
    listed = (await world.http.get("/v1/deployments")).json()["data"]["deployments"]
    attached = {item["deployment"]["id"]["dseq"]: item["leases"] for item in listed}
    assert attached[leased["dseq"]] == []
    assert attached[bare["dseq"]][0]["id"]["dseq"] == leased["dseq"]


async def test_a_list_can_leave_out_the_newest_and_say_that_this_is_all(world: World) -> None:
    kept, hidden = (await world.create())["dseq"], (await world.create())["dseq"]
    await world.network.inject("lying-list", count=1)
    assert await dseqs(world) == [kept]
    assert await dseqs(world) == [kept, hidden]


async def test_bids_can_expire_at_once(world: World) -> None:
    await world.network.inject("bids-expire", count=1)
    created = await world.create()
    bids = await world.bids(created["dseq"])
    assert {bid["bid"]["state"] for bid in bids} == {"closed"}
    response = await world.http.post("/v1/leases", json=lease_body(created, bids[0]["bid"]["id"]))
    assert "selected bid is no longer open" in response.json()["message"]


async def test_a_top_up_on_its_way_is_402_for_now(world: World) -> None:
    await world.network.inject("top-up-pending", count=1)
    response = await world.http.post("/v1/deployments", json=CREATE)
    assert response.status_code == 402
    assert "is on the way" in response.json()["message"]
    assert (await world.http.post("/v1/deployments", json=CREATE)).status_code == 201


async def test_the_grant_for_fees_can_be_empty(world: World) -> None:
    await world.network.inject("insufficient-balance", count=1, value="fee")
    response = await world.http.post("/v1/deployments", json=CREATE)
    assert response.json()["message"] == "Not enough funds to cover the transaction fee"


async def test_a_close_can_take_long_and_lands_only_then(world: World) -> None:
    dseq = (await world.create())["dseq"]
    await world.network.inject("close-slow", count=1, value="3600")
    with pytest.raises(httpx2.ReadTimeout):
        await world.http.delete(f"/v1/deployments/{dseq}", timeout=impatient(0.3))
    assert world.truth(dseq).state == "active"


async def test_a_key_can_be_revoked_meanwhile(world: World) -> None:
    await world.network.inject("key-revoked", count=1)
    response = await world.http.get("/v1/providers")
    assert (response.status_code, response.json()["message"]) == (401, "Invalid API key")
    assert (await world.http.get("/v1/providers")).status_code == 200


async def test_without_its_node_console_knows_what_the_indexer_does(world: World) -> None:
    dseq = (await world.create())["dseq"]
    await world.network.inject("chain-down")
    assert (await world.http.get("/v1/bids", params={"dseq": dseq})).status_code == 500
    assert (await world.get(dseq))["deployment"]["hash"] == "unknown_value"
    body = {
        "manifest": "[]",
        "leases": [{"dseq": dseq, "gseq": 1, "oseq": 1, "provider": world.network.owner}],
    }
    assert (await world.http.post("/v1/leases", json=body)).status_code == 500
    listed = (await world.http.get("/v1/deployments")).json()["data"]["deployments"]
    assert listed[0]["deployment"]["hash"] == "unknown_value"


async def test_the_indexer_can_lag_behind(world: World) -> None:
    await world.network.inject("indexer-lag", count=1, value="50")
    behind, seen = [(await world.http.get("/v1/blocks", params={"limit": 1})).json()[0] for _ in range(2)]
    assert 49 <= seen["height"] - behind["height"] <= 60


async def test_replicas_can_remember_different_balances(world: World) -> None:
    await world.network.inject("replica-caches-disagree")
    first = (await world.http.get("/v1/balances")).json()["data"]["balance"]
    await world.create()
    answers = [(await world.http.get("/v1/balances")).json()["data"]["balance"] for _ in range(3)]
    assert answers == [first - 5_000_000, first - 5_000_000, first]


async def test_balances_can_be_a_million_times_off(world: World) -> None:
    await world.network.inject("balance-units", count=1)
    read = [(await world.http.get("/v1/balances")).json()["data"]["balance"] for _ in range(2)]
    assert read == [100, 100_000_000]


async def test_a_provider_can_be_unknown_to_console(world: World) -> None:
    await world.network.inject("provider-unknown", count=1)
    created = await world.create()
    response = await world.lease(created)
    assert (response.status_code, response.json()["message"].split()[0]) == (404, "Provider")
    assert world.truth(created["dseq"]).leases == []


async def test_a_slow_provider_makes_reads_slow(world: World) -> None:
    created = await world.create()
    await world.lease(created)
    await world.network.inject("provider-slow", count=1, value="3600")
    with pytest.raises(httpx2.ReadTimeout):
        await world.http.get(f"/v1/deployments/{created['dseq']}", timeout=impatient(0.3))


async def test_a_page_in_front_can_have_other_statuses(world: World) -> None:
    await world.network.inject("503-html", count=1, value="403")
    response = await world.http.get("/v1/deployments")
    assert (response.status_code, response.text[:15]) == (403, "<!DOCTYPE html>")


def test_every_fault_has_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in CATALOGUE if f'inject("{name}"' not in tests] == []
