"""`akash-mcp login --akua` and `logout --akua`, as a person types them: real processes, an embedded Akua."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import keyring_in_a_file
import pytest
from mcp import Client, StdioServerParameters

from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
from akash_mcp.tools import TOOLSETS

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9"
NO_KEYRING = f"{keyring_in_a_file.__name__}.Unrecommended"


@pytest.fixture
async def akua() -> AsyncIterator[EmbeddedAkua]:
    async with EmbeddedAkua(AkuaOptions(speed=60.0)) as running:
        yield running


class Person:
    """Types commands at a machine of their own, whose keyring is a file."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "config" / "akash-mcp"
        self.tokens = self.folder / "login-akua.json"
        self.keyring = home / "keyring"
        self._environ = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent),
            "XDG_CONFIG_HOME": str(home / "config"),
            "KEYRING_FILE": str(self.keyring),
            "PYTHON_KEYRING_BACKEND": keyring_in_a_file.BACKEND,
        }

    def stored(self, url: str) -> None:
        """What `login --akua` leaves behind where the keyring took the token."""
        self.folder.mkdir(parents=True)
        self.tokens.touch(mode=0o600)
        self.tokens.write_text(json.dumps({url: {"place": "keyring", "set_at": 1_795_996_133.7}}))

    def server(self, *words: str, **environ: str) -> StdioServerParameters:
        """A server as a host of this person starts it."""
        return StdioServerParameters(
            command=sys.executable, args=["-m", "akash_mcp", *words], env=self._environ | environ
        )

    async def types(self, *words: str, token: str = "", **environ: str) -> tuple[int, str]:
        """The exit status, and what was written to both outputs, which never has the token."""
        done = await anyio.run_process(
            [sys.executable, "-m", "akash_mcp", *words],
            input=f"{token}\n".encode(),
            env=self._environ | environ,
            check=False,
        )
        said = " ".join((done.stdout + done.stderr).decode().split())
        for secret in (token, *environ.values()):
            assert not secret.startswith(("sk_akua", "ac.sk")) or secret not in said
        return done.returncode, said


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


async def test_a_token_is_checked_by_reads_stored_shown_by_its_place_and_forgotten(
    person: Person, akua: EmbeddedAkua
) -> None:
    there = ("--akua", "--akua-url", akua.url)
    status, said = await person.types("login", *there, token=akua.token)
    assert status == 0, said
    assert f'workspace "Demo" ({akua.workspace_id}), the only one that the token reaches' in said
    assert "the workspace can be used" in said
    assert 'quota "compute/clusters": 1 of 1 used' in said
    assert f"The token for {akua.url} is in the system's keyring, by akash-mcp login --akua on 20" in said
    assert (
        f"Servers that have AKUA_API_URL={akua.url} and whose toolsets nobody names offer Akua's tools"
        in said
    )
    requests = akua.state()["requests"]
    assert isinstance(requests, dict)
    assert {line.split(" ")[0] for line in requests} == {"GET"}

    assert json.loads(person.keyring.read_text()) == {f"akash-mcp login --akua\n{akua.url}": akua.token}
    assert akua.token not in person.tokens.read_text()
    assert person.tokens.stat().st_mode & 0o777 == 0o600
    assert not (person.folder / "login.json").exists()

    status, said = await person.types("login", *there, "--status")
    assert (status, f"The token for {akua.url} comes from the system's keyring" in said) == (0, True)
    status, said = await person.types(
        "login", *there, "--status", AKUA_API_TOKEN="sk_akua_of_the_environment"
    )
    assert f"comes from AKUA_API_TOKEN. Not in use: the token for {akua.url}" in said
    status, said = await person.types("login", "--status")
    assert (status, "There is no key for https://console-api" in said) == (1, True), "a Console is another"

    status, said = await person.types("logout", *there)
    assert (status, "Akua still takes it: delete it at https://akua.dev" in said) == (0, True)
    assert person.keyring.read_text() == "{}"
    status, said = await person.types("logout", *there)
    assert (status, f"No token is stored for {akua.url}" in said) == (1, True)
    assert "akash-mcp login --akua --status" in said


async def test_without_a_keyring_it_is_kept_in_a_file_of_its_own(person: Person, akua: EmbeddedAkua) -> None:
    status, said = await person.types(
        "login", "--akua", token=akua.token, AKUA_API_URL=akua.url, PYTHON_KEYRING_BACKEND=NO_KEYRING
    )
    assert (status, "not encrypted" in said, f"{person.tokens}, readable by you alone" in said) == (
        0,
        True,
        True,
    )
    [(address, entry)] = json.loads(person.tokens.read_text()).items()
    assert (address, entry["value"]) == (akua.url, akua.token)
    assert person.tokens.stat().st_mode & 0o777 == 0o600


async def test_a_token_that_reaches_several_workspaces_is_stored_and_has_to_name_one(
    person: Person, akua: EmbeddedAkua
) -> None:
    there = ("login", "--akua", "--akua-url", akua.url)
    status, said = await person.types(*there, token=akua.broad_token)
    assert status == 0
    assert "WRONG akua" in said
    assert all(workspace["id"] in said for workspace in akua.workspaces)
    assert "Set AKUA_WORKSPACE" in said
    assert "akua_workspace" in said
    assert "is in the system's keyring" in said
    status, said = await person.types(*there, token=akua.broad_token, AKUA_WORKSPACE_ID="twin-two")
    assert (status, "WRONG" in said) == (0, False)
    assert f'workspace "Twin" ({akua.workspaces[2]["id"]}), which AKUA_WORKSPACE_ID names' in said
    status, said = await person.types(*there, token=akua.broad_token, AKUA_WORKSPACE="Twin")
    assert "WRONG akua" in said, "two have this name"


@pytest.mark.parametrize("unchecked", [(), ("--unchecked",)], ids=["", "unchecked"])
async def test_a_token_that_akua_refuses_is_not_stored(
    unchecked: tuple[str, ...], person: Person, akua: EmbeddedAkua
) -> None:
    status, said = await person.types(
        "login", "--akua", "--akua-url", akua.url, *unchecked, token="sk_akua_of_somebody_else"
    )
    assert (status, "The token was not stored" in said, "--akua-url" in said) == (1, True, True)
    assert not person.tokens.exists()
    assert not person.keyring.exists()


async def test_where_akua_cannot_be_asked_a_token_is_stored_only_on_demand(person: Person) -> None:
    there = ("login", "--akua", "--akua-url", f"{NOWHERE}/")
    status, said = await person.types(*there, token="sk_akua_x")
    assert (status, "could not be checked" in said, "login --akua --unchecked" in said) == (1, True, True)
    assert not person.tokens.exists()
    status, said = await person.types(*there, "--unchecked", token="sk_akua_x")
    assert (status, "stored all the same" in said) == (0, True)
    assert list(json.loads(person.tokens.read_text())) == [f"{NOWHERE}/v1"]


async def test_a_key_of_the_other_service_is_refused_before_either_sees_it(
    person: Person, akua: EmbeddedAkua
) -> None:
    status, said = await person.types(
        "login", "--akua", "--akua-url", akua.url, token="ac.sk.production.0123456789"
    )
    assert (status, "so Akua was not shown it" in said) == (1, True)
    status, said = await person.types("login", "--console-url", akua.url, token="sk_akua_0123456789")
    assert (status, "so Akash Console was not shown it" in said) == (1, True)
    assert "akash-mcp login --akua stores it" in said
    assert akua.state()["requests"] == {}
    status, said = await person.types("login", "--akua", token="two words")
    assert (status, "That is not an API token" in said) == (1, True)


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (("login", "--akua", "--console-url", NOWHERE), "--console-url goes without --akua"),
        (("logout", "--akua-url", NOWHERE), "--akua-url goes with --akua"),
    ],
)
async def test_an_address_of_the_other_service_is_wrong_usage(
    words: tuple[str, ...], right: str, person: Person
) -> None:
    status, said = await person.types(*words)
    assert (status, right in said) == (2, True)


@pytest.mark.parametrize("fast", ["0", "1"], ids=["the SDK answers", "the record answers"])
async def test_a_stored_token_switches_the_tools_on(fast: str, person: Person) -> None:
    async def tools(*words: str) -> set[str]:
        environ = {"AKASH_MCP_STATE_DIR": str(person.folder / "state"), "AKASH_MCP_FAST_START": fast}
        async with Client(person.server(*words, **environ), mode="legacy") as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    ordinary, akuas = await tools("serve"), {spec.name for spec in TOOLSETS["akua"]}
    assert ordinary.isdisjoint(akuas)
    person.stored("https://api.akua.dev/v1")
    assert await tools("serve") == ordinary | akuas
    assert await tools("serve", "--toolsets", "deploy,observe") == ordinary
    assert await tools("serve", "--akua-url", "https://akua.example/v1") == ordinary, "it is not for that"
