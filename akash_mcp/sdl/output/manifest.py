"""The manifest: what a provider runs, as the text that Console returns and whose SHA-256 is on chain.

Keys are sorted, nothing is indented, and `<`, `>` and `&` are escaped as Go does it. The text that Console returned
is what counts; this one is for saying beforehand what it will be.
Source: akash-network/chain-sdk ts/src/sdl/manifest/generateManifestVersion.ts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from akash_mcp.sdl.model import Expose, Params, Profile, Sdl, Service, To
from akash_mcp.sdl.output.groups import Attribute
from akash_mcp.sdl.output.orders import Order, Resources, exposes, own_resources, sequence_numbers
from akash_mcp.sdl.yaml.javascript import json_number, locale_key, whole_number


def manifest_text(sdl: Sdl, all_orders: Sequence[Order]) -> str:
    """The manifest of `all_orders`, which are those of `sdl`."""
    sequence = sequence_numbers(sdl.services.values())
    groups = [
        {
            "name": order.placement.name,
            "services": [
                _service(
                    service,
                    sdl.deployment[service.name][order.placement.name].count,
                    own_resources(unit, service, sequence),
                    sequence,
                )
                for service, unit in order.services
            ],
        }
        for order in all_orders
    ]
    return manifest_json(groups)


def manifest_json(groups: Sequence[Mapping[str, Any]]) -> str:
    """The groups of a manifest as its text."""
    plain = json.dumps(groups, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def rough_length(sdl: Sdl) -> int:
    """About how many characters the manifest will have, found without writing it.

    It repeats a service for each placement, its resources for each service, and its host names for each `to`; so a
    small SDL can stand for a manifest of any size.
    """
    profiles = {name: _rough_resources(profile) for name, profile in sdl.profiles.items()}
    total = 0
    for name, service in sdl.services.items():
        texts = (*service.env, *service.command, *service.args, service.image, *service.mounts)
        once = 500 + sum(len(each) + 60 for each in texts)
        for expose in service.expose:
            cases = len(expose.http_options.get("next_cases", ()))
            once += len(expose.to) * (400 + 10 * cases + sum(len(host) + 3 for host in expose.accept))
        total += sum(once + profiles[placed.profile] for placed in sdl.deployment[name].values())
    return total


def _rough_resources(profile: Profile) -> int:
    models = (profile.gpu.models or ()) if profile.gpu else ()
    names = (*(volume.name or "" for volume in profile.storage), *(model.model or "" for model in models))
    return sum(150 + len(name) for name in names) + len(str(profile.cpu_attributes))


def sha256_hex(manifest: str) -> str:
    """What the chain keeps of a manifest, in hex."""
    return hashlib.sha256(manifest.encode()).hexdigest()


def _service(
    service: Service, count: int, resources: Resources, sequence: Mapping[str, int]
) -> dict[str, Any]:
    credentials = service.credentials
    written: dict[str, Any] = {
        "name": service.name,
        "image": service.image,
        "command": list(service.command) or None,
        "args": list(service.args) or None,
        "env": list(service.env) or None,
        "resources": _resources(resources),
        "count": json_number(count),
        "expose": [_expose(expose, to, sequence) for expose, to in exposes(service)],
        "credentials": credentials and {key: credentials.get(key, "") for key in _CREDENTIALS},
    }
    if service.params is not None:
        written["params"] = _params(service.params)
    return written


_CREDENTIALS = ("host", "email", "username", "password")


def _params(params: Params) -> dict[str, Any]:
    storage = [
        {"name": name, "mount": mount.path, "readOnly": mount.read_only}
        for name, mount in sorted(params.storage.items(), key=lambda item: locale_key(item[0]))
    ]
    written: dict[str, Any] = {"storage": storage or None}
    if params.permissions is not None:
        written["permissions"] = {"read": params.permissions.get("read", [])}
    if params.tee:
        written["tee"] = {"type": params.tee, "attestation": True}
    return written


def _expose(expose: Expose, to: To, sequence: Mapping[str, int]) -> dict[str, Any]:
    options = expose.http_options
    http: dict[str, Any] = {
        "maxBodySize": int(options.get("max_body_size", 1048576)),
        "readTimeout": int(options.get("read_timeout", 60000)),
        "sendTimeout": int(options.get("send_timeout", 60000)),
        "nextTries": _number(options.get("next_tries", 3)),
        "nextTimeout": _number(options.get("next_timeout", 0)),
        "nextCases": options.get("next_cases", ["error", "timeout"]),
    }
    if buffer := int(options.get("proxy_buffer_size", 0)):
        http["proxyBufferSize"] = buffer
    return {
        "port": expose.port,
        "externalPort": expose.outside,
        "proto": expose.proto,
        "service": to.service,
        "global": to.is_global,
        "hosts": list(expose.accept) or None,
        "httpOptions": http,
        "ip": to.ip,
        "endpointSequenceNumber": sequence.get(to.ip, 0),
    }


def _number(option: float) -> int | float | None:
    return option if isinstance(option, int) else json_number(whole_number(option))


def _resources(resources: Resources) -> dict[str, Any]:
    return {
        "id": resources.id,
        "cpu": {"units": {"val": resources.cpu}} | _attributes(resources.cpu_attributes),
        "memory": {"size": {"val": resources.memory}},
        "storage": [
            {"name": volume.name, "size": {"val": volume.size}} | _attributes(volume.attributes)
            for volume in resources.storage
        ]
        or None,
        "gpu": {"units": {"val": resources.gpu}} | _attributes(resources.gpu_attributes),
        "endpoints": [
            {"sequence_number": each.sequence_number} | ({"kind": each.kind} if each.kind else {})
            for each in resources.endpoints
        ],
    }


def _attributes(attributes: Sequence[Attribute]) -> dict[str, Any]:
    return (
        {"attributes": [{"key": each.key, "value": each.value} for each in attributes]} if attributes else {}
    )
