"""The TLS of a gateway: version 1.3 only, no ALPN, one leaf, no client certificates.

A real gateway serves a second, CA-issued leaf by SNI and asks for client certificates. The standard library cannot
judge those (their keyUsage lacks digitalSignature, which OpenSSL refuses before we are asked), so tenants of the
embedded network authenticate with tokens.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from akash_mcp.sandbox.certificates import IssuedCertificate


def server_context(certificate: IssuedCertificate) -> ssl.SSLContext:
    """A context that serves `certificate` and nothing older than TLS 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with tempfile.TemporaryDirectory() as folder:  # the standard library loads a chain from files only
        file = Path(folder) / "gateway.pem"
        file.touch(mode=0o600)
        file.write_bytes(certificate.pem + certificate.key_pem)
        context.load_cert_chain(file)
    return context
