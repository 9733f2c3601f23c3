"""Which workspace is meant: the one that a person named, or the only one there is. Never one of several by chance."""

from __future__ import annotations

import re
from collections.abc import Sequence

from akash_mcp.clients.akua.models import Workspace
from akash_mcp.clients.akua.pages import Listing
from akash_mcp.errors import BadSettings, Interrupted
from akash_mcp.sanitize.text import quoted

MOST_NAMED = 10
"""How many workspaces an error names."""

NAME_WORKSPACE = (
    "Ask the user to set AKUA_WORKSPACE to the id, slug or name of the workspace that is meant, and to restart this "
    "server."
)

NAME_ID = (
    "The token may not list workspaces. Ask the user to set AKUA_WORKSPACE to the id of its workspace (ws_…), as "
    "Akua's dashboard shows it, and to restart this server."
)

WRONG_ADDRESS = (
    "Ask the user to look whether AKUA_API_URL is right: Akua's own API is https://api.akua.dev/v1. Where it is right, "
    "the token may not list workspaces, and AKUA_WORKSPACE has to be the id of its workspace (ws_…). Then this server "
    "has to be restarted."
)
"""The list of workspaces is on every Akua: where there is none, the address is more likely wrong than the token."""

_SENDABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(named: str) -> bool:
    """Whether this is a workspace's id, as every request may name it."""
    return named.startswith("ws_") and _SENDABLE.fullmatch(named) is not None


def chosen(listing: Listing[Workspace], named: str) -> Workspace:
    """The workspace of this id, slug or name; the only one of the list where `named` is "".

    Raises `BadSettings` where there is none or more than one, and `Interrupted` where the list is not whole and so does
    not tell.
    """
    fitting = [each for each in listing.records if not named or named in (each.id, each.slug, each.name)]
    exact = [each for each in fitting if each.id == named]
    if exact:
        return _sendable(exact[0])
    if not listing.is_whole:
        raise Interrupted(
            "Which workspace of Akua's is meant cannot be told, since the list of them is not whole: "
            f"{listing.problem}",
            next_step="Ask the user to set AKUA_WORKSPACE to the workspace's id, or try again in a minute.",
        )
    if len(fitting) == 1:
        return _sendable(fitting[0])
    if fitting:
        several = "AKUA_WORKSPACE names several" if named else "The token reaches several"
        raise BadSettings(
            f"Which workspace of Akua's is meant is not clear. {several}: {_seen(fitting)}.",
            next_step=NAME_WORKSPACE,
        )
    if listing.records:
        raise BadSettings(
            f"AKUA_WORKSPACE is {quoted(named)}, and the token reaches no workspace of that id, slug or name, only "
            f"{_seen(listing.records)}.",
            next_step=NAME_WORKSPACE,
        )
    raise BadSettings(
        "The token of Akua's API reaches no workspace.",
        next_step="Ask the user for a token of a workspace (https://akua.dev), and to restart this server.",
    )


def _sendable(found: Workspace) -> Workspace:
    if not _SENDABLE.fullmatch(found.id):
        raise BadSettings(f"Akua's workspace {quoted(found.id)} has an id that cannot be sent.")
    return found


def _seen(workspaces: Sequence[Workspace]) -> str:
    names = [quoted(each.id) + (f" ({quoted(each.name)})" if each.name else "") for each in workspaces]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
