"""Who we talk to when we talk to a provider: settled in the TLS handshake, before the first byte of HTTP.

A gateway has two certificates to show, and the name that it is asked for decides which: under its public host
name one of a public authority, where it has one, and under any other name the self-signed one that the provider
registered on the chain (akash-network/provider gateway/utils, AEP-64). The first is judged as any web server's
is. For the second, exactly the provider's valid on-chain certificates are trusted: their common name is the
provider's address, they are within their dates, and what the server shows equals one of them byte for byte. Other
clients accept any account's registered certificate, or look at it only after the token was sent; this one does
neither.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import anyio
import httpx2
from anyio.streams.tls import TLSStream

from akash_mcp.clients.chain import ChainReader, OnChainCertificate
from akash_mcp.clients.provider.allowed_hosts import Endpoint
from akash_mcp.clients.provider.certificate_errors import CertificateError, certificate_error_of
from akash_mcp.clients.provider.gateway_errors import NotProven, clock_gap
from akash_mcp.clients.public_addresses import bracketed, is_ip
from akash_mcp.clients.tracing import connection_span
from akash_mcp.errors import ApiError, Interrupted, Unreachable, UntrustedProvider
from akash_mcp.ids import ProviderAddress

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
"""The most that one round of handshakes takes, whatever the number of addresses."""


@dataclass(frozen=True, slots=True)
class VerifiedEndpoint:
    """A gateway that proved who it is: connect to `address` and `port`, ask for `host`, and judge with
    `context`.

    The context judges every later connection again, by itself. `pins` are the certificates that it takes, in DER;
    none where it takes what a public authority issued for the host.
    """

    host: str
    address: str
    port: int
    context: ssl.SSLContext
    pins: frozenset[bytes] = field(default=frozenset(), repr=False)

    @property
    def authority(self) -> str:
        """Host and port as a Host header names them."""
        return f"{bracketed(self.host)}:{self.port}"


@cache
def public_context() -> ssl.SSLContext:
    """Trusts the system's certificate authorities for the host name asked for. TLS 1.3, as gateways speak.

    One a process: to read some 150 certificates takes a tenth of a second. What `SSL_CERT_FILE` names is not among
    them: whoever opens a company's TLS is not a provider.
    """
    context = httpx2.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def usable(
    certificates: Sequence[OnChainCertificate], provider: ProviderAddress, now: datetime
) -> list[OnChainCertificate]:
    """The certificates that prove who `provider` is at `now`."""
    return [
        certificate
        for certificate in certificates
        if certificate.subject_cn == provider
        and certificate.owner == provider
        and certificate.not_before <= now <= certificate.not_after
    ]


class _OnChainContext(ssl.SSLContext):
    """Asks for the certificate of the chain, whatever host it is told: by the name that the provider's own client
    uses, `mtls.` and the host, or by none where the host is an address. TLS 1.3."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        host = server_hostname.decode("ascii") if isinstance(server_hostname, bytes) else server_hostname
        name = f"mtls.{host}" if host and not is_ip(host) else None
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def pinned_context(
    certificates: Sequence[OnChainCertificate], client_certificate: Path | None = None
) -> ssl.SSLContext:
    """Trusts exactly these certificates, as leaves. The handshake itself fails for any other.

    `client_certificate` is a file with a certificate of ours and its key, for gateways that ask for one.
    """
    context = _on_chain_context()
    context.verify_mode = ssl.CERT_REQUIRED
    # A leaf that is no authority may be a trust anchor.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata="".join(certificate.pem for certificate in certificates))
    if client_certificate is not None:
        context.load_cert_chain(client_certificate)
    pins = _pins(certificates)

    class Pinned(ssl.SSLObject):
        """A connection whose handshake is done only when the server's certificate is one of the pins."""

        def do_handshake(self) -> None:
            super().do_handshake()
            if self.getpeercert(binary_form=True) not in pins:
                raise ssl.SSLCertVerificationError("the certificate is not the one on the chain")

    context.sslobject_class = Pinned
    return context


async def identify(
    provider: ProviderAddress,
    endpoint: Endpoint,
    chain: ChainReader,
    *,
    clock: Callable[[], float],
    public: ssl.SSLContext,
    client_certificate: Path | None = None,
) -> VerifiedEndpoint:
    """Find out how the gateway at `endpoint` proves that it is `provider`.

    With a `client_certificate` only by its certificate on the chain: it asks for ours under no other name. Raises
    `UntrustedProvider` when it does not prove it, `NotProven` when the chain cannot be asked, and `Unreachable` when
    nothing answers there. The chain is asked twice before the answer is no, since a certificate may just have been
    replaced.
    """
    if client_certificate is None:
        verified = await _try_handshake(endpoint, public)
        if verified is not None:
            return verified
    tried: frozenset[bytes] = frozenset()
    for _ in range(2):
        valid = await _registered(chain, provider, endpoint)
        pins = usable(valid, provider, datetime.fromtimestamp(clock(), UTC))
        if pins and _pins(pins) != tried:
            verified = await _try_handshake(endpoint, pinned_context(pins, client_certificate), _pins(pins))
            if verified is not None:
                return verified
            tried = _pins(pins)
    problem = await _certificate_error(endpoint, chain, provider, valid, clock)
    clocks = clock_gap("This machine's", clock(), "the chain's", chain.date) if problem.is_about_dates else ""
    raise UntrustedProvider(
        f"Provider {provider} at {endpoint.host} did not prove who it is: it {problem.message} "
        f"({problem.value}).{clocks}",
        next_step="Nothing was sent to it. Choose another provider, or close the deployment there."
        + (" Check this machine's clock first." if problem.is_about_dates else ""),
    )


async def _registered(
    chain: ChainReader, provider: ProviderAddress, endpoint: Endpoint, state: str = "valid"
) -> list[OnChainCertificate]:
    try:
        return await chain.certificates(provider, state=state)
    except (ApiError, Interrupted, Unreachable) as silent:
        raise NotProven(
            f"Provider {provider} at {endpoint.host} could not prove who it is, since its certificate on the chain "
            f"cannot be looked up: {silent.what}",
            next_step="Nothing was sent to it. Try again in a minute; another node can be set as AKASH_CHAIN_REST_URL.",
        ) from silent


async def _certificate_error(
    endpoint: Endpoint,
    chain: ChainReader,
    provider: ProviderAddress,
    valid: Sequence[OnChainCertificate],
    clock: Callable[[], float],
) -> CertificateError:
    """Why a gateway was refused: one more handshake, only to see what it shows. Nothing is sent."""
    context = _on_chain_context()
    context.verify_mode = ssl.CERT_NONE
    shown: list[bytes | None] = []

    class Seen(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            shown.append(self.getpeercert(binary_form=True))

    context.sslobject_class = Seen
    try:
        await _try_handshake(endpoint, context)
    except Unreachable as gone:
        log.debug("%s: %s", endpoint.host, gone)
    revoked = await _registered(chain, provider, endpoint, "revoked")
    now = datetime.fromtimestamp(clock(), UTC)
    return certificate_error_of(shown[0] if shown else None, provider, valid, revoked, now)


async def _try_handshake(
    endpoint: Endpoint, context: ssl.SSLContext, pins: frozenset[bytes] = frozenset()
) -> VerifiedEndpoint | None:
    """Shake hands and hang up. None where the server is not one that `context` trusts."""
    refusal: ssl.SSLError | None = None
    failure: BaseException | None = None
    why = "no connection could be made"
    for address in endpoint.addresses:
        try:
            seconds = HANDSHAKE_SECONDS / len(endpoint.addresses)
            with connection_span("provider handshake", host=endpoint.host, port=endpoint.port):
                with anyio.fail_after(seconds):
                    stream = await anyio.connect_tcp(address, endpoint.port)
                async with stream:
                    with anyio.fail_after(seconds):
                        await TLSStream.wrap(
                            stream, hostname=endpoint.host, ssl_context=context, standard_compatible=False
                        )
        except ssl.SSLError as error:
            refusal = error
        except (anyio.BrokenResourceError, anyio.EndOfStream) as error:
            failure, why = error, "it hung up in the TLS 1.3 handshake"
        except OSError as error:
            failure = error
        else:
            return VerifiedEndpoint(endpoint.host, address, endpoint.port, context, pins)
    if refusal is None:
        raise Unreachable(
            f"The provider at {endpoint.host} cannot be reached: {why}.",
            next_step="It may be down. Try again in a minute, or choose another provider.",
        ) from failure
    log.debug("%s: %s", endpoint.host, refusal)
    return None


def _on_chain_context() -> _OnChainContext:
    context = _OnChainContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The certificate stands for the provider's address, not for a host name.
    context.check_hostname = False
    return context


def _pins(certificates: Sequence[OnChainCertificate]) -> frozenset[bytes]:
    return frozenset(certificate.der for certificate in certificates)
