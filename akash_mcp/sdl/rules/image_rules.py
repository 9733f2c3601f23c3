"""The names of images that a container runtime takes (judge B).

Console and chain take any text, and so does the provider, which hands it to its container runtime: that refuses what
is not a reference, after the deposit and the lease.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from akash_mcp.sdl.images.reference import LONGEST_REFERENCE, is_reference
from akash_mcp.sdl.model import Service
from akash_mcp.sdl.report import Fault

_SCHEME = re.compile(r"(?:docker|https?|oci)://")


def check_images(services: Iterable[Service]) -> Iterator[Fault]:
    """Every image of `services` that no container runtime would take (P25)."""
    for service in {service.name: service for service in services}.values():
        if not is_reference(service.image):
            shown = service.image if len(service.image) <= 80 else f"{service.image[:79]}…"
            message = f'"{shown}" is not the name of an image'
            yield Fault("P25", ("services", service.name, "image"), message, _fix(service.image), "provider")


def _fix(image: str) -> str:
    if len(image) <= LONGEST_REFERENCE:
        plain = _SCHEME.sub("", image.strip())
        name, colon, tag = plain.partition(":")
        for better in (plain, name.lower() + colon + tag):
            if is_reference(better):
                return f"write {better}"
    return "write [registry/]name[:tag], the name in lower case: ghcr.io/owner/app:1.2"
