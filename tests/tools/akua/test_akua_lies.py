"""What an Akua that is broken, lies or is lied to can make of an answer: never "none", never "all", never our token."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from agents import SPEED, Connect, text_of
from akua_calls import CALLS, LISTS, ids_of, install_of
from lying_proxy import LyingProxy

from akash_mcp import config
from akash_mcp.clients.akua import pages
from akash_mcp.sandbox.akua import AKUA, AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(akua_settings: config.Settings) -> config.Settings:
    """Of a person who uses Akua alone."""
    return akua_settings


@pytest.mark.parametrize("akua_options", [AkuaOptions(speed=SPEED, installs=1_000, plan="pro")])
async def test_a_thousand_installs_are_counted_and_paged(
    connect: Connect, akua: EmbeddedAkua, akua_options: AkuaOptions
) -> None:
    seen: set[str] = set()
    async with connect() as agent:
        told = await agent.call("akua_list_installs", limit=50)
        assert told["total"] == 1_000
        assert told["by_state"] == ["1000 healthy"]
        assert "incomplete" not in told
        for _ in range(3):
            seen |= {row["id"] for row in told["installs"]}
            told = await agent.call("akua_list_installs", limit=50, cursor=told["next_cursor"])
    assert len(seen) == 150


@pytest.mark.parametrize("fault", ["page-no-cursor", "page-same-cursor", "page-empty-more"])
@pytest.mark.parametrize("tool", LISTS)
async def test_a_list_that_goes_on_for_ever_ends_and_says_so(
    tool: str, fault: str, connect: Connect, akua: EmbeddedAkua
) -> None:
    field, path = LISTS[tool]
    async with connect() as agent:
        await akua.inject(fault, route=f"GET {path}")
        told = await agent.call(tool)
    assert "may be missing" in told["incomplete"]
    if fault == "page-empty-more":
        assert told[field] == []
        assert "does not mean that there is none" in told["next_step"]
    else:
        assert told[field]
    requests = akua.state()["requests"]
    assert isinstance(requests, dict)
    assert sum(requests.values()) < 20


async def test_a_page_that_is_far_too_long_is_cut_and_said(connect: Connect, akua: EmbeddedAkua) -> None:
    async with connect() as agent:
        await akua.inject("page-huge", value="3000", route="GET /installs")
        told = await agent.call("akua_list_installs")
    assert told["incomplete"]
    assert len(told["installs"]) <= 20
    assert told["total"] <= pages.MOST_RECORDS


async def test_records_that_cannot_be_read_are_told(connect: Connect, akua_proxy: LyingProxy) -> None:
    def without_ids(told: dict[str, Any]) -> dict[str, Any]:
        return told | {"data": [{**each, "id": None} for each in told["data"]]}

    akua_proxy.rewrite("GET /v1/installs", without_ids)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_list_installs")
    assert told["total"] == 0
    assert "3 records of it could not be read" in told["incomplete"]
    assert "does not mean that there is none" in told["next_step"]


@pytest.mark.parametrize("path", ["regions", "clusters/[^/]+/compute_settings"])
async def test_clusters_are_told_without_what_cannot_be_read(
    path: str, connect: Connect, akua_proxy: LyingProxy
) -> None:
    akua_proxy.refuse(f"GET /v1/{path}", 403, {"message": "Not yours."}, times=9)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_list_clusters")
    assert len(told["clusters"]) == 1
    assert "could not be read" in told["incomplete"]
    assert ("regions" in told) is (path != "regions")
    assert ("machines" in told["clusters"][0]) is (path == "regions")


async def test_only_so_many_clusters_are_asked_for_their_machines(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    def many(told: dict[str, Any]) -> dict[str, Any]:
        return told | {"data": [{**told["data"][0], "id": f"clu_{number}"} for number in range(60)]}

    akua_proxy.rewrite("GET /v1/clusters", many)
    akua_proxy.refuse(
        "GET /v1/clusters/[^/]+/compute_settings", 200, {"auto_scaling": "paused", "machines": 2}, times=99
    )
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_list_clusters")
    assert len(told["clusters"]) == 50
    assert told["not_shown"] == 10
    assert sum("machines" in row for row in told["clusters"]) == 20
    assert "Only the first 20 clusters were asked for their machines." in told["incomplete"]
    assert len([each for each in akua_proxy.requests if each.route.endswith("/compute_settings")]) == 20


@pytest.mark.parametrize("part", ["status", "pods", "renders"])
async def test_an_install_is_told_without_what_cannot_be_read(
    part: str, connect: Connect, akua_proxy: LyingProxy
) -> None:
    akua_proxy.refuse(f"GET /v1/installs/[^/]+/{part}", 503, {}, times=99)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_get_install", install_id=await install_of(agent))
    assert told["state"] == "healthy"
    assert "could not be read" in told["incomplete"]
    absent = {"status": {"resources", "health"}, "pods": {"pods"}, "renders": {"renders"}}[part]
    assert absent.isdisjoint(told)


async def test_an_install_whose_state_is_not_told_is_not_called_well(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    for route in ("GET /v1/installs/[^/]+", "GET /v1/installs/[^/]+/status"):
        akua_proxy.rewrite(route, lambda told: {**told, "state": None})
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_get_install", install_id=await install_of(agent))
    assert "state" not in told
    assert told["next_step"].startswith("How it does is not known")


async def test_an_answer_about_another_install_is_not_believed(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    akua_proxy.rewrite("GET /v1/installs/[^/]+", lambda told: {**told, "id": "inst_other"})
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        said = await agent.refused("akua_get_install", install_id=await install_of(agent))
    assert "answered with" in said


async def test_whether_a_workspace_can_be_used_is_unknown_where_it_is_not_told(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    akua_proxy.refuse("GET /v1/workspaces/[^/]+/access_state", 200, {}, times=9)
    akua_proxy.refuse("GET /v1/quotas", 403, {"error": {"message": "Not for this token."}}, times=9)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_whoami")
    assert "accessible" not in told
    assert "quotas" not in told
    assert "not known" in told["next_step"]
    assert "Its quotas could not be read" in told["incomplete"]


async def test_a_suspended_workspace_is_told_with_its_reason(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    state = {"status": "suspended", "accessible": False, "reason": "payment overdue"}
    akua_proxy.refuse("GET /v1/workspaces/[^/]+/access_state", 200, state, times=9)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_whoami")
    assert told["accessible"] is False
    assert told["access"] == "suspended: payment overdue"
    assert told["next_step"].startswith("Tell the user")


ENVELOPES: dict[str, Any] = {
    "errors": {"success": False, "errors": [{"code": 7002, "message": "Why it is."}], "result": {}},
    "error": {"error": {"code": "some_code", "message": "Why it is."}},
    "message": {"message": "Why it is."},
    "tag": {"_tag": "WhyItIs"},
    "text": "Why it is.",
    "empty": "",
}
STATUSES = {
    400: ("bad_request", "no"),
    401: ("unauthorized", "no"),
    403: ("forbidden", "no"),
    404: ("not_found", "no"),
    409: ("conflict", "no"),
    422: ("bad_request", "no"),
    429: ("rate_limited", "yes"),
    500: ("server_error", "yes"),
    501: ("server_error", "no"),
    503: ("server_error", "yes"),
}


@pytest.mark.parametrize("status", STATUSES)
async def test_each_error_is_told_by_its_status_in_whatever_envelope(
    status: int, connect: Connect, akua_proxy: LyingProxy
) -> None:
    code, retryable = STATUSES[status]
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        for envelope, body in ENVELOPES.items():
            akua_proxy.refuse(f"GET /v1/installs/{envelope}", status, body, times=99)
            said = await agent.refused("akua_get_install", install_id=envelope)
            assert said.endswith(f"code: {code} · retryable: {retryable}")
            assert "Akua" in said
            assert "No money moved." in said
            assert str(status) in said
            assert {"tag": "WhyItIs", "empty": ""}.get(envelope, "Why it is") in said


async def test_a_web_page_in_place_of_an_answer_is_told_as_what_it_is(
    connect: Connect, akua: EmbeddedAkua
) -> None:
    await akua.inject("html", route="GET /packages")
    async with connect() as agent:
        said = await agent.refused("akua_list_packages")
    assert "code: server_error" in said
    assert "<" not in said


async def test_a_revoked_token_stops_an_answer_whose_parts_it_stops(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    akua_proxy.refuse("GET /v1/installs/[^/]+/pods", 401, {"message": "revoked"}, times=9)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        said = await agent.refused("akua_get_install", install_id=await install_of(agent))
    assert "code: unauthorized" in said
    assert "AKUA_API_TOKEN" in said


_NOT_OF_READS = ("operation-", "install-", "stale-etag")
_TESTED_ELSEWHERE = {"slow", "huge-body", "log-endless", "log-giant", "429"}


@pytest.mark.parametrize(
    "fault",
    sorted(
        name for name in AKUA.texts if name not in _TESTED_ELSEWHERE and not name.startswith(_NOT_OF_READS)
    ),
)
async def test_whatever_akua_does_wrong_each_tool_answers_and_no_token_shows(
    fault: str, connect: Connect, akua: EmbeddedAkua, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connect(debug=True) as agent:
        ids = await ids_of(agent)
        await akua.inject(fault)
        said = [
            text_of(await agent.ask(tool, **{name: ids[name] for name in wanted}))
            for tool, wanted in CALLS.items()
        ]
    for text in said:
        assert "internal_error" not in text
        assert "Traceback" not in text
        assert akua.token not in text
    assert akua.token not in caplog.text


@pytest.mark.parametrize("shape", ["errors", "error"])
async def test_an_error_that_echoes_the_token_does_not_show_it(
    shape: str, connect: Connect, akua: EmbeddedAkua, akua_proxy: LyingProxy
) -> None:
    echo = f"Bearer {akua.token} is not good, nor is {akua.token[::-1]}, {akua.token.upper()}"
    body = {"errors": [{"message": echo}]} if shape == "errors" else {"error": {"message": echo}}
    akua_proxy.refuse("GET /v1/packages", 403, body, times=9)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        said = await agent.refused("akua_list_packages")
    assert akua.token not in said
    assert "is not good" in said


async def test_lists_beside_the_one_that_is_asked_for_are_not_told_as_whole_either(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    for route in ("regions", "workspaces", "installs/[^/]+/renders"):
        akua_proxy.rewrite(f"GET /v1/{route}", lambda told: {**told, "has_more": True, "next_cursor": None})
    async with connect(akua_url=f"{akua_proxy.url}/v1", akua_workspace=None) as agent:
        clusters = await agent.call("akua_list_clusters")
        install = await agent.call("akua_get_install", install_id=await install_of(agent))
    assert "The list of regions is not whole" in clusters["incomplete"]
    assert "The list of its renders is not whole" in install["incomplete"]


async def test_the_workspaces_beside_the_one_in_force_are_not_told_as_whole(
    connect: Connect, akua: EmbeddedAkua, akua_proxy: LyingProxy
) -> None:
    akua_proxy.rewrite("GET /v1/workspaces", lambda told: {**told, "has_more": True, "next_cursor": None})
    async with connect(akua_url=f"{akua_proxy.url}/v1", akua_workspace=akua.workspace_id) as agent:
        told = await agent.call("akua_whoami")
    assert "The list of workspaces is not whole" in told["incomplete"]
    assert told["others"] == []


async def test_installs_that_do_not_say_where_they_are_may_be_on_the_cluster(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    def unplaced(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "data": [{**told["data"][0], "cluster_id": None}, *told["data"][1:]]}

    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        cluster = (await agent.call("akua_list_clusters"))["clusters"][0]["id"]
        akua_proxy.rewrite("GET /v1/installs", unplaced)
        told = await agent.call("akua_list_installs", cluster_id=cluster)
        every = await agent.call("akua_list_installs")
    assert told["total"] == 2
    assert told["incomplete"] == "1 more do not say on which cluster they are."
    assert "incomplete" not in every
