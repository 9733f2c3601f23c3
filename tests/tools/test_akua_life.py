"""A whole life at Akua over the real client: what the person is asked is what is done, and it is done once."""

from __future__ import annotations

from typing import Any

import pytest
from agents import ERAS, SPEED, YES, Agent, Connect
from akua_world import done, requests, things

from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro")


WRITES = (
    "POST /regions",
    "POST /clusters",
    "POST /packages",
    "POST /installs",
    "POST /installs/{id}:update",
    "POST /installs/{id}:restore",
    "PATCH /clusters/{id}/compute_settings",
    "POST /clusters/{id}:suspend",
    "POST /clusters/{id}:resume",
    "DELETE /installs/{id}",
)


class Life:
    """Calls tools, and remembers what the person saw of each."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.seen = ""

    async def do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        before = len(self.agent.asked)
        answer = await self.agent.call(tool, **arguments)
        self.seen = (
            answer["summary"] if answer["status"] == "confirmation_required" else self.agent.asked[before]
        )
        assert len(self.agent.asked) <= before + 1
        return await done(self.agent, answer)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("asks", [True, False], ids=["questions", "two-step"])
async def test_a_whole_life(akua: EmbeddedAkua, at_akua: Connect, era: str, asks: bool) -> None:
    async with at_akua(era, answer=YES if asks else None) as agent:
        life = Life(agent)

        made = await life.do("akua_create_cluster", name="mine", region="lab")
        assert 'cluster "mine" in a new region "lab"' in life.seen
        assert life.seen.startswith("Cost not known.")
        assert "no limit of this server bounds it" in life.seen
        clusters = {each["id"]: each for each in things(akua, "clusters")}
        cluster = clusters[made["cluster_id"]]
        assert cluster["name"] == "mine"
        assert cluster["state"] == "active"
        assert len(clusters) == 2  # with the seeded one
        assert sorted(each["name"] for each in things(akua, "regions")) == ["eu-central", "lab"]

        made = await life.do(
            "akua_create_package", name="web", oci_repo_url="oci://charts.example/nginx", revision="18.1.0"
        )
        assert '"oci://charts.example/nginx", version "18.1.0"' in life.seen
        assert life.seen.startswith("No cost by itself.")
        assert made["package_id"] in {each["id"] for each in things(akua, "packages")}

        package = next(each for each in things(akua, "packages") if each["name"] == "demo-web")
        inputs = await agent.call("akua_get_package_inputs", package_id=package["id"], version_id=None)
        assert "hostname" in str(inputs)
        made = await life.do(
            "akua_create_install",
            region="lab",
            package_id=package["id"],
            version="1.0.0",
            cluster_id=cluster["id"],
            values={"hostname": "a.example.com", "admin_password": "correct horse"},
        )
        assert 'version "1.0.0" of package "demo-web" on cluster "mine" in region "lab"' in life.seen
        assert '"hostname" = "a.example.com"' in life.seen
        assert "correct horse" not in life.seen
        [install] = things(akua, "installs")
        assert install["id"] == made["install_id"]
        assert install["state"] == "healthy"
        assert install["cluster_id"] == cluster["id"]
        assert install["values"] == {"hostname": "a.example.com", "admin_password": "correct horse"}
        first = install["package_version_id"]
        assert len(things(akua, "machines")) == 1

        await life.do("akua_update_install", install_id=install["id"], version="latest")
        assert 'from version "1.0.0" to "1.1.0"' in life.seen
        [install] = things(akua, "installs")
        assert install["package_version_id"] == package["latest_version_id"]

        render = install["renders"][0]["id"]
        await life.do("akua_update_install", install_id=install["id"], restore_render_id=render)
        assert f'to render "{render}", which has version "1.0.0"' in life.seen
        [install] = things(akua, "installs")
        assert install["package_version_id"] == first

        await life.do("akua_set_autoscaling", cluster_id=cluster["id"], enabled=True, max_machines=3)
        assert "at most 3 machines" in life.seen
        await life.do("akua_set_cluster_power", cluster_id=cluster["id"], on=False)
        assert "all that is installed on it stops" in life.seen
        await life.do("akua_set_cluster_power", cluster_id=cluster["id"], on=True)
        assert "its machines run again" in life.seen

        await life.do("akua_delete_install", install_id=install["id"])
        assert f"Delete install {install['id']}" in life.seen
        assert "for good" in life.seen
        assert [each["state"] for each in things(akua, "installs")] == ["deleted"]
        assert {line: requests(akua, line) for line in WRITES} == dict.fromkeys(WRITES, 1)
        assert akua.state()["replays"] == {}
        assert len(agent.asked) == (9 if asks else 0)
