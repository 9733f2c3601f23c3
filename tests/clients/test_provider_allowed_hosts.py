from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network

import pytest

from akash_mcp.clients.provider.allowed_hosts import parse_host_uri, resolve
from akash_mcp.clients.public_addresses import is_allowed
from akash_mcp.errors import UntrustedProvider

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("host_uri", "host", "port"),
    [
        ("https://provider.example:8443", "provider.example", 8443),
        ("https://provider.example", "provider.example", 443),
        ("https://Provider.Example.:8443", "provider.example", 8443),
        ("https://provider.example:443", "provider.example", 443),
        ("https://provider.example:1024", "provider.example", 1024),
        ("https://xn--prvider-n4a.example:8443", "xn--prvider-n4a.example", 8443),
        ("HTTPS://provider.example:8443", "provider.example", 8443),
        ("https://203.0.113.9:8443", "203.0.113.9", 8443),
        ("https://[2001:db8::1]:8443", "2001:db8::1", 8443),
    ],
)
def test_a_record_names_host_and_port(host_uri: str, host: str, port: int) -> None:
    assert parse_host_uri(host_uri) == (host, port)


@pytest.mark.parametrize(
    "host_uri",
    [
        "",
        "provider.example:8443",
        "http://provider.example:8443",
        "https://",
        "https://provider.example:8443/",
        "https://provider.example:8443/path",
        "https://provider.example:8443?x=1",
        "https://provider.example:8443#x",
        "https://user:pw@provider.example:8443",
        "https://user@provider.example:8443",
        "https://provider.example:99999",
        "https://provider.example:port",
        "https://pro vider.example",
        "https://provider.example\r\nx: y",
        "https://-dash.example",
        "https://prövider.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 130 + "example",
        "https://[not-an-address]:8443",
        "file:///etc/passwd",
        "https://@provider.example",
        "https://provider.example:0",
        "https://provider.example:22",
        "https://provider.example:80",
        "https://provider.example:-1",
        "https://provider.example?",
        "https://provider.example#",
        "https://provider.example\n:8443",
        "https://pro\tvider.example",
        " https://provider.example",
        "https://provider.example\\@127.0.0.1",
        "https://provider..example",
        "https://.",
        "https://[::1]provider.example",
        "https://[fe80::1%25lo]x:8443",
        "https:provider.example",
        "//provider.example",
    ],
)
def test_a_record_that_is_no_plain_https_host_is_refused(host_uri: str) -> None:
    with pytest.raises(UntrustedProvider):
        parse_host_uri(host_uri)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)
def test_all_others_are_not(address: str) -> None:
    assert not is_allowed(ip_address(address))


def test_a_network_of_ones_own_can_be_allowed() -> None:
    allowed = [ip_network("10.7.0.0/16"), ip_network("fd00::/8")]
    assert is_allowed(ip_address("10.7.3.4"), allowed)
    assert is_allowed(ip_address("::ffff:10.7.3.4"), allowed)
    assert is_allowed(ip_address("fd12::1"), allowed)
    assert not is_allowed(ip_address("10.8.0.1"), allowed)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[fe80::1%25lo]",
    ],
)
async def test_loopback_in_any_spelling_is_refused(host: str) -> None:
    with pytest.raises(UntrustedProvider):
        await resolve(f"https://{host}:8443")


async def test_an_allowed_loopback_is_resolved_to_its_addresses() -> None:
    endpoint = await resolve("https://localhost:8443", [ip_network("127.0.0.0/8"), ip_network("::1/128")])
    assert endpoint.host == "localhost"
    assert set(endpoint.addresses) <= {"127.0.0.1", "::1"}


async def test_one_private_address_among_several_is_one_too_many() -> None:
    # localhost is 127.0.0.1, and ::1 where the machine speaks IPv6: allowing only another network allows neither.
    with pytest.raises(UntrustedProvider, match="AKASH_MCP_ALLOW_PRIVATE_PROVIDERS"):
        await resolve("https://localhost:8443", [ip_network("10.0.0.0/8")])


async def test_a_name_that_does_not_exist_is_told() -> None:
    with pytest.raises(UntrustedProvider, match="cannot be looked up"):
        await resolve("https://nowhere.invalid:8443")


async def test_of_many_addresses_few_are_tried_and_all_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [f"203.0.114.{n}" for n in range(1, 20)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (a, 8443)) for a in found])
    assert (await resolve("https://many.example:8443")).addresses == tuple(found[:4])
    found.append("10.0.0.1")
    with pytest.raises(UntrustedProvider, match=r"10\.0\.0\.1"):
        await resolve("https://many.example:8443")
