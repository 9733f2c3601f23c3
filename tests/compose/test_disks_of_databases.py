"""Databases of compose files start on fresh disks, which hold `lost+found` and belong to root."""

from __future__ import annotations

import pytest
from conversion import convert, left_out, noted, services


def database(image: str, fields: str = "", mount: str = "/var/lib/mysql") -> str:
    return f"services: {{db: {{image: '{image}', ports: [3306], volumes: ['data:{mount}'], {fields}}}}}"


MENDED: dict[str, tuple[str, list[str], str]] = {
    "MySQL": (database("mysql:8.4"), ["--datadir=/var/lib/mysql/data"], "refuses the top"),
    "MySQL with options": (
        database("mysql:8.4", "command: --max-connections=9"),
        ["--max-connections=9", "--datadir=/var/lib/mysql/data"],
        "refuses the top",
    ),
    "MySQL by its name": (
        database("mysql:8.4", "command: [mysqld, --skip-name-resolve]"),
        ["mysqld", "--skip-name-resolve", "--datadir=/var/lib/mysql/data"],
        "refuses the top",
    ),
    "MariaDB": (database("mariadb:11.8"), ["--ignore-db-dirs=lost+found"], "for a database"),
}


@pytest.mark.parametrize(("text", "args", "part"), MENDED.values(), ids=MENDED.keys())
def test_a_database_starts_on_a_fresh_disk(text: str, args: list[str], part: str) -> None:
    made = convert(text)
    assert services(made)["db"]["args"] == args
    assert part in noted(made, f"{args[-1]} was added")


LEFT_ALONE = {
    "a folder of its own": database("mysql:8.4", "command: --datadir=/var/lib/mysql/mine"),
    "no disk": "services: {db: {image: 'mysql:8.4', ports: [3306]}}",
    "a disk in memory": "services: {db: {image: 'mysql:8.4', ports: [3306], tmpfs: /var/lib/mysql}}",
    "another mount": database("mysql:8.4", mount="/backups"),
    "another maker": database("bitnami/mysql:8.4", mount="/bitnami/mysql"),
}


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_needs_no_mending_is_left_alone(text: str) -> None:
    made = convert(text)
    assert "--datadir=/var/lib/mysql/data" not in made.sdl
    assert not any("lost+found" in note for note in made.notes)


def test_a_database_that_a_script_starts_is_told_how() -> None:
    made = convert(database("mysql:8.4", "entrypoint: [sh, -c, './wait && exec mysqld']"))
    assert "args" not in services(made)["db"]
    assert "Fix: start it with --datadir=/var/lib/mysql/data" in noted(made, "lost+found")


def test_a_disk_that_its_user_cannot_write_to_is_warned_of() -> None:
    made = convert("services: {n8n: {image: 'n8nio/n8n:1', ports: [5678], volumes: ['n:/home/node/.n8n']}}")
    assert "N06" in {warning.rule for warning in made.report.warnings}


def test_a_volume_whose_name_is_one_letter_is_not_a_drive() -> None:
    made = convert(
        "services: {a: {image: 'x:1', ports: [80], volumes: ['g:/data', 'C:\\x:/y', 'd:/a:/b:ro']}}"
    )
    assert services(made)["a"]["params"]["storage"] == {"g": {"mount": "/data"}}
    assert left_out(made) == ["volumes: C:\\x:/y", "volumes: d:/a:/b"]
