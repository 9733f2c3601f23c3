"""What is known of images that do not start on a fresh disk: which, where it is mounted, and what mends it."""

from __future__ import annotations

import pytest

from akash_mcp.sdl.images.fresh_disks import NEEDS_EMPTY, NOT_ROOT, POSTGRES, mend_of, user_of


@pytest.mark.parametrize(
    ("image", "mount", "mended"),
    [
        ("mysql:8.4", "/var/lib/mysql", True),
        ("docker.io/library/mysql@sha256:0", "/var/lib/mysql/", True),
        ("mariadb", "/var/lib/mysql", True),
        ("pgvector/pgvector:pg17", "/var/lib/postgresql/data", True),
        ("postgres:18", "/var/lib/postgresql", False),  # its data lies two folders further down
        ("bitnami/mysql:8.4", "/bitnami/mysql/data", False),
        ("mysql:8.4", "/docker-entrypoint-initdb.d", False),
        ("mongo:8.0", "/data/db", False),
    ],
)
def test_an_image_is_mended_where_its_data_is_mounted(image: str, mount: str, mended: bool) -> None:
    assert (mend_of(image, mount) is not None) == mended


@pytest.mark.parametrize(
    ("image", "mount", "uid"),
    [
        ("grafana/grafana:11.3.1", "/var/lib/grafana", 472),
        ("docker.n8n.io/n8nio/n8n", "/home/node/.n8n", 1000),
        ("n8nio/n8n", "/home/node", 1000),
        ("n8nio/n8n", "/home/node/.n8n/nodes/", 1000),
        ("n8nio/n8n", "/files", None),
        ("bitnami/mysql:8.4", "/bitnami/mysql/data", 1001),
        ("lscr.io/linuxserver/grafana", "/config", None),
        ("percona/percona-server:8.0", "/var/lib/mysql", 1001),
        ("mcr.microsoft.com/mssql/server:2022-latest", "/var/opt/mssql", 10_001),
        ("mongo:8.0", "/data/db", None),  # starts as root and gives the folder to its user
    ],
)
def test_an_image_without_root_is_known_by_its_folder(image: str, mount: str, uid: int | None) -> None:
    user = user_of(image, mount)
    assert (user.uid if user else None) == uid


def test_the_tables_can_be_used() -> None:
    assert set(NEEDS_EMPTY) >= POSTGRES
    for name, mend in NEEDS_EMPTY.items():
        assert name == name.lower()
        assert mend.env or (mend.args and mend.programs)
    for name, user in NOT_ROOT.items():
        assert name == name.lower()
        assert user.uid > 0  # 0 is root
        assert all(path.startswith("/") and not path.endswith("/") for path in user.paths)
