"""References to images, `[registry/]path[:tag][@digest]`, as container runtimes read them.

Source: github.com/distribution/reference (regexp.go, reference.go, normalize.go), which containerd uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
"""The registry of an image that names none."""
LATEST = "latest"
"""The tag of an image that names neither a tag nor a digest."""

LONGEST_NAME = 255
"""Characters of a name, its registry included and tag and digest apart: also of one that a runtime completes."""
LONGEST_REFERENCE = 1_000

_LIBRARY = "library/"
"""Where Docker Hub keeps what has a name without a slash."""
_PORT = r"(?::[0-9]++)?"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]++\])"
_PART = r"[a-z0-9]++(?:(?:__|[._]|-++)[a-z0-9]++)*+"
_TAG = r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}{_PORT}/)?{_PART}(?:/{_PART})*+)"
    rf"(?::(?P<tag>{_TAG}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*+(?:[-_+.][A-Za-z][A-Za-z0-9]*+)*+:[0-9a-fA-F]{32,}))?"
)
_DIGEST_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms that a runtime has, with the digits of each: it refuses any other."""
_HEX = re.compile("[0-9a-f]+")
_IDENTIFIER = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by all its parts. `registry` is a host, with its port where it names one; `digest` is empty for none.

    Where there is a digest, a runtime takes that and lets the tag be.
    """

    registry: str
    path: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Registry and path: what credentials are looked up for."""
        return f"{self.registry}/{self.path}"


def parse_reference(image: str) -> Reference | None:
    """The reference that a text is, with what a runtime fills in; None where it is not one."""
    if len(image) > LONGEST_REFERENCE or not (match := _REFERENCE.fullmatch(image)):
        return None
    name, digest = match["name"], match["digest"] or ""
    long_name = name if "/" in name else f"{_LIBRARY}{name}"
    if len(long_name) > LONGEST_NAME or _IDENTIFIER.fullmatch(name) or (digest and not is_digest(digest)):
        return None
    registry, path = _split(name)
    return Reference(registry, path, match["tag"] or ("" if digest else LATEST), digest)


def is_reference(image: str) -> bool:
    """Whether a text is a reference to an image."""
    return parse_reference(image) is not None


def is_tag(text: str) -> bool:
    """Whether a text can be a tag."""
    return re.fullmatch(_TAG, text) is not None


def is_digest(text: str) -> bool:
    """Whether a text is a digest by an algorithm that runtimes have, such as `sha256:` and 64 hex digits."""
    algorithm, _, digits = text.partition(":")
    return len(digits) == _DIGEST_DIGITS.get(algorithm) and _HEX.fullmatch(digits) is not None


def _split(name: str) -> tuple[str, str]:
    """Registry and path. What stands before the first slash is a registry where it could not be a folder of one."""
    first, slash, rest = name.partition("/")
    is_host = slash and (first == "localhost" or "." in first or ":" in first or first != first.lower())
    registry, path = (first, rest) if is_host else (DOCKER_HUB, name)
    if registry == "index.docker.io":
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in path:
        path = f"{_LIBRARY}{path}"
    return registry, path
