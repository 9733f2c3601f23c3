"""What `akash-mcp doctor` says of Akua: only where somebody uses it, by reads alone, and with a fix for each fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring_in_a_file import Unrecommended
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp import config
from akash_mcp.cli.check import Check
from akash_mcp.cli.doctor import examine
from akash_mcp.errors import MissingAkuaToken
from akash_mcp.key_sources import akua_token_of, akua_tokens, has_akua_token, where_akua_token_is
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def akua(quick_retries: None) -> AsyncIterator[EmbeddedAkua]:
    async with EmbeddedAkua(AkuaOptions(speed=60.0)) as running:
        yield running


@pytest.fixture
async def proxy(akua: EmbeddedAkua) -> AsyncIterator[LyingProxy]:
    async with lying_proxy(akua.url.removesuffix("/v1")) as before:
        yield before


@pytest.fixture(autouse=True)
def no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Whoever runs this may have settings and a keyring of their own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    before = keyring.get_keyring()
    keyring.set_keyring(Unrecommended())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def environ(proxy: LyingProxy, akua: EmbeddedAkua, tmp_path: Path) -> dict[str, str]:
    """Akua in order, and an Akash that nobody reaches."""
    return {
        "AKASH_CONSOLE_URL": NOWHERE,
        "AKASH_CHAIN_REST_URL": NOWHERE,
        "AKASH_MCP_STATE_DIR": str(tmp_path / "state"),
        "AKUA_API_URL": f"{proxy.url}/v1",
        "AKUA_API_TOKEN": akua.token,
    }


async def told(environ: dict[str, str], **changed: str) -> list[Check]:
    """The lines of Akua. None has the token."""
    checks = await examine(config.load(environ=environ | changed))
    token = (environ | changed).get("AKUA_API_TOKEN", "")
    assert all(not token or token not in str(check) for check in checks)
    return [check for check in checks if check.subject == "akua"]


async def test_when_all_is_well_every_line_says_so(environ: dict[str, str], proxy: LyingProxy) -> None:
    proxy.rewrite("GET /v1/quotas", lambda said: {**said, "data": said["data"][:3]})
    accepted, workspace, access, quotas = checks = await told(environ)
    assert all(check.ok and not check.warns for check in checks)
    assert accepted.message == f"{proxy.url}/v1 accepts the token from AKUA_API_TOKEN"
    assert workspace.message.startswith('workspace "Demo" (ws_')
    assert workspace.message.endswith(', the only one that the token reaches; plan "free"')
    assert access.message == "the workspace can be used"
    assert quotas.message == "quotas: none of 3 is near its end"
    assert {request.route.split(" ")[0] for request in proxy.requests} == {"GET"}


async def test_who_has_no_token_hears_nothing_of_akua(environ: dict[str, str], proxy: LyingProxy) -> None:
    assert await told(environ, AKUA_API_TOKEN="") == []
    assert await told(environ, AKUA_API_TOKEN="${AKUA_API_TOKEN}") == []
    assert proxy.requests == []


async def test_tools_that_are_named_without_a_token_are_told_with_the_way_to_get_one(
    environ: dict[str, str],
) -> None:
    [missing] = await told(environ, AKUA_API_TOKEN="", AKASH_MCP_TOOLSETS="deploy,akua-clusters")
    assert not missing.ok
    assert missing.message == "There is no Akua API token."
    assert missing.fix.startswith("Run akash-mcp login --akua in a terminal")


async def test_with_akuas_tools_alone_and_no_key_nothing_of_akash_is_asked_or_wrong(
    environ: dict[str, str],
) -> None:
    alone = environ | {"AKASH_MCP_TOOLSETS": "akua,akua-clusters"}
    checks = await examine(config.load(environ=alone))
    assert {check.subject for check in checks}.isdisjoint({"console", "key", "chain"})
    assert all(check.ok for check in checks)
    checks = await examine(config.load(environ=alone | {"AKASH_API_KEY": "ac.sk.of_an_account"}))
    assert {check.subject for check in checks if not check.ok} == {"console", "key", "chain"}


async def test_a_stored_token_is_used_for_its_address_and_told_by_its_place(
    environ: dict[str, str], akua: EmbeddedAkua
) -> None:
    stored = {**environ, "AKUA_API_TOKEN": ""}
    akua_tokens().keep(environ["AKUA_API_URL"], akua.token)
    accepted, *_ = await told(stored)
    assert f"from {akua_tokens().path}, readable by you alone, by akash-mcp login --akua on 20" in (
        accepted.message
    )
    here = config.load(environ=stored)
    assert (has_akua_token(here), here.toolsets) == (True, ("deploy", "observe", "akua"))
    token = akua_token_of(here)
    assert (token.known, await token.need()) == (None, akua.token)
    token.forget()
    elsewhere = config.load(environ={**stored, "AKUA_API_URL": akua.url})
    assert (has_akua_token(elsewhere), where_akua_token_is(elsewhere)) == (False, "")
    assert elsewhere.toolsets == ("deploy", "observe")
    with pytest.raises(MissingAkuaToken, match=f"no API token for Akua at {akua.url}"):
        await akua_token_of(elsewhere).need()


async def test_a_list_of_tokens_that_others_can_read_is_told(
    environ: dict[str, str], akua: EmbeddedAkua
) -> None:
    akua_tokens().keep(akua.url, akua.token)
    akua_tokens().path.chmod(0o644)
    [exposed] = await told(environ, AKUA_API_TOKEN="")
    assert (exposed.ok, "others can read or change it" in exposed.message) == (False, True)
    assert exposed.fix == f"Run: chmod 600 {akua_tokens().path}"


async def test_a_token_that_reaches_several_workspaces_has_to_name_one(
    environ: dict[str, str], akua: EmbeddedAkua
) -> None:
    broad = {**environ, "AKUA_API_TOKEN": akua.broad_token}
    for name in ("", "Twin", "nobody's"):
        accepted, unclear = await told(broad, AKUA_WORKSPACE=name)
        assert (accepted.ok, unclear.ok) == (True, False)
        assert all(each["id"] in unclear.message for each in akua.workspaces if name != "Twin")
        assert "AKUA_WORKSPACE" in unclear.fix
        assert "Ask the user" not in unclear.fix
    for name in (akua.workspaces[1]["id"], "twin-one"):
        _, workspace, *_ = await told(broad, AKUA_WORKSPACE=name)
        assert workspace.ok
        assert f'"Twin" ({akua.workspaces[1]["id"]}), which AKUA_WORKSPACE names' in workspace.message


async def test_a_workspace_that_is_not_the_tokens_is_told(
    environ: dict[str, str], akua: EmbeddedAkua
) -> None:
    for name in ("twin-one", akua.workspaces[1]["id"]):
        checks = await told(environ, AKUA_WORKSPACE=name)
        assert not checks[-1].ok
        assert "AKUA_WORKSPACE" in checks[-1].fix


async def test_no_workspace_at_all_is_told(environ: dict[str, str], akua: EmbeddedAkua) -> None:
    await akua.inject("lost-workspace")
    _, none = await told(environ)
    assert (none.ok, "reaches no workspace" in none.message) == (False, True)


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "revoked": ({"name": "key-revoked"}, "credentials", "This one is from AKUA_API_TOKEN"),
    "page": ({"name": "html"}, "502", "Try again"),
    "down": ({"name": "503", "value": "before"}, "503", "Try again"),
    "cut": ({"name": "drop-connection", "value": "before"}, "Akua", ""),
    "other words": ({"name": "message-shape", "value": "403"}, "403", "AKUA_WORKSPACE"),
    "too often": ({"name": "429"}, "Akua", "Try again"),
}


@pytest.mark.parametrize(("fault", "message", "fix"), FAULTS.values(), ids=FAULTS)
async def test_what_akua_refuses_is_told_with_its_fix(
    fault: dict[str, Any], message: str, fix: str, environ: dict[str, str], akua: EmbeddedAkua
) -> None:
    await akua.inject(**fault)
    [refused] = await told(environ)
    assert not refused.ok
    assert message in refused.message
    assert fix in refused.fix
    assert "Ask the user" not in refused.fix


async def test_the_proxy_before_akua_is_told_where_akua_is_asked(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOWHERE)
    far = environ | {"AKUA_API_URL": "https://akua.test/v1"}
    for token, asks in ((environ["AKUA_API_TOKEN"], True), ("", False)):
        checks = await examine(config.load(environ=far | {"AKUA_API_TOKEN": token}))
        network = [check.message for check in checks if check.subject == "network"]
        assert (
            any(f"Akua is asked through the proxy {NOWHERE} (HTTPS_PROXY)" in each for each in network)
            is asks
        )


async def test_an_address_that_is_not_there_is_told(environ: dict[str, str]) -> None:
    [gone] = await told(environ, AKUA_API_URL=NOWHERE)
    assert (gone.ok, "AKUA_API_URL names another address" in gone.fix) == (False, True)


async def test_an_address_without_workspaces_is_told_as_one_that_may_be_wrong(
    environ: dict[str, str], proxy: LyingProxy
) -> None:
    [wrong] = await told(environ, AKUA_API_URL=f"{proxy.url}/v2")
    assert (wrong.ok, "404" in wrong.message) == (False, True)
    assert wrong.fix.startswith(
        "Look whether AKUA_API_URL is right: Akua's own API is https://api.akua.dev/v1."
    )
    assert wrong.fix.endswith(
        "AKUA_WORKSPACE has to be the id of its workspace (ws_…). Then restart servers that run."
    )


ACCESS = r"GET /v1/workspaces/ws_\w+/access_state"


@pytest.mark.parametrize(
    ("answer", "mark", "message"),
    [
        (
            {"status": "suspended", "accessible": False, "reason": "unpaid \u202einvoice"},
            "WRONG",
            '"suspended" ("unpaid invoice")',
        ),
        ({"status": "payment_grace", "accessible": True, "reason": None}, "WARN", '"payment_grace"'),
        ({"status": "active"}, "WARN", "not known"),
        ({"accessible": True}, "WARN", "not known"),
        ({"status": None, "accessible": "yes"}, "WARN", "not known"),
        ([], "WARN", "not known"),
        ({"status": "active", "accessible": True}, "ok", "can be used"),
    ],
)
async def test_whether_the_workspace_can_be_used_is_told_and_nothing_missing_is_taken_for_yes(
    answer: object, mark: str, message: str, environ: dict[str, str], proxy: LyingProxy
) -> None:
    proxy.refuse(ACCESS, 200, answer)
    _, _, access, *_ = await told(environ)
    assert str(access).startswith(mark)
    assert message in access.message


async def test_what_a_token_may_not_read_is_not_known_and_no_fault(
    environ: dict[str, str], proxy: LyingProxy
) -> None:
    forbidden = {"success": False, "errors": [{"code": 7003, "message": "no"}], "result": {}}
    proxy.refuse(ACCESS, 403, forbidden)
    proxy.refuse("GET /v1/quotas", 403, forbidden)
    *_, access, quotas = await told(environ)
    assert (access.ok, access.warns, "is not known" in access.message) == (True, True, True)
    assert (quotas.ok, quotas.warns, "are not known" in quotas.message) == (True, True, True)


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        ({"metric": "m", "limit": 10, "usage": 8}, "8 of 10 used"),
        ({"metric": "m", "limit": 10, "usage": 12.5}, "12.5 of 10 used"),
        ({"metric": "m", "limit": 1000, "remaining": 0}, "1000 of 1000 used"),
        ({"limit": 1, "usage": 1}, '"without a name"'),
    ],
)
async def test_a_quota_near_its_end_is_warned_of(
    quota: dict[str, Any], said: str, environ: dict[str, str], proxy: LyingProxy
) -> None:
    proxy.refuse("GET /v1/quotas", 200, {"data": [quota, {"metric": "other", "limit": 5, "usage": 1}]})
    [near] = [check for check in await told(environ) if check.warns]
    assert said in near.message
    assert near.fix


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        ({"metric": "m", "limit": 10, "usage": 7.9}, "none of 1 is near its end"),
        ({"metric": "m", "limit": 0, "usage": 0}, "none of 1 is near its end"),
        (
            {"metric": "m", "limit": None, "usage": 5},
            "of 1 is known to be near its end; of 1 Akua does not tell",
        ),
        ({"metric": "m", "limit": 5}, "of 1 is known to be near its end; of 1 Akua does not tell"),
    ],
)
async def test_any_other_quota_is_counted(
    quota: dict[str, Any], said: str, environ: dict[str, str], proxy: LyingProxy
) -> None:
    proxy.refuse("GET /v1/quotas", 200, {"data": [quota]})
    *_, quotas = await told(environ)
    assert (quotas.ok, quotas.warns, said in quotas.message) == (True, False, True)


async def test_many_quotas_are_not_many_lines(environ: dict[str, str], proxy: LyingProxy) -> None:
    many = [{"metric": f"m{n}", "limit": 1, "usage": 1} for n in range(500)]
    proxy.refuse("GET /v1/quotas", 200, {"data": many})
    checks = await told(environ)
    assert len(checks) == 14
    assert "490 more quotas" in checks[-1].message
