"""A group as the Console's screening takes it: the chain's group spec in camelCase JSON, with values as decimal text.

Source: akash-network/console `bid-screening.schema.ts`. The price must be a whole number there, and is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING

from akash_mcp.sdl import Attribute, GroupSpec, ResourceUnit

_KINDS = ("SHARED_HTTP", "RANDOM_PORT", "LEASED_IP")


def resources_json(group: GroupSpec) -> list[dict[str, object]]:
    """The resource units of a group."""
    return [
        {
            "resource": _resource(unit),
            "count": unit.count,
            "price": {
                "denom": unit.denom,
                "amount": str(int(unit.price.to_integral_value(ROUND_CEILING))),
            },
        }
        for unit in group.resources
    ]


def requirements_json(group: GroupSpec) -> dict[str, object]:
    """What a group asks of its provider.

    Without anyOf: the Console adds its own auditor to it, and shows bids of providers that this one audited only.
    """
    return {
        "signedBy": {"allOf": list(group.all_of), "anyOf": []},
        "attributes": _attributes(group.attributes),
    }


def _resource(unit: ResourceUnit) -> dict[str, object]:
    return {
        "id": unit.id,
        "cpu": {"units": _value(unit.cpu), "attributes": _attributes(unit.cpu_attributes)},
        "memory": {"quantity": _value(unit.memory)},
        "gpu": {"units": _value(unit.gpu), "attributes": _attributes(unit.gpu_attributes)},
        "storage": [
            {
                "name": volume.name,
                "quantity": _value(volume.size),
                "attributes": _attributes(volume.attributes),
            }
            for volume in unit.storage
        ],
        "endpoints": [
            {"kind": _KINDS[each.kind], "sequenceNumber": each.sequence_number} for each in unit.endpoints
        ],
    }


def _value(number: int) -> dict[str, str]:
    return {"val": str(number)}


def _attributes(attributes: Iterable[Attribute]) -> list[dict[str, str]]:
    return [{"key": each.key, "value": each.value} for each in attributes]
