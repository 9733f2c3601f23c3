"""Through a company's proxy: what it needs, what is said where it fails, and whether anything was sent by then."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from company_proxy import PASSWORD, USER, CompanyProxy, company_proxy
from pydantic import TypeAdapter
from wire_servers import Act, Server, Time, closed_port, drop, page, reply

from akash_mcp.clients import retries
from akash_mcp.clients.http import Upstream
from akash_mcp.clients.proxies import credentials, proxy_for
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import AkashError, OutcomeUnknown, ServerError, Unreachable

HOST = "console.test"
"""A name that nobody but the proxy knows."""
SPEND = b"POST /v1/deployments"
DATA = TypeAdapter(dict[str, object])
DEADLINE = Deadline(read=5, total=20)


@pytest.fixture
def answer() -> Act:
    """What the Console answers. A test that wants another parametrizes it."""
    return reply(200, {"data": {}})


@pytest.fixture
async def console(answer: Act) -> AsyncIterator[Server]:
    async with Server(answer) as server:
        yield server


@pytest.fixture
async def proxy(
    console: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CompanyProxy]:
    port = urlsplit(console.url).port
    assert port is not None
    async with company_proxy(tmp_path, {HOST: port}) as running:
        monkeypatch.setenv("HTTPS_PROXY", running.url)
        yield running


def upstream(proxy: CompanyProxy | None = None, url: str = f"https://{HOST}") -> Upstream:
    time = Time()
    ca_file = proxy.ca_file if proxy else None
    return Upstream(url, name="The API", ca_file=ca_file, sleep=time.sleep, random=lambda: 1.0)


async def ask(api: Upstream, sending: Sending = Sending.READ) -> int:
    async with api:
        method, path = SPEND.decode().split() if sending is Sending.ONCE else ("GET", "/v1/thing")
        answer = await api.send(method, path, sending=sending, deadline=DEADLINE)
        answer.read(DATA)
        return answer.status


async def refusal(api: Upstream, sending: Sending = Sending.READ) -> AkashError:
    with pytest.raises(AkashError) as raised:
        await ask(api, sending)
    told = "".join(traceback.format_exception(raised.value)) + str(raised.value)
    assert PASSWORD not in told
    assert "p@ss-of-the-proxy" not in told
    assert USER not in told
    return raised.value


@pytest.mark.anyio
async def test_the_console_is_asked_through_the_proxy_and_the_companys_authority_is_trusted(
    proxy: CompanyProxy, console: Server
) -> None:
    proxy.wants_password = True
    assert await ask(upstream(proxy)) == 200
    assert await ask(upstream(proxy), Sending.ONCE) == 200
    assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"] * 2
    assert [request.headers.get("proxy-authorization") for request in console.requests] == [None, None]


@pytest.mark.anyio
async def test_an_authority_that_leaves_out_what_rfc_5280_wants_is_trusted_by_either_name(
    proxy: CompanyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await ask(upstream(proxy)) == 200
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca_file))
    assert await ask(upstream()) == 200


@pytest.mark.anyio
async def test_an_authority_that_is_not_named_is_told_with_the_setting(proxy: CompanyProxy) -> None:
    error = await refusal(upstream(), Sending.ONCE)
    assert isinstance(error, Unreachable)
    assert "its TLS certificate is not trusted" in error.what
    assert "AKASH_MCP_CA_FILE" in error.next_step
    assert error.money == "No money moved."


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "said", "fix", "attempts"),
    [
        (407, "wants a user name and password, or others than it was given (407)", "USER:PASSWORD@", 1),
        (403, "does not connect us to that host (403)", "NO_PROXY", 1),
        (503, "could not reach that host (503)", "Try again", retries.MOST_ATTEMPTS),
    ],
)
async def test_a_proxy_that_refuses_is_told_and_nothing_was_sent(
    status: int, said: str, fix: str, attempts: int, proxy: CompanyProxy, console: Server
) -> None:
    proxy.status = status
    error = await refusal(upstream(proxy))
    assert isinstance(error, Unreachable)
    assert (
        f"The API at {HOST} was not asked: the proxy http://127.0.0.1:{proxy.port} (HTTPS_PROXY)"
        in error.what
    )
    assert said in error.what
    assert fix in error.next_step
    assert (len(proxy.asked), console.requests) == (attempts, [])
    assert isinstance(await refusal(upstream(proxy), Sending.ONCE), Unreachable)


@pytest.mark.anyio
async def test_a_proxy_that_answers_by_itself_is_told(proxy: CompanyProxy) -> None:
    proxy.page = b"<html>Sign in</html>"
    error = await refusal(upstream(proxy), Sending.ONCE)
    assert isinstance(error, Unreachable)
    assert "what came then is not that host's TLS" in error.what
    assert f"open https://{HOST} in a browser" in error.next_step


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [page(200)])
async def test_a_page_in_place_of_an_answer_is_told_and_what_may_spend_is_unknown(
    proxy: CompanyProxy,
) -> None:
    error = await refusal(upstream(proxy))
    assert isinstance(error, ServerError)
    assert "it is not JSON but a web page, probably from a proxy in between" in error.what
    assert isinstance(await refusal(upstream(proxy), Sending.ONCE), OutcomeUnknown)


@pytest.mark.anyio
async def test_a_proxy_that_dies_over_what_spends_leaves_it_unknown(
    proxy: CompanyProxy, console: Server
) -> None:
    proxy.dies_at = SPEND
    error = await refusal(upstream(proxy), Sending.ONCE)
    assert isinstance(error, OutcomeUnknown)
    assert f"through the proxy http://127.0.0.1:{proxy.port} (HTTPS_PROXY)" in error.what
    assert len(console.requests) == 1


@pytest.mark.anyio
async def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    error = await refusal(upstream(), Sending.ONCE)
    assert isinstance(error, Unreachable)
    assert "cannot be reached: the connection was refused" in error.what
    assert "NO_PROXY" in error.next_step


@pytest.mark.anyio
async def test_a_proxy_that_hangs_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server(drop) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        error = await refusal(upstream(), Sending.ONCE)
    assert isinstance(error, Unreachable)
    assert "answered, and did not connect us" in error.what


@pytest.mark.anyio
async def test_over_plain_http_a_proxy_that_wants_a_password_is_told_as_well(
    proxy: CompanyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    proxy.wants_password = True
    assert await ask(upstream(url="http://10.1.2.3:8000")) == 200
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    error = await refusal(upstream(url="http://10.1.2.3:8000"), Sending.ONCE)
    assert isinstance(error, Unreachable)
    assert "(http_proxy) wants a user name and password" in error.what
    assert proxy.asked == [
        "GET http://10.1.2.3:8000/v1/thing HTTP/1.1",
        "POST http://10.1.2.3:8000/v1/deployments HTTP/1.1",
    ]


@pytest.mark.anyio
async def test_this_machine_is_never_asked_through_a_proxy(
    proxy: CompanyProxy, console: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert await ask(upstream(url=console.url)) == 200
    assert proxy.asked == []


@pytest.mark.anyio
async def test_a_file_of_authorities_that_cannot_be_read_is_told_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Upstream("https://192.0.2.1", name="The API", ca_file=tmp_path / "missing.pem")
    assert "AKASH_MCP_CA_FILE" in (error := await refusal(missing, Sending.ONCE)).what
    assert isinstance(error, Unreachable)
    (tmp_path / "empty.pem").write_text("not a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    error = await refusal(upstream(url="https://192.0.2.1"), Sending.ONCE)
    assert "SSL_CERT_FILE cannot be used for whom to trust: it holds no CA certificates in PEM" in error.what


@pytest.mark.anyio
async def test_no_log_has_the_password(proxy: CompanyProxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="akash_mcp")
    proxy.status = 403
    await refusal(upstream(proxy))
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(proxy_for(f"https://{HOST}", name="The API"))


def chosen(url: str = "https://console.akash.network", **environ: str) -> str | None:
    proxy = proxy_for(url, name="The API", environ=environ)
    return proxy.variable if proxy else None


def test_which_variable_holds() -> None:
    assert chosen() is None
    assert chosen(HTTPS_PROXY="http://a") == "HTTPS_PROXY"
    assert chosen(HTTPS_PROXY="http://a", https_proxy="http://b", ALL_PROXY="http://c") == "https_proxy"
    assert chosen(HTTP_PROXY="http://a") is None
    assert chosen(ALL_PROXY="a.example:3128", HTTPS_PROXY=" ") == "ALL_PROXY"
    assert chosen("http://10.0.0.1", HTTP_PROXY="https://a") == "HTTP_PROXY"


@pytest.mark.parametrize(
    "no_proxy", ["*", "akash.network", ".akash.network", "*.akash.network:443", "x, console.akash.network"]
)
def test_what_no_proxy_names_is_asked_directly(no_proxy: str) -> None:
    assert chosen(HTTPS_PROXY="http://a", NO_PROXY=no_proxy) is None
    assert chosen(HTTPS_PROXY="http://a", no_proxy=no_proxy.upper()) is None


@pytest.mark.parametrize(
    "no_proxy", ["", "network", "kash.network", "console.akash.network:80", "10.0.0.0/8", "*.", ":443"]
)
def test_what_it_does_not_name_is_not(no_proxy: str) -> None:
    expected = None if no_proxy == "network" else "HTTPS_PROXY"  # a domain is all that ends in it
    assert chosen(HTTPS_PROXY="http://a", NO_PROXY=no_proxy) == expected


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        ("https://10.1.2.3", "10.0.0.0/8"),
        ("https://[fd00::1]", "[fd00::1]"),
        ("https://10.1.2.3", "10.1.2.3"),
    ],
)
def test_networks_are_named_too(url: str, no_proxy: str) -> None:
    assert chosen(url, HTTPS_PROXY="http://a", NO_PROXY=no_proxy) is None
    assert chosen("https://11.1.2.3", HTTPS_PROXY="http://a", NO_PROXY=no_proxy) == "HTTPS_PROXY"


@pytest.mark.parametrize(
    "value",
    ["socks5://a:1080", "http://a:99999", "http://:80", "ftp://a", "http://[a", "http://u:80/x@a:3128"],
)
def test_what_is_no_http_proxy_is_told_without_its_value(value: str) -> None:
    with pytest.raises(Unreachable) as refused:
        chosen(HTTPS_PROXY=value)
    assert "HTTPS_PROXY" in refused.value.what
    assert value not in str(refused.value)
    assert not refused.value.retryable


def test_what_is_hidden_of_them() -> None:
    assert credentials({"HTTPS_PROXY": "http://u:p%40ss@a:1", "all_proxy": "tok%2Fen@b"}) == (
        "u:p@ss",
        "p@ss",
        "tok/en",
    )
    assert credentials({"HTTP_PROXY": "a:3128", "HTTPS_PROXY": "http://[x"}) == ()
