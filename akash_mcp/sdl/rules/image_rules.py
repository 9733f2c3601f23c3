"""The names of images that a container runtime takes (judge B).

Console and chain take any text, and so does the provider, which hands it to its container runtime: that refuses what
is not a reference, after the deposit and the lease.
Source: github.com/distribution/reference (regexp.go, reference.go, normalize.go), which containerd uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from akash_mcp.sdl.model import Service
from akash_mcp.sdl.report import Fault

LONGEST_NAME = 255
"""Characters of a name, its registry included and tag and digest apart: also of one that a runtime completes."""
_LONGEST_REFERENCE = 1_000
_LIBRARY = "library/"
"""Where Docker Hub keeps what has a name without a slash."""
_PORT = r"(?::[0-9]++)?"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]++\])"
_PART = r"[a-z0-9]++(?:(?:__|[._]|-++)[a-z0-9]++)*+"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}{_PORT}/)?{_PART}(?:/{_PART})*+)"
    r"(?::[0-9A-Za-z_][0-9A-Za-z_.-]{0,127})?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*+(?:[-_+.][A-Za-z][A-Za-z0-9]*+)*+:[0-9a-fA-F]{32,}))?"
)
_DIGEST_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms that a runtime has, with the digits of each: it refuses any other."""
_IDENTIFIER = re.compile("[0-9a-f]{64}")
_SCHEME = re.compile(r"(?:docker|https?|oci)://")


def is_reference(image: str) -> bool:
    """Whether a text is a reference to an image: `[registry[:port]/]path[:tag][@digest]`."""
    if len(image) > _LONGEST_REFERENCE or not (match := _REFERENCE.fullmatch(image)):
        return False
    name = match["name"]
    path = name if "/" in name else f"{_LIBRARY}{name}"
    if len(path) > LONGEST_NAME or _IDENTIFIER.fullmatch(name):
        return False
    if match["digest"] is None:
        return True
    algorithm, _, digits = match["digest"].partition(":")
    return len(digits) == _DIGEST_DIGITS.get(algorithm) and digits == digits.lower()


def check_images(services: Iterable[Service]) -> Iterator[Fault]:
    """Every image of `services` that no container runtime would take (P25)."""
    for service in {service.name: service for service in services}.values():
        if not is_reference(service.image):
            shown = service.image if len(service.image) <= 80 else f"{service.image[:79]}…"
            message = f'"{shown}" is not the name of an image'
            yield Fault("P25", ("services", service.name, "image"), message, _fix(service.image), "provider")


def _fix(image: str) -> str:
    if len(image) <= _LONGEST_REFERENCE:
        plain = _SCHEME.sub("", image.strip())
        name, colon, tag = plain.partition(":")
        for better in (plain, name.lower() + colon + tag):
            if is_reference(better):
                return f"write {better}"
    return "write [registry/]name[:tag], the name in lower case: ghcr.io/owner/app:1.2"
