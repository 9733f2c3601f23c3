"""Credentials are named, never written: in `draft`, in `import`, and in what both of them write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akash_mcp.cli import main
from akash_mcp.errors import BadArgument
from akash_mcp.sdl import check
from akash_mcp.sdl.author.compose import convert
from akash_mcp.sdl.author.draft import draft
from akash_mcp.sdl.author.image_hints import Protocol
from akash_mcp.sdl.author.registry_login import parse_login
from akash_mcp.sdl.author.workload import Credentials
from akash_mcp.sdl.images.image_config import ImageConfig
from akash_mcp.sdl.yaml.loader import load

LOGIN = "ghcr.io=robot:secret://GH_TOKEN"
COMPOSE = """
services:
  app: {image: "ghcr.io/team/app:1", ports: ["80:80"]}
  db: {image: "postgres:17"}
"""


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        (LOGIN, ("ghcr.io", "robot", "secret://GH_TOKEN")),
        ("https://index.docker.io/v1/=me:secret://A", ("https://index.docker.io/v1/", "me", "secret://A")),
        ("r.example.com:5000=secret://U:secret://P", ("r.example.com:5000", "secret://U", "secret://P")),
        ("r.example.com=a=b:c:secret://P", ("r.example.com", "a=b:c", "secret://P")),
    ],
)
def test_a_login_is_host_user_and_a_secret_s_name(text: str, credentials: tuple[str, str, str]) -> None:
    assert parse_login(text) == Credentials(*credentials)


@pytest.mark.parametrize(
    "text",
    [
        "", "ghcr.io", "ghcr.io=robot", "ghcr.io=robot:hunter2-hunter2", "ghcr.io=:secret://A", "=robot:secret://A",
        "ghcr.io=robot:secret://", "ghcr.io=robot:secret://1A", "ghcr.io=robot:xsecret://A", "ghcr.io=x secret://A:y",
        "ghcr.io=robot:secret://A:hunter2", "ghcr.io=secret://U/x:secret://P", "gh cr.io=robot:secret://A",
    ],
)  # fmt: skip
def test_a_literal_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadArgument) as refused:
        parse_login(text)
    assert "akash-mcp secret set" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_draft_carries_its_credentials_by_name() -> None:
    drafted = draft("ghcr.io/team/app:1", registry=LOGIN)
    written = json.loads(json.dumps(load(drafted.sdl).data))["services"]["app"]["credentials"]
    assert written == {"host": "ghcr.io", "username": "robot", "password": "secret://GH_TOKEN"}
    assert drafted.report.secrets == (("GH_TOKEN", "app"),)
    assert not drafted.report.warnings
    assert "credentials" not in draft("ghcr.io/team/app:1").sdl


def test_credentials_that_would_not_be_used_are_refused() -> None:
    with pytest.raises(BadArgument, match="no image comes from there"):
        draft("nginx:1", registry=LOGIN)
    with pytest.raises(BadArgument, match="no image comes from there"):
        convert(COMPOSE, registries=[LOGIN, "quay.io=robot:secret://Q"])


def test_a_compose_file_gets_them_where_the_image_comes_from_there() -> None:
    converted = convert(COMPOSE, registries=[LOGIN])
    services = json.loads(json.dumps(load(converted.sdl).data))["services"]
    assert services["app"]["credentials"]["password"] == "secret://GH_TOKEN"
    assert "credentials" not in services["db"]
    assert converted.report.ok


def test_both_commands_take_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE)
    assert main.main(["import", str(file), "--registry", LOGIN]) == 0
    assert main.main(["draft", "--image", "ghcr.io/team/app:1", "--registry", LOGIN]) == 0
    assert capsys.readouterr().out.count("password: secret://GH_TOKEN") == 2
    assert main.main(["draft", "--image", "ghcr.io/team/app:1", "--registry", "ghcr.io=robot:hunter2"]) == 1
    with pytest.raises(SystemExit, match="2"):
        main.main(["lint", str(file), "--registry", LOGIN])
    said = capsys.readouterr()
    assert "--check-images" in said.err
    assert "hunter2" not in said.out + said.err


# ── what an image says of itself ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ports", "protocol", "port", "note"),
    [
        (((3000, "TCP"),), "http", 3000, "is what the image says that it listens on."),
        (((5432, "TCP"), (8080, "TCP"), (9000, "TCP")), "http", 8080, "besides 5432, 9000."),
        (((53, "UDP"), (80, "TCP")), "udp", 53, "is what the image says"),
        (((53, "UDP"),), "http", 80, "80 is a guess"),
        ((), "http", 80, "80 is a guess"),
        (((19132, "UDP"), (19133, "UDP")), None, 19132, "besides 19133."),
    ],
)
def test_the_port_is_what_the_image_says(
    ports: tuple[tuple[int, str], ...], protocol: Protocol | None, port: int, note: str
) -> None:
    drafted = draft("app:1", protocol=protocol, config=ImageConfig(ports=ports))
    assert f"- port: {port}\n" in drafted.sdl
    assert any(note in each for each in drafted.notes)


def test_what_is_spoken_there_is_what_the_image_says() -> None:
    game = draft("app:1", config=ImageConfig(ports=((19132, "UDP"),)))
    assert "proto: UDP" in game.sdl
    assert game.assumed[0] == "protocol udp, as the image says of its port"
    database = draft("app:1", config=ImageConfig(ports=((5432, "TCP"),)))
    assert database.assumed[0] == "protocol tcp, since what listens at 5432 speaks no HTTP"


def test_a_port_that_was_given_stays() -> None:
    drafted = draft("app:1", port=3000, config=ImageConfig(ports=((8080, "TCP"),)))
    assert "- port: 3000\n" in drafted.sdl
    assert not any("8080" in note for note in drafted.notes)


def test_what_would_be_lost_or_not_written_is_told() -> None:
    config = ImageConfig(user="node:node", volumes=("/data/db", "/var/lib/x"), command=("serve",))
    notes = " ".join(draft("app:1", mount="/data", config=config).notes)
    assert "/var/lib/x, and it is lost" in notes
    assert "/data/db" not in notes
    assert "runs as user node:node" in notes
    assert "own arguments are gone" not in notes
    assert "own arguments are gone" in " ".join(draft("app:1", command=["sh"], config=config).notes)


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:www"])
def test_root_may_write_anywhere(user: str) -> None:
    drafted = draft("app:1", mount="/data", config=ImageConfig(user=user))
    assert not any("runs as user" in note for note in drafted.notes)
    assert check(drafted.sdl).ok
