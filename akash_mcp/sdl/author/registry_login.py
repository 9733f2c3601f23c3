"""`HOST=USER:secret://NAME`: how a person names the credentials of a registry, and which image they are for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.workload import Credentials
from akash_mcp.sdl.images.reference import parse_reference
from akash_mcp.sdl.images.registries import are_used_for
from akash_mcp.sdl.secret_reference import SCHEME, mentions, referenced_name

FORM = f"HOST=USER:{SCHEME}NAME"

_LOGIN = re.compile(r"(?P<host>[!-<>-~]{1,253})=(?P<username>[!-~]{1,256}):(?P<password>secret://[^:]*)")


def parse_login(text: str) -> Credentials:
    """Credentials as a person writes them. Raises `BadArgument`, which repeats nothing: a password may stand there."""
    match = _LOGIN.fullmatch(text)
    if match is None or referenced_name(match["password"]) is None or not _is_username(match["username"]):
        raise BadArgument(
            f"The credentials of a registry are written {FORM}, and never hold the password itself: it would stay in "
            "the history of a shell or of a conversation.",
            next_step="Ask the user to store it with akash-mcp secret set NAME, and to name it here.",
        )
    return Credentials(match["host"], match["username"], match["password"])


def login_for(image: str, logins: Sequence[Credentials]) -> Credentials | None:
    """The first of these that a provider would use for an image, or None."""
    reference = parse_reference(image)
    return next((login for login in logins if reference and are_used_for(login.host, reference)), None)


def check_all_used(logins: Sequence[Credentials], images: Sequence[str]) -> None:
    """Raise `BadArgument` where credentials are for a registry that none of the images comes from."""
    for login in logins:
        if not any(login_for(image, [login]) for image in images):
            registries = sorted({each.registry for image in images if (each := parse_reference(image))})
            raise BadArgument(
                f"The credentials are for {login.host}, and no image comes from there.",
                next_step=f"Images come from {', '.join(registries)}." if registries else "",
            )


def _is_username(text: str) -> bool:
    return referenced_name(text) is not None or not mentions(text)
