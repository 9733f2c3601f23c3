"""Certificates of the shape that accounts publish on chain: self-signed, named after the account, P-256.

The shape is that of akash-network/chain-sdk `go/util/tls`: two RDNs (the address as CN, then OID 2.23.133.2.6),
a critical keyUsage without digitalSignature, and critical name constraints that repeat the DNS names. A client that
can pin this leaf can pin a real provider's. Names are UTF8String where Go writes PrintableString; nobody compares
the encoding.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VERSION_OID = x509.ObjectIdentifier("2.23.133.2.6")


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate and its key. `serial` is decimal; `pubkey_pem` is labelled `EC PUBLIC KEY`, as on chain."""

    serial: str
    pem: bytes
    key_pem: bytes
    pubkey_pem: bytes


def issue(owner: str, *, hosts: Sequence[str], now: float, days: int = 365) -> IssuedCertificate:
    """A new certificate of account `owner`, valid for `days` from `now` (seconds since the epoch).

    With `hosts` (DNS names and IP addresses) it is a provider's and may serve TLS; without, a tenant's.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, owner), x509.NameAttribute(_VERSION_OID, "v0.0.1")]
    )
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if hosts:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    serial = int(now * 1e9)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    names = [_general_name(host) for host in hosts]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    dns_names = [name for name in names if isinstance(name, x509.DNSName)]
    if dns_names:
        constraints = x509.NameConstraints(permitted_subtrees=dns_names, excluded_subtrees=None)
        builder = builder.add_extension(constraints, critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return IssuedCertificate(
        serial=str(serial),
        pem=certificate.public_bytes(serialization.Encoding.PEM),
        key_pem=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        pubkey_pem=public.replace(b" PUBLIC KEY-----", b" EC PUBLIC KEY-----"),
    )


_KEY_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _general_name(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
