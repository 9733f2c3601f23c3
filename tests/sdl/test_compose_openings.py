"""What a compose file publishes on a laptop is not open to the whole world unless somebody says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akash_mcp.cli import main
from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import Converted, convert
from akash_mcp.sdl.images.usual_ports import UNUSED_PORT
from akash_mcp.sdl.yaml.loader import load


def of(image: str, ports: str, more: str = "", **arguments: Any) -> Converted:
    """A web page and, beside it, a service `x`."""
    return convert(
        f"services: {{web: {{image: 'nginx:1.29', ports: ['80:80']}}, "
        f"x: {{image: '{image}', ports: [{ports}]{', ' if more else ''}{more}}}}}",
        **arguments,
    )


def reached(made: Converted, service: str = "x") -> list[tuple[int, str]]:
    """Each port of the service with who reaches it."""
    data = json.loads(json.dumps(load(made.sdl).data))
    return [
        (each["port"], "the world" if to.get("global") else to["service"])
        for each in data["services"][service]["expose"]
        for to in each["to"]
    ]


CLOSED = {
    "a database with a password": (
        "postgres:17",
        "'5432:5432'",
        "environment: {POSTGRES_PASSWORD: kQ7-zu!w}",
    ),
    "a cache": ("redis:8", "'6379:6379'", ""),
    "a queue": ("rabbitmq:4", "'5672:5672'", "environment: {RABBITMQ_DEFAULT_PASS: kQ7-zu!w}"),
    "a search engine": ("elasticsearch:8.16.1", "'9200:9200'", ""),
    "another port of a database": ("mysql:8.4", "'13306:13306'", ""),
    "the port of a database, of an image that nobody knows": ("example/x:1", "'27017:27017'", ""),
    "a page without a login": ("rediscommander/redis-commander:1", "'8081:8081'", ""),
    "a page with a password that everybody knows": ("grafana/grafana:12.2.0", "'3000:3000'", ""),
    "a shell": ("tsl0922/ttyd:1.7", "'7681:7681'", ""),
    "a Docker daemon": ("example/x:1", "'2375:2375'", ""),
}


@pytest.mark.parametrize(("image", "ports", "more"), CLOSED.values(), ids=CLOSED.keys())
def test_what_only_neighbours_need_or_anyone_gets_into_stays_closed(
    image: str, ports: str, more: str
) -> None:
    made = of(image, ports, more)
    port = int(ports.strip("'").partition(":")[2])
    assert reached(made) == [(port, "web")]
    (listed,) = [each for each in made.left_out if each.service == "x"]
    assert listed.what == f"opening port {port} to the Internet"
    assert f"--open x:{port}" in listed.fix
    assert not [each for each in made.report.warnings if each.rule[0] == "E"]


@pytest.mark.parametrize(("image", "ports", "more"), CLOSED.values(), ids=CLOSED.keys())
def test_it_is_open_once_somebody_says_so_and_warned_of(image: str, ports: str, more: str) -> None:
    port = int(ports.strip("'").partition(":")[2])
    made = of(image, ports, more, opened=[f"x:{port}"])
    assert (port, "the world") in reached(made)
    assert [each.rule[0] for each in made.report.warnings].count("E") == 1


OPEN = {
    "a page": ("ghost:5.101", "'2368:2368'", ""),
    "a page that asks for a login": ("adminer:4", "'8080:8080'", ""),
    "a page with a password of its own": (
        "grafana/grafana:12.2.0",
        "'3000:3000'",
        "environment: {GF_SECURITY_ADMIN_PASSWORD: kQ7-zu!w}",
    ),
    "a model server, which has no logins": ("ollama/ollama:0.12", "'11434:11434'", ""),
    "SSH": ("example/x:1", "'2222:22'", ""),
    "a game": ("itzg/minecraft-server:1", "'25565:25565'", ""),
    "a page on a port that a database has too": ("example/x:1", "'8086:8086'", ""),
}


@pytest.mark.parametrize(("image", "ports", "more"), OPEN.values(), ids=OPEN.keys())
def test_what_is_meant_for_everybody_is_open_as_published(image: str, ports: str, more: str) -> None:
    made = of(image, ports, more)
    assert "the world" in {who for _, who in reached(made)}
    assert not any("to the Internet" in each.what for each in made.left_out)


def test_a_file_that_publishes_a_database_only_opens_nothing_and_says_so() -> None:
    made = convert("services: {db: {image: 'redis:8', ports: ['6379:6379']}}")
    assert made.report.ok
    assert reached(made, "db") == [(UNUSED_PORT, "the world")]
    assert [each.words for each in made.report.exposed] == ["db port 80 (HTTP): nothing listens there"]
    assert any(note.startswith("Nothing is open to the Internet") for note in made.notes)


@pytest.mark.parametrize("opened", ["db", "x:", ":6379", "x:65536000", "x:1", "y:6379", "x:６３７９"])
def test_what_nobody_publishes_cannot_be_opened(opened: str) -> None:
    with pytest.raises(BadArgument):
        of("redis:8", "'6379:6379'", opened=[opened])


def test_the_command_opens_on_purpose_and_says_what_is_open(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {db: {image: 'redis:8', ports: ['6379:6379']}}")
    assert main.main(["import", str(file), "--open", "db:6379"]) == 0
    said = capsys.readouterr().err
    assert "Open to the Internet:\n- E01 (SDL line 8): Redis is open to the Internet" in said
    assert "Redis is open to the Internet" in said
