"""Manifests, lists of manifests and image configurations, as far as they say what can run where.

Sources: opencontainers/image-spec manifest.md, image-index.md, config.md, and Docker's schema 2 before them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from akash_mcp.clients.api_model import ApiModel, ListOf, read_json
from akash_mcp.clients.registry.answers import NotKnown
from akash_mcp.sanitize.text import field as cleaned
from akash_mcp.sdl.images.image_config import ImageConfig
from akash_mcp.sdl.images.reference import is_digest

LISTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
ACCEPT = ", ".join((*LISTS, *MANIFESTS, *(f"{each};q=0.1" for each in _SCHEMA_1)))

OURS = ("linux", "amd64")
"""What providers run."""
MOST_SHOWN = 20
"""Ports, volumes and the like of one image that are taken, and platforms that are named."""
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_.]{0,15}")
_OTHER = "another platform"
_PORT = re.compile(r"([1-9][0-9]{0,4})(?:/(tcp|udp))?", re.IGNORECASE)

T = TypeVar("T")


class _Platform(ApiModel):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    @property
    def words(self) -> str:
        """`linux/arm64`; nothing that a platform is not called, since whoever pushes an image writes it."""
        parts = [part for part in (self.os, self.architecture, self.variant) if part]
        return "/".join(parts) if all(map(_PLATFORM.fullmatch, parts)) else _OTHER


class _Descriptor(ApiModel):
    media_type: str = Field("", alias="mediaType")
    digest: str = ""
    platform: _Platform | None = None


class _Manifest(ApiModel):
    """A manifest or a list of them: what it is, its fields and its media type tell."""

    schema_version: int = Field(0, alias="schemaVersion")
    media_type: str = Field("", alias="mediaType")
    manifests: ListOf[_Descriptor] | None = None
    config: _Descriptor | None = None


def _keys(value: object) -> object:
    return list(value) if isinstance(value, dict) else []


class _Run(ApiModel):
    user: str = Field("", alias="User")
    exposed_ports: Annotated[list[str], BeforeValidator(_keys)] = Field([], alias="ExposedPorts")
    volumes: Annotated[list[str], BeforeValidator(_keys)] = Field([], alias="Volumes")
    env: ListOf[str] = Field([], alias="Env")
    entrypoint: ListOf[str] = Field([], alias="Entrypoint")
    cmd: ListOf[str] = Field([], alias="Cmd")
    working_dir: str = Field("", alias="WorkingDir")


class _Config(_Platform):
    config: _Run = _Run()


_MANIFEST = TypeAdapter(_Manifest)
_CONFIG = TypeAdapter(_Config)


@dataclass(frozen=True, slots=True)
class ManifestList:
    """The manifests of one image, by platform. `ours` is the digest of the one for linux/amd64, empty for none."""

    ours: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one platform: the digest of its configuration."""

    config: str


def read_manifest(body: bytes, content_type: str) -> ManifestList | Manifest:
    """What a registry answers to a tag or a digest. Raises `NotKnown` for what no runtime of today takes."""
    found = _read(_MANIFEST, body, "its manifest")
    kind = content_type.partition(";")[0].strip().lower() or found.media_type
    if found.schema_version == 1 or kind in _SCHEMA_1:
        raise NotKnown(
            "is there in Docker's format of 2015 (schema 1), which containerd from 2.1 on does not pull: push it again"
        )
    # What is both by its fields is what its type says, as runtimes have it.
    if found.manifests is not None and kind not in MANIFESTS:
        return _list(found.manifests)
    if found.config is not None and kind not in LISTS and is_digest(found.config.digest):
        return Manifest(found.config.digest)
    raise NotKnown("is there, and is not an image that can be read")


def _list(manifests: Sequence[_Descriptor]) -> ManifestList:
    # Others are what goes with an image, such as its provenance: they have the platform unknown/unknown.
    images = [each for each in manifests if each.media_type in (*MANIFESTS, *LISTS, "")]
    named = [(each, each.platform or _Platform()) for each in images]
    ours = next(
        (
            each.digest
            for each, where in named
            if (where.os, where.architecture) == OURS and is_digest(each.digest)
        ),
        "",
    )
    words = dict.fromkeys(where.words for _, where in named if where.os not in ("", "unknown"))
    return ManifestList(ours, tuple(words)[:MOST_SHOWN])


def read_config(body: bytes) -> tuple[str, ImageConfig]:
    """The platform of an image, such as `linux/arm64`, and what it says of itself, all of it cleaned and bounded."""
    found = _read(_CONFIG, body, "its configuration")
    run = found.config
    return _Platform(os=found.os, architecture=found.architecture).words, ImageConfig(
        ports=_ports(run.exposed_ports),
        user=cleaned(run.user, 64),
        volumes=_texts(sorted(run.volumes)),
        entrypoint=_texts(run.entrypoint),
        command=_texts(run.cmd),
        working_dir=cleaned(run.working_dir),
        variables=_texts([entry.partition("=")[0] for entry in run.env]),
    )


def verify(body: bytes, digest: str) -> None:
    """Raise `NotKnown` where these bytes are not what a digest says: nobody but a liar or a broken cache sends such."""
    algorithm, _, digits = digest.partition(":")
    if not is_digest(digest) or hashlib.new(algorithm, body).hexdigest() != digits:
        raise NotKnown("could not be read: its registry sends something else than its digest says")


def sha256(body: bytes) -> str:
    """The digest by which a registry knows these bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _ports(exposed: Sequence[str]) -> tuple[tuple[int, str], ...]:
    matches = (_PORT.fullmatch(each) for each in exposed[:1000])
    named = {(int(match[1]), (match[2] or "tcp").upper()) for match in matches if match}
    return tuple(sorted(each for each in named if each[0] <= 65_535))[:MOST_SHOWN]


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(cleaned(text) for text in texts[:MOST_SHOWN])


def _read(shape: TypeAdapter[T], body: bytes, what: str) -> T:
    try:
        data: Any = read_json(body)
        return shape.validate_python(data)
    except (ValueError, RecursionError, ValidationError):
        raise NotKnown(f"is there, and {what} cannot be read") from None
