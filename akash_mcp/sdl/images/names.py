"""How an image is named: the part by which it is known, whatever registry it comes from and whatever its tag."""

from __future__ import annotations

import re


def image_name(image: str) -> str:
    """The last part of an image's name, without tag and digest: `postgres` for `docker.io/library/postgres:17`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def image_owner(image: str) -> str:
    """The part before the last: `bitnami` for `docker.io/bitnami/redis:7`; empty where there is none."""
    return image.partition("@")[0].rpartition("/")[0].rpartition("/")[2].lower()


def major_version(image: str) -> int | None:
    """The number that the tag of an image begins with: 7 for `elasticsearch:7.17.3`; None where it begins with none."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = re.match(r"v?([0-9]{1,6})", tag)
    return int(match[1]) if match else None
