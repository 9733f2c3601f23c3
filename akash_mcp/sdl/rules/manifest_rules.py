"""What a provider cannot decode in the manifest that the Console wrote, or would hash otherwise (judge B).

A provider reads the JSON of the manifest into its own values, writes those again and compares the hash with the one on
chain. A number that its 32 bits do not hold is refused while it reads; what it writes otherwise than the Console did
is refused after that. Both happen once the lease is paid for.
Source: akash-network/chain-sdk go/manifest/v2beta3 (ServiceExposeHTTPOptions, Manifest.Version).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from akash_mcp.sdl.model import Profile, Sdl, Service
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

MAX_UINT32 = 2**32 - 1
_UNBOUNDED = ("next_tries", "next_timeout")
"""The options for which the Console's schema knows no largest number."""


def check_decodable(sdl: Sdl) -> Iterator[Fault]:
    """Numbers (P26) that no provider can read."""
    for service in sdl.services.values():
        for i, expose in enumerate(service.expose):
            for option in _UNBOUNDED:
                if expose.http_options.get(option, 0) > MAX_UINT32:
                    path: Path = ("services", service.name, "expose", i, "http_options", option)
                    message = (
                        f"{option} must be {MAX_UINT32} or less, which is the most that a provider reads"
                    )
                    yield Fault("P26", path, message, "write 0 for no limit, or leave it out", "provider")


def check_same_hash(sdl: Sdl) -> Iterator[Fault]:
    """Warnings (D06, D07) of what some provider writes otherwise, so that its hash is not the one on chain."""
    for profile in _used(sdl):
        at: Path = ("profiles", "compute", profile.name, "resources")
        for volume in profile.storage:
            yield from _empty_values((*at, *volume.steps, "attributes"), volume.attributes)
        yield from _empty_values((*at, "cpu", "attributes"), profile.cpu_attributes)
    for service in sdl.services.values():
        yield from _service(("services", service.name), service)


def _used(sdl: Sdl) -> Iterator[Profile]:
    used = {placed.profile for name in sdl.services for placed in sdl.deployment[name].values()}
    return (profile for profile in sdl.profiles.values() if profile.name in used)


def _warn(rule: str, path: Path, message: str, fix: str) -> Fault:
    return Fault(rule, path, message, fix, "provider")


def _empty_values(path: Path, attributes: Mapping[str, Value] | Mapping[str, bool | str]) -> Iterator[Fault]:
    for key, value in attributes.items():
        if value == "" or value == []:
            message = (
                f'the attribute "{key}" is empty: the provider would compute another hash than the chain has'
            )
            yield _warn("D07", (*path, key), message, "remove it or give it a value")


def _service(at: Path, service: Service) -> Iterator[Fault]:
    for i, expose in enumerate(service.expose):
        if expose.http_options.get("proxy_buffer_size"):
            message = (
                "providers older than this option drop it and then compute another hash than the chain has"
            )
            yield _warn("D06", (*at, "expose", i, "http_options", "proxy_buffer_size"), message, "remove it")
    permissions = service.params.permissions if service.params else None
    if permissions is not None and not permissions.get("read"):
        message = "an empty list of permissions: the provider would compute another hash than the chain has"
        yield _warn("D07", (*at, "params", "permissions", "read"), message, "remove it")
    for field, texts in (("command", service.command), ("args", service.args), ("env", service.env)):
        for i, each in enumerate(texts):
            if "\u2028" in each or "\u2029" in each:
                message = (
                    "a Unicode line separator: the provider would compute another hash than the chain has"
                )
                yield _warn("D07", (*at, field, i), message, "write \\n instead")
