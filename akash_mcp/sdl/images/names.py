"""How an image is named: the part by which it is known, whatever registry it comes from and whatever its tag."""

from __future__ import annotations


def image_name(image: str) -> str:
    """The last part of an image's name, without tag and digest: `postgres` for `docker.io/library/postgres:17`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
