"""One WebSocket to a provider's gateway, as a stream of frames.

The gateway has manners of its own (akash-network/provider gateway/rest): a stream's end is a dropped
connection without a close frame, compression is not spoken, and an Origin header is refused.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidStatus,
)
from websockets.frames import CloseCode

from akash_mcp.clients.error_mapping import MessageCleaner, date_of, meanings_of
from akash_mcp.clients.provider.access import ProviderSession
from akash_mcp.clients.provider.gateway_errors import MEANINGS, close_of, refusal_of
from akash_mcp.clients.public_addresses import bracketed
from akash_mcp.clients.tracing import connection_span
from akash_mcp.errors import Interrupted, ProviderError, Unreachable

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
SILENCE_SECONDS = 25.0
"""Gateways ping every 10 s, so one that says nothing at all for so long is gone. Pings of ours would tell less: their
answer stands in line behind a backlog."""
LARGEST_FRAME = 2**20
"""A line has 64 KiB at most, and JSON can make six bytes of one."""
WAITING_FRAMES = 16
"""With more than these waiting for us we stop reading, and TCP holds the gateway back."""
MOST_UNREAD = 2**20
"""Bytes of ours that a gateway leaves unread."""

# The library writes headers to its log at DEBUG, and ours carry the token.
_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.INFO)


class _Connect(connect):
    """A connection that follows no redirect: it would carry the token along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """Hangs up where the library would go on listening: once either side has said that it closes, while what it
    answers to pings is not read, and when nothing has come for too long."""

    _heard = 0.0
    _watching: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages.resume = self._resume_reading

    def _resume_reading(self) -> None:
        # Frames that wait are still read after we hung up, or both sides did at once. There is nothing more to read
        # then, and asyncio's transport for TLS, which forgets its connection when it is closed twice, would fail.
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MOST_UNREAD:
            self.protocol.fail(CloseCode.POLICY_VIOLATION)
        if self.protocol.close_expected():
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watching is not None:
            self._watching.cancel()
        super().connection_lost(exc)

    def watch(self, silence: float) -> None:
        """Hang up once nothing has come for `silence` seconds, but for those in which we did not listen."""
        if self.transport.is_closing():
            return
        now = self.loop.time()
        if not self.transport.is_reading():
            self._heard = now
        left = self._heard + silence - now
        if left > 0:
            self._watching = self.loop.call_later(left, self.watch, silence)
        else:
            self.protocol.fail(CloseCode.INTERNAL_ERROR, "silence")
            self.transport.abort()


@asynccontextmanager
async def open_stream(
    session: ProviderSession, path: str, *, silence: float | None
) -> AsyncGenerator[ClientConnection, None]:
    """An open stream.

    Raises `Unreachable` where nothing was sent, `Interrupted` where no answer came, and what `refusal_of` makes of a
    refusal before the upgrade.

    It ends when nothing has come for `silence` seconds, unless that is None.
    """
    endpoint = session.endpoint
    with connection_span("provider stream", host=endpoint.host, port=endpoint.port):
        async with _opened(session, path, silence) as connection:
            yield connection


@asynccontextmanager
async def _opened(
    session: ProviderSession, path: str, silence: float | None
) -> AsyncGenerator[ClientConnection, None]:
    endpoint = session.endpoint
    opening = _Connect(
        f"wss://{bracketed(endpoint.host)}:{endpoint.port}{path}",
        host=endpoint.address,
        port=endpoint.port,
        ssl=endpoint.context,
        server_hostname=endpoint.host,
        additional_headers=session.headers,
        user_agent_header="akash-mcp",
        proxy=None,
        compression=None,
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        ping_interval=None,
        max_size=LARGEST_FRAME,
        max_queue=WAITING_FRAMES,
        create_connection=_Connection,
        logger=_quiet,
    )
    try:
        connection = await opening
        assert isinstance(connection, _Connection)
    except InvalidStatus as error:
        body = (error.response.body or b"").decode("utf-8", "replace")
        raise refusal_of(
            error.response.status_code,
            MessageCleaner(session.secrets)(body),
            meanings_of(body, MEANINGS),
            endpoint.host,
            date=date_of(error.response.headers.get("Date", "")),
        ) from None
    except (TimeoutError, InvalidHandshake) as error:
        # The request may have arrived: what asks for more than words is not asked a second time.
        raise Interrupted(
            f"The provider at {endpoint.host} opened no stream.", next_step="Try again in a minute."
        ) from error
    except OSError as error:
        why = "the TLS handshake failed" if isinstance(error, ssl.SSLError) else "no connection could be made"
        raise Unreachable(
            f"The provider at {endpoint.host} cannot be reached: {why}.",
            next_step="It may be down. Try again in a minute.",
        ) from error
    try:
        async with connection:
            if silence is not None:
                connection.watch(silence)
            yield connection
    finally:
        # Whoever is cancelled does not wait for the gateway's goodbye, and leaves nothing open all the same.
        connection.transport.abort()


async def frames(
    connection: ClientConnection,
    host: str,
    until: float | None = None,
    *,
    confirm: Callable[[], Awaitable[None]],
) -> AsyncGenerator[bytes, None]:
    """The frames until the provider ends the stream, or until `until`, a time of the event loop.

    `confirm` sees to it that the other end is still the provider: no frame is handed on before it returns. Raises
    what it raises, what `close_of` makes of a close code, `Interrupted` where the provider fell silent, and
    `ProviderError` for a frame that is too large.
    """
    # A timer for the whole stream, because one for each frame would cost as much as the frame.
    leaving = None
    if until is not None:
        leaving = asyncio.get_running_loop().call_at(until, connection.transport.abort)
    try:
        while True:
            frame = await connection.recv(decode=False)
            await confirm()
            yield frame
    except ConnectionClosedOK:
        return
    except ConnectionClosedError as closed:
        if closed.rcvd is not None:
            raise close_of(closed.rcvd.code, closed.rcvd.reason, host) from None
        if closed.sent is None:
            return  # dropped without a word, which is how these streams end, or left by us
        if closed.sent.code == 1009:
            raise ProviderError(f"The provider at {host} sent a frame over {LARGEST_FRAME} bytes.") from None
        if closed.sent.code in (1002, 1007):
            raise ProviderError(f"The provider at {host} broke the WebSocket protocol.") from None
        raise Interrupted(f"The provider at {host} fell silent.", next_step="Ask again.") from closed
    finally:
        if leaving is not None:
            leaving.cancel()
