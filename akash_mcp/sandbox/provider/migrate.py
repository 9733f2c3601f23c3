"""Moving hostnames and leased IPs to another deployment of the same owner.

Both routes judge what they are asked in one order: the body, the list, the lease, each name. A real gateway then moves
the hostnames that were named, but every endpoint of the group, named or not, and answers with the names either way
(akash-network/provider `gateway/rest`). Here addresses belong to a lease, so there is nothing to see of the move.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from akash_mcp.sandbox.provider import go_json
from akash_mcp.sandbox.provider.cluster import Cluster
from akash_mcp.sandbox.provider.http1 import Response, error_response
from akash_mcp.sandbox.provider.manifest import Scalar, Service, Slice, Struct, Undecodable
from akash_mcp.sandbox.provider.workload import LeaseKey


@dataclass(frozen=True)
class Migration:
    """One of the two: the list in its body, what there is to move, and what it says of a name that it cannot move."""

    field: str
    names_of: Callable[[Iterable[Service]], set[str]]
    unknown: str
    failed: str


def migrate(
    cluster: Cluster, owner: str, migration: Migration, body: bytes, *, failure: str | None
) -> Response:
    """The answer to what `owner` asks for in `body`. `failure` is what keeps the cluster from moving anything."""
    kind = Struct(
        "migrateRequestBody",
        {
            migration.field: Slice(Scalar("string")),
            "destination_dseq": Scalar("uint64"),
            "destination_gseq": Scalar("uint32"),
        },
    )
    try:
        value, _ = json.JSONDecoder().raw_decode(body.decode("utf-8", errors="replace").lstrip(" \t\r\n"))
        asked: Any = kind.decode(value, "")
    except (json.JSONDecodeError, Undecodable):
        return Response(422)
    wanted: list[str] = asked[migration.field] or []
    if not wanted:
        return Response(400)
    services = _services(cluster, owner, str(asked["destination_dseq"]), asked["destination_gseq"])
    if services is None:
        return error_response(400, "destination deployment does not exist")
    known = migration.names_of(services)
    for name in wanted:
        if name not in known:
            return error_response(400, migration.unknown.format(_quoted(name)))
    if failure is not None:
        message = migration.failed.format(_quoted(wanted[0]), failure)
        return error_response(500, message) if message else Response(500)
    moved = go_json.encode({"transferred": wanted}).encode()
    return Response(200, moved, (("Content-Type", "application/json"),))


def _services(cluster: Cluster, owner: str, dseq: str, gseq: int) -> list[Service] | None:
    """What runs for the group of the deployment, None where nothing does."""
    deployment = cluster.chain.deployment(owner, dseq)
    for lease in deployment.leases if deployment else ():
        if (lease.provider, lease.gseq, lease.state) == (cluster.provider, gseq, "active"):
            served = cluster.served(LeaseKey(owner, dseq, gseq, lease.oseq, cluster.provider))
            return list(served.workload.services.values()) if served else None
    return None


def _hostnames(services: Iterable[Service]) -> set[str]:
    return {host for service in services for expose in service.expose for host in expose.hosts}


def _endpoints(services: Iterable[Service]) -> set[str]:
    return {e.ip for service in services for e in service.expose if e.is_global and e.ip}


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


HOSTNAMES = Migration(
    "hostnames_to_migrate",
    _hostnames,
    unknown="the hostname {} is not used by this deployment",
    failed="failed transferring {}: {}",
)
ENDPOINTS = Migration(
    "endpoints_to_migrate",
    _endpoints,
    unknown="the endpoint {} does not exist in the destination deployment",
    failed="",
)
