"""What keeps a container from starting is warned of with what starts it, and nothing else is."""

from __future__ import annotations

import json

import pytest
from sdl_data import BASE

from akash_mcp.sdl import Finding, check
from akash_mcp.sdl.images.shells import lacks_shell

IMAGE = "    image: nginx:1.27.0\n"


def noted(image: str, lines: str = "", disk: str = "") -> list[Finding]:
    sdl = BASE.replace(IMAGE, f"    image: {json.dumps(image)}\n{lines}", 1)
    if disk:
        sdl = sdl.replace(
            "          size: 1Gi\n",
            "          - size: 1Gi\n          - {name: data, size: 1Gi, attributes: {" + disk + "}}\n",
            1,
        )
    report = check(sdl)
    assert report.ok, report.errors
    return [warning for warning in report.warnings if warning.rule.startswith("N")]


def started(command: list[str], args: list[str], image: str = "acme/app:1") -> list[Finding]:
    return noted(image, f"    command: {json.dumps(command)}\n    args: {json.dumps(args)}\n")


def mounted(
    image: str, mount: str, more: str = "", disk: str = "persistent: true, class: beta3"
) -> list[Finding]:
    return noted(image, f"    params: {{storage: {{data: {{mount: {mount}}}}}}}\n{more}", disk)


@pytest.mark.parametrize(
    ("command", "args", "path", "fix"),
    [
        (["bash -c 'a && b'"], [], "command/0", 'command: ["bash", "-c", "…"]'),
        (["bash -c"], ["a && b"], "command/0", 'command: ["bash", "-c"]'),
        (["python app.py --key hunter22"], [], "command/0", 'command: ["python", "…", "--key", "…"]'),
        (["pip install x && python app.py"], [], "command/0", 'command: ["sh", "-c", "…"]'),
        (["serve 'unclosed"], [], "command/0", 'command: ["serve", "…"]'),
        (["sh", "-c 'a && b'"], [], "command/1", 'command: ["sh", "-c", "…"]'),
        (["sh"], ["-c 'a && b'"], "args/0", '["sh", "-c", "…"]'),
        ([], ["sh -c 'echo hi && sleep 1'"], "args/0", 'command: ["sh", "-c", "…"]'),
        ([], ["--model hunter22"], "args/0", 'args: ["--model", "…"]'),
        ([], ["serve", "--model a --port 80"], "args/1", 'args: ["--model", "…", "--port", "…"]'),
        (["java"], ["-jar app.jar"], "args/0", 'args: ["-jar", "…"]'),
    ],
)
def test_a_command_line_in_one_item_is_shown_split(
    command: list[str], args: list[str], path: str, fix: str
) -> None:
    (found,) = started(command, args)
    assert (found.rule, found.path) == ("N04", f"/services/web/{path}")
    assert fix in found.fix
    assert "hunter22" not in found.message + found.fix


@pytest.mark.parametrize(
    ("command", "args"),
    [
        (["sh", "-c"], ["--model foo"]),
        (["bash", "-c", "a && b"], []),
        (["/bin/bash", "-lc", "--x y"], []),
        ([], ["--model", "foo", "--prompt=hello world"]),
        ([], ["--extra-args", "--model foo"]),
        (["curl"], ["-H", "Accept: x", "http://db"]),
        (["nginx"], ["-g", "daemon off;"]),
        (["redis-server"], ["--protected-mode no"]),
        ([], ["hello world"]),
        ([], []),
    ],
)
def test_words_and_scripts_are_left_alone(command: list[str], args: list[str]) -> None:
    assert started(command, args) == []


@pytest.mark.parametrize(
    ("image", "mount", "more", "fix"),
    [
        ("mysql:8.4", "/var/lib/mysql", "", 'add to args: "--datadir=/var/lib/mysql/data"'),
        (
            "postgres:17",
            "/var/lib/postgresql/data",
            "",
            "add to env: - PGDATA=/var/lib/postgresql/data/pgdata",
        ),
        ("postgres:17", "/var/lib/postgresql/data/", "    env: [A=b]\n", "add to env: - PGDATA="),
    ],
)
def test_a_database_at_the_top_of_a_fresh_disk_is_warned_of(
    image: str, mount: str, more: str, fix: str
) -> None:
    (found,) = mounted(image, mount, more)
    assert (found.rule, found.path) == ("N07", "/services/web/params/storage/data/mount")
    assert "lost+found" in found.message
    assert fix in found.fix


@pytest.mark.parametrize(
    ("image", "mount", "more"),
    [
        ("mysql:8.4", "/var/lib/mysql", "    args: [--datadir=/var/lib/mysql/data]\n"),
        (
            "mysql:8.4",
            "/var/lib/mysql",
            "    command: [sh, -c, 'rmdir /var/lib/mysql/lost+found; exec mysqld']\n",
        ),
        ("postgres:17", "/var/lib/postgresql/data", "    env: [PGDATA=/var/lib/postgresql/data/x]\n"),
        ("postgres:18", "/var/lib/postgresql", ""),
        ("mongo:8", "/data/db", ""),
        ("mariadb:11", "/var/lib/mysql", ""),
        ("redis:7", "/data", ""),
    ],
)
def test_what_starts_on_a_fresh_disk_is_left_alone(image: str, mount: str, more: str) -> None:
    assert mounted(image, mount, more) == []


@pytest.mark.parametrize(
    ("image", "mount", "uid"),
    [
        ("n8nio/n8n:1.70", "/home/node/.n8n", 1000),
        ("grafana/grafana:11.3.1", "/var/lib/grafana", 472),
        ("prom/prometheus:v3", "/prometheus", 65_534),
        ("bitnami/redis:7", "/bitnami/redis/data", 1001),
    ],
)
def test_a_disk_under_an_image_that_is_not_root_is_warned_of(image: str, mount: str, uid: int) -> None:
    (found,) = mounted(image, mount)
    assert found.rule == "N06"
    assert f"runs as user {uid}" in found.message
    assert "USER root" in found.fix


def test_a_disk_in_memory_is_empty_and_open_to_every_user() -> None:
    disk = "persistent: false, class: ram"
    assert mounted("n8nio/n8n:1.70", "/home/node/.n8n", disk=disk) == []
    assert mounted("mysql:8.4", "/var/lib/mysql", disk=disk) == []


@pytest.mark.parametrize(
    ("image", "shell", "lacks"),
    [
        ("gcr.io/distroless/static-debian12", "sh", True),
        ("gcr.io/distroless/java21-debian12:nonroot", "sh", True),
        ("gcr.io/distroless/static-debian12:debug", "sh", False),
        ("gcr.io/distroless/python3-debian12", "sh", False),
        ("docker.io/traefik/whoami:v1.10", "sh", True),
        ("traefik:v3", "sh", False),
        ("nats:2.11", "sh", True),
        ("nats:2.11-alpine", "sh", False),
        ("portainer/portainer-ce:2.20.0-alpine", "sh", False),
        ("fluent/fluent-bit:3.2@sha256:" + "a" * 64, "bash", True),
        ("fluent/fluent-bit:3.2-debug", "bash", False),
        ("acme/nats:1", "sh", False),
        ("localhost:5000/nats", "sh", False),
        ("python:3.12-alpine", "bash", True),
        ("python:3.12-alpine", "sh", False),
        ("python:3.12", "bash", False),
        ("alpine:3.20", "bash", True),
    ],
)
def test_only_images_that_certainly_have_no_shell_are_said_to_have_none(
    image: str, shell: str, lacks: bool
) -> None:
    assert lacks_shell(image, shell) == lacks


@pytest.mark.parametrize(
    ("image", "command", "fix"),
    [
        ("traefik/whoami:v1.10", "/bin/sh", "name the image's own program"),
        ("nats:2.11", "sh", 'take a tag with "alpine"'),
        ("gcr.io/distroless/base-debian12:nonroot", "bash", 'take a tag with "debug"'),
        ("node:22-alpine", "bash", 'write "sh" in its place'),
    ],
)
def test_a_shell_that_the_image_does_not_have_is_warned_of(image: str, command: str, fix: str) -> None:
    (found,) = started([command, "-c"], ["echo hi"], image)
    assert (found.rule, found.path) == ("N08", "/services/web/command/0")
    assert fix in found.fix
    assert started(["serve"], ["sh"], image) == []
