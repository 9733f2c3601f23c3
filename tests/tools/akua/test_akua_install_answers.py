"""What the answer about an install puts first, and which next step it names."""

from __future__ import annotations

import pytest
from agents import Connect
from akua_calls import install_of
from lying_proxy import LyingProxy

from akash_mcp import config

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(akua_settings: config.Settings) -> config.Settings:
    """Of a person who uses Akua alone."""
    return akua_settings


RESOURCES = [
    {"kind": "ConfigMap", "name": "settings", "status": "Synced"},
    {"kind": "Service", "name": "web", "status": "Synced", "health": {"status": "Healthy"}},
    {"kind": "Job", "name": "late", "status": "OutOfSync"},
    {"kind": "Deployment", "name": "web", "status": "Synced", "health": {"status": "Progressing"}},
    {"kind": "Pod", "name": "web-0", "health": {"status": "Degraded", "message": "OOMKilled"}},
    *({"kind": "Secret", "name": f"s{number}", "status": "Synced"} for number in range(30)),
]
RENDERS = [
    {"id": "rnd_old", "state": "deployed", "created_at": 1_700_000_000},
    {"id": "rnd_new", "state": "failed", "created_at": 1_800_000_000, "message": "no such value"},
    {"id": "rnd_undated", "state": "skipped"},
]


async def test_what_does_not_work_comes_first_and_what_is_new_before_what_is_old(
    connect: Connect, akua_proxy: LyingProxy
) -> None:
    status = {"state": "degraded", "resources": RESOURCES}
    akua_proxy.refuse("GET /v1/installs/[^/]+/status", 200, status, times=9)
    akua_proxy.refuse("GET /v1/installs/[^/]+/renders", 200, {"data": RENDERS, "has_more": False}, times=9)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        name = await install_of(agent)
        told = await agent.call("akua_get_install", install_id=name)
    assert told["state"] == "degraded"  # its status is newer than its record
    first = [each["resource"] for each in told["resources"][:3]]
    assert first == ["Pod web-0", "Deployment web", "Job late"]
    assert (len(told["resources"]), told["resources_not_shown"]) == (20, 15)
    assert [each["id"] for each in told["renders"]] == ["rnd_new", "rnd_old", "rnd_undated"]
    assert told["blocked_by"] == [
        'Its last render rnd_new failed: "no such value".',
        'Pod "web-0" is Degraded: "OOMKilled".',
    ]
    assert "An earlier render that was deployed can be restored." in told["next_step"]
    assert "customer" not in told


async def test_an_install_of_somebody_else_says_whose_it_is(connect: Connect, akua_proxy: LyingProxy) -> None:
    other = {"id": "ws_other", "name": "Customer Inc."}
    akua_proxy.rewrite("GET /v1/installs/[^/]+", lambda told: {**told, "customer_workspace": other})
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_get_install", install_id=await install_of(agent))
    assert told["customer"] == "Customer Inc."


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("pending", "It is on its way"),
        ("syncing", "It is on its way"),
        ("deleted", "It is deleted"),
        ("Healthy", "It runs."),
        ("exploded", "How it does is not known"),
    ],
)
async def test_the_next_step_fits_the_state(
    state: str, said: str, connect: Connect, akua_proxy: LyingProxy
) -> None:
    akua_proxy.rewrite("GET /v1/installs/[^/]+/status", lambda told: {**told, "state": state})
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_get_install", install_id=await install_of(agent))
    assert told["next_step"].startswith(said)


async def test_what_waits_for_a_person_is_told_to_one(connect: Connect, akua_proxy: LyingProxy) -> None:
    waiting = {
        "id": "op_1",
        "owner_type": "install",
        "state": "RUNNING",
        "done": False,
        "metadata": {"type": "install.create"},
        "steps": [{"name": "Approve", "status": "running", "execution_type": "approval"}],
    }
    akua_proxy.refuse("GET /v1/operations", 200, {"data": [waiting | {"steps": None}], "has_more": False})
    akua_proxy.refuse("GET /v1/operations/op_1", 200, waiting)
    async with connect(akua_url=f"{akua_proxy.url}/v1") as agent:
        told = await agent.call("akua_get_install", install_id=await install_of(agent))
    assert told["operation"] == {"id": "op_1", "kind": "install.create", "state": "RUNNING"}
    assert told["blocked_by"] == ['It waits for a person at Akua: step "Approve" of operation op_1.']
    assert told["next_step"].startswith("Tell the user")
