"""What a provider refuses in a manifest before it deploys anything: the expensive rules, since a lease then exists.

Rules and texts are those of akash-network/chain-sdk `manifest/v2beta3` and akash-network/provider `manifest`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from akash_mcp.sandbox.provider.manifest import Group, Manifest, Service
from akash_mcp.sdl import Attribute, GroupSpec, ResourceUnit

_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_HOSTNAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class ManifestRefused(Exception):
    """A manifest that the provider turns away, with the HTTP `status` and `message` that it answers."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def check_structure(manifest: Manifest) -> None:
    """Judge the manifest by itself. Raises `ManifestRefused`."""
    if not manifest.groups:
        raise _invalid("manifest is empty")
    services = [service for group in manifest.groups for service in group.services]
    for group in manifest.groups:
        if not group.services:
            raise _invalid(f'group "{group.name}" contains no services')
    for service in services:
        _check_service(service)
    if not any(expose.is_global for service in services for expose in service.expose):
        raise _invalid("zero global services")
    seen: set[str] = set()
    for service in services:
        for host in (host for expose in service.expose for host in expose.hosts):
            if host in seen:
                raise _invalid(
                    f'service "{service.name}": hostname "{host}" is duplicated, this is not allowed'
                )
            seen.add(host)


def check_against_groups(manifest: Manifest, specs: Iterable[GroupSpec]) -> None:
    """Judge the manifest by what the deployment ordered on chain. Raises `ManifestRefused`."""
    by_name = {spec.name: spec for spec in specs}
    if len(manifest.groups) != len(by_name):
        # These texts lack the type that the gateway maps to 422, so they escape as 500.
        raise ManifestRefused(
            500, f"invalid manifest: group count mismatch: {len(manifest.groups)} != {len(by_name)}"
        )
    for group in manifest.groups:
        if group.name not in by_name:
            raise ManifestRefused(500, f'invalid manifest: unknown deployment group ("{group.name}")')
        _check_group(group, by_name[group.name])


def _check_service(service: Service) -> None:
    if not _SERVICE_NAME.fullmatch(service.name):
        raise _invalid(f'service "{service.name}" name is invalid')
    if not service.image:
        raise _invalid(f'service "{service.name}" has empty image name')
    if not service.decoded["resources"].get("storage"):
        raise ManifestRefused(500, "storage must not be nil")
    for variable in service.env:
        name = variable.partition("=")[0]
        if not _ENV_NAME.fullmatch(name) or name in (".", ".."):
            raise _invalid(f'service "{service.name}" defines an env. var. with an invalid name "{name}"')
    for expose in service.expose:
        if not 1 <= expose.port <= 65535 or expose.external_port > 65535:
            raise _invalid(f'service "{service.name}" port value is invalid')
        if expose.proto not in ("TCP", "UDP"):
            raise _invalid(f'service "{service.name}" protocol "{expose.proto}" unknown')
        for host in expose.hosts:
            if len(host) > 253 or not _HOSTNAME.fullmatch(host):
                raise _invalid(f'service "{service.name}": has invalid hostname "{host}"')


def _check_group(group: Group, spec: GroupSpec) -> None:
    units = {unit.id: unit for unit in spec.resources}
    replicas: Counter[int] = Counter()
    endpoints: defaultdict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
    for service in group.services:
        resources = service.decoded["resources"]
        unit = units.get(resources["id"])
        if unit is None:
            raise _mismatch(
                group,
                f'service "{service.name}": not found deployment group resources with ID = {resources["id"]}',
            )
        if _of_manifest(resources) != _of_chain(unit):
            raise _mismatch(
                group, f'service "{service.name}": resources do not match those of ID = {unit.id}'
            )
        replicas[unit.id] += service.count
        endpoints[unit.id].update(
            (endpoint.get("kind", 0), endpoint["sequence_number"])
            for endpoint in resources["endpoints"] or ()
        )
    for unit in spec.resources:
        if replicas[unit.id] != unit.count:
            direction = "over" if replicas[unit.id] > unit.count else "under"
            raise _mismatch(
                group,
                f"resources ID {unit.id}: {direction}-utilized replicas "
                f"({replicas[unit.id]}) > group spec resources count ({unit.count})",
            )
        if endpoints[unit.id] != Counter((e.kind, e.sequence_number) for e in unit.endpoints):
            raise _mismatch(group, f"resources ID {unit.id}: mismatch of endpoints")


def _of_manifest(resources: dict[str, Any]) -> tuple[object, ...]:
    def part(name: str, amount: str) -> tuple[int, dict[str, str]]:
        value = resources.get(name) or {amount: {"val": "0"}}
        return int(value[amount]["val"]), _pairs(value.get("attributes"))

    volumes = {
        v["name"]: (int(v["size"]["val"]), _pairs(v.get("attributes")))
        for v in resources.get("storage") or ()
    }
    memory, _ = part("memory", "size")
    return part("cpu", "units"), memory, part("gpu", "units"), volumes


def _of_chain(unit: ResourceUnit) -> tuple[object, ...]:
    volumes = {volume.name: (volume.size, _chain_pairs(volume.attributes)) for volume in unit.storage}
    cpu = unit.cpu, _chain_pairs(unit.cpu_attributes)
    return cpu, unit.memory, (unit.gpu, _chain_pairs(unit.gpu_attributes)), volumes


def _pairs(attributes: list[dict[str, str]] | None) -> dict[str, str]:
    return {attribute["key"]: attribute.get("value", "") for attribute in attributes or ()}


def _chain_pairs(attributes: tuple[Attribute, ...]) -> dict[str, str]:
    return {attribute.key: attribute.value for attribute in attributes}


def _invalid(what: str) -> ManifestRefused:
    return ManifestRefused(422, f"invalid manifest: {what}")


def _mismatch(group: Group, what: str) -> ManifestRefused:
    return ManifestRefused(422, f'manifest cross-validation error: group "{group.name}": {what}')
