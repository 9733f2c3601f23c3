"""The paths of Akua's API. An id is one segment of a path, whatever is written in it.

An action stands behind a colon (`/operations/{}:wait`), which stays as it is: only ids are percent-encoded.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.text import quoted

LONGEST_ID = 200
"""Characters. Akua's own have a prefix and at most 50 more."""


def versioned(url: str) -> str:
    """The address of Akua's API: its first version, where a URL names none by a path."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1"


def path_of(template: str, *ids: str) -> str:
    """The path with an id in each `{}`. Raises `BadArgument` for what cannot be an id."""
    return template.format(*map(_segment, ids))


def _segment(text: str) -> str:
    # A dot or two would be another path, and nothing at all the list of everything.
    if text.strip() in ("", ".", "..") or len(text) > LONGEST_ID or not text.isprintable():
        raise BadArgument(
            f"{quoted(text)} is not an id of Akua's.",
            next_step="Take the id from a list or an earlier answer.",
        )
    return quote(text, safe="")


def is_same(asked: str, answered: str) -> bool:
    """Whether an answer with this id is about what was asked for."""
    # Akua also takes an id without its prefix, as it was before there were any.
    return answered == asked or answered.rpartition("_")[2] == asked or asked.rpartition("_")[2] == answered
