"""The client certificates of tenants: self-signed, taken where exactly this one is on chain.

The rules are those of akash-network/chain-sdk `go/util/tls`. What a provider has once found on chain it remembers for
good, so revoking a certificate does not lock it out where it was used before.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from akash_mcp.ids import BadId, parse_provider
from akash_mcp.sandbox.chain import Certificate, Chain

_CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


class ClientCertificates:
    """What one provider knows of them. It belongs to its storage: unplugging the gateway does not forget it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._known: dict[tuple[str, str], Certificate] = {}

    def accepts(self, shown: x509.Certificate) -> bool:
        """Whether its holder is who it names. That it holds the key is proven by the handshake."""
        owner = common_name(shown.subject)
        if owner is None or owner != common_name(shown.issuer) or not _is_address(owner):
            return False
        on_chain = self._lookup(owner, str(shown.serial_number))
        return (
            on_chain is not None
            and _is_signed_with(shown, on_chain.pubkey_pem)
            # The one on chain is not an authority, and it is the only root: no other certificate can lead to it.
            and shown == x509.load_pem_x509_certificate(on_chain.pem)
            and shown.not_valid_before_utc.timestamp()
            <= self._chain.clock.wall()
            <= shown.not_valid_after_utc.timestamp()
            and _is_for_clients(shown)
        )

    def _lookup(self, owner: str, serial: str) -> Certificate | None:
        known = self._known.get((owner, serial))
        if known is None:
            for certificate in self._chain.certificates:
                if (certificate.owner, certificate.serial, certificate.state) == (owner, serial, "valid"):
                    self._known[owner, serial] = known = certificate
        return known


def common_name(name: x509.Name) -> str | None:
    """The first common name, if there is one."""
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def _is_address(text: str) -> bool:
    try:
        parse_provider(text)
    except BadId:
        return False
    return True


def _is_signed_with(shown: x509.Certificate, pubkey_pem: bytes) -> bool:
    key = load_pem_public_key(pubkey_pem.replace(b" EC PUBLIC KEY-----", b" PUBLIC KEY-----"))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    algorithm = shown.signature_hash_algorithm or hashes.SHA256()
    try:
        key.verify(shown.signature, shown.tbs_certificate_bytes, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


def _is_for_clients(shown: x509.Certificate) -> bool:
    """A certificate that names no purpose is for all of them."""
    try:
        usages = shown.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(usage in usages for usage in _CLIENT)
