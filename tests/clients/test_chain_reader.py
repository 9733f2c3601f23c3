from __future__ import annotations

import pytest
from provider_certificates import registered
from test_console_models import PROVIDER_ADDRESS
from wire_servers import Server, Time, reply

from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.errors import NotFound

pytestmark = pytest.mark.anyio


def chain(server: Server) -> ChainReader:
    time = Time()
    return ChainReader(server.closes(chain_upstream(server.url, sleep=time.sleep, monotonic=time)))


def listed(*entries: object, next_key: str | None = None) -> dict[str, object]:
    return {"certificates": list(entries), "pagination": {"next_key": next_key, "total": str(len(entries))}}


async def test_certificates_are_decoded() -> None:
    shown = registered(PROVIDER_ADDRESS, serial=1767225600123456789)
    async with Server(reply(200, listed(shown.listed()))) as server:
        [found] = await chain(server).certificates(PROVIDER_ADDRESS, serial="1767225600123456789")
    assert (found.subject_cn, found.serial) == (PROVIDER_ADDRESS, "1767225600123456789")
    assert found.pem == shown.pem
    assert found.not_before == shown.certificate.not_valid_before_utc
    assert "MII" not in repr(found)
    assert server.requests[0].path == (
        f"/akash/cert/v1/certificates/list?filter.owner={PROVIDER_ADDRESS}&filter.state=valid"
        "&pagination.limit=100&filter.serial=1767225600123456789"
    )


async def test_all_pages_are_read() -> None:
    one, two = registered(PROVIDER_ADDRESS), registered(PROVIDER_ADDRESS)
    first = reply(200, listed(one.listed(), next_key="a+b/c="))
    async with Server(first, reply(200, listed(two.listed()))) as server:
        found = await chain(server).certificates(PROVIDER_ADDRESS)
    assert [certificate.pem for certificate in found] == [one.pem, two.pem]
    assert "pagination.key=a%2Bb%2Fc%3D" in server.requests[1].path


async def test_a_chain_that_pages_forever_is_left() -> None:
    async with Server(reply(200, listed(next_key="bW9yZQ=="))) as server:
        assert await chain(server).certificates(PROVIDER_ADDRESS) == []
    assert len(server.requests) == 10


@pytest.mark.parametrize("cert", ["", "!!!", "bm90IGEgcGVt", None])
async def test_a_record_that_is_no_certificate_is_not_trusted(cert: str | None) -> None:
    good = registered(PROVIDER_ADDRESS)
    odd = {"certificate": {"state": "valid", "cert": cert}, "serial": "1"}
    async with Server(reply(200, listed(odd, good.listed()))) as server:
        assert [c.pem for c in await chain(server).certificates(PROVIDER_ADDRESS)] == [good.pem]


async def test_no_certificate_is_an_empty_list() -> None:
    async with Server(reply(200, {"certificates": None, "pagination": None})) as server:
        assert await chain(server).certificates(PROVIDER_ADDRESS) == []


async def test_a_provider_and_the_height() -> None:
    record = {"provider": {"owner": PROVIDER_ADDRESS, "host_uri": "https://p:8443", "attributes": []}}
    block = {"block_id": {}, "block": {"header": {"height": "22000123"}}}
    async with Server(reply(200, record), reply(200, block)) as server:
        assert (await chain(server).provider(PROVIDER_ADDRESS)).host_uri == "https://p:8443"
        assert await chain(server).latest_height() == 22000123


async def test_an_address_that_is_no_provider_is_not_found() -> None:
    async with Server(reply(404, {"code": 5, "message": "provider not found", "details": []})) as server:
        with pytest.raises(NotFound, match="provider not found"):
            await chain(server).provider(PROVIDER_ADDRESS)
