"""Images that read a secret from the file that `NAME_FILE` names, and take `NAME` itself in its place.

Sources: `file_env` in the entry points of docker-library's images (postgres, mysql, mariadb, wordpress, …) and of those
built like them; for the others (bitnami's, Grafana, MinIO, …) what their own documentation says of `_FILE`.
"""

from __future__ import annotations

from collections.abc import Mapping

_MYSQL = ("MYSQL_",)
_POSTGRES = ("POSTGRES_",)

FROM_A_FILE: Mapping[str, tuple[str, ...]] = {
    "grafana": ("GF_",),
    "influxdb": ("DOCKER_INFLUXDB_",),
    "joomla": ("JOOMLA_",),
    "mariadb": ("MARIADB_", *_MYSQL),
    "minio": ("MINIO_",),
    "mongo": ("MONGO_INITDB_",),
    "mongo-express": ("ME_CONFIG_",),
    "mongodb": ("MONGODB_",),
    "mysql": _MYSQL,
    "nextcloud": ("NEXTCLOUD_", "REDIS_HOST_", "SMTP_", *_MYSQL, *_POSTGRES),
    "percona": _MYSQL,
    "pgvector": _POSTGRES,
    "phpmyadmin": ("PMA_", *_MYSQL),
    "postgis": _POSTGRES,
    "postgres": _POSTGRES,
    "postgresql": ("POSTGRESQL_", *_POSTGRES),
    "redmine": ("REDMINE_",),
    "timescaledb": _POSTGRES,
    "wordpress": ("WORDPRESS_",),
}
"""By the last part of an image's name, the beginnings of the variables that it takes in both ways."""


def is_read_from_a_file(image: str, variable: str) -> bool:
    """Whether an image, by the last part of its name, is known to take this variable as `NAME` and as `NAME_FILE`."""
    return variable.startswith(FROM_A_FILE.get(image, ()))
