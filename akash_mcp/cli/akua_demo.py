"""`akash-mcp demo --akua`: the life of an install at Akua, end to end, over a real MCP client, with nothing of Akua's.

An embedded Akua runs here; the server runs as its own process, with a token of Akua's and no key of Akash. What the
server says is not believed: the embedded Akua's own books are read after each step.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import anyio
import httpx2
from mcp import Client

from akash_mcp.cli.demo_client import books, call, outside, refusal, served, text
from akash_mcp.cli.demo_story import DemoFailed, Story, tell
from akash_mcp.errors import BadArgument
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
from akash_mcp.sandbox.faults import UnknownFault

REGION, CLUSTER = "lab", "demo-lab"
CHART = {
    "name": "nginx",
    "oci_repo_url": "oci://registry-1.docker.io/bitnamicharts/nginx",
    "revision": "18.1.0",
}
PACKAGE, FIRST, NEXT = "demo-web", "1.0.0", "1.1.0"
"""What the embedded Akua has to install, in the versions that it has."""
VALUES = {"hostname": "shop.example.com"}

_ONCE = {
    "cluster.create": 1,
    "package.create": 1,
    "install.create": 1,
    "install.render": 2,  # the update and the restore
    "install.delete": 1,
    "cluster.suspend": 1,
}
_PATIENCE_CALLS = 3
_WAIT_SECONDS = 40

Books = Mapping[str, Any]


def run(*, as_json: bool, speed: float, faults: tuple[str, ...] = ()) -> int:
    """Run the demo. 0 when every step was seen from outside.

    With `as_json`, stdout ends with one line: `{"ok", "cluster", "package", "install", "urls", "deleted", "seconds"}`.
    """
    try:
        akua = EmbeddedAkua(AkuaOptions(speed=speed, faults=faults, plan="pro"))  # a second cluster needs it
    except UnknownFault as error:
        raise BadArgument(f"{error}.", money="") from error
    return tell(
        lambda story: _tell(story, akua),
        title="Installing an app at an embedded Akua",
        how=f"which is another service than Akash; nothing of it is real, and it is {speed:g} times as fast",
        ending="and nothing of it was real",
        keys=("cluster", "package", "install", "urls", "deleted"),
        as_json=as_json,
    )


async def _tell(story: Story, akua: EmbeddedAkua) -> None:
    async with akua, outside(akua.control_url) as beside:
        story.step("The embedded Akua is up", f"{akua.url}, on this machine")
        story.doing("Starting the server, as a host application would")
        before = await books(beside)
        with tempfile.TemporaryDirectory(prefix="akash-mcp-demo-") as state:
            flags = ("--toolsets", "akua,akua-clusters", "--speed", f"{akua.options.speed:g}")
            variables = {"AKUA_API_TOKEN": akua.token, "AKUA_API_URL": akua.url}
            async with served(story, Path(state), flags, variables, play="Nothing of it is real") as client:
                life = _Life(story, client, beside, before)
                try:
                    await life.lead()
                finally:
                    with anyio.CancelScope(shield=True):
                        await life.end()
                await life.prove()


@dataclass
class _Life:
    """An install from its cluster to its end. `before`: the books as they were when it began."""

    story: Story
    client: Client
    outside: httpx2.AsyncClient
    before: Books
    versions: dict[str, str] = field(default_factory=dict)
    """The id of each version of the package, by its number."""

    async def lead(self) -> None:
        """Everything but its end. Raises `DemoFailed`."""
        await self._look_around()
        cluster = await self._make_cluster()
        await self._make_package()
        package = await self._choose_package()
        install = await self._install(cluster, package)
        render = await self._look(install)
        await self._change(install, NEXT, "Updated", {"version": NEXT})
        await self._change(install, FIRST, "Restored", {"restore_render_id": render})

    async def end(self) -> None:
        """Delete what is installed, and suspend the cluster: what the books have, whatever became of the rest."""
        self.story.doing("Deleting it, and reading Akua's own books")
        for install in await self._new("installs"):
            if install["state"] != "deleted":
                made = await self._do("akua_delete_install", install_id=install["id"])
                await self._expect_state("installs", install, "deleted", made)
            self.story.result["deleted"] = True
            self.story.step("Deleted, and proven: Akua's own books say so")
        for cluster in await self._new("clusters"):
            if cluster["state"] == "active":
                made = await self._do("akua_set_cluster_power", cluster_id=cluster["id"], on=False)
                await self._expect_state("clusters", cluster, "suspended", made)

    async def prove(self) -> None:
        """Compare the books of the whole life with what was asked for. Raises `DemoFailed`."""
        state = await books(self.outside)
        known = {operation["id"] for operation in self.before["operations"]}
        done = Counter(
            operation["metadata"]["type"] for operation in state["operations"] if operation["id"] not in known
        )
        if done != _ONCE:
            raise DemoFailed(f"Akua was to do {_ONCE}, and did {dict(done)}")
        regions, machines = len(await self._new("regions")), await self._new("machines")
        if regions != 1:
            raise DemoFailed(f"One region was to be made, and {regions} were")
        if any(machine["removed"] is None for machine in machines):
            raise DemoFailed(f"A machine is left: {machines}")
        self.story.step(
            "Each thing was done once, and no machine is left",
            "The cluster is suspended: no tool of this server deletes one, that is done at Akua.",
        )

    async def _look_around(self) -> None:
        self.story.doing("Asking who we are")
        me = await call(self.client, "akua_whoami")
        workspace = me["workspace"]
        if workspace["id"] != self.before["workspaces"][0]["id"] or me.get("accessible") is not True:
            raise DemoFailed(f"The token's workspace is not known to be usable: {me['next_step']}")
        quotas = {quota["metric"]: quota for quota in me.get("quotas") or ()}
        self.story.step(
            f"The token is of workspace {workspace.get('name')} ({workspace['id']})",
            ", ".join(
                f"{metric}: {quotas[metric].get('usage')} of {quotas[metric].get('limit')}"
                for metric in ("compute/clusters", "compute/machines")
                if metric in quotas
            ),
        )

    async def _make_cluster(self) -> str:
        self.story.doing("Making a cluster")
        made = await self._do("akua_create_cluster", name=CLUSTER, region=REGION)
        cluster = await self._one("clusters", made)
        region = await self._one("regions", made)
        if cluster["state"] != "active" or cluster["region_id"] != region["id"]:
            self._not_so(f"cluster {cluster['id']} is {cluster['state']}", made)
        self.story.result["cluster"] = cluster["id"]
        self.story.step(f"Cluster {cluster['id']} is there, in the new region {REGION}")
        return str(cluster["id"])

    async def _make_package(self) -> None:
        self.story.doing("Making a package of a Helm chart")
        made = await self._do("akua_create_package", **CHART)
        package = await self._one("packages", made)
        self.story.step(f"A Helm chart is package {package['id']}", CHART["oci_repo_url"])

    async def _choose_package(self) -> str:
        """The id of the package that Akua has in two versions, once its inputs are read."""
        listed = (await call(self.client, "akua_list_packages"))["packages"]
        package = next((str(each["id"]) for each in listed if each.get("name") == PACKAGE), None)
        if package is None:
            raise DemoFailed(f"Akua's package {PACKAGE} is not listed")
        for version in (FIRST, NEXT):
            inputs = await call(
                self.client, "akua_get_package_inputs", package_id=package, version_id=version
            )
            self.versions[version] = inputs["version_id"]
            if version == FIRST:
                self.story.step(
                    f"Package {PACKAGE} {FIRST} says what it takes",
                    f"required: {', '.join(inputs.get('required') or ())}; defaults: "
                    f"{', '.join(inputs.get('defaults') or ())}",
                )
        self.story.result["package"] = package
        return package

    async def _install(self, cluster: str, package: str) -> str:
        self.story.doing("Installing it, and waiting until it is healthy")
        what = {"region": REGION, "cluster_id": cluster, "package_id": package, "version": FIRST}
        said = await refusal(
            self.client, "akua_create_install", **what, values=json.dumps({"hostname": "not a host name"})
        )
        if (await books(self.outside))["requests"].get("POST /installs"):
            raise DemoFailed("Values that the package does not take were sent to Akua")
        self.story.step("Wrong values are refused before anything is sent", said.splitlines()[0])
        made = await self._do("akua_create_install", **what, values=json.dumps(VALUES))
        install = await self._one("installs", made)
        self.story.result["install"] = install["id"]
        self._expect(install, FIRST, made)
        if install["cluster_id"] != cluster or install["values"] != VALUES:
            self._not_so(f"it is on {install['cluster_id']} with {install['values']}", made)
        machines = _count(await self._new("machines"), "machine")
        self.story.step(
            f"Install {install['id']} is healthy, and Akua's own books say so",
            f"{machines} came with it, which Akua would bill",
        )
        return str(install["id"])

    async def _look(self, install: str) -> str:
        """Everything that can be seen of a running install. Returns the render that can be restored later."""
        shown = await call(self.client, "akua_get_install", install_id=install)
        if shown.get("state") != "healthy" or not shown.get("renders"):
            raise DemoFailed(f"It is not shown as it is: {shown.get('state')}, {shown['next_step']}")
        self.story.result["urls"] = [url["url"] for url in shown.get("urls") or ()]
        self.story.step(
            f"It has {_count(shown.get('resources'), 'resource')} and {_count(shown.get('pods'), 'pod')}",
            f"at {', '.join(self.story.result['urls'])}, where nothing answers here",
        )
        logs = await text(self.client, "akua_get_install_logs", install_id=install, container="web", tail=3)
        if "[data " not in logs:
            raise DemoFailed(f"There are no logs: {logs}")
        self.story.step("Its logs, fenced as other people's words", logs)
        return str(shown["renders"][0]["id"])

    async def _change(self, install: str, version: str, how: str, to: Mapping[str, str]) -> None:
        self.story.doing("Changing what it runs")
        made = await self._do("akua_update_install", install_id=install, **to)
        changed = await self._one("installs", made)
        self._expect(changed, version, made)
        self.story.step(f"{how} to {version}, and healthy", f"{len(changed['renders'])} renders so far")

    async def _do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool came to that makes, changes or deletes something, waited for where it was pending."""
        answer = await call(self.client, tool, **arguments)
        for _ in range(_PATIENCE_CALLS):
            if answer["status"] != "pending":
                return answer
            self.story.aside(answer["summary"])
            shown = await call(
                self.client, "akua_get_operation", operation_id=answer["op_id"], wait_s=_WAIT_SECONDS
            )
            if shown.get("done"):
                return {**answer, **shown}
        raise DemoFailed(f"{tool} does not come to an end: {answer['summary']}")

    async def _new(self, kind: str) -> list[dict[str, Any]]:
        """What the books have now, and did not have when it began."""
        known = {each["id"] for each in self.before[kind]}
        return [each for each in (await books(self.outside))[kind] if each["id"] not in known]

    async def _one(self, kind: str, made: Mapping[str, Any]) -> dict[str, Any]:
        """The one thing of a kind that was made, by the books."""
        new = await self._new(kind)
        if len(new) != 1:
            self._not_so(f"{len(new)} {kind} were made", made)
        return new[0]

    async def _expect_state(
        self, kind: str, thing: Mapping[str, Any], state: str, made: Mapping[str, Any]
    ) -> None:
        states = {each["id"]: each["state"] for each in await self._new(kind)}
        if states[thing["id"]] != state:
            self._not_so(f"{thing['id']} is {states[thing['id']]}, not {state}", made)

    def _expect(self, install: Mapping[str, Any], version: str, made: Mapping[str, Any]) -> None:
        if install["state"] != "healthy" or install["package_version_id"] != self.versions[version]:
            self._not_so(f"install {install['id']} is {install['state']}, not healthy with {version}", made)

    def _not_so(self, truth: str, made: Mapping[str, Any]) -> NoReturn:
        reason = f" Akua says: {made['reason']}" if made.get("reason") else ""
        raise DemoFailed(f"By Akua's own books {truth}. The server says: {made['summary']}{reason}")


def _count(things: Sequence[Any] | None, noun: str) -> str:
    number = len(things or ())
    return f"{number} {noun}{'s' * (number != 1)}"
