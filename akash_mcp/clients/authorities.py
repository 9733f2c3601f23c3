"""Whom we believe that a host is who it says: the system's authorities, and those of a company's own network.

`SSL_CERT_FILE` or `SSL_CERT_DIR` take the place of the system's, as for every program that uses OpenSSL. A person's
`ca_file` adds to them, for the Console and the chain only: a provider proves itself by its certificate on the chain.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import httpx2

from akash_mcp.errors import Unreachable


def system_authorities() -> ssl.SSLContext:
    """A TLS context for a client that trusts the system's, or what stands in their place.

    Raises `OSError` where that cannot be used.
    """
    context = httpx2.create_ssl_context()
    # Python sets it from 3.13 on, for what stands in their place and for nothing else. A company's authority often
    # lacks what RFC 5280 wants of one, and is to be trusted alike on each Python and by whatever name.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trusting(ca_file: Path | None = None) -> ssl.SSLContext:
    """A TLS context for a client. Reads the files anew, which takes a while.

    Raises `Unreachable`, of something that trying again does not change, where one of them cannot be used.
    """
    named = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
    try:
        context = system_authorities()
    except OSError as error:  # an `ssl.SSLError` is one
        raise _unusable(named, error) from error
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise _unusable(f"AKASH_MCP_CA_FILE ({ca_file})", error) from error
    return context


def _unusable(named: str, error: OSError) -> Unreachable:
    why = "it holds no CA certificates in PEM" if isinstance(error, ssl.SSLError) else error.strerror
    return Unreachable(
        f"Nothing was sent: {named} cannot be used for whom to trust: {why}.",
        next_step="Ask the user to correct it, and to restart this server.",
        retryable=False,
    )
