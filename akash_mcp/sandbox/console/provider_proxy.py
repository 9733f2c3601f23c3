"""Console's way to providers: a 30 s token for each call, and TLS pinned to the provider's certificate on chain.

It asks for no provider's public hostname, since it knows nothing of the embedded network's authority.

Retries, mappings and texts are those of akash-network/console `apps/provider-proxy` and `ProviderService`.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx2
from cryptography import x509

from akash_mcp.sandbox.chain import Account, Certificate, Chain, Lease, Provider
from akash_mcp.sandbox.console.responses import Problem, internal_error
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.tokens import mint

_SNI = "mtls.localhost"
_TOKEN_SECONDS = 30
_TIMEOUT = httpx2.Timeout(15)
_RETRY_AFTER = (0.2, 0.4, 0.8)
_PASSED_ON = ("manifest cross-validation error", "hostname not allowed", "validation failed")


class ProviderProxy:
    """Calls providers' gateways over TLS on the account's behalf."""

    def __init__(self, chain: Chain, account: Account, faults: Faults) -> None:
        self._chain = chain
        self._account = account
        self._faults = faults

    async def send_manifest(self, provider: Provider, dseq: str, manifest: str) -> None:
        """PUT the manifest to one provider. Raises `Problem` as Console words the failure."""
        body = manifest.replace('"quantity":{"val', '"size":{"val')
        fault = self._faults.take("lease-manifest-fails")
        if fault:
            raise _manifest_fault(provider, fault.value or "503")
        response = await self._call("PUT", provider, f"/deployment/{dseq}/manifest", "send-manifest", body)
        if response.status_code == 401:
            raise Problem(400, "Invalid provider jwt credentials")
        if response.status_code >= 400:
            raise Problem(response.status_code, response.text or "Provider request failed")

    async def answers(self, provider: Provider) -> bool:
        """Whether a provider can be reached at all."""
        try:
            return (await self._call("GET", provider, "/status", "status")).status_code == 200
        except Problem:
            return False

    async def lease_status(self, provider: Provider | None, lease: Lease) -> dict[str, Any] | None:
        """A lease's live status, or None for any failure whatever: a reader gets to know no more."""
        if provider is None:
            return None
        path = f"/lease/{lease.dseq}/{lease.gseq}/{lease.oseq}/status"
        try:
            response = await self._call("GET", provider, path, "status")
        except Problem:
            return None
        if response.status_code != 200:
            return None
        try:
            status: dict[str, Any] = response.json(parse_float=_number)
        except (ValueError, RecursionError):
            return None
        return status

    async def _call(
        self, method: str, provider: Provider, path: str, scope: str, body: str | None = None
    ) -> httpx2.Response:
        permission = {"provider": provider.owner, "access": "scoped", "scope": [scope]}
        leases = {"access": "granular", "permissions": [permission]}
        token = mint(self._account, now=self._chain.clock.wall(), ttl=_TOKEN_SECONDS, leases=leases)
        headers = {"Authorization": f"Bearer {token}"}
        context = self._pinned(provider)
        if slow := self._faults.take("provider-slow"):
            await self._chain.clock.sleep(slow.seconds(15))
        async with httpx2.AsyncClient(verify=context, timeout=_TIMEOUT, trust_env=False) as client:
            for pause in (*_RETRY_AFTER, None):
                response = await self._attempt(client, method, provider, path, headers, body)
                if response is not None and response.status_code < 500:
                    return response
                if response is not None and any(text in response.text for text in _PASSED_ON):
                    raise Problem(400, response.text)
                if pause is not None:
                    await self._chain.clock.sleep(pause)
        raise _unavailable(provider)

    async def _attempt(
        self,
        client: httpx2.AsyncClient,
        method: str,
        provider: Provider,
        path: str,
        headers: dict[str, str],
        body: str | None,
    ) -> httpx2.Response | None:
        opened: Any = None

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            nonlocal opened
            if event == "connection.connect_tcp.complete":
                opened = info["return_value"]
            elif event == "connection.start_tls.failed":
                # Where the handshake is cancelled, as it is when the network ends, the library leaves it open.
                await opened.aclose()

        url = f"{provider.host_uri}{path}"
        extensions = {"sni_hostname": _SNI, "trace": trace}
        try:
            return await client.request(method, url, headers=headers, content=body, extensions=extensions)
        except httpx2.ConnectError as error:
            if isinstance(_root(error), ssl.SSLCertVerificationError):
                flaw = await self._flaw(provider)
                raise Problem(495, f"Invalid certificate error: {flaw}") from error
            return None
        except httpx2.TimeoutException as error:
            raise internal_error() from error
        except httpx2.TransportError:
            return None

    def _pinned(self, provider: Provider) -> ssl.SSLContext:
        """A TLS context that trusts this provider's valid certificates on chain, and nothing else."""
        fault = self._faults.active("provider-unreachable")
        if fault and fault.value in (None, provider.owner):
            self._faults.take("provider-unreachable")
            raise _unavailable(provider)
        registered = self._registered(provider)
        if not registered:
            raise Problem(495, "Invalid certificate error: unknownCertificate")
        return _trusting(b"\n".join(certificate.pem for certificate in registered))

    def _registered(self, provider: Provider) -> list[Certificate]:
        self._chain.schedule.catch_up()
        return [c for c in self._chain.certificates if c.owner == provider.owner and c.state == "valid"]

    async def _flaw(self, provider: Provider) -> str:
        """What is wrong with the certificate that the provider shows, in Console's words and their order."""
        port = int(provider.host_uri.rpartition(":")[2])
        try:
            _, writer = await asyncio.open_connection(
                "localhost", port, ssl=_trusting_anyone(), server_hostname=_SNI
            )
        except OSError as error:
            raise _unavailable(provider) from error
        shown = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(True))
        writer.transport.abort()  # a polite goodbye waits for an answer, perhaps longer than the network lives
        now = self._chain.clock.wall()
        if now < shown.not_valid_before_utc.timestamp():
            return "validInFuture"
        if now > shown.not_valid_after_utc.timestamp():
            return "expired"
        is_known = str(shown.serial_number) in {c.serial for c in self._registered(provider)}
        return "fingerprintMismatch" if is_known else "unknownCertificate"


def _number(text: str) -> float | None:
    """A number as JavaScript passes it on: what is too large for it becomes null."""
    number = float(text)
    return number if math.isfinite(number) else None


@cache
def _trusting(pems: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # The certificate signs nothing but itself, so it is an anchor and the whole chain at once.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pems.decode("ascii"))
    return context


@cache
def _trusting_anyone() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _unavailable(provider: Provider) -> Problem:
    return Problem(503, f"Provider {provider.host_uri} is temporarily unavailable")


def _manifest_fault(provider: Provider, value: str) -> Problem:
    return {
        "503": _unavailable(provider),
        "400": Problem(
            400, 'manifest cross-validation error: group "dcloud": service "web": resources mismatch\n'
        ),
        "422": Problem(422, "manifest version validation failed\n"),
        "495": Problem(495, "Invalid certificate error: fingerprintMismatch"),
        "timeout": internal_error(),
    }[value]


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error
