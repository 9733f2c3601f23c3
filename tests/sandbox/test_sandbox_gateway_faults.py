"""What goes wrong at gateways on demand, as clients get to see it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from console_world import impatient
from provider_world import World, a_world, account, manifest, service, until_end
from websockets.exceptions import InvalidMessage

from akash_mcp.sandbox.console.provider_proxy import ProviderProxy
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sandbox.faults import UnknownFault
from akash_mcp.sandbox.gateway_faults import CHAIN_LAG_SECONDS
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

BASH = {"cmd0": "echo", "cmd1": "hi", "tty": "0", "service": "web", "stdin": "0", "podIndex": "0"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def version(world: World, tls: ssl.SSLContext | None = None) -> int:
    """A request over a connection of its own, by a client that trusts what is on chain now."""
    async with httpx2.AsyncClient(verify=tls or world.pinned(), trust_env=False) as client:
        return (await client.get(f"{world.url}/version")).status_code


async def certificate_refusal(world: World) -> str:
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED") as refused:
        await version(world)
    return str(refused.value)


def shell(lease: str) -> str:
    return f"{lease}/shell?{httpx2.QueryParams(BASH)}"


# Certificates.


async def test_a_certificate_that_is_not_on_chain(world: World) -> None:
    await world.inject("certificate-unregistered")
    assert "self-signed certificate" in await certificate_refusal(world)
    await world.inject("certificate-unregistered", count=0)
    assert await version(world) == 200


async def test_a_certificate_that_has_expired(world: World) -> None:
    await world.inject("certificate-expired")
    assert "certificate has expired" in await certificate_refusal(world)


async def test_a_certificate_that_is_not_valid_yet(world: World) -> None:
    await world.inject("certificate-not-yet-valid")
    assert "certificate is not yet valid" in await certificate_refusal(world)


async def test_another_certificate_under_the_serial_on_chain(world: World) -> None:
    await world.inject("certificate-mismatch")
    on_chain = [c.serial for c in world.chain.certificates if c.state == "valid"]
    assert on_chain == [world.gateway.certificate.serial]
    await certificate_refusal(world)


async def test_a_certificate_that_is_revoked_goes_on_being_shown(world: World) -> None:
    before = world.pinned()
    await world.inject("certificate-revoked")
    assert await version(world, before) == 200
    await certificate_refusal(world)
    await world.inject("certificate-revoked", count=0)
    assert await version(world) == 200


async def test_a_rotation_leaves_open_connections_and_changes_new_ones(world: World) -> None:
    before = world.pinned()
    assert (await world.get("/version", headers={})).status_code == 200
    await world.inject("certificate-rotated")
    assert (await world.get("/version", headers={})).status_code == 200  # over the connection that it had
    with pytest.raises(httpx2.ConnectError):
        await version(world, before)
    assert await version(world) == 200
    assert [c.state for c in world.chain.certificates] == ["revoked", "valid"]


async def test_the_chain_can_learn_of_a_rotation_late(world: World) -> None:
    await world.inject("certificate-rotated-early")
    await certificate_refusal(world)
    world.chain.clock.skip(CHAIN_LAG_SECONDS + 1)
    world.chain.schedule.catch_up()
    assert await version(world) == 200


async def test_a_rotation_ends_every_certificate_fault(world: World) -> None:
    await world.inject("certificate-expired")
    await world.inject("certificate-rotated")
    assert await version(world) == 200
    await world.inject("certificate-expired", count=0)
    assert len(world.chain.certificates) == 3


async def test_a_chain_that_lags_forgets_what_was_replaced_in_the_meantime(world: World) -> None:
    await world.inject("certificate-rotated-early")
    await world.inject("certificate-rotated-early", count=0)
    world.chain.clock.skip(CHAIN_LAG_SECONDS + 1)
    world.chain.schedule.catch_up()
    assert await version(world) == 200


async def test_rotations_at_one_moment_have_different_serials() -> None:
    async with a_world(wall=lambda: 1_763_759_482.0) as world:
        for _ in range(3):
            await world.inject("certificate-rotated")
        assert len({c.serial for c in world.chain.certificates}) == 4


# Requests.


async def test_a_token_whose_issuer_cannot_be_looked_up_is_never_answered(world: World) -> None:
    await world.inject("token-hangs")
    with pytest.raises(httpx2.ReadTimeout):
        await world.get("/version", timeout=impatient(0.2))
    assert (await world.get("/version", headers={})).status_code == 200


async def test_a_gateway_that_panics_hangs_up(world: World) -> None:
    await world.inject("gateway-panics", count=2)
    with pytest.raises(httpx2.RemoteProtocolError):
        await world.get("/version")
    with pytest.raises(InvalidMessage):
        await world.socket("/lease/1/1/1/logs")
    assert (await world.get("/version")).status_code == 200


async def test_faults_are_for_one_provider_where_they_name_it(world: World) -> None:
    await world.inject("gateway-panics", value=account().address)
    assert (await world.get("/version")).status_code == 200
    await world.inject("gateway-panics", value=world.provider.owner)
    with pytest.raises(httpx2.RemoteProtocolError):
        await world.get("/version")


@pytest.mark.parametrize("path", ["status", "manifest", "service/web/status"])
async def test_a_cluster_that_is_down_is_503(world: World, path: str) -> None:
    lease = await world.deploy(service())
    await world.inject("kube-down")
    response = await world.get(f"{lease}/{path}")
    assert (response.status_code, response.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert response.text.endswith("connect: connection refused\n")
    await world.inject("kube-down", count=0)
    assert (await world.get(f"{lease}/{path}")).status_code == 200


@pytest.mark.parametrize("stream", ["logs", "kubeevents"])
async def test_a_cluster_that_is_down_closes_streams_with_4002(world: World, stream: str) -> None:
    lease = await world.deploy(service())
    await world.inject("kube-down")
    async with world.socket(f"{lease}/{stream}") as socket:
        ended = await until_end(socket)
    assert (ended.messages, ended.code, ended.reason) == ([], 4002, "")


async def test_a_cluster_that_is_down_makes_a_shell_look_like_a_success(world: World) -> None:
    lease = await world.deploy(service())
    await world.inject("kube-down")
    async with world.socket(shell(lease)) as socket:
        assert (await until_end(socket)).messages == [b'f{"exit_code":0}\n']


async def test_a_cluster_that_is_down_takes_manifests(world: World) -> None:
    await world.inject("kube-down")
    await world.deploy(service())
    assert (await world.get("/status")).status_code == 200


@pytest.mark.parametrize(
    ("seconds", "status", "text"), [("119", 200, ""), ("121", 500, "context deadline exceeded\n")]
)
async def test_a_manifest_takes_its_time_and_is_given_up_after_120_seconds(
    seconds: str, status: int, text: str
) -> None:
    async with a_world(speed=1000) as world:
        deployment = world.order(service())
        world.lease(deployment)
        await world.inject("manifest-slow", value=seconds)
        # Nothing else becomes due meanwhile: 300 seconds after its lease it would be too late for a manifest.
        moment = world.chain.clock.monotonic()
        world.chain.clock.monotonic = lambda: moment
        before = anyio.current_time()
        response = await world.put(deployment, manifest(service()))
        assert (response.status_code, response.text) == (status, text)
        assert anyio.current_time() - before >= 119 / 1000


@pytest.mark.parametrize(
    ("number", "leases", "detail"),
    [
        (-1, None, "token has invalid claims: token is expired"),
        (900, {"access": "scoped", "scope": ["fly"]}, "token has invalid claims"),
    ],
)
async def test_an_old_gateway_tells_claims_that_do_not_hold_as_500(
    world: World, number: int, leases: dict[str, Any] | None, detail: str
) -> None:
    await world.inject("legacy-errors")
    headers = {"Authorization": f"Bearer {world.token(leases, ttl=number)}"}
    response = await world.get("/version", headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (500, "application/json")
    assert response.json() == {"message": f"unknown error while processing JWT. {detail}"}


async def test_an_old_gateway_tells_most_of_what_is_wrong_with_a_manifest_as_500(world: World) -> None:
    await world.inject("legacy-errors")
    deployment = world.order(service())
    other = manifest(service(image="nginx:1.28"))
    answers = [await world.put(deployment, body) for body in (other, b"[]", manifest(service()))]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (500, "manifest version validation failed\n"),
        (422, "invalid manifest: manifest is empty\n"),
        (404, "no lease for deployment\n"),
    ]


@pytest.mark.parametrize("stream", ["logs", "kubeevents"])
@pytest.mark.parametrize("is_down", [False, True])
async def test_an_old_gateway_closes_every_stream_with_4000(world: World, stream: str, is_down: bool) -> None:
    lease = await world.deploy(service()) if is_down else "/lease/1/1/1"
    await world.inject("legacy-errors")
    if is_down:
        await world.inject("kube-down")
        assert (await world.get(f"{lease}/status")).status_code == 500
    async with world.socket(f"{lease}/{stream}") as socket:
        assert (await until_end(socket)).code == 4000


async def test_a_gateway_says_which_version_it_is_of(world: World) -> None:
    async def told() -> str:
        text: str = (await world.get("/version", headers={})).json()["akash"]["version"]
        return text

    assert await told() == "v0.14.0"
    await world.inject("legacy-errors")
    assert await told() == "v0.11.1"
    await world.inject("provider-version", value="v0.16.0-rc1")
    assert await told() == "v0.16.0-rc1"


# In a network.


async def test_the_value_is_one_of_the_networks_providers() -> None:
    async with EmbeddedNetwork(Options(providers=1)) as network:
        with pytest.raises(UnknownFault, match="no provider has the address"):
            await network.inject("certificate-expired", value="akash1nobody")
        with pytest.raises(UnknownFault, match="cannot be counted"):
            await network.inject("certificate-expired", count=2)


async def test_a_network_can_have_providers_with_public_certificates() -> None:
    async with EmbeddedNetwork(Options(providers=2, public_certificates=1)) as network:
        assert network.describe()["authority_pem"] == network.authority_pem
        first, second = network.chain.providers.values()
        trusting = ssl.create_default_context(cadata=network.authority_pem)
        async with httpx2.AsyncClient(verify=trusting, trust_env=False) as client:
            assert (await client.get(f"{first.host_uri}/address")).json() == {"address": first.owner}
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"{second.host_uri}/address")
        proxy = ProviderProxy(network.chain, network.chain.accounts[network.owner], network.faults)
        assert [await proxy.answers(provider) for provider in (first, second)] == [True, True]


@pytest.mark.parametrize(
    ("fault", "flaw"),
    [
        ("certificate-unregistered", "unknownCertificate"),
        ("certificate-expired", "expired"),
        ("certificate-not-yet-valid", "validInFuture"),
        ("certificate-mismatch", "fingerprintMismatch"),
        ("certificate-revoked", "unknownCertificate"),
        ("certificate-rotated", ""),
        ("certificate-rotated-early", "unknownCertificate"),
    ],
)
async def test_console_says_what_is_wrong_with_a_certificate(fault: str, flaw: str) -> None:
    # Console's four attempts take 1.4 simulated seconds, and the chain is 30 late with a certificate of early rotation.
    async with EmbeddedNetwork(Options(providers=1, speed=10)) as network:
        await network.inject(fault)
        (provider,) = network.chain.providers.values()
        proxy = ProviderProxy(network.chain, network.chain.accounts[network.owner], network.faults)
        with pytest.raises(Problem) as refused:
            await proxy.send_manifest(provider, "1", "[]")
        text = (
            f"Invalid certificate error: {flaw}" if flaw else f"Provider {provider.host_uri} is temporarily"
        )
        assert refused.value.message.startswith(text)
