from __future__ import annotations

import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from akash_mcp.sandbox.certificates import Authority, issue

OWNER = "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
NOW = 1_763_759_482.25


def test_a_providers_certificate_has_the_shape_that_chain_sdk_gives_it() -> None:
    issued = issue(OWNER, hosts=["localhost", "127.0.0.1"], now=NOW)
    certificate = x509.load_pem_x509_certificate(issued.pem)
    subject = [(name.oid.dotted_string, name.value) for name in certificate.subject]
    assert subject == [(NameOID.COMMON_NAME.dotted_string, OWNER), ("2.23.133.2.6", "v0.0.1")]
    assert [len(rdn) for rdn in certificate.subject.rdns] == [1, 1]
    assert certificate.issuer == certificate.subject
    assert str(certificate.serial_number) == issued.serial == str(int(NOW * 1e9))
    assert certificate.not_valid_before_utc.timestamp() == int(NOW)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == datetime.timedelta(days=365)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    kinds = [(type(e.value).__name__, e.critical) for e in certificate.extensions]
    assert kinds == [
        ("KeyUsage", True),
        ("ExtendedKeyUsage", False),
        ("BasicConstraints", True),
        ("SubjectAlternativeName", False),
        ("NameConstraints", True),
    ]


def test_its_key_is_not_for_signatures() -> None:
    certificate = x509.load_pem_x509_certificate(issue(OWNER, hosts=["localhost"], now=NOW).pem)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.data_encipherment) == (False, True, True)


def test_name_constraints_repeat_the_dns_names_and_no_addresses() -> None:
    certificate = x509.load_pem_x509_certificate(issue(OWNER, hosts=["a.example", "10.0.0.1"], now=NOW).pem)
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    assert constraints.permitted_subtrees == [x509.DNSName("a.example")]


def test_a_tenants_certificate_serves_nothing() -> None:
    certificate = x509.load_pem_x509_certificate(issue(OWNER, hosts=[], now=NOW).pem)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert len(certificate.extensions) == 3


def test_the_public_key_is_labelled_as_the_chain_wants_it() -> None:
    issued = issue(OWNER, hosts=[], now=NOW)
    assert issued.pubkey_pem.startswith(b"-----BEGIN EC PUBLIC KEY-----\n")
    usual = issued.pubkey_pem.replace(b"EC PUBLIC", b"PUBLIC")
    assert load_pem_public_key(usual) == x509.load_pem_x509_certificate(issued.pem).public_key()


def test_openssl_takes_it_as_its_own_trust_anchor() -> None:
    issued = issue(OWNER, hosts=["localhost"], now=NOW)
    context = ssl.create_default_context(cadata=issued.pem.decode())
    assert len(context.get_ca_certs(binary_form=True)) == 0  # no CA, and trusted all the same
    assert context.cert_store_stats()["x509"] == 1


def test_an_authority_certifies_a_host_and_nothing_else() -> None:
    authority = Authority(NOW)
    root = x509.load_pem_x509_certificate(authority.pem)
    leaf = x509.load_pem_x509_certificate(authority.certify("provider.example").pem)
    leaf.verify_directly_issued_by(root)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["provider.example"]
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == datetime.timedelta(days=90)
    assert leaf.issuer != leaf.subject


def test_a_serial_can_be_chosen() -> None:
    assert issue(OWNER, hosts=[], now=NOW, serial=7).serial == "7"
