"""A provider behind its gateway: the manifests it was sent, the leases it serves, and what runs for them."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Chain, Deployment, Lease
from akash_mcp.sandbox.provider.ingress import Ingress
from akash_mcp.sandbox.provider.manifest import Manifest, Undecodable, decode
from akash_mcp.sandbox.provider.monitor import Monitor
from akash_mcp.sandbox.provider.validation import ManifestRefused, check_against_groups, check_structure
from akash_mcp.sandbox.provider.workload import LeaseKey, Workload

MANIFEST_TIMEOUT_SECONDS = 300
"""How long a provider waits for a first manifest before it closes the lease, in simulated seconds."""

OTHERS_DOMAIN = "taken.example"
"""Every host of this domain belongs to another tenant of every provider."""


@dataclass(frozen=True)
class Served:
    """A lease that is served: what runs for it, how it is reached, and the watch that is kept over it."""

    workload: Workload
    ingress: Ingress
    monitor: Monitor


class Cluster:
    """The leases of one provider. Needs a running event loop, since web services really listen."""

    def __init__(self, chain: Chain, provider: str, host: str) -> None:
        self.chain = chain
        self.provider = provider
        self._host = host
        self._manifests: dict[tuple[str, str], Manifest] = {}
        self._asked: set[tuple[str, str]] = set()
        self._running: dict[LeaseKey, Served] = {}
        self._ended: list[Ingress] = []
        chain.on_lease_created.append(self._lease_created)
        chain.on_lease_closed.append(self._lease_closed)

    async def close(self) -> None:
        """Stop everything and forget the chain."""
        self.chain.on_lease_created.remove(self._lease_created)
        self.chain.on_lease_closed.remove(self._lease_closed)
        for key in list(self._running):
            self._stop(key)
        for ingress in self._ended:
            await ingress.wait_closed()

    @property
    def leases(self) -> int:
        """How many leases it serves."""
        return len(self._running)

    @property
    def manifests(self) -> int:
        """How many deployments it holds a manifest of."""
        return len(self._manifests)

    def served(self, key: LeaseKey) -> Served | None:
        """What runs for the lease, None where nothing does. Its objects may not be created yet."""
        self.chain.schedule.catch_up()  # the lease may have ended by now
        return self._running.get(key)

    def receive(self, owner: str, dseq: str, body: bytes) -> None:
        """Take a manifest and deploy it for every lease it is for. Raises `ManifestRefused`.

        The order of the checks is the provider's: form, hash, groups, hostnames, and only then the lease. A
        manifest that merely came before its lease is kept and deployed when the lease begins.
        """
        try:
            manifest = decode(body)
        except Undecodable as error:
            raise ManifestRefused(422, str(error)) from error
        deployment = self.chain.deployment(owner, dseq)
        self._asked.add((owner, dseq))
        if deployment is None:
            raise ManifestRefused(
                500, "rpc error: code = NotFound desc = Deployment not found: key not found"
            )
        check_structure(manifest)
        if manifest.version != deployment.version:
            raise ManifestRefused(422, "manifest version validation failed")
        check_against_groups(manifest, deployment.groups)
        self._check_hostnames(owner, manifest)
        self._manifests[owner, dseq] = manifest
        leases = [lease for lease in deployment.leases if self._is_ours(lease)]
        if not leases:
            raise ManifestRefused(404, "no lease for deployment")
        for lease in leases:
            self._deploy(deployment, lease, manifest)

    def _is_ours(self, lease: Lease) -> bool:
        return lease.provider == self.provider and lease.state == "active"

    def _check_hostnames(self, owner: str, manifest: Manifest) -> None:
        wanted = _hostnames(manifest)
        taken = {host for host in wanted if f".{host}".endswith(f".{OTHERS_DOMAIN}")}
        for (holder, _), other in self._manifests.items():
            if holder != owner:
                taken |= wanted & _hostnames(other)
        if taken:
            raise ManifestRefused(500, f'hostname not allowed: host "{min(taken)}" in use')

    def _deploy(self, deployment: Deployment, lease: Lease, manifest: Manifest) -> None:
        name = deployment.groups[lease.gseq - 1].name
        group = next(group for group in manifest.groups if group.name == name)
        key = _key(deployment.owner, lease)
        if key in self._running:
            self._running[key].workload.update(group)
            self._running[key].ingress.refresh()
            self._running[key].monitor.restart()
        else:
            workload = Workload(key, group, self.chain.clock)
            monitor = Monitor(workload, self.chain.schedule, lambda: self._unstable(deployment.owner, lease))
            self._running[key] = Served(workload, Ingress(self._host, workload), monitor)

    def _lease_created(self, owner: str, lease: Lease) -> None:
        if lease.provider != self.provider:
            return
        self.chain.schedule.after(MANIFEST_TIMEOUT_SECONDS, lambda: self._give_up(owner, lease))
        deployment = self.chain.deployments[owner, lease.dseq]
        manifest = self._manifests.get((owner, lease.dseq))
        if manifest is not None and manifest.version == deployment.version:
            self._deploy(deployment, lease, manifest)

    def _give_up(self, owner: str, lease: Lease) -> None:
        if (owner, lease.dseq) not in self._asked:
            transactions.close_lease(self.chain, owner, lease, reason="lease_closed_reason_manifest_timeout")

    def _unstable(self, owner: str, lease: Lease) -> None:
        transactions.close_lease(self.chain, owner, lease, reason="lease_closed_reason_unstable")

    def _lease_closed(self, owner: str, lease: Lease) -> None:
        if lease.provider == self.provider:
            self._stop(_key(owner, lease))
            deployment = self.chain.deployments[owner, lease.dseq]
            if not any(self._is_ours(other) for other in deployment.leases):
                self._manifests.pop((owner, lease.dseq), None)

    def _stop(self, key: LeaseKey) -> None:
        served = self._running.pop(key, None)
        if served is not None:
            served.monitor.stop()
            served.workload.close()
            served.ingress.close()
            self._ended.append(served.ingress)


def _key(owner: str, lease: Lease) -> LeaseKey:
    return LeaseKey(owner, lease.dseq, lease.gseq, lease.oseq, lease.provider)


def _hostnames(manifest: Manifest) -> set[str]:
    return {
        host
        for group in manifest.groups
        for service in group.services
        for expose in service.expose
        for host in expose.hosts
    }
