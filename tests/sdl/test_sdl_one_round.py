"""Every judge speaks at once: a fault hides nothing but what rests on the very place where it is."""

from __future__ import annotations

import pytest
from judged_sdls import probes
from sdl_data import BASE, changed

from akash_mcp.sdl import Report, check

IMAGE = "    image: nginx:1.27.0\n"
GPU = "        gpu: {units: 1, attributes: {vendor: {%s}}}\n        memory:"
Change = tuple[str, str]

FAULTS: dict[str, tuple[Change, Change]] = {
    # rule: the fault, and how it is fixed
    "S02": ((IMAGE, f"{IMAGE}    restart: always\n"), ("    restart: always\n", "")),
    "S06": (("count: 1", "count: 0"), ("count: 0", "count: 1")),
    "T14": (("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:"), ("endpoints: {mine: {kind: ip}}\n", "")),
    "T16": (("size: 512Mi", "size: '512'"), ("size: '512'", "size: 512Mi")),
    "P06": (("units: 0.5", "units: 16.1"), ("units: 16.1", "units: 16100m")),
    "P04": (("as: 80", "as: 80\n        accept: [A.com]"), ("A.com", "a.com")),
    "P26": (("port: 80", "port: 80\n        http_options: {next_tries: 1e10}"), ("1e10", "3")),
    "K01": ((IMAGE, f"{IMAGE}    env: [A=x-secret://A]\n"), ("x-secret://A", "secret://A")),
    "D08": (("denom: uact", "denom: uakt"), ("denom: uakt", "denom: uact")),
    "C01": (("size: 1Gi", "size: 1GB"), ("size: 1GB", "size: 1Gi")),
}  # fmt: skip


def rules(report: Report) -> list[str]:
    return sorted(finding.rule for finding in (*report.errors, *report.warnings))


def test_one_fault_for_each_judge_is_told_in_one_run_and_fixing_them_all_is_enough() -> None:
    broken = changed(*(fault for fault, _ in FAULTS.values()))
    assert rules(broken) == sorted(FAULTS)
    assert {found.judge for found in broken.errors} == {"console", "chain", "provider", "akash-mcp"}
    assert (broken.ok, broken.console_ok, broken.manifest, broken.model) == (False, False, None, None)
    fixed = changed(*(change for changes in FAULTS.values() for change in changes))
    assert (fixed.ok, rules(fixed)) == (True, [])


@pytest.mark.parametrize("rule", FAULTS)
def test_fixing_one_fault_takes_away_what_it_was_and_nothing_comes_up(rule: str) -> None:
    without = changed(*(fault for each, (fault, _) in FAULTS.items() if each != rule))
    assert rules(without) == sorted(FAULTS.keys() - {rule})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        # what a field holds that cannot be read may be just what is missed elsewhere
        ([("        to:\n          - global: true", "        to: everybody")], ["S03"]),
        ([("- global: true", "- global: 'true'")], ["S03"]),
        ([("    expose:\n", "    expsoe:\n")], ["S02"]),
        ([("    expose:\n", "    ports:\n")], ["S02"]),
        ([("profiles:\n", "x-profiles:\n")], ["S01", "S02"]),
        ([("services:\n  web:\n", "services: [web]\nx:\n  web:\n")], ["S02", "S03"]),
        ([("port: 80", "port: '3000'"), ("        as: 80\n", "")], ["S03"]),
        ([("as: 80", "as: '80'"), ("port: 80", "port: 3000")], ["S03"]),
        ([("size: 512Mi", "size: 512"), ("amount: 1000", "amount: 1000000")], ["S03"]),
        ([("- global: true", "- {global: true, ip: 5}"), ("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:")],
         ["S03"]),
        ([("          size: 1Gi", "          - {name: 5, size: 1Gi}"),
          (IMAGE, f"{IMAGE}    params: {{storage: {{data: {{mount: /data}}}}}}\n")], ["S03"]),
        ([("        memory:", GPU % "amd: [{model: x}]")], ["S02"]),
        ([("        memory:", GPU % "nvidia: [{model: 4000}]")], ["S03"]),
        ([(IMAGE, f"{IMAGE}    params: {{permissions: {{write: [logs]}}}}\n")], ["S02"]),
        # a name that leads nowhere is taken for the one that is proposed
        ([("profile: web", "profile: wep"), ("units: 0.5", "units: 9m")], ["P07", "T03", "T04"]),
        ([("    dc:\n      profile", "    dcc:\n      profile"), ("amount: 1000", "amount: 10000001")], ["P16", "T02"]),
        ([("deployment:\n  web:", "deployment:\n  wed:"), ("units: 0.5", "units: 9m")], ["P07", "T01"]),
        ([("services:\n  web:", "services:\n  Web_1:"), ("nginx:1.27.0", "NGINX:1")], ["P02", "P25", "T01"]),
        # what cannot be read itself is the one fault that there is
        ([("units: 0.5", "units: []")], ["S05"]),
        ([("          denom: uact\n          amount: 1000", "          - amount: 0")], ["S03"]),
    ],
)  # fmt: skip
def test_what_only_follows_from_a_fault_is_not_told(changes: list[Change], told: list[str]) -> None:
    report = changed(*changes)
    assert rules(report) == told


ONE_A_RULE = """
accept__dup accept__empty_item amount__big amount__float_1e22 amount__int_comma amount__missing count__0 cpu__0_0001
cpu__0_009 expose__empty expose__proto_empty gpu__attrs_empty gpu__frac_units gpu__model_dup gpu__neg_units
ip__collision_proto_case ip__global_false ip__no_endpoints_section ip__unused limits__group_cpu_over
limits__group_gpu_over limits__group_mem_over memsize__0 memsize__0Mi params__storage_default_volume_mount
placement__pricing_empty storage__dup_mount storage__ephemeral_beta1 storage__list_empty storage__persistent_no_mount
stosize__1Mi svc__env_empty_name svc__image_spaces tee__conflict_same_group tee__cpu_gpu_nogpu
"""
"""For each rule a probe that breaks nothing but it."""


@pytest.mark.parametrize("rule", ["S02", "S06", "T14", "T16", "P06", "K01"])
def test_beside_any_other_fault_each_is_told_too(rule: str) -> None:
    named = {probe.verdict["name"]: probe for probe in probes()}
    old, new = FAULTS[rule][0]
    alone = found_in(named["base__ok"].text.replace(old, new, 1))
    for name in ONE_A_RULE.split():
        text = named[name].text
        both = found_in(text.replace(old, new, 1))
        is_one_text_with_both = old in text and "Y01" not in {rule for rule, _ in both}
        if is_one_text_with_both:
            assert both == alone | found_in(text), name


def found_in(text: str) -> set[tuple[str, str]]:
    return {(found.rule, found.path) for found in check(text).errors}


def test_a_file_full_of_faults_is_not_judged_further() -> None:
    items = "".join(f"    no{i}: 1\n" for i in range(150))
    report = check(BASE.replace(IMAGE, f"{IMAGE}{items}").replace("units: 0.5", "units: 16.1"))
    assert {finding.rule for finding in report.errors} == {"S02", "P06"}
