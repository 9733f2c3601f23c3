"""Agreement with the official judges, file by file. A file that differs is named here with its reason."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Any

from sdl_data import reports, verdicts

from akash_mcp.sdl import GroupSpec

CLI_DIFFERS = {
    "probes/amount__float_1e6.yaml": "Go reads the number's spelling, 1e6; a YAML parser keeps its value only",
    "probes/amount__s_exp.yaml": "the same: 1e3, unquoted",
}


def test_the_console_is_agreed_with_on_every_file() -> None:
    differ = [row["file"] for row in verdicts() if reports()[row["file"]].console_ok != row["console"]["ok"]]
    assert differ == []


def test_chain_and_provider_are_agreed_with_on_every_file() -> None:
    judged = [row for row in verdicts() if row["chain_provider"] is not None]
    differ = [row["file"] for row in judged if reports()[row["file"]].ok != (row["chain_provider"] == {})]
    assert len(judged) > 400
    assert differ == []


def test_every_manifest_has_the_official_hash() -> None:
    hashed = [row for row in verdicts() if row["manifest_sha256"]]
    differ = [
        row["file"] for row in hashed if reports()[row["file"]].manifest_sha256 != row["manifest_sha256"]
    ]
    assert len(hashed) > 400
    assert differ == []


def test_the_group_specs_are_the_official_ones() -> None:
    for row in verdicts():
        if row["groups"] is not None:
            ours = [compact(group) for group in reports()[row["file"]].groups]
            assert ours == [rounded(group) for group in row["groups"]], row["file"]


def test_the_command_line_is_agreed_with_but_for_numbers_with_exponents() -> None:
    differ = set()
    for row in verdicts():
        report = reports()[row["file"]]
        noted = any(warning.judge == "cli" for warning in report.warnings)
        if report.ok and noted == row["go_cli"]["ok"]:
            differ.add(row["file"])
    assert differ == set(CLI_DIFFERS)


def compact(group: GroupSpec) -> dict[str, Any]:
    """A group spec in the short form of the verdicts."""
    return {
        "name": group.name,
        "attributes": [f"{each.key}={each.value}" for each in group.attributes],
        "signedBy": {"allOf": list(group.all_of), "anyOf": list(group.any_of)},
        "resources": [
            {
                "id": unit.id,
                "count": unit.count,
                "cpu": unit.cpu,
                "memory": unit.memory,
                "gpu": unit.gpu,
                "gpu_attr": [each.key for each in unit.gpu_attributes],
                "endpoints": [f"{each.kind}:{each.sequence_number}" for each in unit.endpoints],
                "price": unit.price,
                "storage": [
                    {"name": s.name, "size": s.size, "attr": [f"{a.key}={a.value}" for a in s.attributes]}
                    for s in unit.storage
                ],
            }
            for unit in group.resources
        ],
    }


def rounded(group: dict[str, Any]) -> dict[str, Any]:
    """A recorded group with numbers for texts; what the chain cannot hold is rounded up, as in ours."""
    units = [
        unit
        | {name: whole(unit[name]) for name in ("cpu", "memory", "gpu")}
        | {"price": Decimal(unit["price"].removesuffix("uact").removesuffix("uakt"))}
        | {"storage": [volume | {"size": whole(volume["size"])} for volume in unit["storage"]]}
        for unit in group["resources"]
    ]
    return {key: group[key] for key in ("name", "attributes", "signedBy")} | {"resources": units}


def whole(text: str) -> int:
    return int(Decimal(text).to_integral_value(ROUND_CEILING))
