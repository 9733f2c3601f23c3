"""What a person reads: where the mistake is, and how to fix it."""

from __future__ import annotations

import pytest
from sdl_data import changed, only

from akash_mcp.sdl.check import check

IMAGE = "    image: nginx:1.27.0\n"


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("depends_on: [db]", "dependencies"),
        ("depends-on: [db]", "dependencies"),
        ("ports: ['80:80']", "expose"),
        ("volumes: ['/data']", "params.storage"),
        ("environment: {A: b}", "env"),
        ("restart: always", "remove it"),
        ("links: [db]", "by name"),
        ("cmd: run", "command"),
        ("entrypoint: run", "command"),
        ("build: .", "push it to a registry"),
        ("replicas: 3", "deployment.<service>.<placement>.count"),
        ("imgae: x", 'did you mean "image"?'),
        ("frobnicate: 1", "known here: args, command"),
    ],
)
def test_a_compose_habit_is_answered_with_the_sdl_way(line: str, fix: str) -> None:
    finding = only(changed((IMAGE, f"{IMAGE}    {line}\n")))
    assert (finding.line, finding.column) == (5, 5)
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("old", "new", "place", "fix"),
    [
        ('version: "2.0"', "version: 2.0", (1, 10), 'version: "2.0"'),
        ("port: 80", 'port: "80"', (6, 15), "remove the quotes"),
        ("port: 80", 'port: "8080:80"', (6, 15), "port: 80"),
        ("as: 80", "proto: http", (7, 16), "TCP"),
        ("as: 80", "proto: Tcp", (7, 16), "write TCP"),
        (IMAGE, IMAGE + "    env: {A: b}\n", (5, 10), "- NAME=value"),
        (IMAGE, IMAGE + "    env: [5]\n", (5, 11), "NAME=value"),
        (IMAGE, IMAGE + "    args: [5]\n", (5, 12), "quote it"),
        (IMAGE, IMAGE + "    command: run\n", (5, 14), "list"),
        (IMAGE, IMAGE + "    dependencies: [db]\n", (5, 20), "- service: db"),
        (
            "    dc:\n      pricing",
            "    dc:\n      attributes:\n      pricing",
            (22, 7),
            'remove "attributes:"',
        ),
        (
            "as: 80",
            "http_options: {proxy: {buffering_disable: true}}",
            (7, 24),
            "what there is: read_timeout",
        ),
        (
            "as: 80",
            "http_options: {proxy_read_timeout: 60}",
            (7, 24),
            '"read_timeout"? It is in milliseconds',
        ),
        ("size: 512Mi", "size: 536870912", (17, 17), "write 512Mi"),
        ("size: 512Mi", 'size: "536870912"', (17, 17), "write 512Mi"),
        ("size: 512Mi", "size: 512 Mi", (17, 17), "write 512Mi"),
        ("size: 512Mi", "size: 1,5Gi", (17, 17), "write 1.5Gi"),
        ("units: 0.5", "units: 16.1", (15, 18), "write 16100m"),
        ("units: 0.5", "units: 2.01", (15, 18), "write 2010m"),
        ("units: 0.5", "units: 0.3333", (15, 18), "write 334m"),
        ("units: 0.5", "units: 0.5m", (15, 18), "write 10m"),
        ("units: 0.5", "units: .nan", (15, 18), "500m"),
        ("profile: web", "profile: wep", (22, 7), 'did you mean "web"?'),
        ("    dc:\n      profile", "    dcx:\n      profile", (28, 5), 'did you mean "dc"?'),
        ("deployment:\n  web:", "deployment:\n  wed:", (3, 3), 'did you mean "wed"?'),
        ("- global: true", "- global: true\n            ip: mine", (10, 17), "endpoints: mine: kind: ip"),
        ("- global: true", "- ip: mine", (9, 17), "global: true"),
        ("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:", (26, 13), "ip: mine"),
        ("size: 1Gi", "size: 1Gi\n          attributes: {class: beta3}", (20, 11), "persistent: true"),
        ("size: 1Gi", "size: 1Gi\n          attributes: {class: ram, persistent: true}", (20, 48), "false"),
        ("size: 1Gi", "size: 1Gi\n          attributes: {class: beta3, persistent: true}", (3, 3), "name"),
    ],
)
def test_a_mistake_has_its_place_and_its_fix(old: str, new: str, place: tuple[int, int], fix: str) -> None:
    finding = changed((old, new)).errors[0]
    assert (finding.line, finding.column) == place, finding
    assert fix in finding.fix, finding


def test_the_path_is_a_json_pointer() -> None:
    finding = only(changed(("port: 80", "port: 0")))
    assert finding.path == "/services/web/expose/0/port"


def test_every_fault_is_found_at_once() -> None:
    report = changed(("port: 80", "port: 0"), ("size: 1Gi", "sice: 1Gi"), ('"2.0"', "2.0"))
    assert [finding.line for finding in report.errors] == [18, 19, 6, 1]
    assert not report.ok
    assert report.manifest is None


def test_a_good_sdl_has_neither_errors_nor_warnings() -> None:
    report = changed()
    assert (report.ok, report.console_ok, report.errors, report.warnings) == (True, True, (), ())
    assert report.services == ("web",)


def test_a_compose_file_is_told_where_it_becomes_an_sdl() -> None:
    report = check("services: {web: {image: 'nginx:1.27.0', ports: ['80:80']}}")
    first = report.errors[0]
    assert (first.rule, first.message) == ("S01", 'an SDL needs the field "version"')
    assert first.fix == "this is a compose file: akash-mcp import (convert_compose) makes an SDL of it"


def test_an_unfinished_sdl_is_told_what_it_lacks() -> None:
    report = check("services: {web: {image: 'nginx:1.27.0', expose: [{port: 80}]}}")
    assert report.errors[0].fix == 'add version: "2.0"'
