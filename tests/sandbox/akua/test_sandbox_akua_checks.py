"""What a request must be: its token, its workspace, its headers, its query and its body."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_akua import VALUES, errors, new_akua

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic x", "Bearer", ""])
async def test_a_wrong_token_is_401(header: str | None) -> None:
    async with new_akua() as world:
        del world.http.headers["Authorization"]
        headers = {} if header is None else {"Authorization": header}
        for path in ("/workspaces", "/machines"):  # played or not
            status, error = errors(await world.call("GET", path, headers=headers))
            assert status == 401
            assert world.akua.token not in error["message"]


async def test_a_workspace_token_implies_its_workspace_and_reaches_no_other() -> None:
    async with new_akua() as world:
        own, other, _ = (workspace["id"] for workspace in world.akua.workspaces)
        assert [each["id"] for each in (await world.ok("GET", "/workspaces"))["data"]] == [own]
        assert (await world.call("GET", "/installs", headers={"Akua-Context": own})).status_code == 200
        for strange in (other, "ws_nobody", "", "x" * 54):
            response = await world.call("GET", "/installs", headers={"Akua-Context": strange})
            assert response.status_code == 403
        assert (await world.call("GET", f"/workspaces/{other}/access_state")).status_code == 404


async def test_a_broad_token_has_to_name_a_workspace() -> None:
    async with new_akua(token="broad") as world:
        status, error = errors(await world.call("GET", "/clusters"))
        assert (status, error["code"], error["message"]) == (403, 7004, "Akua-Context header is required")
        listed = (await world.ok("GET", "/workspaces"))["data"]
        names = [each["name"] for each in listed]
        assert sorted(names) == ["Demo", "Twin", "Twin"]
        for workspace, clusters in zip(world.akua.workspaces, (1, 0, 0), strict=True):
            headers = {"Akua-Context": workspace["id"]}
            assert len((await world.ok("GET", "/clusters", headers=headers))["data"]) == clusters
        (machines,) = [
            quota
            for quota in (await world.ok("GET", "/quotas"))["data"]
            if quota["metric"] == "compute/machines"
        ]
        assert machines["limit"] == 3  # of all three workspaces together


async def test_one_workspace_does_not_see_what_is_in_another() -> None:
    async with new_akua(token="broad", installs=1) as world:
        own, other, _ = world.akua.workspaces
        headers = {"Akua-Context": own["id"]}
        install = (await world.ok("GET", "/installs", headers=headers))["data"][0]
        operation = await world.ok(
            "DELETE", f"/installs/{install['id']}", headers={**headers, "If-Match": install["etag"]}
        )
        for path in (
            f"/installs/{install['id']}",
            f"/clusters/{install['cluster_id']}",
            f"/operations/{operation['id']}",
        ):
            response = await world.call("GET", path, headers={"Akua-Context": other["id"]})
            assert response.status_code == 404


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1.5", "cursor=nonsense", "cursor=W10", "cursor="],
)
async def test_a_wrong_page_is_422(query: str) -> None:
    async with new_akua() as world:
        status, error = errors(await world.call("GET", f"/installs?{query}"))
        assert (status, error["path"]) == (422, ["query", query.partition("=")[0]])


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/packages", "view=all"),
        ("/repositories", "purpose=all"),
        ("/operations", "owner_type=deployment&owner_id=x"),
        ("/installs", "product_id="),
    ],
)
async def test_a_filter_that_cannot_be_is_422(path: str, query: str) -> None:
    async with new_akua() as world:
        assert (await world.call("GET", f"{path}?{query}")).status_code == 422


async def test_owners_of_operations_are_named_by_type_and_id_together() -> None:
    async with new_akua() as world:
        assert (await world.call("GET", "/operations?owner_type=install")).status_code == 400
        operation = await world.begin()
        owner = f"owner_type=install&owner_id={operation['owner_id']}"
        (found,) = (await world.ok("GET", f"/operations?{owner}"))["data"]
        assert found["id"] == operation["id"]
        assert "steps" not in found
        assert (await world.ok("GET", "/operations?owner_type=package&owner_id=x"))["data"] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"surprise": 1}, ["body"]),
        ({"product_id": "prod_x"}, ["body"]),
        ({"package_version_pin": {"kind": "newest"}}, ["body", "package_version_pin"]),
        ({"package_version_pin": {"kind": "pinned", "version": "1"}}, ["body", "package_version_pin"]),
        ({"package_version_pin": {"kind": "latest", "version": "1.0.0"}}, ["body", "package_version_pin"]),
        ({"region_id": ""}, ["body", "region_id"]),
        ({"initial_values": []}, ["body", "initial_values"]),
        ({"initial_values": {}}, ["initial_values"]),
        ({"initial_values": {"hostname": "NOT A HOST"}}, ["initial_values", "hostname"]),
        ({"initial_values": {**VALUES, "tier": "huge"}}, ["initial_values", "tier"]),
        ({"initial_values": {**VALUES, "database": {"size_gib": 0}}}, ["initial_values", "database"]),
        ({"initial_values": {**VALUES, "replicas": 2}}, ["initial_values"]),  # from 1.1.0 on
    ],
)
async def test_an_install_that_cannot_be_is_422_and_nothing_happens(
    change: dict[str, Any], path: list[str]
) -> None:
    async with new_akua() as world:
        status, error = errors(await world.call("POST", "/installs", json=await world.wish(**change)))
        assert (status, error.get("path", [])[: len(path)]) == (422, path)
        assert (world.truth("installs"), world.truth("machines")) == ([], [])


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"region_id": "reg_x"}, ["args", "regionId"]),
        ({"package_id": "pkg_x"}, ["args", "packageId"]),
        ({"cluster_id": "clu_x"}, ["args", "clusterId"]),
        ({"package_version_pin": {"kind": "pinned", "version": "9.9.9"}}, ["args", "packageVersionPin"]),
    ],
)
async def test_an_install_of_what_is_not_there_is_404(change: dict[str, Any], path: list[str]) -> None:
    async with new_akua() as world:
        status, error = errors(await world.call("POST", "/installs", json=await world.wish(**change)))
        assert (status, error["path"]) == (404, path)


async def test_a_version_belongs_to_its_package() -> None:
    async with new_akua() as world:
        source = {"kind": "helm", "repo_url": "oci://r.example.com/x", "target_revision": "3.0.0"}
        operation = await world.ok("POST", "/packages", json={"name": "x", "sources": [source]})
        version = (await world.versions())["1.0.0"]
        world.later(30)
        path = f"/packages/{operation['owner_id']}/versions/{version}"
        for url in (path, f"{path}/inputs"):
            assert (await world.call("GET", url)).status_code == 404


async def test_a_cluster_belongs_to_its_region() -> None:
    async with new_akua() as world:
        cluster = await world.first("/clusters")
        region = await world.ok("POST", "/regions", json={"name": "us-east"})
        wish = await world.wish(region_id=region["id"], cluster_id=cluster["id"])
        status, error = errors(await world.call("POST", "/installs", json=wish))
        assert (status, error["path"]) == (422, ["args", "clusterId"])


async def test_a_body_is_an_object_in_json() -> None:
    async with new_akua() as world:
        for content, kind, status in (
            (b"{", "application/json", 400),
            (b'{"name": NaN}', "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b'{"name": "eu"}', "text/plain", 400),
            (b"[]", "application/json", 422),
            (b"", "application/json", 422),
            (b'"' + b"x" * (1 << 20) + b'"', "application/json", 413),
        ):
            response = await world.call("POST", "/regions", content=content, headers={"Content-Type": kind})
            assert response.status_code == status, content[:20]
        assert len(world.truth("regions")) == 1


async def test_a_body_where_none_belongs_is_refused_unless_it_is_empty() -> None:
    async with new_akua(installs=1) as world:
        operation = await world.begin()
        path = f"/operations/{operation['id']}:wait?timeout=1"
        world.later(60)
        assert (await world.call("POST", path, json={})).status_code == 200
        assert (await world.call("POST", path, json={"timeout": 1})).status_code == 422


async def test_a_wait_is_of_1_to_60_seconds() -> None:
    async with new_akua() as world:
        operation = await world.begin()
        for timeout in ("0", "61", "x"):
            response = await world.call("POST", f"/operations/{operation['id']}:wait?timeout={timeout}")
            assert response.status_code == 422


async def test_the_docs_envelope_is_another() -> None:
    async with new_akua(envelope="error") as world:
        missing = await world.call("GET", "/installs/inst_x")
        assert (missing.status_code, missing.json()) == (
            404,
            {"error": {"code": "not_found", "message": "Install not found."}},
        )
        install = await world.install()
        stale = await world.call("DELETE", f"/installs/{install['id']}", headers={"If-Match": "old"})
        assert stale.status_code == 409
        assert stale.json()["error"]["code"] == "conflict"
        assert stale.json()["error"]["details"] == {"etag": install["etag"]}


_SEGMENT = st.sampled_from(
    [
        "installs",
        "clusters",
        "packages",
        "operations",
        "quotas",
        "logs",
        "renders",
        "x:wait",
        "%00",
        "..",
        "%2F",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "region_id", "sources", "package_version_pin", "initial_values", "kind"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    st.lists(_SEGMENT, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "?limit=-1", "?cursor=%ff", "?timeout=1", "?follow=false&tail=99999999999"]),
    st.none() | _JSON,
)


@given(st.lists(_REQUESTS, max_size=12))
def test_no_request_breaks_it(requests: list[tuple[str, str, str, Any]]) -> None:
    async def send() -> None:
        async with new_akua() as world:
            for method, path, query, body in requests:
                more = {} if body is None else {"json": body}
                response = await world.call(method, f"/{path}{query}", **more)
                assert response.status_code < 500 or response.status_code == 501
                assert isinstance(response.json(), dict)

    asyncio.run(send())
