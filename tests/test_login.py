"""`akash-mcp login`, `logout`, and a server that gets its key from there."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import anyio.to_thread
import keyring
import pytest
from agents import Connect
from keyring_in_a_file import FileKeyring, Unrecommended

from akash_mcp import config
from akash_mcp.cli import main
from akash_mcp.cli.plain_keys import plain_keys
from akash_mcp.clients import api_key as key_module
from akash_mcp.errors import MissingKey
from akash_mcp.guard.login_keys import LoginKeys
from akash_mcp.key_sources import key_of
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sanitize import secrets

NOWHERE = "http://127.0.0.1:9"

pytestmark = pytest.mark.anyio


@pytest.fixture
async def network(quick_retries: None) -> AsyncIterator[EmbeddedNetwork]:
    async with EmbeddedNetwork(Options(providers=1)) as running:
        yield running


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginKeys]:
    """A machine without a keyring and without a key. What a command does to this process's logging is undone."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring"))
    monkeypatch.delenv("AKASH_API_KEY", raising=False)
    root, before = logging.getLogger(), keyring.get_keyring()
    handlers, level = root.handlers[:], root.level
    keyring.set_keyring(Unrecommended())
    yield LoginKeys(tmp_path / "config" / "akash-mcp")
    keyring.set_keyring(before)
    root.handlers[:] = handlers
    root.setLevel(level)


class Person:
    """Types commands, and pipes a key into them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    async def types(self, *words: str, key: str = "") -> tuple[int, str]:
        """The exit status, and what was written to both outputs."""
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{key}\n".encode())))
        self._capsys.readouterr()
        status = await anyio.to_thread.run_sync(partial(main.main, list(words)))
        said = "".join(self._capsys.readouterr())
        assert not key or key not in said
        if key:
            secrets.known.forget(key)
        return status, said


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Person:
    return Person(monkeypatch, capsys)


async def test_a_key_is_checked_stored_shown_by_its_place_and_forgotten(
    person: Person, machine: LoginKeys, network: EmbeddedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = ("--console-url", network.console_url)
    status, said = await person.types("login", *there, key=network.api_key)
    assert status == 0
    assert "accepted; account akash1" in said
    assert "the whole account" in said
    assert f"is in {machine.path}, readable by you alone" in said
    assert "not encrypted" in said
    assert machine.read(network.console_url) == network.api_key
    assert all(str(request).startswith("GET ") for request in network._console.requests)

    status, said = await person.types("login", "--status", *there)
    assert (
        status,
        f"comes from {machine.path}, readable by you alone, by akash-mcp login on 20" in said,
    ) == (0, True)
    monkeypatch.setenv("AKASH_API_KEY", "ac.sk.of-the-environment")
    status, said = await person.types("login", "--status", *there)
    assert "comes from AKASH_API_KEY.\nNot in use: the key for http://127.0.0.1" in said

    status, said = await person.types("logout", *there)
    assert (status, "Akash Console still takes it" in said, "AKASH_API_KEY still holds a key" in said) == (
        0,
        True,
        True,
    )
    assert machine.all() == []
    monkeypatch.delenv("AKASH_API_KEY")
    assert (await person.types("login", "--status", *there))[0] == 1
    assert (await person.types("logout", *there))[0] == 1


async def test_a_key_that_the_console_refuses_is_not_stored(
    person: Person, machine: LoginKeys, network: EmbeddedNetwork
) -> None:
    for words in ((), ("--unchecked",)):
        status, said = await person.types(
            "login", "--console-url", network.console_url, *words, key="ac.sk.of-somebody-else"
        )
        assert (status, "did not accept our credentials" in said, "was not stored" in said) == (1, True, True)
    assert machine.all() == []


async def test_where_the_console_cannot_be_asked_it_is_stored_only_on_demand(
    person: Person, machine: LoginKeys, quick_retries: None
) -> None:
    status, said = await person.types("login", "--console-url", NOWHERE, key="ac.sk.a-key")
    assert (status, "could not be checked" in said, "--unchecked" in said) == (1, True, True)
    assert machine.all() == []
    status, said = await person.types("login", "--console-url", NOWHERE, "--unchecked", key="ac.sk.a-key")
    assert (status, "stored all the same" in said, machine.read(NOWHERE)) == (0, True, "ac.sk.a-key")


@pytest.mark.parametrize("key", ["", "two words", "$AKASH_API_KEY", "x" * 5000])
async def test_what_is_no_key_is_refused_before_anybody_is_asked(key: str, person: Person) -> None:
    status, said = await person.types("login", "--console-url", NOWHERE, key=key)
    assert (status, "That is not an API key" in said) == (1, True)


async def test_a_server_takes_a_key_that_is_stored_while_it_runs(
    connect: Connect, network: EmbeddedNetwork, machine: LoginKeys, person: Person
) -> None:
    async with connect(api_key=None) as agent:
        refused = await agent.client.call_tool("list_deployments", {})
        assert "akash-mcp login" in str(refused.content)
        await person.types("login", "--console-url", network.console_url, key=network.api_key)
        assert (await agent.call("list_deployments"))["total"] == 0


async def test_a_keyring_that_is_locked_or_hangs_ends_in_a_sentence_and_the_server_goes_on(
    connect: Connect, network: EmbeddedNetwork, machine: LoginKeys, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, sdl: str,
) -> None:  # fmt: skip
    class Hanging(FileKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            answered.wait(60)
            return super().get_password(service, username)

    answered = threading.Event()
    keyring.set_keyring(FileKeyring())
    machine.keep(network.console_url, network.api_key)
    monkeypatch.setattr(key_module, "READ_SECONDS", 0.2)
    kept = (tmp_path / "keyring").read_text()
    async with connect(api_key=None) as agent:
        (tmp_path / "keyring").write_text("locked")
        assert "(KeyringLocked)" in str((await agent.client.call_tool("list_deployments", {})).content)
        (tmp_path / "keyring").write_text(kept)
        keyring.set_keyring(Hanging())
        assert "does not answer" in str((await agent.client.call_tool("list_deployments", {})).content)
        assert (await agent.call("validate_sdl", sdl=sdl))["ok"]
        answered.set()
        monkeypatch.setattr(key_module, "READ_SECONDS", 60.0)
        assert (await agent.call("list_deployments"))["total"] == 0


def test_keys_in_the_files_of_hosts_are_found_and_placeholders_are_not(tmp_path: Path) -> None:
    def file(name: str, text: str) -> tuple[str, Path]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name, tmp_path / name

    key = "ac.sk.production.0123456789"
    holding = [
        file("a.json", json.dumps({"env": {"AKASH_API_KEY": key}})),
        file("b.toml", f'[mcp_servers.akash.env]\nAKASH_MCP_API_KEY = "{key}"\n'),
        file("c.yaml", f"envs:\n  AKASH_API_KEY: {key}\n"),
        file("d.json", json.dumps({"args": ["--env", f"AKASH_API_KEY={key}"]})),
    ]
    without = [
        file("e.json", '{"env": {"AKASH_API_KEY": "${AKASH_API_KEY}", "X": "' + key + '"}}'),
        file("f.json", '{"environment": {"AKASH_API_KEY": "{env:AKASH_API_KEY}"}}'),
        file("g.toml", 'env_vars = ["AKASH_API_KEY"]\n'),
        file("h.yaml", f"env_keys:\n  - AKASH_API_KEY\n  - {key}\nenvs:\n  AKASH_API_KEY:\n  OTHER: {key}\n"),
        ("missing", tmp_path / "missing"),
        ("a folder", tmp_path),
    ]
    assert [(each.title, each.path) for each in plain_keys([*holding, *without])] == holding


def test_a_token_of_akua_in_the_file_of_a_host_is_found_as_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    env = {
        "AKUA_API_TOKEN": "sk_akua_0123456789",
        "AKASH_API_KEY": "${AKASH_API_KEY}",
        "AKUA_WORKSPACE": "acme-1",
    }
    file.write_text(json.dumps({"env": env}), encoding="utf-8")
    [found] = plain_keys([("Cursor", file)])
    assert (found.variable, found.service.login) == ("AKUA_API_TOKEN", "akash-mcp login --akua")
    file.write_text(
        json.dumps({"env": env | {"AKASH_MCP_API_KEY": "ac.sk.0123", "X": "AKUA"}}), encoding="utf-8"
    )
    assert [each.variable for each in plain_keys([("Cursor", file)])] == [
        "AKASH_MCP_API_KEY",
        "AKUA_API_TOKEN",
    ]
    assert "0123" not in repr(plain_keys([("Cursor", file)]))


async def test_a_variable_beats_the_configuration_file_which_beats_login(
    machine: LoginKeys, tmp_path: Path
) -> None:
    async def key(**environ: str) -> str:
        found = key_of(config.load(environ={"AKASH_CONSOLE_URL": NOWHERE, **environ}))
        value = await found.need()
        found.forget()
        return value

    machine.keep(NOWHERE, "of-login")
    file = tmp_path / "other.toml"
    file.write_text('api_key = "of-the-file"')
    file.chmod(0o600)
    assert await key() == "of-login"
    assert await key(AKASH_API_KEY="${AKASH_API_KEY}") == "of-login"
    assert await key(AKASH_MCP_CONFIG=str(file)) == "of-the-file"
    assert await key(AKASH_MCP_CONFIG=str(file), AKASH_API_KEY="of-a-variable") == "of-a-variable"
    with pytest.raises(MissingKey, match="no API key for the Console at https"):
        await key(AKASH_CONSOLE_URL="https://console.example")
