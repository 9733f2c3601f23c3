"""Agreement with the official judges, SDL by SDL. One that differs is named here with its reason."""

from __future__ import annotations

import hashlib
from decimal import ROUND_CEILING, Decimal
from typing import Any

import shared_data
from judged_sdls import Judged, JudgedSdl, each_source, other_peoples, probes

from akash_mcp.sdl import GroupSpec

CLI_DIFFERS = {
    "probes/amount__float_1e6.yaml": "Go reads the number's spelling, 1e6; a YAML parser keeps its value only",
    "probes/amount__s_exp.yaml": "1e3, unquoted: as above",
}


def test_every_probe_is_the_text_that_was_judged() -> None:
    for sdl in probes():
        assert hashlib.sha256(sdl.text.encode()).hexdigest() == sdl.verdict["text_sha256"], sdl.file


def test_every_probe_is_byte_for_byte_what_lies_beside_the_checkout() -> None:
    folder = shared_data.require("sdl/probes")
    assert {sdl.file for sdl in probes()} == {f"probes/{path.name}" for path in folder.iterdir()}
    for sdl in probes():
        assert shared_data.require(f"sdl/{sdl.file}").read_bytes() == sdl.text.encode(), sdl.file


@each_source
def test_there_are_as_many_of_each_kind_as_were_judged(judged: Judged) -> None:
    """So that no test below passes for want of anything to judge."""
    all_of_them = [sdl.verdict for sdl in judged()]
    console = [verdict for verdict in all_of_them if verdict["console"]["ok"]]
    both = [verdict for verdict in console if verdict["chain_provider"] == {}]
    hashed = [verdict for verdict in all_of_them if verdict["manifest_sha256"]]
    counts = (len(all_of_them), len(console), len(both), len(hashed))
    assert counts == {probes: (644, 355, 276, 344), other_peoples: (117, 62, 62, 60)}[judged]


@each_source
def test_the_console_is_agreed_with_on_every_sdl(judged: Judged) -> None:
    differ = [sdl.file for sdl in judged() if sdl.report.console_ok != sdl.verdict["console"]["ok"]]
    assert differ == []


@each_source
def test_chain_and_provider_are_agreed_with_on_every_sdl(judged: Judged) -> None:
    asked = [sdl for sdl in judged() if sdl.verdict["chain_provider"] is not None]
    differ = [sdl.file for sdl in asked if bool(refused(sdl)) == (sdl.verdict["chain_provider"] == {})]
    assert differ == []


def refused(sdl: JudgedSdl) -> list[str]:
    """The rules that an SDL breaks. Names of images were not judged: what refuses them is the container runtime."""
    return [error.rule for error in sdl.report.errors if error.rule != "P25"]


@each_source
def test_only_images_that_no_runtime_takes_are_refused_beside(judged: Judged) -> None:
    beside = {
        sdl.file
        for sdl in judged()
        if sdl.verdict["chain_provider"] == {} and [error.rule for error in sdl.report.errors] == ["P25"]
    }
    probed = {"probes/svc__image_spaces.yaml", "probes/svc__image_uppercase.yaml"}
    assert beside == {probes: probed, other_peoples: set()}[judged]


@each_source
def test_every_manifest_has_the_official_hash(judged: Judged) -> None:
    hashed = [sdl for sdl in judged() if sdl.verdict["manifest_sha256"]]
    differ = [sdl.file for sdl in hashed if sdl.report.manifest_sha256 != sdl.verdict["manifest_sha256"]]
    assert differ == []


@each_source
def test_the_group_specs_are_the_official_ones(judged: Judged) -> None:
    for sdl in judged():
        if sdl.verdict["groups"] is not None:
            ours = [compact(group) for group in sdl.report.groups]
            assert ours == [rounded(group) for group in sdl.verdict["groups"]], sdl.file


@each_source
def test_the_command_line_is_agreed_with_but_for_numbers_with_exponents(judged: Judged) -> None:
    differ = set()
    for sdl in judged():
        noted = any(warning.judge == "cli" for warning in sdl.report.warnings)
        if sdl.report.ok and noted == sdl.verdict["go_cli"]["ok"]:
            differ.add(sdl.file)
    assert differ == (set(CLI_DIFFERS) if judged is probes else set())


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
