"""From parsed YAML to the values of an SDL, with a stand-in for each value in which the schema found a fault.

A stand-in is as plain as it can be, so that the other judges can go on; none of them is heard about it (`unread`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from akash_mcp.sdl.model import (
    Expose,
    Gpu,
    GpuModel,
    Mount,
    Params,
    Placed,
    Placement,
    Profile,
    Sdl,
    Service,
    To,
    Volume,
)
from akash_mcp.sdl.unread import Unread
from akash_mcp.sdl.yaml.javascript import Value, whole_number
from akash_mcp.sdl.yaml.loader import Path

CPU: float = 1
MEMORY, VOLUME = "512Mi", "1Gi"
AMOUNT: float = 1
_PORT = 1


def build(data: Value, unread: Unread) -> Sdl:
    """The SDL in parsed YAML. `unread` is what `check_schema` found wrong in it; other data raises any error."""
    root = _Map({} if unread.covers(()) else data, (), unread)
    profiles = root.part("profiles")
    return Sdl(
        services={key: _service(key, each) for key, each in root.parts("services")},
        profiles={key: _profile(key, each.part("resources")) for key, each in profiles.parts("compute")},
        placements={key: _placement(key, each) for key, each in profiles.parts("placement")},
        deployment={
            service: {
                place: Placed(placed.get("profile", ""), whole_number(placed.get("count", 1)))
                for place, placed in places.each()
            }
            for service, places in root.parts("deployment")
        },
        endpoints=tuple(root.get("endpoints", ())),
        min_window=root.part("reclamation").get("min_window", ""),
    )


@dataclass(frozen=True, slots=True)
class _Map:
    """A map of the SDL, and where it is; an empty one where it is missing or could not be read."""

    data: Any
    path: Path
    unread: Unread

    def get(self, key: str, other: Any) -> Any:
        """The value of a field, or the other one where it is missing or could not be read."""
        if key not in self.data or (self.unread.paths and (*self.path, key) in self.unread.paths):
            return other
        return self.data[key]

    def part(self, key: str) -> _Map:
        """The map in a field."""
        return _Map(self.get(key, None) or {}, (*self.path, key), self.unread)

    def each(self) -> Iterator[tuple[str, _Map]]:
        """The maps in a map of any names."""
        return ((key, self.part(key)) for key in self.data)

    def parts(self, key: str) -> Iterator[tuple[str, _Map]]:
        """The maps in the map in a field."""
        return self.part(key).each()

    def sound(self) -> dict[str, Any]:
        """Its fields that could be read."""
        if not self.unread.paths:
            return dict(self.data)
        return {key: value for key, value in self.data.items() if (*self.path, key) not in self.unread.paths}

    def items(self, key: str) -> list[_Map]:
        """The maps in the list in a field."""
        path = (*self.path, key)
        return [
            _Map({} if (*path, i) in self.unread.paths else each, (*path, i), self.unread)
            for i, each in enumerate(self.get(key, None) or ())
        ]

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts in a field."""
        path = (*self.path, key)
        return tuple(
            "" if (*path, i) in self.unread.paths else each
            for i, each in enumerate(self.get(key, None) or ())
        )


def _service(key: str, value: _Map) -> Service:
    return Service(
        name=key,
        image=value.get("image", ""),
        command=value.texts("command"),
        args=value.texts("args"),
        env=value.texts("env"),
        expose=tuple(_expose(each) for each in value.items("expose")),
        params=_params(value.part("params")) if "params" in value.data else None,
        credentials=_credentials(value.part("credentials")) if "credentials" in value.data else None,
    )


def _credentials(value: _Map) -> Mapping[str, str]:
    return dict.fromkeys(("host", "username", "password"), "") | value.sound()


def _expose(value: _Map) -> Expose:
    return Expose(
        port=int(value.get("port", _PORT)),
        outside=int(value.get("as", 0)),
        proto=value.get("proto", "TCP").upper(),
        accept=value.texts("accept"),
        to=tuple(
            To(to.get("service", ""), to.get("global", False), to.get("ip", "")) for to in value.items("to")
        ),
        http_options=value.part("http_options").sound(),
    )


def _params(value: _Map) -> Params:
    return Params(
        storage={
            key: Mount(mount.get("mount", ""), mount.get("readOnly", False))
            for key, mount in value.parts("storage")
        },
        permissions=value.get("permissions", None),
        tee=value.get("tee", ""),
    )


def _profile(key: str, value: _Map) -> Profile:
    is_list = isinstance(value.get("storage", ()), list)
    volumes: list[tuple[int | None, _Map]] = [*enumerate(value.items("storage"))] if is_list else []
    if not is_list:
        volumes = [(None, value.part("storage"))]
    return Profile(
        name=key,
        cpu=value.part("cpu").get("units", CPU),
        cpu_attributes=value.part("cpu").get("attributes", {}),
        memory=value.part("memory").get("size", MEMORY),
        storage=tuple(
            Volume(
                index,
                volume.get("name", None),
                volume.get("size", VOLUME),
                volume.part("attributes").sound(),
            )
            for index, volume in volumes
        ),
        gpu=_gpu(value.part("gpu")) if "gpu" in value.data else None,
    )


def _gpu(value: _Map) -> Gpu:
    vendor = value.part("attributes").part("vendor")
    return Gpu(
        units=value.get("units", None),
        has_attributes="attributes" in value.data,
        has_vendor=bool(vendor.data),
        models=tuple(
            GpuModel(each.get("model", None), each.get("ram", ""), each.get("interface", ""))
            for each in vendor.items("nvidia")
        )
        if vendor.get("nvidia", ()) is not None
        else None,
    )


def _placement(key: str, value: _Map) -> Placement:
    signed_by = value.part("signedBy")
    prices = dict(value.parts("pricing"))
    return Placement(
        name=key,
        attributes=value.get("attributes", {}),
        all_of=signed_by.texts("allOf"),
        any_of=signed_by.texts("anyOf"),
        pricing={profile: price.get("amount", AMOUNT) for profile, price in prices.items()},
        denoms={profile: price.data.get("denom") for profile, price in prices.items()},
    )
