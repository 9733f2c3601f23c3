"""Who we talk to when we talk to a provider: settled in the TLS handshake, before the first byte of HTTP.

A gateway shows one of two certificates: one of a public authority for its host name, or the self-signed one
that the provider registered on the chain (akash-network/provider gateway/utils, AEP-64). The first is judged
as any web server's is. For the second, exactly the provider's valid on-chain certificates are trusted: their
common name is the provider's address, they are within their dates, and what the server shows equals one of
them byte for byte. Other clients accept any account's registered certificate, or look at it only after the
token was sent; this one does neither.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import httpx2
from anyio.streams.tls import TLSStream

from akash_mcp.clients.chain import ChainReader, OnChainCertificate
from akash_mcp.clients.provider.address import Endpoint
from akash_mcp.errors import Unreachable, UntrustedProvider
from akash_mcp.ids import ProviderAddress

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Trusted:
    """A gateway that proved who it is: connect to `address` and `port`, ask for `host`, and judge with
    `context`.

    The context judges every later connection again, by itself.
    """

    host: str
    address: str
    port: int
    context: ssl.SSLContext

    @property
    def authority(self) -> str:
        """Host and port as a Host header names them."""
        return f"{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """The host as a URL writes it."""
    return f"[{host}]" if ":" in host else host


def public_context() -> ssl.SSLContext:
    """Trusts the system's certificate authorities for the host name asked for. TLS 1.3, as gateways speak."""
    context = httpx2.create_ssl_context()
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


def pinned_context(certificates: Sequence[OnChainCertificate]) -> ssl.SSLContext:
    """Trusts exactly these certificates, as leaves. The handshake itself fails for any other. TLS 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The certificate stands for the provider's address, not for a host name.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # A leaf that is no authority may be a trust anchor.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata="".join(certificate.pem for certificate in certificates))
    pins = frozenset(certificate.der for certificate in certificates)

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
) -> Trusted:
    """Find out how the gateway at `endpoint` proves that it is `provider`.

    Raises `UntrustedProvider` when it does not, and `Unreachable` when nothing answers there. The chain is
    asked twice before the answer is no, since a certificate may just have been replaced.
    """
    trusted, refusal = await _knock(endpoint, public)
    if trusted is not None:
        return trusted
    reason = "it has no valid certificate on the chain"
    for _ in range(2):
        known = await chain.certificates(provider)
        now = datetime.fromtimestamp(clock(), UTC)
        pins = usable(known, provider, now)
        if pins:
            trusted, refusal = await _knock(endpoint, pinned_context(pins))
            if trusted is not None:
                return trusted
            reason = "it shows another certificate than the one on the chain"
        else:
            reason = _why_none(known, provider, now)
    raise UntrustedProvider(
        f"Provider {provider} at {endpoint.host} did not prove who it is: {reason}.",
        next_step="Nothing was sent to it. Choose another provider, or close the deployment there.",
    ) from refusal


async def _knock(
    endpoint: Endpoint, context: ssl.SSLContext
) -> tuple[Trusted, None] | tuple[None, ssl.SSLError | None]:
    """Shake hands and hang up. None and the reason, where the server is not one that `context` trusts."""
    refusal: ssl.SSLError | None = None
    failure: BaseException | None = None
    why = "no connection could be made"
    for address in endpoint.addresses:
        try:
            with anyio.fail_after(HANDSHAKE_SECONDS):
                async with await anyio.connect_tcp(address, endpoint.port) as stream:
                    await TLSStream.wrap(
                        stream, hostname=endpoint.host, ssl_context=context, standard_compatible=False
                    )
        except ssl.SSLError as error:
            refusal = error
        except (anyio.BrokenResourceError, anyio.EndOfStream) as error:
            failure, why = error, "it hung up in the TLS handshake"
        except OSError as error:
            failure = error
        else:
            return Trusted(endpoint.host, address, endpoint.port, context), None
    if refusal is None:
        raise Unreachable(
            f"The provider at {endpoint.host} cannot be reached: {why}.",
            next_step="It may be down. Try again in a minute, or choose another provider.",
        ) from failure
    log.debug("%s: %s", endpoint.host, refusal)
    return None, refusal


def _why_none(known: Sequence[OnChainCertificate], provider: ProviderAddress, now: datetime) -> str:
    named = [certificate for certificate in known if certificate.subject_cn == provider]
    if not known:
        return "it has no valid certificate on the chain"
    if not named:
        return "its certificate on the chain is in another name"
    if all(now > certificate.not_after for certificate in named):
        return "its certificate on the chain has expired (is this machine's clock right?)"
    return "its certificate on the chain is not valid yet (is this machine's clock right?)"
