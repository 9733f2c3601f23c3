"""An SDL as values, once `grammar` has found its form right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path


@dataclass(frozen=True, slots=True)
class To:
    """Whom a port is shown to: everybody (`is_global`), a `service`, or both; by a leased `ip` where one is named."""

    service: str
    is_global: bool
    ip: str


@dataclass(frozen=True, slots=True)
class Expose:
    """One port. `outside` is what `as` says, 0 where it says nothing; `proto` is TCP or UDP."""

    port: int
    outside: int
    proto: str
    accept: tuple[str, ...]
    to: tuple[To, ...]
    http_options: Mapping[str, Any]

    @property
    def outer_port(self) -> int:
        return self.outside or self.port

    @property
    def is_ingress(self) -> bool:
        """Whether a global `to` gets an HTTP host name; every other one gets a random port."""
        return self.proto == "TCP" and self.outer_port == 80


@dataclass(frozen=True, slots=True)
class Mount:
    """What a service does with a volume. No `path`: nothing."""

    path: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Params:
    """`params` of a service. `permissions` as written, None where absent."""

    storage: Mapping[str, Mount]
    permissions: Mapping[str, Any] | None
    tee: str


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[str, ...]
    expose: tuple[Expose, ...]
    params: Params | None
    credentials: Mapping[str, str] | None

    @property
    def mounts(self) -> Mapping[str, Mount]:
        return self.params.storage if self.params else {}

    @property
    def tee(self) -> str:
        return self.params.tee if self.params else ""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a profile. `index` is its place in the list, None where storage is one map and no list.

    Without a `name` it is called "default", but only one with a name of its own can be mounted.
    """

    index: int | None
    name: str | None
    size: str
    attributes: Mapping[str, bool | str]

    @property
    def steps(self) -> Path:
        """Where it stands below the resources of its profile."""
        return ("storage",) if self.index is None else ("storage", self.index)

    @property
    def kind(self) -> str:
        """Its class: `beta3`, `ram`, …; empty for a volume that lasts as long as its replica."""
        return str(self.attributes.get("class", ""))

    @property
    def persistent(self) -> bool:
        """As Console reads it: most text means yes."""
        lasting = self.attributes.get("persistent", False)
        return lasting if isinstance(lasting, bool) else lasting.lower() not in ("false", "no", "0", "")


@dataclass(frozen=True, slots=True)
class GpuModel:
    model: str | None
    ram: str
    interface: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """`units` as written, None where absent. `models`: None is any model, an empty list says nothing at all."""

    units: int | float | str | None
    has_attributes: bool
    has_vendor: bool
    models: tuple[GpuModel, ...] | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One compute profile. `cpu` as written: cores, or text such as `500m`."""

    name: str
    cpu: int | float | str
    cpu_attributes: Mapping[str, Value]
    memory: str
    storage: tuple[Volume, ...]
    gpu: Gpu | None


@dataclass(frozen=True, slots=True)
class Placement:
    """One placement. `pricing`: the amount of each profile as written; `denoms` beside it, whatever they are."""

    name: str
    attributes: Mapping[str, Value]
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    pricing: Mapping[str, int | float | str]
    denoms: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Placed:
    """How many replicas of which profile."""

    profile: str
    count: int


@dataclass(frozen=True, slots=True)
class Sdl:
    services: Mapping[str, Service]
    profiles: Mapping[str, Profile]
    placements: Mapping[str, Placement]
    deployment: Mapping[str, Mapping[str, Placed]]
    endpoints: tuple[str, ...]


def build(data: Any) -> Sdl:
    """The SDL in parsed YAML whose form is right: `check_form` found no problem in it."""
    profiles = data["profiles"]
    return Sdl(
        services={key: _service(key, value) for key, value in data["services"].items()},
        profiles={key: _profile(key, value["resources"]) for key, value in profiles["compute"].items()},
        placements={key: _placement(key, value) for key, value in profiles["placement"].items()},
        deployment={
            service: {
                place: Placed(placed["profile"], int(placed["count"])) for place, placed in places.items()
            }
            for service, places in data["deployment"].items()
        },
        endpoints=tuple(data.get("endpoints", ())),
    )


def _service(key: str, value: Any) -> Service:
    return Service(
        name=key,
        image=value["image"],
        command=tuple(value.get("command") or ()),
        args=tuple(value.get("args") or ()),
        env=tuple(value.get("env") or ()),
        expose=tuple(_expose(each) for each in value.get("expose") or ()),
        params=_params(value["params"]) if "params" in value else None,
        credentials=value.get("credentials"),
    )


def _expose(value: Any) -> Expose:
    return Expose(
        port=int(value["port"]),
        outside=int(value.get("as", 0)),
        proto=value.get("proto", "TCP").upper(),
        accept=tuple(value.get("accept", ())),
        to=tuple(
            To(to.get("service", ""), to.get("global", False), to.get("ip", "")) for to in value.get("to", ())
        ),
        http_options=value.get("http_options", {}),
    )


def _params(value: Any) -> Params:
    mounts = value.get("storage", {}).items()
    return Params(
        storage={key: Mount(mount.get("mount", ""), mount.get("readOnly", False)) for key, mount in mounts},
        permissions=value.get("permissions"),
        tee=value.get("tee", ""),
    )


def _profile(key: str, value: Any) -> Profile:
    storage = value["storage"]
    volumes = enumerate(storage) if isinstance(storage, list) else [(None, storage)]
    return Profile(
        name=key,
        cpu=value["cpu"]["units"],
        cpu_attributes=value["cpu"].get("attributes", {}),
        memory=value["memory"]["size"],
        storage=tuple(
            Volume(index, volume.get("name"), volume["size"], volume.get("attributes", {}))
            for index, volume in volumes
        ),
        gpu=_gpu(value["gpu"]) if "gpu" in value else None,
    )


def _gpu(value: Any) -> Gpu:
    vendor = value.get("attributes", {}).get("vendor", {})
    models = vendor.get("nvidia", ())
    return Gpu(
        units=value.get("units"),
        has_attributes="attributes" in value,
        has_vendor=bool(vendor),
        models=None
        if models is None
        else tuple(GpuModel(m.get("model"), m.get("ram", ""), m.get("interface", "")) for m in models),
    )


def _placement(key: str, value: Any) -> Placement:
    signed_by = value.get("signedBy") or {}
    return Placement(
        name=key,
        attributes=value.get("attributes", {}),
        all_of=tuple(signed_by.get("allOf", ())),
        any_of=tuple(signed_by.get("anyOf") or ()),
        pricing={profile: price["amount"] for profile, price in value["pricing"].items()},
        denoms={profile: price.get("denom") for profile, price in value["pricing"].items()},
    )
