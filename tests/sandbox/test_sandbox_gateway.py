from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from provider_world import World, a_world, account, expose, manifest, service, stateful

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.certificates import issue
from akash_mcp.sandbox.provider.manifest import decode

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


def plain(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.text


def at(world: World, **permission: Any) -> dict[str, Any]:
    return {"access": "granular", "permissions": [{"provider": world.provider.owner, **permission}]}


# Transport.


async def test_tls_is_1_3_and_nothing_older(world: World) -> None:
    port = int(world.url.rpartition(":")[2])
    stream = await anyio.connect_tcp(
        "127.0.0.1", port, tls=True, ssl_context=world.tls, tls_standard_compatible=False
    )
    assert stream.extra(anyio.streams.tls.TLSAttribute.tls_version) == "TLSv1.3"
    await stream.aclose()
    world.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        await anyio.connect_tcp("127.0.0.1", port, tls=True, ssl_context=world.tls)


async def test_no_protocol_is_negotiated_even_when_http_2_is_offered(world: World) -> None:
    world.tls.set_alpn_protocols(["h2", "http/1.1"])
    port = int(world.url.rpartition(":")[2])
    stream = await anyio.connect_tcp(
        "127.0.0.1", port, tls=True, ssl_context=world.tls, tls_standard_compatible=False
    )
    assert stream.extra(anyio.streams.tls.TLSAttribute.alpn_protocol) is None
    await stream.aclose()


async def test_a_client_that_pins_another_certificate_never_gets_to_speak(world: World) -> None:
    other = issue(world.provider.owner, hosts=["localhost"], now=time.time())
    tls = ssl.create_default_context(cadata=other.pem.decode())
    tls.check_hostname = False
    async with httpx2.AsyncClient(verify=tls, trust_env=False) as client:
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(f"{world.url}/version")


async def test_one_connection_serves_many_requests(world: World) -> None:
    for _ in range(3):
        assert (await world.get("/version", headers={})).http_version == "HTTP/1.1"


async def test_an_unplugged_gateway_is_unreachable_and_comes_back_where_it_was(world: World) -> None:
    lease, url = await world.deploy(service()), world.url
    await world.gateway.unplug()
    with pytest.raises(httpx2.ConnectError):
        await world.get("/version")
    # Nobody else gets its port meanwhile.
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", int(url.rpartition(":")[2])))
    await world.gateway.start()
    assert world.url == url
    assert (await world.get(f"{lease}/status")).json()["services"]["web"]["ready_replicas"] == 1


# Public routes.


async def test_version_and_address_need_no_token(world: World) -> None:
    version = (await world.get("/version", headers={})).json()
    assert version["akash"]["version"] == "v0.14.0"
    assert version["kube"]["gitVersion"].startswith("v1.")
    assert (await world.get("/address", headers={})).json() == {"address": world.provider.owner}


async def test_status_shows_what_the_machines_have_and_have_left(world: World) -> None:
    await world.deploy(service())
    response = await world.get("/status", headers={})
    status = response.json()
    assert response.headers["content-type"] == "application/json; charset=UTF-8"
    assert (status["cluster"]["leases"], status["manifest"]["deployments"]) == (1, 1)
    node = status["cluster"]["inventory"]["available"]["nodes"][0]
    assert node["allocatable"]["cpu"] - node["available"]["cpu"] == 500
    assert node["allocatable"]["memory"] - node["available"]["memory"] == 536870912
    assert set(node["available"]) == {"cpu", "gpu", "memory", "storage_ephemeral"}


async def test_a_stale_token_breaks_even_a_public_route(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token(ttl=-1)}"}
    response = await world.get("/version", headers=headers)
    assert plain(response) == (400, '{"message":"JWT has invalid claims"}')


async def test_a_token_for_another_provider_is_no_matter_on_a_public_route(world: World) -> None:
    elsewhere = {"access": "granular", "permissions": [{"provider": account().address, "access": "full"}]}
    assert (await world.get("/version", headers=world.auth(elsewhere))).status_code == 200
    response = await world.get("/lease/1/1/1/status", headers=world.auth(elsewhere))
    assert plain(response) == (401, '{"message":"unauthorized access"}')


# Unknown paths and methods.


async def test_unknown_paths_are_gos_404_and_need_no_token(world: World) -> None:
    response = await world.get("/lease/1/1/1/events", headers={})
    assert plain(response) == (404, "404 page not found\n")
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_wrong_method_is_405_without_a_body(world: World) -> None:
    response = await world.client.post(f"{world.url}/version")
    assert plain(response) == (405, "")


async def test_a_double_slash_is_redirected(world: World) -> None:
    response = await world.get("//version?x=1", headers={})
    assert (response.status_code, response.headers["location"]) == (301, "/version?x=1")


# Authorization, in the order in which it is judged.


@pytest.mark.parametrize("header", ["Basic x", "Bearer", "Bearer a b", "token"])
async def test_a_header_that_is_not_a_bearer_token_is_400(world: World, header: str) -> None:
    response = await world.get("/lease/x/y/z/status", headers={"Authorization": header})
    assert plain(response) == (400, '{"message":"invalid authorization header"}')
    assert response.headers["content-type"] == "application/json"


async def test_the_scheme_is_case_insensitive(world: World) -> None:
    response = await world.get("/version", headers={"Authorization": f"bEARER {world.token()}"})
    assert response.status_code == 200


async def test_no_credentials_is_401_before_the_ids_are_read(world: World) -> None:
    response = await world.get("/lease/x/y/z/status", headers={})
    assert plain(response) == (401, '{"message":"unauthorized access"}')


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/lease/x/1/1/status", 'strconv.ParseUint: parsing "x": invalid syntax\n'),
        ("/lease/-1/1/1/status", 'strconv.ParseUint: parsing "-1": invalid syntax\n'),
        ("/lease/1/4294967296/1/status", 'strconv.ParseUint: parsing "4294967296": value out of range\n'),
        ("/lease/1/1/1/logs?follow=yes", 'strconv.ParseBool: parsing "yes": invalid syntax\n'),
        ("/lease/1/1/1/logs?tail=-2", 'parameter "tail" contains invalid value\n'),
        ("/lease/1/1/1/logs?tail=a", 'strconv.ParseInt: parsing "a": invalid syntax\n'),
        ("/lease/1/1/1/kubeevents?service=web,", 'parameter "service" must not contain trailing comma\n'),
    ],
)
async def test_bad_ids_and_parameters_are_400_in_gos_words(world: World, path: str, message: str) -> None:
    assert plain(await world.get(path)) == (400, message)


async def test_an_account_that_never_signed_gets_no_answer_at_all(world: World) -> None:
    silent = account(has_signed=False)
    world.chain.accounts[silent.address] = silent
    with pytest.raises(httpx2.RemoteProtocolError):
        await world.get("/version", headers=world.auth(account=silent))


async def test_a_token_for_another_provider_is_unauthorized(world: World) -> None:
    leases = {"access": "granular", "permissions": [{"provider": world.account.address, "access": "full"}]}
    response = await world.get("/lease/1/1/1/status", headers=world.auth(leases))
    assert plain(response) == (401, '{"message":"unauthorized access"}')


async def test_a_token_for_another_deployment_is_unauthorized(world: World) -> None:
    lease = await world.deploy(service())
    leases = at(world, access="granular", deployments=[{"dseq": 1, "scope": ["status"], "services": ["web"]}])
    assert (await world.get(f"{lease}/status", headers=world.auth(leases))).status_code == 401


@pytest.mark.parametrize(
    ("scope", "route"),
    [
        ("status", "status"),
        ("get-manifest", "manifest"),
        ("logs", "logs"),
        ("events", "kubeevents"),
        ("shell", "shell"),
    ],
)
async def test_each_route_wants_its_scope(world: World, scope: str, route: str) -> None:
    others = [s for s in ("status", "get-manifest", "logs", "events", "shell") if s != scope]
    headers = world.auth({"access": "scoped", "scope": others})
    response = await world.get(f"/lease/1/1/1/{route}", headers=headers)
    assert plain(response) == (401, '{"message":"unauthorized access"}')
    headers = world.auth({"access": "scoped", "scope": [scope]})
    assert (await world.get(f"/lease/1/1/1/{route}", headers=headers)).status_code in (400, 404)


async def test_a_service_status_wants_no_scope(world: World) -> None:
    lease = await world.deploy(service())
    headers = world.auth({"access": "scoped", "scope": ["events"]})
    assert (await world.get(f"{lease}/service/web/status", headers=headers)).status_code == 200


async def test_another_tenant_finds_nothing_rather_than_being_refused(world: World) -> None:
    lease, stranger = await world.deploy(service()), account()
    world.chain.accounts[stranger.address] = stranger
    response = await world.get(f"{lease}/status", headers=world.auth(account=stranger))
    assert plain(response) == (404, "")


# Manifests, in the order in which they are judged.


async def test_a_manifest_is_answered_with_an_empty_200(world: World) -> None:
    deployment = world.order(service())
    world.lease(deployment)
    response = await world.put(deployment, manifest(service()))
    assert plain(response) == (200, "")
    assert response.headers["content-length"] == "0"
    assert "content-type" not in response.headers


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "EOF"),
        (b"[", "unexpected EOF"),
        (b"services: {}", "invalid character 's' looking for beginning of value"),
        (b"{}", "json: cannot unmarshal object into Go value of type []"),
        (manifest(service(resources={"id": 1, "cpu": {"units": {"val": "500.5"}}})), 'bad int "500.5"'),
    ],
)
async def test_a_body_that_is_not_a_manifest_is_422(world: World, body: bytes, message: str) -> None:
    deployment = world.order(service())
    assert plain(await world.put(deployment, body)) == (422, f"{message}\n")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (service(name="Web"), 'service "Web" name is invalid'),
        (service(image=""), 'service "web" has empty image name'),
        (service(env=["A: b"]), 'service "web" defines an env. var. with an invalid name "A: b"'),
        (service(env=[".."]), 'service "web" defines an env. var. with an invalid name ".."'),
        (
            service(expose=[expose(hosts=["Example.com"])]),
            'service "web": has invalid hostname "Example.com"',
        ),
        (
            service(expose=[expose(hosts=["a.example"] * 2)]),
            'service "web": hostname "a.example" is duplicated, this is not allowed',
        ),
        (service(expose=[expose(**{"global": False})]), "zero global services"),
    ],
)
async def test_an_invalid_manifest_is_422(world: World, broken: dict[str, Any], message: str) -> None:
    deployment = world.order(broken)
    world.lease(deployment)
    assert plain(await world.put(deployment, manifest(broken))) == (422, f"invalid manifest: {message}\n")


async def test_an_empty_manifest_is_422(world: World) -> None:
    assert plain(await world.put(world.order(service()), b"[]")) == (
        422,
        "invalid manifest: manifest is empty\n",
    )


async def test_another_hash_is_refused_before_the_lease_is_looked_for(world: World) -> None:
    deployment = world.order(service())
    response = await world.put(deployment, manifest(service(image="nginx:1.28")))
    assert plain(response) == (422, "manifest version validation failed\n")


async def test_a_manifest_that_asks_for_more_than_was_ordered_is_refused(world: World) -> None:
    greedy = service()
    greedy["resources"] = greedy["resources"] | {"cpu": {"units": {"val": "1000"}}}
    deployment = world.order(service(), body=manifest(greedy))
    world.lease(deployment)
    response = await world.put(deployment, manifest(greedy))
    assert response.status_code == 422
    assert response.text.startswith(
        'manifest cross-validation error: group "akash": service "web": resources'
    )


async def test_more_replicas_than_ordered_are_refused(world: World) -> None:
    many = manifest(service(count=3))
    deployment = world.order(service(), body=many)
    assert (
        "over-utilized replicas (3) > group spec resources count (1)"
        in (await world.put(deployment, many)).text
    )


async def test_other_group_names_escape_as_500(world: World) -> None:
    other = manifest(service(), name="elsewhere")
    response = await world.put(world.order(service(), body=other), other)
    assert plain(response) == (500, 'invalid manifest: unknown deployment group ("elsewhere")\n')


async def test_a_hostname_of_another_tenant_is_taken(world: World) -> None:
    claimed = service(expose=[expose(externalPort=80, hosts=["app.example"])])
    await world.deploy(claimed)
    world.account = account()
    world.account.allowance_uact = 10_000_000
    world.chain.accounts[world.account.address] = world.account
    response = await world.put(world.order(claimed), manifest(claimed))
    assert plain(response) == (500, 'hostname not allowed: host "app.example" in use\n')


async def test_without_a_lease_it_is_404(world: World) -> None:
    response = await world.put(world.order(service()), manifest(service()))
    assert plain(response) == (404, "no lease for deployment\n")


async def test_a_manifest_that_came_too_early_is_deployed_with_its_lease(world: World) -> None:
    deployment = world.order(service())
    await world.put(deployment, manifest(service()))
    world.lease(deployment)
    world.chain.clock.skip(400)
    assert (await world.get(f"/lease/{deployment.dseq}/1/1/status")).status_code == 200


async def test_another_tenants_deployment_is_a_raw_grpc_error(world: World) -> None:
    deployment, world.account = world.order(service()), account()
    world.chain.accounts[world.account.address] = world.account
    status, text = plain(await world.put(deployment, manifest(service())))
    assert status == 500
    assert text.startswith("rpc error: code = NotFound")


async def test_an_update_replaces_what_changed(world: World) -> None:
    lease = await world.deploy(service())
    deployment = world.chain.deployments[world.account.address, lease.split("/")[2]]
    newer = manifest(service(image="nginx:1.30"))
    transactions.update_deployment(
        world.chain, deployment.owner, deployment.dseq, version=decode(newer).version
    )
    site = await world.site(lease)
    assert plain(await world.put(deployment, newer)) == (200, "")
    world.chain.clock.skip(60)
    web = (await world.get(f"{lease}/status")).json()["services"]["web"]
    assert (web["observed_generation"], web["ready_replicas"]) == (2, 1)
    assert "nginx:1.30" in (await world.client.get(site)).text


async def test_the_same_manifest_again_is_harmless(world: World) -> None:
    lease = await world.deploy(service())
    deployment = world.chain.deployments[world.account.address, lease.split("/")[2]]
    before = await world.get(f"{lease}/status")
    assert plain(await world.put(deployment, manifest(service()))) == (200, "")
    assert (await world.get(f"{lease}/status")).json() == before.json()


async def test_a_lease_without_a_manifest_is_given_up_after_five_minutes(world: World) -> None:
    deployment = world.order(service())
    lease = world.lease(deployment)
    world.chain.clock.skip(299)
    world.chain.schedule.catch_up()
    assert lease.state == "active"
    world.chain.clock.skip(2)
    assert plain(await world.put(deployment, manifest(service()))) == (404, "no lease for deployment\n")
    assert (lease.state, lease.reason) == ("closed", "lease_closed_reason_manifest_timeout")


async def test_even_an_invalid_manifest_holds_the_watchdog_off(world: World) -> None:
    deployment = world.order(service())
    lease = world.lease(deployment)
    await world.put(deployment, b"[]")
    world.chain.clock.skip(3600)
    world.chain.schedule.catch_up()
    assert lease.state == "active"


async def test_the_stored_manifest_is_not_what_was_sent(world: World) -> None:
    lease = await world.deploy(service(env=["A=1"]))
    (group,) = (await world.get(f"{lease}/manifest")).json()
    stored = group["services"][0]
    assert (group["name"], stored["env"], stored["command"]) == ("akash", ["A=1"], None)
    assert stored["resources"]["endpoints"] is None


async def test_no_stored_manifest_is_404(world: World) -> None:
    assert plain(await world.get("/lease/1/1/1/manifest")) == (404, "lease not found\n")


# Statuses, from nothing to running and to nothing again.


async def test_a_lease_goes_from_404_to_404_to_zero_to_ready(world: World) -> None:
    deployment = world.order(service(count=2))
    world.lease(deployment)
    path = f"/lease/{deployment.dseq}/1/1/status"
    assert plain(await world.get(path)) == (404, "")
    await world.put(deployment, manifest(service(count=2)))
    assert plain(await world.get(path)) == (404, "kube: no deployments for lease\n")
    world.chain.clock.skip(1)
    assert (await world.get(path)).json()["services"]["web"]["ready_replicas"] == 0
    world.chain.clock.skip(30)
    web = (await world.get(path)).json()["services"]["web"]
    assert (web["available"], web["total"], web["ready_replicas"]) == (2, 2, 2)
    world.close(path.removesuffix("/status"))
    assert plain(await world.get(path)) == (404, "")


async def test_a_web_service_has_bare_uris_and_null_for_the_rest(world: World) -> None:
    lease = await world.deploy(service(expose=[expose(externalPort=80, hosts=["app.example"])]))
    status = (await world.get(f"{lease}/status")).json()
    first, second = status["services"]["web"]["uris"]
    assert first == "app.example"
    assert second.startswith("localhost:")
    assert (status["forwarded_ports"], status["ips"]) == (None, None)


async def test_external_port_0_makes_forwarded_ports_an_empty_object(world: World) -> None:
    lease = await world.deploy(service(expose=[expose(port=80, externalPort=0)]))
    status = (await world.get(f"{lease}/status")).json()
    assert status["forwarded_ports"] == {}
    assert len(status["services"]["web"]["uris"]) == 1


async def test_other_ports_are_forwarded_and_have_no_uri(world: World) -> None:
    lease = await world.deploy(service(expose=[expose(port=5432), expose(port=53, proto="UDP")]))
    status = (await world.get(f"{lease}/status")).json()
    assert status["services"]["web"]["uris"] is None
    tcp, udp = status["forwarded_ports"]["web"]
    assert (tcp["port"], tcp["proto"], tcp["host"], tcp["name"]) == (5432, "TCP", "localhost", "web")
    assert (udp["port"], udp["proto"]) == (53, "UDP")
    assert 30000 <= udp["externalPort"] < 32768


async def test_leased_ips_are_capitalised(world: World) -> None:
    lease = await world.deploy(service(expose=[expose(port=80, ip="mine", endpointSequenceNumber=1)]))
    (ip,) = (await world.get(f"{lease}/status")).json()["ips"]["web"]
    assert {key: ip[key] for key in ("Port", "ExternalPort", "Protocol")} == {
        "Port": 80,
        "ExternalPort": 80,
        "Protocol": "TCP",
    }
    assert ip["IP"].startswith("203.0.113.")


async def test_a_stateful_service_counts_as_available_before_it_is_ready(world: World) -> None:
    lease = await world.deploy(stateful("db", "postgres:17"), settle=2)
    database = (await world.get(f"{lease}/status")).json()["services"]["db"]
    assert (database["available"], database["ready_replicas"]) == (1, 0)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("service/api/status", "kube: no service for that lease\n"),
        ("service/web/status", ""),
    ],
)
async def test_a_service_status_is_at_the_top_level(world: World, path: str, message: str) -> None:
    lease = await world.deploy(service())
    response = await world.get(f"{lease}/{path}")
    if message:
        assert plain(response) == (404, message)
    else:
        assert response.json()["name"] == "web"


async def test_a_service_status_says_why_there_is_none(world: World) -> None:
    deployment = world.order(service())
    path = f"/lease/{deployment.dseq}/1/1/service/web/status"
    assert plain(await world.get(path)) == (404, "kube: lease not found\n")
    world.lease(deployment)
    assert plain(await world.get(path)) == (404, "kube: no manifest for lease\n")
    await world.put(deployment, manifest(service()))
    assert (await world.get(path)).text == 'kube: internal error: deployments.apps "web" not found\n'


async def test_bodies_escape_html_as_go_does(world: World) -> None:
    lease = await world.deploy(service(env=["Q=<a>&\u2028"]))
    response = await world.get(f"{lease}/manifest")
    assert r'"Q=\u003ca\u003e\u0026\u2028"' in response.text
    assert json.loads(response.text)[0]["services"][0]["env"] == ["Q=<a>&\u2028"]
