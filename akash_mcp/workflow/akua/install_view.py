"""One install as a whole: its state, its resources, pods and renders, the cluster below it, and what works on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from akash_mcp.clients.akua.models import Cluster, Install, InstallStatus, Operation, Pod, Render
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.workflow.akua.parts import reading

_MOST_RENDERS = 100
_MOST_OPERATIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallView:
    """An install, and what is known around it. What is None could not be read; `problems` says what that is.

    `renders`: newest first. `operation`: the newest one, with its steps, where it did not end well or not yet.
    """

    install: Install
    status: InstallStatus | None
    pods: list[Pod] | None
    renders: list[Render] | None
    cluster: Cluster | None
    operation: Operation | None
    problems: list[str]

    @property
    def state(self) -> str | None:
        """Its state in lower case. Its status is newer than the record, and the record stands in for it."""
        said = (self.status.state if self.status else None) or self.install.state
        return said.lower() if said else None


async def view_install(reader: AkuaReader, install_id: str) -> InstallView:
    """Read all that. Raises `AkashError` where the install itself could not be read."""
    install = await reader.install(install_id)
    async with reading() as parts:
        status = parts.read("Its status", partial(reader.install_status, install.id))
        pods = parts.read("The list of its pods", partial(reader.pods, install.id))
        renders = parts.read("The list of its renders", partial(reader.renders, install.id, _MOST_RENDERS))
        operation = parts.read("What works on it", partial(_operation, reader, install.id))
        cluster = (
            parts.read("Its cluster", partial(reader.cluster, install.cluster_id))
            if install.cluster_id
            else None
        )
    problems = parts.problems
    if renders.value is not None and not renders.value.is_whole:
        problems.append(f"The list of its renders is not whole: {renders.value.problem}")
    return InstallView(
        install=install,
        status=status.value,
        pods=pods.value,
        renders=None if renders.value is None else _newest_first(renders.value.records),
        cluster=cluster.value if cluster else None,
        operation=operation.value,
        problems=problems,
    )


def _newest_first(renders: list[Render]) -> list[Render]:
    """Akua does not say in which order it lists them."""
    return sorted(renders, key=lambda each: each.created_at or 0.0, reverse=True)


async def _operation(reader: AkuaReader, install_id: str) -> Operation | None:
    """The newest operation of an install, unless it succeeded. Only by itself does one come with its steps."""
    listing = await reader.operations("install", install_id, _MOST_OPERATIONS)
    newest = max(listing.records, key=lambda each: each.started_at or 0.0, default=None)
    if newest is None or newest.succeeded:
        return None
    return await reader.operation(newest.id)
