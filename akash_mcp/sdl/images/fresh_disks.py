"""Images that do not start on a fresh disk as it is: its top folder holds `lost+found` and belongs to root.

A provider formats a disk as ext4 and mounts it with the owner that this leaves, root with mode 0755; it sets neither
user nor fsGroup (akash-network/provider, cluster/kube/builder/workload.go and statefulset.go). A disk in memory is
empty and open to every user. Images are known by `names.image_name`, and by where the disk is mounted: `mysql` of
another maker keeps its data elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sdl.images.names import image_name, image_owner


@dataclass(frozen=True, slots=True)
class Mend:
    """What starts an image on a fresh disk at `mount`: variables (NAME=VALUE), or arguments of `programs`.

    `refuses` says that without it the program does not start; otherwise it starts and complains.
    """

    mount: str
    env: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """The user an image runs as, who cannot write to a fresh disk mounted at, above or below one of `paths`."""

    uid: int
    paths: tuple[str, ...]


POSTGRES = frozenset({"postgres", "postgis", "pgvector", "pgvecto-rs", "timescaledb"})
"""Images whose database refuses to start in the top folder of a fresh disk, where `lost+found` lies."""

_PGDATA = Mend("/var/lib/postgresql/data", env=("PGDATA=/var/lib/postgresql/data/pgdata",))
NEEDS_EMPTY: Mapping[str, Mend] = {
    **dict.fromkeys(POSTGRES, _PGDATA),
    # docker-library/mysql issues 186 and 933; its entrypoint makes the folder that --datadir names, as root
    "mysql": Mend("/var/lib/mysql", args=("--datadir=/var/lib/mysql/data",), programs=("mysqld",)),
    # starts, and takes lost+found for a database that it cannot read
    "mariadb": Mend(
        "/var/lib/mysql",
        args=("--ignore-db-dirs=lost+found",),
        programs=("mariadbd", "mysqld"),
        refuses=False,
    ),
}
"""Images that want the folder of their data empty, each with what has them start on a fresh disk all the same."""

NOT_ROOT: Mapping[str, User] = {
    "airflow": User(50_000, ("/opt/airflow/logs", "/opt/airflow/dags", "/opt/airflow/plugins")),
    "alertmanager": User(65_534, ("/alertmanager",)),
    "code-server": User(1000, ("/home/coder/project", "/home/coder/.local", "/home/coder/.config")),
    "cp-kafka": User(1000, ("/var/lib/kafka/data",)),
    "directus": User(1000, ("/directus/database", "/directus/uploads", "/directus/extensions")),
    "elasticsearch": User(1000, ("/usr/share/elasticsearch/data",)),
    "gitea": User(1000, ("/var/lib/gitea", "/etc/gitea")),  # of the tags that end with "-rootless"
    "grafana": User(472, ("/var/lib/grafana",)),
    "grafana-enterprise": User(472, ("/var/lib/grafana",)),
    "grafana-oss": User(472, ("/var/lib/grafana",)),
    "jenkins": User(1000, ("/var/jenkins_home",)),
    "kafka": User(1000, ("/var/lib/kafka/data", "/tmp/kraft-combined-logs")),
    "keycloak": User(1000, ("/opt/keycloak/data",)),
    "loki": User(10_001, ("/loki",)),
    "mattermost-team-edition": User(2000, ("/mattermost/data", "/mattermost/config", "/mattermost/logs")),
    "n8n": User(1000, ("/home/node/.n8n",)),
    "nexus3": User(200, ("/nexus-data",)),
    "node-red": User(1000, ("/data",)),
    "opensearch": User(1000, ("/usr/share/opensearch/data",)),
    "percona": User(1001, ("/var/lib/mysql",)),
    "percona-server": User(1001, ("/var/lib/mysql",)),
    "percona-server-mongodb": User(1001, ("/data/db",)),
    "pgadmin4": User(5050, ("/var/lib/pgadmin",)),
    "prometheus": User(65_534, ("/prometheus",)),
    "server": User(10_001, ("/var/opt/mssql",)),  # mcr.microsoft.com/mssql/server
    "solr": User(8983, ("/var/solr",)),
    "sonarqube": User(1000, ("/opt/sonarqube/data", "/opt/sonarqube/extensions", "/opt/sonarqube/logs")),
    "tempo": User(10_001, ("/var/tempo",)),
    "timescaledb-ha": User(1000, ("/home/postgres/pgdata",)),
    "verdaccio": User(10_001, ("/verdaccio/storage",)),
    **dict.fromkeys(
        ("base-notebook", "datascience-notebook", "minimal-notebook", "pytorch-notebook", "scipy-notebook"),
        User(1000, ("/home/jovyan",)),
    ),
}
"""Images that do not run as root and keep data in a folder of their own: their user and that folder, as the Dockerfile
of each says (USER), or its documentation where that is not public. No SDL can change the owner of a disk or the user
of an image."""

BITNAMI = User(1001, ("/bitnami",))
"""Every image of Bitnami (github.com/bitnami/containers): known by its folder, whatever the image is called."""


def mend_of(image: str, mount: str) -> Mend | None:
    """What an image needs to start with a fresh disk at `mount`; None where nothing is known to be needed."""
    mend = NEEDS_EMPTY.get(image_name(image))
    return mend if mend is not None and mend.mount == mount.rstrip("/") else None


def user_of(image: str, mount: str) -> User | None:
    """The user of an image who cannot write to a fresh disk at `mount`; None where none is known."""
    own = NOT_ROOT.get(image_name(image))
    return next((user for user in (own, BITNAMI) if user and _holds(mount, user.paths)), None)


def uid_of(image: str) -> int | None:
    """The user that an image is known to run as, who is not root; None where none is known."""
    own = BITNAMI if image_owner(image) == "bitnami" else NOT_ROOT.get(image_name(image))
    return own.uid if own else None


def _holds(mount: str, paths: tuple[str, ...]) -> bool:
    top = f"{mount.rstrip('/')}/"
    return any(top.startswith(f"{path}/") or f"{path}/".startswith(top) for path in paths)
