"""As whom an image runs its program: known of images whose program is not root's."""

from __future__ import annotations

from akash_mcp.sdl.images.fresh_disks import BITNAMI, NOT_ROOT
from akash_mcp.sdl.images.names import image_name, image_owner

STEPS_DOWN = frozenset(
    {
        "cassandra",
        "couchdb",
        "ghost",
        "influxdb",
        "mariadb",
        "mongo",
        "mysql",
        "postgres",
        "rabbitmq",
        "redis",
        "valkey",
        "zookeeper",
    }
)
"""Images whose start script is root's, and which run their program as a user of its own: `exec gosu USER "$0"` or the
like in the entry points of github.com/docker-library and github.com/valkey-io/valkey-container."""


def own_user(image: str) -> str:
    """The user of an image's program, who is not root, in words; empty where none is known."""
    name, owner = image_name(image), image_owner(image)
    known = BITNAMI if owner == "bitnami" else NOT_ROOT.get(name)
    if known:
        return f"user {known.uid}"
    return "a user of its own" if name in STEPS_DOWN and owner in ("", "library", "valkey") else ""
