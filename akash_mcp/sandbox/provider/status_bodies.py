"""The bodies that a gateway answers with: statuses of leases and services, the stored manifest, and itself.

Some parts are null, some empty, some are spelt in another case than their neighbours. Clients of akash-network/provider
have to live with that, so they have to here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from akash_mcp.sandbox.bidders import in_use
from akash_mcp.sandbox.chain import Chain
from akash_mcp.sandbox.provider.cluster import Cluster, Served
from akash_mcp.sandbox.sellers import Node


def lease_status(served: Served) -> dict[str, object]:
    """The body of `GET /lease/{dseq}/{gseq}/{oseq}/status`."""
    return {
        "services": {
            name: _service(served, name, served.ingress.uris(service) or None)
            for name, service in sorted(served.workload.services.items())
        },
        "forwarded_ports": served.ingress.forwarded_ports(),
        "ips": served.ingress.ips(),
    }


def service_status(served: Served, name: str) -> dict[str, object]:
    """The body of `GET …/service/{name}/status`. Its `uris` are those of the whole lease, for a web service."""
    services = served.workload.services
    uris = [uri for service in services.values() for uri in served.ingress.uris(service)]
    return _service(served, name, uris if served.ingress.uris(services[name]) else None)


def stored_manifest(served: Served) -> list[dict[str, object]]:
    """The body of `GET …/manifest`: one group, less what does not survive the way through the cluster."""
    services = [_stored(service.decoded) for service in served.workload.services.values()]
    return [{"name": served.workload.group, "services": services}]


def version(number: str) -> dict[str, object]:
    """The body of `GET /version` of a gateway of this version."""
    akash = {
        "name": "provider-services",
        "server_name": "provider-services",
        "version": number,
        "commit": "",
        "build_tags": "osusergo,netgo,static_build",
        "go": "go version go1.26.2 linux/amd64",
        "build_deps": [],
        "cosmos_sdk_version": "v0.53.4",
    }
    kube = {
        "major": "1",
        "minor": "33",
        "gitVersion": "v1.33.5",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2025-09-09T19:35:09Z",
        "goVersion": "go1.24.6",
        "compiler": "gc",
        "platform": "linux/amd64",
    }
    return {"akash": akash, "kube": kube}


def provider_status(cluster: Cluster, nodes: Sequence[Node], storage: dict[str, int]) -> dict[str, object]:
    """The body of `GET /status`. `storage`: bytes by class, `ephemeral` among them."""
    return {
        "cluster": {
            "leases": cluster.leases,
            "inventory": {"available": _available(cluster.chain, cluster.provider, nodes, storage)},
        },
        "bidengine": {"orders": 0},
        "manifest": {"deployments": cluster.manifests},
        "cluster_public_hostname": "localhost",
        "address": cluster.provider,
    }


def _service(served: Served, name: str, uris: list[str] | None) -> dict[str, object]:
    pods = served.workload.pods(name)
    ready = sum(pod.is_ready for pod in pods)
    return {
        "name": name,
        "available": served.workload.available(name),
        "total": len(pods),
        "uris": uris,
        "observed_generation": served.workload.generation,
        "replicas": len(pods),
        "updated_replicas": len(pods),
        "ready_replicas": ready,
        "available_replicas": ready,
    }


def _stored(service: dict[str, Any]) -> dict[str, object]:
    resources = service["resources"] | {"endpoints": None}
    expose = [
        item | {"httpOptions": {k: v for k, v in item["httpOptions"].items() if k != "proxyBufferSize"}}
        for item in service["expose"] or ()
    ]
    stored = service | {"resources": resources, "expose": expose}
    if "params" in service:
        stored["params"] = {k: v for k, v in service["params"].items() if k != "tee"}
    return stored


def _available(
    chain: Chain, provider: str, nodes: Sequence[Node], storage: dict[str, int]
) -> dict[str, object]:
    free = list(nodes)
    ephemeral = storage.get("ephemeral", 0)
    for unit in in_use(chain, provider):
        for _ in range(unit.count):
            ephemeral -= sum(volume.size for volume in unit.storage if not volume.attributes)
            for index, node in enumerate(free):
                if node.cpu >= unit.cpu and node.memory >= unit.memory and node.gpus >= unit.gpu:
                    left = replace(
                        node,
                        cpu=node.cpu - unit.cpu,
                        memory=node.memory - unit.memory,
                        gpus=node.gpus - unit.gpu,
                    )
                    free[index] = left
                    break
    share = storage.get("ephemeral", 0) // max(1, len(nodes))
    left_share = max(0, ephemeral) // max(1, len(nodes))
    return {
        "nodes": [
            {
                "name": f"node{number}",
                "allocatable": _metrics(whole, share),
                "available": _metrics(rest, left_share),
            }
            for number, (whole, rest) in enumerate(zip(nodes, free, strict=True), start=1)
        ],
        "storage": [{"class": name, "size": size} for name, size in storage.items() if name != "ephemeral"],
    }


def _metrics(node: Node, ephemeral: int) -> dict[str, int]:
    return {"cpu": node.cpu, "gpu": node.gpus, "memory": node.memory, "storage_ephemeral": ephemeral}
