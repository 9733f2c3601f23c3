"""One WebSocket to a provider's gateway, as a stream of frames.

The gateway has manners of its own (akash-network/provider gateway/rest): a stream's end is a dropped
connection without a close frame, compression is not spoken, and an Origin header is refused.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus

from akash_mcp.clients.answers import Redactor, bounded
from akash_mcp.clients.provider.access import Admission
from akash_mcp.clients.provider.errors import close_of, refusal_of
from akash_mcp.clients.provider.tls import bracketed
from akash_mcp.errors import Interrupted, ProviderError, Unreachable

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
LARGEST_FRAME = 2**20

# The library writes headers to its log at DEBUG, and ours carry the token.
_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.INFO)


class _Connect(connect):
    """A connection that follows no redirect: it would carry the token along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def open_stream(admission: Admission, path: str) -> AsyncGenerator[ClientConnection, None]:
    """An open stream. Raises `Unreachable`, and what `refusal_of` makes of a refusal before the upgrade."""
    trusted = admission.trusted
    opening = _Connect(
        f"wss://{bracketed(trusted.host)}:{trusted.port}{path}",
        host=trusted.address,
        port=trusted.port,
        ssl=trusted.context,
        server_hostname=trusted.host,
        additional_headers=admission.headers,
        user_agent_header="akash-mcp",
        proxy=None,
        compression=None,
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        max_size=LARGEST_FRAME,
        logger=_quiet,
    )
    try:
        connection = await opening
    except InvalidStatus as error:
        body = (error.response.body or b"").decode("utf-8", "replace")
        said = bounded(Redactor(admission.secrets)(body))
        raise refusal_of(error.response.status_code, said, trusted.host) from None
    except (OSError, InvalidHandshake) as error:
        why = "the TLS handshake failed" if isinstance(error, ssl.SSLError) else "no stream could be opened"
        raise Unreachable(
            f"The provider at {trusted.host} cannot be reached: {why}.",
            next_step="It may be down. Try again in a minute.",
        ) from error
    async with connection:
        yield connection


async def frames(connection: ClientConnection, host: str) -> AsyncGenerator[str | bytes, None]:
    """The frames until the provider ends the stream. Raises what `close_of` makes of its close code."""
    try:
        async for frame in connection:
            yield frame
    except ConnectionClosedError as closed:
        if closed.rcvd is not None:
            raise close_of(closed.rcvd.code, closed.rcvd.reason, host) from None
        if closed.sent is None:
            return  # dropped without a word: how these streams end
        if closed.sent.code == 1009:
            raise ProviderError(f"The provider at {host} sent a frame over {LARGEST_FRAME} bytes.") from None
        raise Interrupted(f"The provider at {host} fell silent.", next_step="Ask again.") from closed
