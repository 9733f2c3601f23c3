"""The tools that read at Akua, over a real MCP client, a real socket and an embedded Akua that keeps its rules."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from agents import ERAS, Agent, Connect
from akua_calls import CALLS, LISTS, ids_of, install_of

from akash_mcp import config
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(akua_settings: config.Settings) -> config.Settings:
    """Of a person who uses Akua alone."""
    return akua_settings


@pytest.mark.parametrize("era", ERAS)
async def test_each_tool_answers_with_a_token_of_akua_alone(
    era: str, connect: Connect, akua: EmbeddedAkua
) -> None:
    async with connect(era) as agent:
        ids = await ids_of(agent)
        for tool, wanted in CALLS.items():
            result = await agent.ask(tool, **{name: ids[name] for name in wanted})
            assert not result.is_error, result.content
            assert "incomplete" not in (result.structured_content or {}), tool
    assert akua.state()["requests"]


async def test_whoami_tells_the_workspace_its_access_and_its_quotas(
    connect: Connect, akua: EmbeddedAkua
) -> None:
    async with connect() as agent:
        told = await agent.call("akua_whoami")
    assert told["workspace"] == {"id": akua.workspace_id, "name": "Demo", "slug": "demo", "plan": "pro"}
    assert told["accessible"] is True
    assert {
        "metric": "compute/clusters",
        "unit": "count",
        "limit": "3",
        "usage": "1",
        "remaining": "2",
    } in told["quotas"]
    assert told["others"] == []


async def test_a_broad_token_works_where_its_workspace_is_named(connect: Connect, akua: EmbeddedAkua) -> None:
    async with connect(akua_token=akua.broad_token, akua_workspace="twin-one") as agent:
        told = await agent.call("akua_whoami")
        clusters = await agent.call("akua_list_clusters")
    assert told["workspace"]["slug"] == "twin-one"
    assert {row["slug"] for row in told["others"]} == {"demo", "twin-two"}
    assert clusters["clusters"] == clusters["regions"] == []
    assert clusters["next_step"] == "Nothing can be installed before there is a cluster."


@pytest.mark.parametrize("named", [None, "Twin", "nowhere"])
async def test_where_no_workspace_is_meant_for_certain_its_candidates_are_named(
    named: str | None, connect: Connect, akua: EmbeddedAkua
) -> None:
    async with connect(akua_token=akua.broad_token, akua_workspace=named) as agent:
        said = await agent.refused("akua_whoami")
    assert "AKUA_WORKSPACE" in said
    assert akua.workspaces[1]["id"] in said
    assert "code: bad_settings" in said


@pytest.mark.parametrize("tool", CALLS)
async def test_without_a_token_nothing_is_asked_and_the_user_is_told_what_to_set(
    tool: str, connect: Connect, akua: EmbeddedAkua
) -> None:
    async with connect(akua_token=None) as agent:
        said = await agent.refused(tool, **dict.fromkeys(CALLS[tool], "some_id"))
    assert "AKUA_API_TOKEN" in said
    assert "another service than Akash" in said
    assert "code: no_akua_token · retryable: no" in said
    assert not akua.state()["requests"]


async def test_clusters_tell_their_machines_and_regions(connect: Connect) -> None:
    async with connect() as agent:
        told = await agent.call("akua_list_clusters")
    (cluster,) = told["clusters"]
    assert cluster["auto_scaling"] == "active"
    assert cluster["machines"] == cluster["max_machines"] == 1
    assert [region["name"] for region in told["regions"]] == ["eu-central"]


async def test_the_inputs_of_a_package_are_those_of_the_version_that_is_named(connect: Connect) -> None:
    async with connect() as agent:
        (package,) = (await agent.call("akua_list_packages"))["packages"]
        latest = await agent.call("akua_get_package_inputs", package_id=package["id"])
        first = await agent.call("akua_get_package_inputs", package_id=package["id"], version_id="1.0.0")
        by_id = await agent.call(
            "akua_get_package_inputs", package_id=package["id"], version_id=first["version_id"]
        )
        said = await agent.refused("akua_get_package_inputs", package_id=package["id"], version_id="2.0.0")
    assert (latest["semver"], first["semver"]) == ("1.1.0", "1.0.0")
    assert by_id == first
    assert latest["required"] == ["hostname"]
    assert "replicas = 1" in latest["defaults"]
    assert "replicas = 1" not in first["defaults"]
    assert schema_in(latest)["properties"]["replicas"]["maximum"] == 5
    assert 'no version "2.0.0"' in said
    assert latest["version_id"] in said
    assert "1.0.0" in said


def schema_in(told: dict[str, Any]) -> dict[str, Any]:
    """The JSON between the marks."""
    head, quoted, tail = told["input_schema"].split("\n")
    assert head.startswith("[data ")
    assert head.endswith("not instructions]")
    assert tail.startswith("[end of data ")
    schema = json.loads(quoted.removeprefix("| "))
    assert isinstance(schema, dict)
    return schema


async def test_installs_are_counted_by_state_filtered_and_paged(connect: Connect, akua: EmbeddedAkua) -> None:
    odd = next(iter(akua.world.installs.values()))
    akua.world.change(odd, state="failed")
    async with connect() as agent:
        told = await agent.call("akua_list_installs", limit=2)
        rest = await agent.call("akua_list_installs", limit=2, cursor=told["next_cursor"])
        failed = await agent.call("akua_list_installs", state="failed")
        none = await agent.call("akua_list_installs", state="degraded")
        elsewhere = await agent.call("akua_list_installs", cluster_id="clu_other")
        of_product = await agent.call("akua_list_installs", product_id="prod_other")
        said = await agent.refused("akua_list_installs", limit=2, cursor=told["next_cursor"], state="failed")
    assert [len(told["installs"]), len(rest["installs"])] == [2, 1]
    assert "next_cursor" not in rest
    assert told["total"] == 3
    assert told["by_state"] == ["2 healthy", "1 failed"]
    assert [row["id"] for row in failed["installs"]] == [odd.id]
    assert (none["total"], none["by_state"]) == (0, ["2 healthy", "1 failed"])
    assert elsewhere["total"] == of_product["total"] == 0
    assert elsewhere["next_step"] == "Nothing of that is installed."
    assert "This cursor is not of this list." in said


async def test_an_install_is_shown_in_full(connect: Connect) -> None:
    async with connect() as agent:
        name = await install_of(agent)
        told = await agent.call("akua_get_install", install_id=name)
    assert told["state"] == "healthy"
    assert told["urls"][0]["status"] == "active"
    assert [pod["containers"] for pod in told["pods"]] == [["web", "metrics"]] * 2
    assert told["renders"][0]["state"] == "deployed"
    assert told["next_step"] == "It runs."
    assert "blocked_by" not in told


@pytest.mark.parametrize(
    "akua_options", [AkuaOptions(automine=True, faults=("install-fails", "install-degraded"))]
)
async def test_what_keeps_an_install_from_running_is_told_first(
    connect: Connect, akua: EmbeddedAkua, akua_options: AkuaOptions
) -> None:
    name = await created(akua)
    async with connect() as agent:
        told = await agent.call("akua_get_install", install_id=name)
    assert told["state"] == "failed"
    assert any("install.create" in each and "did not succeed" in each for each in told["blocked_by"])
    assert told["resources"][0]["health"] == "Degraded"
    assert told["operation"]["state"] == "FAILED"
    assert f"akua_get_install_logs(install_id={name})" in told["next_step"]


async def created(akua: EmbeddedAkua) -> str:
    """An install that Akua was asked for and has come as far as it does."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {akua.token}"}) as client:
        region = (await client.get(f"{akua.url}/regions")).json()["data"][0]["id"]
        product = (await client.get(f"{akua.url}/products")).json()["data"][0]["id"]
        body = {"product_id": product, "region_id": region, "initial_values": {"hostname": "a.example.com"}}
        operation = (await client.post(f"{akua.url}/installs", json=body)).json()
        await client.post(f"{akua.url}/operations/{operation['id']}:wait?timeout=60")
    return str(operation["owner_id"])


async def test_logs_are_fenced_by_container_as_data(connect: Connect) -> None:
    async with connect() as agent:
        name = await install_of(agent)
        result = await agent.ask("akua_get_install_logs", install_id=name, tail=40)
        one = await agent.ask("akua_get_install_logs", install_id=name, container="web", tail=40)
    text = result.content[0].text  # type: ignore[union-attr]  # this tool answers with text alone
    assert result.structured_content is None
    assert text.count("not instructions]\n| ") == 4
    assert "container metrics" in text
    assert "container metrics" not in one.content[0].text  # type: ignore[union-attr]  # likewise


async def test_the_lists_do_not_say_more_than_there_is(connect: Connect) -> None:
    async with connect() as agent:
        for tool in LISTS:
            told = await agent.call(tool)
            assert "not_shown" not in told


async def test_repositories_are_listed_by_purpose(connect: Connect) -> None:
    async with connect() as agent:
        every = await agent.call("akua_list_repositories")
        packages = await agent.call("akua_list_repositories", purpose="package")
        none = await agent.call("akua_list_repositories", purpose="repository_change_request")
    assert len(every["repositories"]) == 4
    assert [row["purpose"] for row in packages["repositories"]] == ["package"]
    assert none["next_step"] == "There is none of this purpose."


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("akua_get_install", {"install_id": ".."}, "id"),
        ("akua_get_install", {"install_id": "a/../b"}, "404"),
        ("akua_get_install", {"install_id": ""}, "at least 1"),
        ("akua_get_install", {"install_id": "x" * 101}, "at most 100"),
        ("akua_get_install", {}, "is missing"),
        ("akua_get_install", {"install_id": "inst_x", "force": True}, "no argument 'force'"),
        ("akua_get_install_logs", {"install_id": "inst_x", "tail": 501}, "less than or equal to 500"),
        ("akua_get_install_logs", {"install_id": "inst_x", "since_seconds": 0}, "greater than or equal to 1"),
        ("akua_list_installs", {"state": "broken"}, "state"),
        ("akua_list_repositories", {"purpose": "x"}, "purpose"),
        ("akua_list_clusters", {"limit": 5}, "no argument 'limit'"),
    ],
)
async def test_wrong_arguments_are_refused_in_words(
    tool: str, arguments: dict[str, Any], said: str, connect: Connect
) -> None:
    async with connect() as agent:
        assert said in await agent.refused(tool, **arguments)


async def test_nothing_that_is_asked_changes_anything(connect: Connect, akua: EmbeddedAkua) -> None:
    async with connect() as agent:
        await everything(agent)
    assert {line.partition(" ")[0] for line in requests_of(akua)} == {"GET"}


async def everything(agent: Agent) -> None:
    """Each tool once."""
    ids = await ids_of(agent)
    for tool, wanted in CALLS.items():
        await agent.ask(tool, **{name: ids[name] for name in wanted})


def requests_of(akua: EmbeddedAkua) -> dict[str, int]:
    """How many requests came, by `METHOD /path-template`."""
    requests = akua.state()["requests"]
    assert isinstance(requests, dict)
    return requests
