"""Certificates of the two kinds that gateways show.

What an account publishes on chain is self-signed, named after the account, P-256. The shape is that of
akash-network/chain-sdk `go/util/tls`: two RDNs (the address as CN, then OID 2.23.133.2.6), a critical keyUsage without
digitalSignature, and critical name constraints that repeat the DNS names. A client that can pin this leaf can pin a
real provider's. Names are UTF8String where Go writes PrintableString; nobody compares the encoding.

What an authority issues for a host name looks like Let's Encrypt's. This one lives as long as its network.
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


def issue(
    owner: str, *, hosts: Sequence[str], now: float, days: int = 365, serial: int | None = None
) -> IssuedCertificate:
    """A new certificate of account `owner`, valid for `days` from `now` (seconds since the epoch).

    With `hosts` (DNS names and IP addresses) it is a provider's and may serve TLS; without, a tenant's. The `serial`
    is the time in nanoseconds unless it is given.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, owner), x509.NameAttribute(_VERSION_OID, "v0.0.1")]
    )
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if hosts:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    serial = int(now * 1e9) if serial is None else serial
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
    return _issued(builder.sign(key, hashes.SHA256()), key)


class Authority:
    """A certificate authority of the embedded network's own, which nobody trusts who was not given its `pem`."""

    def __init__(self, now: float) -> None:
        self._now = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Embedded Network Authority")])
        signs_certificates = x509.KeyUsage(**_NO_USAGE | {"key_cert_sign": True})
        certificate = (
            self._builder(self._key, self._name, days=3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signs_certificates, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def certify(self, host: str) -> IssuedCertificate:
        """A certificate for `host`, valid for 90 days."""
        key = ec.generate_private_key(ec.SECP256R1())
        signs = x509.KeyUsage(**_NO_USAGE | {"digital_signature": True})
        builder = (
            self._builder(key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), days=90)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        )
        return _issued(builder.sign(self._key, hashes.SHA256()), key)

    def _builder(
        self, key: ec.EllipticCurvePrivateKey, subject: x509.Name, *, days: int
    ) -> x509.CertificateBuilder:
        ours, theirs = self._key.public_key(), key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(theirs)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now)
            .not_valid_after(self._now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(theirs), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
        )


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> IssuedCertificate:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return IssuedCertificate(
        serial=str(certificate.serial_number),
        pem=certificate.public_bytes(serialization.Encoding.PEM),
        key_pem=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        pubkey_pem=public.replace(b" PUBLIC KEY-----", b" EC PUBLIC KEY-----"),
    )


_NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)
_KEY_USAGE = x509.KeyUsage(**_NO_USAGE | {"key_encipherment": True, "data_encipherment": True})


def _general_name(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
