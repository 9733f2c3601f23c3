"""What Console takes and the chain or a provider refuses, at the edges of each rule."""

from __future__ import annotations

import pytest
from sdl_data import changed, only

IMAGE = "    image: nginx:1.27.0\n"
GPU = "        gpu: {units: %s, attributes: {vendor: {nvidia: [%s]}}}\n  placement:"


@pytest.mark.parametrize(
    ("old", "good", "bad", "rule", "judge"),
    [
        ("units: 0.5", "units: 10m", "units: 9m", "P07", "chain"),
        ("units: 0.5", "units: 384", "units: 384001m", "P07", "chain"),
        ("units: 0.5", "units: 0.29", "units: 2.01", "P06", "chain"),
        ("size: 512Mi", "size: 1Mi", "size: 1023Ki", "P08", "chain"),
        ("size: 512Mi", "size: 2Ti", "size: 2049Gi", "P08", "chain"),
        ("size: 1Gi", "size: 5Mi", "size: 4Mi", "P10", "chain"),
        ("size: 1Gi", "size: 32Ti", "size: 33Ti", "P10", "chain"),
        ("amount: 1000", "amount: 10000000", "amount: 10000000.1", "P16", "chain"),
        ("amount: 1000", "amount: '0.000000000000000001'", "amount: '0.0000000000000000001'", "P15", "chain"),
        ("amount: 1000", "amount: 0.000001", "amount: 0.0000001", "P15", "chain"),
        ("count: 1", "count: 38400", "count: 38401", "P17", "chain"),
        ("count: 1", "count: 204800", "count: 4294967296", "P24", "chain"),
        (IMAGE, IMAGE + "    env: [A=1, _b.c-d=, .e]\n", IMAGE + "    env: [9A=1]\n", "P03", "provider"),
        (IMAGE, IMAGE + "    env: ['A=b: c']\n", IMAGE + "    env: ['A: b']\n", "P03", "provider"),
        (IMAGE, IMAGE + "    env: [.A=1]\n", IMAGE + "    env: [..A=1]\n", "P03", "provider"),
        ("as: 80", "accept: [a.example.com]", "accept: [A.example.com]", "P04", "provider"),
        ("as: 80", "accept: [a.com, b.com]", "accept: [a.com, a.com]", "P05", "provider"),
        ("as: 80", f"accept: [{'a.' * 124}com]", f"accept: [{'a.' * 126}com]", "P04", "provider"),
        ("global: true", "service: web\n            global: true", "service: web", "P01", "provider"),
        ("units: 0.5", "units: 1e1", "units: .inf", "P06", "chain"),
        ("amount: 1000", "amount: 1e3", "amount: .inf", "P15", "chain"),
        ("count: 1", "count: 3", "count: .inf", "P24", "chain"),
        (IMAGE, IMAGE + "    env: [A=1\t]\n", IMAGE + '    env: ["A\\tB=1"]\n', "P03", "provider"),
        *(
            (
                "as: 80",
                f"http_options: {{{option}: 4294967295}}",
                f"http_options: {{{option}: {number}}}",
                "P26",
                "provider",
            )
            for option in ("next_tries", "next_timeout")
            for number in ("4294967296", "1e21", ".inf")
        ),
    ],
)
def test_each_limit_is_the_chains(old: str, good: str, bad: str, rule: str, judge: str) -> None:
    assert rule not in {finding.rule for finding in changed((old, good)).errors}
    refused = changed((old, bad))
    assert refused.console_ok
    assert not refused.ok
    assert (rule, judge) in {(finding.rule, finding.judge) for finding in refused.errors}


@pytest.mark.parametrize(
    ("units", "models", "rules"),
    [
        ("24", "{model: a100}", set()),
        ("25", "{model: a100}", {"P11"}),
        ("0.5", "{model: a100}", {"P11"}),
        ("'0.5'", "{model: a100}", {"P21"}),
        (".inf", "{model: a100}", {"P11"}),
        ("1", "{model: rtx 4090}", {"P14"}),
        ("1", "{model: a100}, {model: a100}", {"P14"}),
        ("1", "{model: a100, ram: 80Gi}, {model: a100, ram: 40Gi}", set()),
    ],
)
def test_gpus_are_whole_numbers_of_distinct_models(units: str, models: str, rules: set[str]) -> None:
    report = changed(("  placement:", GPU % (units, models)))
    assert {finding.rule for finding in report.errors} == rules


@pytest.mark.parametrize("name", ["Web", "web_1", "1web", "web-", "w.b", "wéb", "my app"])
def test_a_service_name_that_providers_refuse_is_an_error_at_its_key(name: str) -> None:
    finding = only(
        changed(
            ("services:\n  web:", f"services:\n  {name}:"), ("deployment:\n  web:", f"deployment:\n  {name}:")
        )
    )
    assert (finding.rule, finding.line, finding.column) == ("P02", 3, 3)


def test_accept_with_two_to_entries_requests_each_host_twice() -> None:
    finding = only(
        changed(("as: 80", "accept: [a.com]"), ("- global: true", "- global: true\n          - service: web"))
    )
    assert finding.rule == "P05"
    assert "expose entry of its own" in finding.fix


def test_one_host_name_in_two_placements_is_requested_twice() -> None:
    price = "      pricing: {web: {denom: uact, amount: 1}}\n"
    report = changed(
        ("as: 80", "accept: [a.com]"),
        ("    dc:\n", f"    east:\n{price}    dc:\n"),
        ("      count: 1\n", "      count: 1\n    east: {profile: web, count: 1}\n"),
    )
    assert only(report).rule == "P05"


def test_names_that_console_and_provider_sort_differently_are_refused() -> None:
    report = changed(("- global: true", "- global: true\n          - service: api\n          - service: Web"))
    assert only(report).rule == "P22"


def test_a_placement_has_limits_in_total() -> None:
    report = changed(("units: 0.5", "units: 384"), ("size: 512Mi", "size: 2Ti"), ("count: 1", "count: 51"))
    assert [finding.rule for finding in report.errors] == ["P17", "P19"]


def test_an_sdl_that_deploys_nothing_passes_only_the_console() -> None:
    report = changed(
        ("deployment:\n  web:\n    dc:\n      profile: web\n      count: 1", "deployment:\n  web: {}")
    )
    assert report.console_ok
    assert report.manifest == "[]"
    assert only(report).rule == "P00"


@pytest.mark.parametrize(
    ("old", "new", "rule", "judge"),
    [
        ("port: 80\n        as: 80", "port: 3000", "D04", "market"),
        ("nginx:1.27.0", "nginx:latest", "D09", "market"),
        ("nginx:1.27.0", "registry:5000/nginx", "D09", "market"),
        ("denom: uact", "denom: uakt", "D08", "market"),
        ("amount: 1000", "amount: 10000", "D11", "market"),
        ("amount: 1000", "amount: 0", "D11", "market"),
        ("size: 1Gi", "size: 1Gi\n          attributes: {class: nvme, persistent: false}", "D02", "market"),
        ("- global: true", "- global: true\n          - service: ghost", "D05", "market"),
        ("as: 80", "http_options: {proxy_buffer_size: 8192}", "D06", "provider"),
        (IMAGE, IMAGE + "    params: {permissions: {read: []}}\n", "D07", "provider"),
        (IMAGE, IMAGE + "    params: {permissions: {}}\n", "D07", "provider"),
        (IMAGE, IMAGE + '    env: ["A=\\u2028"]\n', "D07", "provider"),
        ("size: 512Mi", "size: 512MB", "C01", "cli"),
        ("  placement:", GPU % ("1", "{model: A100}"), "D03", "market"),
        ("  placement:", GPU % ("1", "{model: a100, ram: 80GB}"), "D03", "market"),
        ("  placement:", GPU % ("1", ""), "D03", "market"),
    ],
)
def test_what_every_judge_takes_and_still_goes_wrong_is_a_warning(
    old: str, new: str, rule: str, judge: str
) -> None:
    report = changed((old, new))
    assert report.ok
    assert (rule, judge) in {(warning.rule, warning.judge) for warning in report.warnings}


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        (
            "as: 80",
            "http_options: {next_tries: 1e21, next_timeout: .inf}",
            '"nextTimeout":null,"nextTries":1e+21',
        ),
        ("as: 80", "http_options: {next_tries: 18446744073709551616}", '"nextTries":18446744073709552000'),
        ("count: 1", "count: .inf", '"count":null'),
        (
            IMAGE,
            IMAGE + "    params: {permissions: {}}\n",
            '"params":{"permissions":{"read":[]},"storage":null}',
        ),
        ("units: 0.5", "units: .inf", '"cpu":{"units":{"val":"Infinity"}}'),
    ],
)
def test_what_is_rare_stands_in_the_manifest_as_the_console_writes_it(
    old: str, new: str, written: str
) -> None:
    assert written in (changed((old, new)).manifest or "")
