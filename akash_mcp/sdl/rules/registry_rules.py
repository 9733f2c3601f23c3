"""Whether a provider can pull an image from its registry, as far as the names of the two tell (judge D).

Nothing is asked here: what only the registry knows, such as whether an image of ghcr.io is public, is not a finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from akash_mcp.sdl.images.reference import parse_reference
from akash_mcp.sdl.images.registries import are_used_for, is_out_of_reach, private_registry
from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.secret_reference import SCHEME

_SHOWN = 100
"""Characters of a host that a message repeats."""


def check_registries(sdl: Sdl) -> Iterator[Fault]:
    """Warnings: a private registry without credentials (I01), credentials that are not used (I02), a registry that no
    provider reaches (I03), and a password that ends before the deployment may (I04)."""
    for service in sdl.services.values():
        yield from _service(service)


def _service(service: Service) -> Iterator[Fault]:
    image = parse_reference(service.image)
    if image is None:
        return
    at = ("services", service.name)
    registry = image.registry
    if is_out_of_reach(registry):
        yield _warn(
            "I03",
            (*at, "image"),
            f"no provider reaches {registry}: it is a registry of your own machine or network",
            "push the image to a registry on the Internet, such as ghcr.io",
        )
        return
    host = str((service.credentials or {}).get("host", ""))
    is_used = bool(host) and are_used_for(host, image)
    if host and not is_used:
        yield _warn(
            "I02",
            (*at, "credentials", "host"),
            f"the credentials are for {host[:_SHOWN]}, and the image comes from {registry}: they are not used",
            f"write host: {registry}",
        )
    private = private_registry(image)
    if private is None:
        return
    if not host:
        yield _warn(
            "I01",
            (*at, "image"),
            f"{registry} is {private.called}, from which strangers can seldom or never pull",
            f"add credentials: host: {registry}, username, and password: {SCHEME}NAME ({private.login})",
        )
    elif is_used and private.lasts:
        yield _warn(
            "I04",
            (*at, "credentials", "password"),
            f"a password of {private.called} ends after {private.lasts}: a replica that then starts on another machine "
            "cannot pull its image",
            "take the image from a registry whose password lasts, or renew the secret and call update_deployment in "
            "time",
        )


def _warn(rule: str, path: tuple[str, ...], message: str, fix: str) -> Fault:
    return Fault(rule, path, message, fix, "runtime")
