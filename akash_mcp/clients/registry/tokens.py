"""How a registry lets us in: with nothing, with a name and a password, or with a token of its token server.

The registry names the server, and it may be hostile. So that server is asked over https at a public address only, and
it is shown the credentials only where they are its registry's to begin with: at the registry's own host, at a domain
that this host is below (who has that domain has the host too), or at the one that is known to belong to it. A token
goes to the registry alone.
Source: distribution/distribution docs/content/spec/auth/token.md.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from akash_mcp.clients.api_model import ApiModel, read_json
from akash_mcp.clients.registry.answers import NotKnown, Outcome, Refused
from akash_mcp.clients.registry.challenges import Challenge
from akash_mcp.clients.registry.https import HttpsReader, Origin, origin_of

LARGEST_TOKEN = 256 * 2**10

_TOKEN_HOSTS: Mapping[str, str] = {
    "registry-1.docker.io": "auth.docker.io",
    "registry.digitalocean.com": "api.digitalocean.com",
}
"""Token servers of well-known registries at hosts of their own."""

STRANGERS_GET_NOTHING = "is private, or not there: its registry does not tell strangers which"


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name and password at a registry."""

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The two as a header shows them."""
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


class _Token(ApiModel):
    token: str = ""
    access_token: str = ""


_TOKEN = TypeAdapter(_Token)


async def authorization(
    https: HttpsReader, registry: Origin, challenge: Challenge | None, path: str, login: Login | None
) -> str:
    """The header that lets us pull from `path` of a registry; empty where it wants none, or we have nothing to show.

    Raises `Refused` where its token server lets us in with nothing that we have, and `NotKnown`.
    """
    if challenge is None:
        return ""
    if challenge.scheme == "basic":
        return login.basic if login else ""
    realm = challenge.parameters.get("realm", "")
    server = origin_of(realm)
    if login and not _is_of(server.host, registry.host):
        raise NotKnown(
            f"was not asked about: {registry} wants the credentials at {server}, which is not known to be its own"
        )
    wanted = {"scope": f"repository:{path}:pull"}
    if service := challenge.parameters.get("service"):
        wanted["service"] = service
    url = f"{realm}{'&' if urlsplit(realm).query else '?'}{urlencode(wanted)}"
    answer = await https.get(url, largest=LARGEST_TOKEN, authorization=login.basic if login else "")
    if answer.status in (401, 403):
        raise _refused(login)
    if answer.status != 200:
        raise NotKnown(f"could not be asked about: {trouble(server, answer.status)}")
    try:
        found = _TOKEN.validate_python(read_json(answer.body))
    except (ValueError, RecursionError, ValidationError):
        raise NotKnown(f"could not be asked about: {server} gave no token") from None
    token = found.token or found.access_token
    if not token or not token.isascii() or not token.isprintable():
        raise NotKnown(f"could not be asked about: {server} gave no token")
    return f"Bearer {token}"


def trouble(origin: Origin, status: int) -> str:
    """What an answer says that is neither yes nor no."""
    if status == 429:
        return f"{origin} takes no more questions for now (429); a provider may meet the same"
    return f"{origin} answered {status}"


def _refused(login: Login | None) -> Refused:
    if login is None:
        return Refused(Outcome.NEEDS_CREDENTIALS, STRANGERS_GET_NOTHING)
    return Refused(Outcome.CREDENTIALS_REFUSED, "cannot be pulled: its registry refuses these credentials")


def _is_of(server: str, registry: str) -> bool:
    return (
        server == registry
        or ("." in server and registry.endswith(f".{server}"))
        or _TOKEN_HOSTS.get(registry) == server
    )
