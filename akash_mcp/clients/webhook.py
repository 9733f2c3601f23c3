"""A webhook of the person's: JSON is posted to an address that nobody else learns.

The address can hold a token, as those of chat services do, so no log and no error has it. That is why this is neither
an `Upstream`, which logs paths, nor httpx2's client, which logs addresses, but what lies below both: one request over
one connection, which follows no redirect and knows no cookie or .netrc. A company's proxy, where the environment names
one, connects us to the host and sees no more than its name.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import anyio
import httpx2

from akash_mcp import __version__
from akash_mcp.clients.authorities import trusting
from akash_mcp.clients.proxies import proxy_for
from akash_mcp.clients.unused_connection import UnusedConnection
from akash_mcp.errors import Unreachable

log = logging.getLogger(__name__)

PAUSES = (2.0, 8.0)
"""Seconds before the second and the third attempt."""

_AGAIN = (408, 425, 429, 500, 502, 503, 504)
"""What may be another answer a little later."""


class NotTaken(Exception):
    """The webhook did not take it. The message says why, as a sentence goes on, without the address."""

    def __init__(self, why: str, *, may_pass: bool) -> None:
        super().__init__(why)
        self.may_pass = may_pass


class Webhook:
    """One address: https, or http to this machine. `verify` is the TLS context, by default the system's authorities.

    `seconds` is how long one attempt may take.
    """

    def __init__(
        self,
        url: str,
        *,
        seconds: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._seconds = seconds
        self._sleep = sleep
        self._verify = verify

    async def post(self, document: Mapping[str, object]) -> None:
        """Post a document, three times at the most. Raises `NotTaken`.

        One whose answer was lost is posted again, so that it can arrive twice.
        """
        body = json.dumps(document).encode()
        for pause in PAUSES:
            try:
                return await self._attempt(body)
            except NotTaken as error:
                if not error.may_pass:
                    raise
                log.debug("the webhook %s: again in %.0f s", error, pause)
            await self._sleep(pause)
        return await self._attempt(body)

    async def _attempt(self, body: bytes) -> None:
        try:
            with anyio.fail_after(self._seconds):
                async with self._transport() as transport, UnusedConnection() as unused:
                    response = await transport.handle_async_request(self._request(body, unused))
                    status = response.status_code
                    await response.aclose()
        except TimeoutError:
            raise NotTaken(f"did not answer within {self._seconds:g} s", may_pass=True) from None
        except Unreachable as error:  # a proxy, or a file of authorities, that cannot be used
            raise NotTaken(f"could not be asked: {error.what.rstrip('.')}", may_pass=False) from None
        except (httpx2.RequestError, OSError) as error:
            # Not as its cause: nothing that may hold the address goes any further.
            raise NotTaken(f"could not be reached ({type(error).__name__})", may_pass=True) from None
        if not 200 <= status < 300:
            moved = ", a redirect, which is not followed" if 300 <= status < 400 else ""
            raise NotTaken(f"answered {status}{moved}", may_pass=status in _AGAIN)

    def _transport(self) -> httpx2.AsyncHTTPTransport:
        if self._verify is None:
            # For plain http one that trusts no authority: reading the system's takes a while.
            https = urlsplit(self._url).scheme == "https"
            self._verify = trusting() if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        proxy = proxy_for(self._url, name="The webhook")
        return httpx2.AsyncHTTPTransport(
            verify=self._verify, proxy=proxy.url if proxy else None, trust_env=False
        )

    def _request(self, body: bytes, unused: UnusedConnection) -> httpx2.Request:
        headers = {"content-type": "application/json", "user-agent": f"akash-mcp/{__version__}"}
        return httpx2.Request(
            "POST", self._url, content=body, headers=headers, extensions={"trace": unused.trace}
        )
