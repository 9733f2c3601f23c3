"""A manifest as a gateway receives it: decoded the way Go decodes it, hashed the way Go encodes it again.

The hash of a deployment is SHA-256 over the sorted JSON of the *decoded* manifest, so what Go does not know vanishes
from it and `[]` is not `null`. The shapes are the JSON tags of akash-network/chain-sdk `manifest/v2beta3`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from akash_mcp.sandbox.provider import go_json


class Undecodable(ValueError):
    """A body that is not a manifest. The text is what Go's decoder says."""


@dataclass(frozen=True)
class Scalar:
    """A Go string, uint32, uint64, bool or big integer. The last is text of digits in JSON."""

    go_type: str

    def decode(self, value: object, place: str) -> object:
        match self.go_type, value:
            case ("string", None):
                return ""
            case ("uint32" | "uint64", None):
                return 0
            case ("bool", None):
                return False
            case ("Int", None):
                return "0"
            case ("string", str()) | ("bool", bool()):
                return value
            case ("uint32" | "uint64", int()) if not isinstance(value, bool) and 0 <= value < 2 ** int(
                self.go_type[4:]
            ):
                return value
            case ("Int", str()):
                if not re.fullmatch(r"[+-]?[0-9]+", value):
                    raise Undecodable(f'bad int "{value}"')
                return str(int(value))
        raise _mismatch(value, place, self.go_type)


@dataclass(frozen=True)
class Slice:
    """A Go slice: missing and null are both nil, which is null again when encoded."""

    item: Kind

    def decode(self, value: object, place: str) -> object:
        if value is None:
            return None
        if not isinstance(value, list):
            raise _mismatch(value, place, "[]")
        return [self.item.decode(item, place) for item in value]


@dataclass(frozen=True)
class Struct:
    """A Go struct. A name that ends in `?` is left out when empty (`omitempty`); a pointer may be null."""

    name: str
    fields: dict[str, Kind]
    pointer: bool = False

    def decode(self, value: object, place: str) -> object:
        if value is None and self.pointer:
            return None
        if value is not None and not isinstance(value, dict):
            raise _mismatch(value, place, self.name)
        given: dict[str, object] = value or {}
        decoded: dict[str, object] = {}
        for tag, kind in self.fields.items():
            name = tag.removesuffix("?")
            item = kind.decode(given.get(name), f"{self.name}.{name}")
            if item or not tag.endswith("?"):
                decoded[name] = item
        return decoded


Kind: TypeAlias = Scalar | Slice | Struct

_TEXT, _UINT32, _BOOL = Scalar("string"), Scalar("uint32"), Scalar("bool")
_TEXTS = Slice(_TEXT)
_AMOUNT = Struct("ResourceValue", {"val": Scalar("Int")})
_ATTRIBUTES = Slice(Struct("Attribute", {"key": _TEXT, "value?": _TEXT}))
_RESOURCES = Struct(
    "Resources",
    {
        "id": _UINT32,
        "cpu?": Struct("CPU", {"units": _AMOUNT, "attributes?": _ATTRIBUTES}, pointer=True),
        "memory?": Struct("Memory", {"size": _AMOUNT, "attributes?": _ATTRIBUTES}, pointer=True),
        "storage?": Slice(Struct("Storage", {"name": _TEXT, "size": _AMOUNT, "attributes?": _ATTRIBUTES})),
        "gpu?": Struct("GPU", {"units": _AMOUNT, "attributes?": _ATTRIBUTES}, pointer=True),
        "endpoints": Slice(Struct("Endpoint", {"kind?": _UINT32, "sequence_number": _UINT32})),
    },
)
_HTTP_OPTIONS = Struct(
    "ServiceExposeHTTPOptions",
    {
        "maxBodySize": _UINT32,
        "readTimeout": _UINT32,
        "sendTimeout": _UINT32,
        "nextTries": _UINT32,
        "nextTimeout": _UINT32,
        "nextCases": _TEXTS,
        "proxyBufferSize?": _UINT32,
    },
)
_EXPOSE = Struct(
    "ServiceExpose",
    {
        "port": _UINT32,
        "externalPort": _UINT32,
        "proto": _TEXT,
        "service": _TEXT,
        "global": _BOOL,
        "hosts": _TEXTS,
        "httpOptions": _HTTP_OPTIONS,
        "ip": _TEXT,
        "endpointSequenceNumber": _UINT32,
    },
)
_PARAMS = Struct(
    "ServiceParams",
    {
        "storage": Slice(Struct("StorageParams", {"name": _TEXT, "mount": _TEXT, "readOnly": _BOOL})),
        "permissions?": Struct("ServicePermissions", {"read?": _TEXTS}, pointer=True),
        "tee?": Struct("TEEParams", {"type": _TEXT, "attestation": _BOOL}, pointer=True),
    },
    pointer=True,
)
_CREDENTIALS = Struct(
    "ImageCredentials",
    {"host": _TEXT, "email": _TEXT, "username": _TEXT, "password": _TEXT},
    pointer=True,
)
_SERVICE = Struct(
    "Service",
    {
        "name": _TEXT,
        "image": _TEXT,
        "command": _TEXTS,
        "args": _TEXTS,
        "env": _TEXTS,
        "resources": _RESOURCES,
        "count": _UINT32,
        "expose": Slice(_EXPOSE),
        "params?": _PARAMS,
        "credentials": _CREDENTIALS,
    },
)
_MANIFEST = Slice(Struct("Group", {"name": _TEXT, "services": Slice(_SERVICE)}))


@dataclass(frozen=True)
class Expose:
    """One way to reach a service. `external_port` is the effective one: 0 in a manifest means the same as `port`."""

    port: int
    external_port: int
    proto: str
    is_global: bool
    hosts: tuple[str, ...]
    ip: str

    @property
    def is_ingress(self) -> bool:
        """Whether the provider's HTTP ingress serves it under a hostname."""
        return self.is_global and self.proto == "TCP" and self.external_port == 80


@dataclass(frozen=True)
class VolumeMount:
    """A volume at a path of every replica. What is not `persistent` lives as long as its pod."""

    volume: str
    path: str
    read_only: bool
    persistent: bool


@dataclass(frozen=True)
class Service:
    """One service of a group. `decoded` is all of it, as Go holds it."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[str, ...]
    count: int
    expose: tuple[Expose, ...]
    has_credentials: bool
    mounts: tuple[VolumeMount, ...]
    decoded: dict[str, Any]

    @property
    def is_stateful(self) -> bool:
        """Whether Kubernetes runs it as a StatefulSet."""
        return any(mount.persistent for mount in self.mounts)


@dataclass(frozen=True)
class Group:
    name: str
    services: tuple[Service, ...]


@dataclass(frozen=True)
class Manifest:
    """A decoded manifest. `version` is what the chain has to hold for it."""

    groups: tuple[Group, ...]
    version: bytes


def decode(body: bytes) -> Manifest:
    """The first JSON value of `body`, or `Undecodable`."""
    text = body.decode("utf-8", errors="replace").lstrip(" \t\r\n")
    if not text:
        raise Undecodable("EOF")
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise Undecodable(_syntax_error(text, error.pos)) from error
    decoded: Any = _MANIFEST.decode(value, "Manifest")
    groups = tuple(
        Group(group["name"], tuple(map(_service, group["services"] or ()))) for group in decoded or ()
    )
    encoded = go_json.encode(decoded, sort_keys=True).encode()
    return Manifest(groups, hashlib.sha256(encoded).digest())


def _service(decoded: dict[str, Any]) -> Service:
    mounts = (decoded.get("params") or {}).get("storage") or ()
    volumes = decoded["resources"].get("storage") or ()
    persistent = {volume["name"] for volume in volumes if _is_persistent(volume)}
    return Service(
        name=decoded["name"],
        image=decoded["image"],
        command=tuple(decoded["command"] or ()),
        args=tuple(decoded["args"] or ()),
        env=tuple(decoded["env"] or ()),
        count=decoded["count"],
        expose=tuple(map(_expose, decoded["expose"] or ())),
        has_credentials=decoded["credentials"] is not None,
        mounts=tuple(
            VolumeMount(mount["name"], mount["mount"], mount["readOnly"], mount["name"] in persistent)
            for mount in mounts
            if mount["mount"]
        ),
        decoded=decoded,
    )


def _expose(decoded: dict[str, Any]) -> Expose:
    return Expose(
        port=decoded["port"],
        external_port=decoded["externalPort"] or decoded["port"],
        proto=decoded["proto"],
        is_global=decoded["global"],
        hosts=tuple(decoded["hosts"] or ()),
        ip=decoded["ip"],
    )


def _is_persistent(volume: dict[str, Any]) -> bool:
    return {"key": "persistent", "value": "true"} in (volume.get("attributes") or ())


def _mismatch(value: object, place: str, go_type: str) -> Undecodable:
    match value:
        case bool():
            kind = "bool"
        case int() | float():
            kind = "number"
        case str():
            kind = "string"
        case list():
            kind = "array"
        case _:
            kind = "object"
    where = f"struct field {place}" if "." in place else "value"
    return Undecodable(f"json: cannot unmarshal {kind} into Go {where} of type {go_type}")


def _syntax_error(text: str, position: int) -> str:
    if position >= len(text):
        return "unexpected EOF"
    return f"invalid character {text[position]!r} looking for beginning of value"
