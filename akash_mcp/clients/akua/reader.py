"""Akua's API, as far as it costs and changes nothing."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.logs import LOGS_DEADLINE, LogCollector, Logs
from akash_mcp.clients.akua.models import (
    AccessState,
    Cluster,
    ComputeSettings,
    Install,
    InstallStatus,
    Operation,
    Package,
    PackageVersion,
    Pod,
    Product,
    Quota,
    Region,
    Render,
    Repository,
    Workspace,
)
from akash_mcp.clients.akua.pages import HasId, Listing, page_of
from akash_mcp.clients.akua.paths import is_same, path_of
from akash_mcp.clients.akua.schemas import LARGEST_SCHEMA, schema_of
from akash_mcp.clients.api_model import RecordsOf
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import BadArgument, Interrupted, ServerError
from akash_mcp.sanitize.text import quoted

LONGEST_WAIT = 60
WAIT_SLACK = 10.0
"""Seconds that an answer may take beyond those that Akua waits."""
MOST_TAIL = 2000

T = TypeVar("T")
R = TypeVar("R", bound=HasId)

_LATER = ConfigDict(defer_build=True)
_QUOTAS = TypeAdapter(RecordsOf[Quota], config=_LATER)
_PODS = TypeAdapter(RecordsOf[Pod], config=_LATER)


class AkuaReader:
    """Reads of Akua's API: free, harmless, safe to repeat.

    Every method raises `MissingKey` before anything is sent without a token, `BadArgument` for an id that cannot be
    one, `NotFound` for what the workspace does not have, `ServerError` for an answer about something else, and
    otherwise what `Upstream.send` raises for a READ.
    """

    def __init__(self, client: AkuaClient) -> None:
        self._client = client

    async def workspaces(self) -> Listing[Workspace]:
        """The workspaces that the token reaches."""
        return await self._client.workspaces()

    async def workspace(self) -> Workspace:
        """The workspace that is meant. Raises as `AkuaClient.workspace` does."""
        return await self._client.workspace()

    async def access_state(self, workspace_id: str) -> AccessState:
        """Whether a workspace can be used."""
        return await self._client.read(path_of("/workspaces/{}/access_state", workspace_id), AccessState)

    async def quotas(self) -> list[Quota]:
        """What the workspace may have, and has. One that cannot be read is left out."""
        return await self._records("/quotas", _QUOTAS)

    async def regions(self) -> Listing[Region]:
        """The labels that clusters are grouped by."""
        return await self._client.read_all("/regions", Region)

    async def clusters(self) -> Listing[Cluster]:
        """The clusters, whoever runs them."""
        return await self._client.read_all("/clusters", Cluster)

    async def cluster(self, cluster_id: str) -> Cluster:
        """One cluster."""
        return await self._one("/clusters/{}", Cluster, cluster_id)

    async def compute_settings(self, cluster_id: str) -> ComputeSettings:
        """How many machines a cluster has, and may rent."""
        return await self._client.read(path_of("/clusters/{}/compute_settings", cluster_id), ComputeSettings)

    async def packages(self) -> Listing[Package]:
        """What can be installed."""
        return await self._client.read_all("/packages", Package)

    async def package(self, package_id: str) -> Package:
        """One package."""
        return await self._one("/packages/{}", Package, package_id)

    async def versions(self, package_id: str) -> Listing[PackageVersion]:
        """The versions of a package."""
        return await self._client.read_all(path_of("/packages/{}/versions", package_id), PackageVersion)

    async def version(self, package_id: str, version_id: str) -> PackageVersion:
        """One version of a package."""
        return await self._one("/packages/{}/versions/{}", PackageVersion, package_id, version_id)

    async def inputs(self, package_id: str, version_id: str) -> dict[str, Any]:
        """The JSON Schema of what an install of a version may be given, at most 512 KiB of it and 40 levels deep."""
        path = path_of("/packages/{}/versions/{}/inputs", package_id, version_id)
        return schema_of(await self._client.ask(path, largest=LARGEST_SCHEMA))

    async def products(self) -> Listing[Product]:
        """Packages as they are offered."""
        return await self._client.read_all("/products", Product)

    async def product(self, product_id: str) -> Product:
        """One product."""
        return await self._one("/products/{}", Product, product_id)

    async def installs(self, product_id: str | None = None) -> Listing[Install]:
        """What is installed, of one product or of all."""
        params = {"product_id": product_id} if product_id is not None else {}
        return await self._client.read_all("/installs", Install, params=params)

    async def install(self, install_id: str) -> Install:
        """One install."""
        return await self._one("/installs/{}", Install, install_id)

    async def install_status(self, install_id: str) -> InstallStatus:
        """How an install does, resource by resource."""
        status = await self._client.read(path_of("/installs/{}/status", install_id), InstallStatus)
        _check(install_id, status.install_id or install_id)
        return status

    async def pods(self, install_id: str) -> list[Pod]:
        """The pods of an install. One that cannot be read is left out."""
        return await self._records(path_of("/installs/{}/pods", install_id), _PODS)

    async def renders(self, install_id: str, most: int = 20) -> Listing[Render]:
        """What an install's manifests were made of, the first `most`."""
        return await self._client.read_all(path_of("/installs/{}/renders", install_id), Render, most=most)

    async def render(self, install_id: str, render_id: str) -> Render:
        """One render of an install, wherever it stands in their list."""
        return await self._one("/installs/{}/renders/{}", Render, install_id, render_id)

    async def repositories(self, purpose: str | None = None) -> Listing[Repository]:
        """Akua's git repositories, of one purpose or of all."""
        params = {"purpose": purpose} if purpose is not None else {}
        return await self._client.read_all("/repositories", Repository, params=params)

    async def operation(self, operation_id: str) -> Operation:
        """One operation, with its steps."""
        return await self._one("/operations/{}", Operation, operation_id)

    async def wait(self, operation_id: str, seconds: float) -> Operation:
        """An operation once it is over, or after so many seconds (1 to 60) as it is then: look at `is_over`."""
        timeout = max(1, min(LONGEST_WAIT, round(seconds)))
        # A POST, and still a read: it only waits.
        answer = await self._client.ask(
            path_of("/operations/{}:wait", operation_id),
            {"timeout": str(timeout)},
            method="POST",
            deadline=wait_deadline(timeout),
        )
        operation = answer.read(TypeAdapter(Operation))
        _check(operation_id, operation.id)
        return operation

    async def operations(self, owner_type: str, owner_id: str, most: int = 50) -> Listing[Operation]:
        """The newest operations of an install, a cluster or another owner, without their steps."""
        params = {"owner_type": owner_type, "owner_id": owner_id}
        return await self._client.read_all("/operations", Operation, params=params, most=most)

    async def logs(
        self,
        install_id: str,
        *,
        pod: str | None = None,
        container: str | None = None,
        tail: int = 100,
        since_seconds: int | None = None,
        deadline: Deadline = LOGS_DEADLINE,
    ) -> Logs:
        """What an install's containers wrote last: the `tail` lines (1 to 2,000) that Akua gives, 256 KiB at the most.

        Where the stream breaks off, what came of it is returned and says so. Raises only where nothing came.
        """
        if not 1 <= tail <= MOST_TAIL:
            raise BadArgument(f"A log has 1 to {MOST_TAIL} lines here, and not {tail}.")
        if since_seconds is not None and since_seconds < 1:
            raise BadArgument(f"A log goes back a second or more, and not {since_seconds}.")
        narrowed = {"pod": pod, "container": container, "since_seconds": since_seconds}
        params = {name: str(value) for name, value in narrowed.items() if value is not None}
        collector = LogCollector(self._client.clean)
        try:
            await self._client.stream(
                path_of("/installs/{}/logs", install_id),
                collector.take,
                params={"follow": "false", "tail": str(tail), **params},
                deadline=deadline,
            )
        except Interrupted as lost:
            if not collector.has_lines:
                raise
            return collector.finish(lost.what)
        return collector.finish()

    async def _one(self, template: str, shape: type[R], *ids: str) -> R:
        record = await self._client.read(path_of(template, *ids), shape)
        _check(ids[-1], record.id)
        return record

    async def _records(self, path: str, shape: TypeAdapter[list[T]]) -> list[T]:
        answer = await self._client.ask(path)
        data = page_of(answer).data
        records = shape.validate_python(data)
        if data and not records:
            raise answer.lost("none of its records can be read")
        return records


def wait_deadline(timeout: int) -> Deadline:
    """How long a wait may take of which Akua was asked that it last at most `timeout` seconds."""
    return Deadline(read=timeout + WAIT_SLACK, total=timeout + WAIT_SLACK)


def _check(asked: str, answered: str) -> None:
    """Raise `ServerError` for an answer about something else, by which nothing may be decided."""
    if not is_same(asked, answered):
        raise ServerError(
            f"Akua was asked for {quoted(asked)} and answered with {quoted(answered)}.",
            status=200,
            upstream_code="another_record",
            next_step="Ask again in a minute.",
        )
