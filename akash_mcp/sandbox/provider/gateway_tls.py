"""The TLS of a gateway: version 1.3 only, no ALPN, and one of two certificates by the name that a client asks for.

A provider that has a certificate of a public authority shows it to who asks for exactly its public hostname, and asks
nobody there for a client certificate. Everyone else sees the self-signed certificate that is on chain, and may show a
client certificate, which the `judge` takes or refuses in the handshake (akash-network/provider `gateway/utils`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from akash_mcp.sandbox.certificates import IssuedCertificate

Judge: TypeAlias = Callable[[x509.Certificate], bool]


class GatewayTls:
    """Makes the server's end of each new connection. `public` is shown to who asks for `hostname`, if there is one."""

    def __init__(
        self, on_chain: IssuedCertificate, public: IssuedCertificate | None, hostname: str, judge: Judge
    ) -> None:
        self._certificates = on_chain, public
        self._hostname = hostname.encode()
        self._judge = judge

    def connection(self) -> SSL.Connection:
        """A connection that has not begun, its bytes in memory."""
        return SSL.Connection(self._on_chain, None)

    # Contexts are made when somebody connects: of ten providers most are never spoken to.

    @cached_property
    def _on_chain(self) -> SSL.Context:
        context = _context(self._certificates[0])
        context.set_verify(SSL.VERIFY_PEER, self._verify)
        context.set_tlsext_servername_callback(self._choose)
        return context

    @cached_property
    def _public(self) -> SSL.Context | None:
        public = self._certificates[1]
        return None if public is None else _context(public)

    def _choose(self, connection: SSL.Connection) -> None:
        if self._public is not None and connection.get_servername() == self._hostname:
            connection.set_context(self._public)
            # The context that a connection was made with goes on deciding whom it verifies.
            connection.set_verify(SSL.VERIFY_NONE)

    def _verify(
        self, connection: SSL.Connection, shown: crypto.X509, error: int, depth: int, is_fine: int
    ) -> bool:
        # What OpenSSL says does not count: it minds that the certificate signs itself and has no key usage for that.
        return depth == 0 and self._judge(shown.to_cryptography())


def _context(certificate: IssuedCertificate) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    # Every connection shakes hands in full, so that no client certificate is taken unseen.
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    key = load_pem_private_key(certificate.key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    context.use_certificate(x509.load_pem_x509_certificate(certificate.pem))
    context.use_privatekey(key)
    return context
