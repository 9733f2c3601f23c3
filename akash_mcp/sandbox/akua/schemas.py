"""JSON Schema (2020-12) of what requests may hold, and the judging by it. Nothing that it does not name is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from akash_mcp.sandbox.akua.errors import invalid

Schema: TypeAlias = dict[str, Any]

_LONGEST_MESSAGE = 300

SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)


def text(least: int, most: int, **more: Any) -> Schema:
    """Text of bounded length."""
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def strict(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def id_of(most: int) -> Schema:
    """An id: opaque text."""
    return text(1, most)


_VALUES: Schema = {"type": "object"}
_PIN: Schema = {
    "oneOf": [
        strict({"kind": {"const": "latest"}}),
        strict({"kind": {"const": "pinned"}, "version": text(1, 128, pattern=SEMVER)}),
    ]
}
_MACHINES: Schema = {"type": "integer", "minimum": 0, "maximum": 100}

CREATE_REGION = strict({"name": text(1, 100)}, {"icon": {"type": "string", "maxLength": 256}})
CREATE_CLUSTER = strict(
    {"name": text(1, 100), "region_id": id_of(54)},
    {"network_profile": {"enum": ["linux_cilium", "mixed_os_calico"]}},
)
COMPUTE_SETTINGS: Schema = {
    **strict({}, {"auto_scaling_enabled": {"type": "boolean"}, "max_machines": _MACHINES}),
    "minProperties": 1,
}
CREATE_PACKAGE = strict(
    {
        "name": text(1, 120),
        "sources": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "oneOf": [
                    strict(
                        {
                            "kind": {"const": "helm"},
                            "repo_url": text(1, 2048, pattern="^oci://"),
                            "target_revision": text(1, 256),
                        },
                        {"chart": text(0, 255), "path": text(0, 2048), "values": _VALUES},
                    ),
                    strict({"kind": {"const": "hosted"}, "repository_id": id_of(55), "ref": text(1, 256)}),
                ]
            },
        },
    },
    {"display_image_url": text(0, 2048), "keep_source_repository": {"type": "boolean"}},
)
_WHERE: dict[str, Schema] = {"cluster_id": id_of(54), "initial_values": _VALUES}
CREATE_INSTALL: Schema = {  # one or the other, so written that a complaint is about the one that was meant
    "if": {"required": ["product_id"]},
    "then": strict({"product_id": id_of(55), "region_id": id_of(54)}, _WHERE),
    "else": strict({"package_id": id_of(54), "package_version_pin": _PIN, "region_id": id_of(54)}, _WHERE),
}
UPDATE_INSTALL = strict({"package_version_id": id_of(55)})
RESTORE_INSTALL = strict({"render_id": id_of(54)})
CREATE_RENDER = strict(
    {},
    {
        "message": text(0, 255),
        "skip_unchanged": {"type": ["boolean", "null"]},
        "extra_annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
)


def judge(schema: Mapping[str, Any], value: object, *path: str) -> None:
    """Raises `Refused` (422) with the path of what is wrong, under `path`."""
    worst = best_match(Draft202012Validator(schema).iter_errors(value))
    if worst is not None:
        where = (*path, *(str(step) for step in worst.absolute_path))
        raise invalid(worst.message[:_LONGEST_MESSAGE], *where)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number of a query. Raises `ValueError`."""

    def read(value: str) -> int:
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise ValueError("not a whole number")
        if not least <= int(value) <= most:
            raise ValueError(f"not from {least} to {most}")
        return int(value)

    return read


def boolean(value: str) -> bool:
    """Reads true or false of a query. Raises `ValueError`."""
    if value not in ("true", "false"):
        raise ValueError("not true or false")
    return value == "true"


def one_of(*allowed: str) -> Callable[[str], str]:
    """Reads one of these words of a query. Raises `ValueError`."""

    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"not one of {', '.join(allowed)}")
        return value

    return read


def bounded(most: int) -> Callable[[str], str]:
    """Reads text of a query that is not empty and not too long. Raises `ValueError`."""

    def read(value: str) -> str:
        if not 1 <= len(value) <= most:
            raise ValueError(f"not of 1 to {most} characters")
        return value

    return read
