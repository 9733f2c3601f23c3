"""pyOpenSSL under asyncio: one server-side TLS connection as a transport, so that streams run over it as over TCP.

asyncio brings the standard library's TLS, which has no way to ask a client for a certificate and judge it by rules of
one's own. pyOpenSSL has, but knows no event loop; its bytes go through memory here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from cryptography import x509
from OpenSSL import SSL

Unbegun: TypeAlias = Callable[[], SSL.Connection]
"""Makes the server's end of one connection, its bytes in memory."""

_NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
"""What Go's net/http says to those who forgot the s."""

_CHUNK = 32 * 1024  # a TLS record holds 16 KiB


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """Downwards the protocol of a TCP connection, upwards the transport of the protocol `above`.

    `above` is connected at once, so that whoever serves it also owns the handshake: `handshake` waits for that, and
    nothing may be written before. `close` sends a close_notify, `abort` drops TCP without a word.
    """

    def __init__(self, tls: SSL.Connection, above: asyncio.Protocol) -> None:
        super().__init__()
        self._tls = tls
        self._above = above
        self._tcp: asyncio.Transport
        self._settled = asyncio.Event()
        self._is_established = False
        self._is_ended = False
        self._failure: Exception | None = None

    async def handshake(self) -> x509.Certificate | None:
        """The client's certificate once both sides have finished, or None where it showed none.

        Raises `ConnectionError` when the handshake fails or the client leaves.
        """
        await self._settled.wait()
        if not self._is_established:
            raise ConnectionAbortedError("the TLS handshake failed") from self._failure
        # On a server the chain leaves out the certificate itself: this is what was sent beside it.
        if self._tls.get_peer_cert_chain():
            raise ConnectionAbortedError("more than one client certificate was shown")
        return self._tls.get_peer_certificate(as_cryptography=True)

    # What TCP calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._tcp = transport
        self._tls.set_accept_state()
        self._above.connection_made(self)

    def data_received(self, data: bytes) -> None:
        self._tls.bio_write(data)
        try:
            if not self._is_established:
                self._tls.do_handshake()
                self._is_established = True
                self._settled.set()
            while True:
                self._above.data_received(self._tls.recv(_CHUNK))
        except SSL.WantReadError:
            self._flush()
        except SSL.ZeroReturnError:
            self._above.eof_received()
        except SSL.Error as error:
            self._flush()  # the alert
            if not self._is_established and "http request" in str(error):
                self._tcp.write(_NOT_TLS)
            self._end(error)

    def eof_received(self) -> bool | None:
        return self._above.eof_received() if self._is_established else False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        self._above.connection_lost(exc)

    def pause_writing(self) -> None:
        self._above.pause_writing()

    def resume_writing(self) -> None:
        self._above.resume_writing()

    # What the protocol above calls.

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if data and not self.is_closing():
            self._tls.sendall(bytes(data))
            self._flush()

    def close(self) -> None:
        if self._is_established and not self._is_ended:
            # A client whose own end is not in order makes this fail, and we are leaving anyway.
            with suppress(SSL.Error):
                self._tls.shutdown()
            self._flush()
        self._end()

    def abort(self) -> None:
        self._tcp.abort()

    def is_closing(self) -> bool:
        return self._is_ended or self._tcp.is_closing()

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self._tcp.pause_reading()

    def resume_reading(self) -> None:
        self._tcp.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._tcp.get_extra_info(name, default)

    def _flush(self) -> None:
        with suppress(SSL.WantReadError):  # nothing is left to send
            while True:
                self._tcp.write(self._tls.bio_read(_CHUNK))

    def _end(self, failure: Exception | None = None) -> None:
        self._is_ended = True
        self._failure = self._failure or failure
        self._settled.set()
        self._tcp.close()
