"""The chain's own records over a node's REST gateway: what a provider cannot have made up afterwards."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Unpack
from urllib.parse import quote

from pydantic import Field, TypeAdapter

from akash_mcp.clients.api_model import ApiModel, RecordsOf, Whole
from akash_mcp.clients.http import Response, Upstream, UpstreamOptions
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.ids import ProviderAddress

log = logging.getLogger(__name__)

CHAIN_DEADLINE = Deadline(read=8, total=20)
PAGE = 100
MOST_PAGES = 10


@dataclass(frozen=True, slots=True)
class OnChainCertificate:
    """A certificate that `owner` registered.

    `serial` is decimal, times are UTC, `subject_cn` "" where it has none.
    """

    owner: ProviderAddress
    serial: str
    der: bytes = field(repr=False)
    pem: str = field(repr=False)
    not_before: datetime
    not_after: datetime
    subject_cn: str


class ChainProvider(ApiModel):
    """A provider as it registered itself."""

    owner: ProviderAddress
    host_uri: str = ""


class _Encoded(ApiModel):
    state: str = ""
    cert: str = ""


class _Entry(ApiModel):
    certificate: _Encoded
    serial: str = ""


class _Page(ApiModel):
    next_key: str = ""


class _Certificates(ApiModel):
    certificates: RecordsOf[_Entry] = Field(default_factory=list)
    pagination: _Page = _Page()


class _Header(ApiModel):
    height: Whole
    chain_id: str = ""


_CERTIFICATES = TypeAdapter(_Certificates)
_PROVIDER = TypeAdapter(ChainProvider)
_HEADER = TypeAdapter(_Header)


def chain_upstream(url: str, **options: Unpack[UpstreamOptions]) -> Upstream:
    """The REST gateway of an Akash node at `url`. It needs no key."""
    return Upstream(url, name="The Akash chain's REST endpoint", **options)


class ChainReader:
    """Reads of the chain."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    @property
    def date(self) -> float | None:
        """The node's clock at its last answer, in seconds since the epoch."""
        return self._upstream.date

    async def certificates(
        self, owner: ProviderAddress, *, state: str = "valid", serial: str | None = None
    ) -> list[OnChainCertificate]:
        """The certificates that an account registered, those of one decimal `serial` where it is given."""
        params = {"filter.owner": owner, "filter.state": state, "pagination.limit": str(PAGE)}
        if serial is not None:
            params["filter.serial"] = serial
        found: list[OnChainCertificate] = []
        for _ in range(MOST_PAGES):
            page = (await self._get("/akash/cert/v1/certificates/list", params)).read(_CERTIFICATES)
            for entry in page.certificates:
                certificate = _parsed(owner, entry)
                if certificate is not None:
                    found.append(certificate)
            if not page.pagination.next_key:
                break
            params["pagination.key"] = page.pagination.next_key
        return found

    async def provider(self, address: ProviderAddress) -> ChainProvider:
        """A provider's record. Raises `NotFound` for an address that is not a provider's."""
        path = f"/akash/provider/v1beta4/providers/{quote(address, safe='')}"
        return (await self._get(path)).read(_PROVIDER, "provider")

    async def latest_height(self) -> int:
        """The latest block's height."""
        return (await self._latest()).height

    async def chain_id(self) -> str:
        """What the chain calls itself, such as `akashnet-2`; "" where the node does not say."""
        return (await self._latest()).chain_id

    async def _latest(self) -> _Header:
        answer = await self._get("/cosmos/base/tendermint/v1beta1/blocks/latest")
        return answer.read(_HEADER, "block", "header")

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        return await self._upstream.send(
            "GET", path, sending=Sending.READ, deadline=CHAIN_DEADLINE, params=params
        )


def _parsed(owner: ProviderAddress, entry: _Entry) -> OnChainCertificate | None:
    """The certificate of an entry (base64 of PEM text); None for one that is not a certificate."""
    # Here, not above: this import is a fifth of the server's start, and most sessions never ask a provider.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    try:
        certificate = x509.load_pem_x509_certificate(base64.b64decode(entry.certificate.cert, validate=True))
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, binascii.Error) as error:
        # One record that cannot be read is one less to trust, and no reason to distrust the others.
        log.warning("an on-chain certificate of %s cannot be read: %s", owner, type(error).__name__)
        return None
    return OnChainCertificate(
        owner=owner,
        serial=str(certificate.serial_number),
        der=certificate.public_bytes(Encoding.DER),
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        subject_cn=str(names[0].value) if len(names) == 1 else "",
    )
