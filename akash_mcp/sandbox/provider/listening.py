"""Which ports a container's program listens on, as far as can be told without running it.

The table is the embedded network's own, from each image's documentation, and not the product's (`sdl/images/ports.py`):
a mistake there would otherwise make wrong SDLs work here, and test itself. What a command says of its port is believed
before the image is. An image that is not known is taken to listen wherever the SDL says, because nobody knows better.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from akash_mcp.sandbox.provider.manifest import Service
from akash_mcp.sandbox.provider.shell.files import Files

Ports = frozenset[int] | None
"""None: whichever the SDL opens."""


@dataclass(frozen=True, slots=True)
class Known:
    """Where an image listens unless its `variable` says otherwise, the names of its own programs, and folders in it."""

    ports: tuple[int, ...]
    variable: str = ""
    programs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


_NGINX = ("nginx", "/docker-entrypoint.sh")
_NGINX_FOLDERS = ("/etc/nginx/conf.d", "/usr/share/nginx/html")

KNOWN: Mapping[str, Known] = {
    "adminer": Known((8080,)),
    "bitnami/nginx": Known((8080,), "NGINX_HTTP_PORT_NUMBER"),
    "caddy": Known((80,), programs=("caddy",), folders=("/etc/caddy", "/usr/share/caddy")),
    "clickhouse/clickhouse-server": Known((8123, 9000)),
    "codercom/code-server": Known((8080,), programs=("code-server",)),
    "elasticsearch": Known((9200, 9300)),
    "ghost": Known((2368,), "server__port"),
    "gitea/gitea": Known((3000, 22), "GITEA__server__HTTP_PORT"),
    "grafana/grafana": Known((3000,), "GF_SERVER_HTTP_PORT"),
    "httpd": Known(
        (80,), programs=("httpd", "httpd-foreground", "apachectl"), folders=("/usr/local/apache2/htdocs",)
    ),
    "influxdb": Known((8086,)),
    "lmsysorg/sglang": Known((30000,)),
    "louislam/uptime-kuma": Known((3001,), "PORT"),
    "lscr.io/linuxserver/code-server": Known((8443,)),
    "mariadb": Known((3306,), programs=("mariadbd", "mysqld")),
    "memcached": Known((11211,), programs=("memcached",)),
    "metabase/metabase": Known((3000,), "MB_JETTY_PORT"),
    "minio/minio": Known((9000,), programs=("minio",)),
    "mongo": Known((27017,), programs=("mongod",)),
    "mysql": Known((3306,), programs=("mysqld",)),
    "n8nio/n8n": Known((5678,), "N8N_PORT", ("n8n",)),
    "nats": Known((4222, 8222), programs=("nats-server",)),
    "nextcloud": Known((80,)),
    "nginx": Known((80,), programs=_NGINX, folders=_NGINX_FOLDERS),
    "nginxinc/nginx-unprivileged": Known((8080,), programs=_NGINX, folders=_NGINX_FOLDERS),
    "nodered/node-red": Known((1880,), "PORT"),
    "ollama/ollama": Known((11434,), "OLLAMA_HOST", ("ollama",)),
    "ghcr.io/open-webui/open-webui": Known((8080,), "PORT"),
    "pgvector/pgvector": Known((5432,), "PGPORT", ("postgres", "docker-entrypoint.sh")),
    "phpmyadmin": Known((80,)),
    "postgis/postgis": Known((5432,), "PGPORT", ("postgres", "docker-entrypoint.sh")),
    "postgres": Known((5432,), "PGPORT", ("postgres", "docker-entrypoint.sh")),
    "prom/prometheus": Known((9090,), programs=("prometheus", "/bin/prometheus")),
    "qdrant/qdrant": Known((6333, 6334), "QDRANT__SERVICE__HTTP_PORT"),
    "quay.io/keycloak/keycloak": Known((8080,), "KC_HTTP_PORT"),
    "rabbitmq": Known((5672, 15672), programs=("rabbitmq-server",)),
    "redis": Known((6379,), programs=("redis-server", "docker-entrypoint.sh")),
    "registry": Known((5000,), programs=("registry",)),
    "timescale/timescaledb": Known((5432,), "PGPORT", ("postgres",)),
    "tomcat": Known((8080,), programs=("catalina.sh",)),
    "traefik": Known((80,), programs=("traefik",)),
    "traefik/whoami": Known((80,), "WHOAMI_PORT_NUMBER"),
    "valkey/valkey": Known((6379,), programs=("valkey-server",)),
    "vaultwarden/server": Known((80,), "ROCKET_PORT"),
    "vllm/vllm-openai": Known((8000,), programs=("vllm", "python", "python3")),
    "wordpress": Known((80,), programs=("apache2-foreground",)),
}
"""By the reference without tag, Docker Hub and `library`: what others build under the same name may listen anywhere."""

_FLAG = re.compile(r"--(?:port|http-port|bind|listen|address)|-b")
_ADDRESS = re.compile(r"(?:.*:)?([0-9]{1,5})")
_NGINX_LISTEN = re.compile(r"^\s*listen\s+(?:\S*:)?([0-9]+)\b", re.MULTILINE)
_CADDYFILE = "/etc/caddy/Caddyfile"
_CADDY_SITE = re.compile(r"^\S*:([0-9]+)\s*\{?\s*$", re.MULTILINE)
_POSTGRES = ("postgres", "docker-entrypoint.sh")


def known(image: str) -> Known | None:
    """What is known of an image."""
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    name = f"{folder}{slash}{last.partition(':')[0]}"
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return KNOWN.get(name)


def is_own_program(image: str, words: Sequence[str]) -> bool:
    """Whether a command is the image's own: nothing, options of its entrypoint, or a program that it is known for."""
    if not words or words[0].startswith("-"):
        return True
    found = known(image)
    return found is not None and (
        words[0] in found.programs or posixpath.basename(words[0]) in found.programs
    )


def ports_of(service: Service, words: Sequence[str], env: Mapping[str, str], files: Files) -> Ports:
    """Where the program `words` of a service listens; no words are the image's own program."""
    said = _said(words)
    if said is not None:
        return frozenset((said,))
    found = known(service.image)
    if found is None or not is_own_program(service.image, words):
        return None
    configured = _configured(files)
    if configured:
        return configured
    number = _ADDRESS.fullmatch(env.get(found.variable, ""))
    if number:
        return frozenset((int(number[1]), *found.ports[1:]))
    return frozenset(found.ports)


def _said(words: Sequence[str]) -> int | None:
    """The port that a command names."""
    for at, word in enumerate(words):
        flag, has_value, value = word.partition("=")
        following = value if has_value else "".join(words[at + 1 : at + 2])
        is_postgres = flag == "-p" and posixpath.basename(words[0]) in _POSTGRES
        if (_FLAG.fullmatch(flag) or is_postgres) and (number := _ADDRESS.fullmatch(following)):
            return int(number[1])
        if word == "http.server":
            return int(following) if re.fullmatch(r"[0-9]{1,5}", following) else 8000
    return None


def _configured(files: Files) -> Ports:
    """The ports that a configuration names which the command wrote: nginx's, Caddy's."""
    found: set[int] = set()
    names = files.names(_NGINX_FOLDERS[0]) if files.is_folder(_NGINX_FOLDERS[0]) else []
    for path in (
        *(f"{_NGINX_FOLDERS[0]}/{name}" for name in names if name.endswith(".conf")),
        "/etc/nginx/nginx.conf",
    ):
        if files.is_file(path):
            found |= {int(port) for port in _NGINX_LISTEN.findall(files.read(path))}
    if files.is_file(_CADDYFILE):
        found |= {int(port) for port in _CADDY_SITE.findall(files.read(_CADDYFILE))}
    return frozenset(found)
