"""Certificates of every kind that a gateway might show: registered ones, forged ones, those of an authority."""

from __future__ import annotations

import base64
import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AKASH_VERSION_OID = x509.ObjectIdentifier("2.23.133.2.6")


@dataclass(frozen=True)
class Shown:
    """A certificate and its key, as a server shows it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def listed(self, state: str = "valid") -> dict[str, object]:
        """Its entry in the chain's list."""
        encoded = base64.b64encode(self.pem.replace("\n", "\r\n").encode()).decode()
        return {
            "certificate": {"state": state, "cert": encoded, "pubkey": ""},
            "serial": str(self.certificate.serial_number),
        }

    def key_file(self, folder: Path) -> Path:
        """Key and certificate, in a file."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = folder / f"{self.certificate.serial_number}.pem"
        file.write_bytes(key + self.pem.encode())
        return file

    def server_context(self, folder: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """The context of a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.key_file(folder))
        context.maximum_version = newest
        return context


def registered(
    address: str,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    starts: timedelta = timedelta(hours=-1),
    lasts: timedelta = timedelta(days=365),
    serial: int | None = None,
    serves: bool = True,
) -> Shown:
    """A self-signed certificate of the shape that provider-services registers on the chain.

    One that does not serve is for clients only, as a tenant's is.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, address),
            x509.NameAttribute(AKASH_VERSION_OID, "v0.0.1"),
        ]
    )
    begin = datetime.now(UTC) + starts
    usage = x509.KeyUsage(
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
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + lasts)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if serves else [])]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("provider.example")]), critical=False)
        .add_extension(x509.NameConstraints([x509.DNSName("provider.example")], None), critical=True)
    )
    return Shown(builder.sign(key, hashes.SHA256()), key)


def authority() -> Shown:
    """A certificate authority of one's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
    begin = datetime.now(UTC) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Shown(builder.sign(key, hashes.SHA256()), key)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def issued(by: Shown, *hosts: str) -> Shown:
    """A certificate of an authority for hosts, as Let's Encrypt gives one."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.now(UTC) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])]))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
    )
    return Shown(builder.sign(by.key, hashes.SHA256()), key)


def trusting(*authorities: Shown) -> ssl.SSLContext:
    """What a client whose system knows these authorities trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    for one in authorities:
        context.load_verify_locations(cadata=one.pem)
    return context
