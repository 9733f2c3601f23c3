"""Why the certificate that a gateway shows does not prove who it is, under the names that Akash Console gives it.

Console's provider proxy judges in this order and answers with these codes (akash-network/console
`CertificateValidator.ts`); what comes after the first dash is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from akash_mcp.clients.chain import OnChainCertificate
from akash_mcp.ids import BadId, ProviderAddress, bech32_decode


class CertificateError(StrEnum):
    """What is wrong with a certificate. The value is Console's code where it has one."""

    NONE_SHOWN = "noCertificate"
    NOT_YET_VALID = "validInFuture"
    EXPIRED = "expired"
    NOT_SELF_SIGNED = "notSelfSigned"
    NO_ADDRESS = "CommonNameIsNotBech32"
    OTHER_ACCOUNT = "anotherAccount"
    REVOKED = "revoked"
    UNKNOWN = "unknownCertificate"
    MISMATCH = "fingerprintMismatch"
    UNSUITABLE = "unsuitableCertificate"

    @property
    def is_about_dates(self) -> bool:
        """Whether a wrong clock on this machine could be the reason instead."""
        return self in (CertificateError.NOT_YET_VALID, CertificateError.EXPIRED)

    @property
    def message(self) -> str:
        """What the gateway shows, as a sentence goes on after "it"."""
        return _MESSAGES[self]


_MESSAGES = {
    CertificateError.NONE_SHOWN: "shows no certificate in a TLS 1.3 handshake",
    CertificateError.NOT_YET_VALID: "shows a certificate that is not valid yet",
    CertificateError.EXPIRED: "shows a certificate that has expired",
    CertificateError.NOT_SELF_SIGNED: "shows a certificate that is neither self-signed nor one of a public "
    "authority for its host",
    CertificateError.NO_ADDRESS: "shows a certificate that names no Akash account",
    CertificateError.OTHER_ACCOUNT: "shows the certificate of another Akash account",
    CertificateError.REVOKED: "shows a certificate that was revoked on the chain",
    CertificateError.UNKNOWN: "shows a certificate that is not on the chain",
    CertificateError.MISMATCH: "shows a certificate with the number of the one on the chain, and it is another",
    CertificateError.UNSUITABLE: "shows its certificate from the chain, which is not made for servers",
}


def certificate_error_of(
    shown: bytes | None,
    provider: ProviderAddress,
    valid: Sequence[OnChainCertificate],
    revoked: Sequence[OnChainCertificate],
    now: datetime,
) -> CertificateError:
    """What is wrong first with a certificate (DER, None for none) that was refused as the proof of being `provider`.

    `valid` and `revoked` are what the chain lists for the provider.
    """
    # Here, not above: most sessions never ask a provider, and the import is a good part of the server's start.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    if shown is None:
        return CertificateError.NONE_SHOWN
    try:
        leaf = x509.load_der_x509_certificate(shown)
        names = [str(name.value) for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        self_signed, serial = leaf.issuer == leaf.subject, str(leaf.serial_number)
    except ValueError:
        return CertificateError.NONE_SHOWN
    if now < begins:
        return CertificateError.NOT_YET_VALID
    if now > ends:
        return CertificateError.EXPIRED
    if not self_signed:
        return CertificateError.NOT_SELF_SIGNED
    if len(names) != 1 or not _is_bech32(names[0]):
        return CertificateError.NO_ADDRESS
    if names[0] != provider:
        return CertificateError.OTHER_ACCOUNT
    if any(certificate.der == shown for certificate in revoked):
        return CertificateError.REVOKED
    if any(certificate.der == shown for certificate in valid):
        return CertificateError.UNSUITABLE
    if any(certificate.serial == serial for certificate in valid):
        return CertificateError.MISMATCH
    return CertificateError.UNKNOWN


def _is_bech32(text: str) -> bool:
    try:
        bech32_decode(text)
    except BadId:
        return False
    return True
