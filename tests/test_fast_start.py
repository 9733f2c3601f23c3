"""Fast start answers as the SDK does, to the byte, and where it could not it leaves the answer to the SDK.

`UPDATE_SNAPSHOTS=1` makes the record anew.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st
from spoken import DEFAULT, ENVELOPE, HANDSHAKES, answers, greeting, request, spoken
from test_stdio import environment, serving

from akash_mcp import config
from akash_mcp.cli import serve
from akash_mcp.cli.flags import SETTINGS, SWITCHES
from akash_mcp.cli.parser import build_parser
from akash_mcp.errors import BadSettings
from akash_mcp.fast_start import record as recorded
from akash_mcp.fast_start.certain import certain, default_config_file
from akash_mcp.guard.login_keys import AKUA
from akash_mcp.server import INSTRUCTIONS
from akash_mcp.tool_choice import Serving
from akash_mcp.tools import TOOLSETS

UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))
ALL = Serving(tuple(TOOLSETS), read_only=False, sandbox=False)
WITH_AKUA = Serving((*DEFAULT.toolsets, "akua"), read_only=False, sandbox=False)
ALL_ON_SANDBOX = Serving(tuple(TOOLSETS), read_only=False, sandbox=True)
AKUA_URL = config.Settings.model_fields["akua_url"].default
AKUA_LIST = AKUA.file

QUESTIONS = {
    "handshake": (greeting("2025-11-25", "initialize"), request("tools/list", "tools/list")),
    "envelope": (
        request("server/discover", "server/discover", _meta=ENVELOPE),
        request("tools/list", "tools/list", _meta=ENVELOPE),
    ),
}


def results(folder: Path, era: str, serving: Serving) -> dict[str, str]:
    """The SDK's results of the first questions, by method, as text."""
    said = (line.decode().rstrip("\n") for line in answers(folder, QUESTIONS[era], serving))
    return {json.loads(line)["id"]: line.split(',"result":', 1)[1].removesuffix("}") for line in said}


def _more_fields(real: str, sandbox: str) -> dict[str, Any]:
    """What one and the same tool's answers have on a sandbox alone."""
    one, other = [
        next(tool for tool in json.loads(text)["tools"] if tool["name"] == "get_budget")["outputSchema"][
            "properties"
        ]
        for text in (real, sandbox)
    ]
    return {name: schema for name, schema in other.items() if name not in one}


def _said_of_akua(greeting: str) -> str:
    """What the instructions say besides where Akua's tools are served too."""
    instructions: str = json.loads(greeting)["instructions"]
    assert instructions.startswith(INSTRUCTIONS)
    assert instructions != INSTRUCTIONS
    return instructions.removeprefix(INSTRUCTIONS)


def _without(result: dict[str, Any], words: str) -> dict[str, Any]:
    """A result whose instructions do not end with these words."""
    if "instructions" not in result:
        return result
    return result | {"instructions": result["instructions"].removesuffix(words)}


def made(folder: Path) -> dict[str, Any]:
    """The record, from what the SDK says now."""
    said = {era: results(folder, era, ALL) for era in QUESTIONS}
    with_akua = _said_of_akua(said["handshake"]["initialize"])
    on_sandbox = {era: results(folder, era, ALL_ON_SANDBOX) for era in QUESTIONS}
    tools = {
        era: {tool["name"]: tool for tool in json.loads(texts["tools/list"])["tools"]}
        for era, texts in said.items()
    }
    return {
        "made_with": {
            "mcp": version("mcp"),
            "mcp_types": version("mcp_types"),
            "pydantic": version("pydantic").rpartition(".")[0] + ".",
        },
        "toolsets": {toolset: [spec.name for spec in specs] for toolset, specs in TOOLSETS.items()},
        "eras": {
            era: {
                "versions": HANDSHAKES if era == "handshake" else [ENVELOPE[next(iter(ENVELOPE))]],
                "results": {
                    method: _without(json.loads(text), with_akua)
                    | ({"tools": []} if method == "tools/list" else {})
                    for method, text in texts.items()
                },
                "instructions_with_akua": with_akua,
                "on_sandbox": {
                    method: {
                        name: value
                        for name, value in _without(json.loads(text), with_akua).items()
                        if name != "tools" and value != _without(json.loads(texts[method]), with_akua)[name]
                    }
                    for method, text in on_sandbox[era].items()
                },
                "answers_also_on_sandbox": _more_fields(texts["tools/list"], on_sandbox[era]["tools/list"]),
            }
            for era, texts in said.items()
        },
        "tools": {
            spec.name: {
                "reads": spec.reads,
                "plans": spec.plans,
                "listed": {era: tools[era][spec.name] for era in QUESTIONS},
            }
            for specs in TOOLSETS.values()
            for spec in specs
        },
    }


def test_the_record_is_what_the_sdk_says(tmp_path: Path) -> None:
    text = json.dumps(made(tmp_path), ensure_ascii=False, indent=1) + "\n"
    path = Path(recorded.PATH)
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("era", QUESTIONS)
@pytest.mark.parametrize("read_only", [False, True], ids=["all", "read-only"])
@pytest.mark.parametrize("toolsets", [DEFAULT.toolsets, ALL.toolsets, *((name,) for name in TOOLSETS)])
def test_every_variant_is_answered_as_the_sdk_answers_it(
    toolsets: tuple[str, ...], read_only: bool, era: str, tmp_path: Path
) -> None:
    _is_answered_as_the_sdk_answers(Serving(toolsets, read_only=read_only, sandbox=False), era, tmp_path)


@pytest.mark.parametrize("era", QUESTIONS)
@pytest.mark.parametrize("read_only", [False, True], ids=["all", "read-only"])
def test_a_sandbox_is_answered_as_the_sdk_answers_it(read_only: bool, era: str, tmp_path: Path) -> None:
    _is_answered_as_the_sdk_answers(Serving(ALL.toolsets, read_only=read_only, sandbox=True), era, tmp_path)


def _is_answered_as_the_sdk_answers(serving: Serving, era: str, folder: Path) -> None:
    early = recorded.load().results(serving)
    version = "2025-11-25" if era == "handshake" else "2026-07-28"
    for method, text in results(folder, era, serving).items():
        assert early(era, method, version) == text


IDS: st.SearchStrategy[object] = st.one_of(
    st.sampled_from([0, 1, -1, 2**53, 10**20, "1", "", "é\n\x7f\u2028", None, True, 1.0, 2.5]), st.integers()
)
CLIENT: st.SearchStrategy[dict[str, Any] | None] = st.sampled_from(
    [
        {"name": "a", "version": "1"},
        {"name": "a", "version": "1", "title": "A", "icons": [{"src": "https://a.example/i.png"}]},
        {"name": "a", "version": "1", "icons": [{"src": "x", "theme": "no"}]},
        {"name": "a"},
        {"name": 1, "version": "1"},
        None,
    ]
)
CAPABILITIES: st.SearchStrategy[dict[str, Any] | None] = st.sampled_from(
    [
        {},
        {"elicitation": {}, "roots": {"listChanged": True}, "sampling": {"tools": {}}},
        {"elicitation": {"form": {"applyDefaults": True}, "url": {}}, "experimental": {"x": {"y": [1]}}},
        {"tasks": {"list": {}, "requests": {"sampling": {"createMessage": {}}}}},
        {"tasks": {"requests": {"sampling": 1}}},
        {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html"]}}},
        {"elicitation": True},
        {"elicitation": {"form": True}},
        {"roots": {"listChanged": "maybe"}},
        {"sampling": None},
        {"experimental": {"x": 1}},
        None,
    ]
)
VERSIONS = st.sampled_from([*HANDSHAKES, "2026-07-28", "1999-01-01", None])
MORE_META: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"progressToken": 7},
        {"progressToken": True},
        {"progressToken": None},
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"io.modelcontextprotocol/logLevel": "loud"},
        {"io.modelcontextprotocol/protocolVersion": "2025-11-25"},
        {"example.org/x": 1},
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line as some client sends it, or as none should."""
    number = draw(IDS)
    meta = draw(MORE_META)
    enveloped = {
        "_meta": {
            **ENVELOPE,
            "io.modelcontextprotocol/clientCapabilities": draw(CAPABILITIES),
            **({"io.modelcontextprotocol/clientInfo": draw(CLIENT)} if draw(st.booleans()) else {}),
            **meta,
        }
    }
    initialize = {
        "protocolVersion": draw(VERSIONS),
        "capabilities": draw(CAPABILITIES),
        "clientInfo": draw(CLIENT),
    }
    ordinary = [
        request("initialize", number, **initialize),
        request("initialize", number, **initialize, _meta=meta),
        greeting("2025-06-18", number),
        request("tools/list", number),
        request("tools/list", number, _meta=meta),
        request("tools/list", number, cursor=draw(st.sampled_from(["", "x", None]))),
        request("tools/list", number, **enveloped),
        request("server/discover", number, **enveloped),
        request("server/discover", number),
        request("prompts/list", number, **draw(st.sampled_from([{}, enveloped]))),
        request("no/such", number),
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n',
    ]
    odd = [
        b"\n",
        b"this is not JSON\n",
        b"[%s,%s]\n" % (request("tools/list").strip(), request("ping", 2).strip()),
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}\n',
        b'{"jsonrpc":"2.0","id":5,"method":"tools/list","params":null}\n',
        b'{"jsonrpc":"2.0","id":5,"method":"tools/list","more":1}\n',
        b'{"jsonrpc":"1.0","id":5,"method":"tools/list"}\n',
        b'{"jsonrpc":"2.0","id":"\\ud800","method":"tools/list"}\n',
        b'{"jsonrpc":"2.0","id":"\xff","method":"tools/list"}\n',
        b'{"jsonrpc":"2.0","id":6,\r"method":"tools/list"}\n',
        b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"_meta":{"progressToken":1e999}}}\n',
        b'{"jsonrpc":"2.0","id":8,"result":{}}\n',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}\n',
        greeting("2025-11-25").replace(
            b'"capabilities": {}', b'"capabilities": ' + b'{"a":' * 250 + b"{}" + b"}" * 250
        ),
        request("ping", number, filler="x" * 70_000),
    ]
    line = draw(st.one_of(st.sampled_from(ordinary), st.sampled_from(ordinary), st.sampled_from(odd)))
    return line.replace(b"\n", b"\r\n") if draw(st.integers(0, 9)) == 0 else line


TWO_PIPES = 100_000
"""Bytes that the wire's two pipes hold for certain: nobody takes what is sent before the server starts."""


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.lists(lines(), min_size=1, max_size=7),
    early=st.integers(0, 7),
    cuts=st.sets(st.integers(1, 2_000)),
)
@example(sent=list(QUESTIONS["handshake"]), early=2, cuts=set())
@example(sent=list(QUESTIONS["envelope"]), early=1, cuts={3})
@example(sent=[*QUESTIONS["handshake"], *QUESTIONS["handshake"]], early=4, cuts=set())
@example(sent=[*QUESTIONS["envelope"], greeting("2025-11-25")], early=2, cuts=set())
@example(
    sent=[QUESTIONS["handshake"][1], greeting("2025-06-18"), request("tools/list", 0)], early=3, cuts=set()
)
def test_it_makes_no_difference_to_what_is_answered(
    sent: list[bytes], early: int, cuts: set[int], tmp_path: Path
) -> None:
    before = b"".join(sent[:early])
    assume(len(before) < TWO_PIPES)
    with spoken(tmp_path, fast=True) as client:
        for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(before)), len(before)]):
            client.send(before[start:end])
        client.start()
        for line in sent[early:]:
            client.send(line)
        assert sorted(client.answers()) == sorted(answers(tmp_path, sent))


def test_a_client_may_write_everything_before_it_reads(tmp_path: Path) -> None:
    with spoken(tmp_path, ALL, fast=True) as client:
        client.start()
        # Both pipes are full long before the last is written.
        client.send(
            b"".join([*QUESTIONS["handshake"], *(request("ping", n, filler="x" * 999) for n in range(400))])
        )
        said = {json.loads(line)["id"] for line in client.answers()}
        assert said == {"initialize", "tools/list", *range(400)}


def test_a_client_that_takes_no_answers_does_not_keep_a_server_from_ending(tmp_path: Path) -> None:
    with spoken(tmp_path, ALL, fast=True) as client:
        client.send(b"".join(QUESTIONS["handshake"]))
        client.wire.linger(0.01)  # more than the pipe holds
        client.start()
        client.wire.hang_up()


def test_a_client_that_only_looked_needs_no_server(tmp_path: Path) -> None:
    with spoken(tmp_path, fast=True) as client:
        client.send(QUESTIONS["envelope"][0])
        assert not client.wire.linger(0.01)
        client.stdin.close()
        assert client.wire.linger(10)
    for more in (request("prompts/list", _meta=ENVELOPE), b"not JSON\n", b"no end"):
        with spoken(tmp_path, fast=True) as client:
            client.send(QUESTIONS["envelope"][0] + more)
            client.stdin.close()
            assert not client.wire.linger(0.1), "it is owed an answer, or perhaps"


@pytest.mark.parametrize("era", QUESTIONS)
def test_a_call_behind_the_last_early_answer_is_owed_one(era: str, tmp_path: Path) -> None:
    meta = {"_meta": ENVELOPE} if era == "envelope" else {}
    call = request("tools/call", "call", name="get_budget", arguments={}, **meta)
    with spoken(tmp_path, fast=True) as client:
        client.send(b"".join([*QUESTIONS[era], call]))
        client.stdin.close()
        assert not client.wire.linger(10)


WORDS = {
    (): DEFAULT,
    ("serve",): DEFAULT,
    ("--sandbox", "--speed", "50"): Serving(DEFAULT.toolsets, read_only=False, sandbox=True),
    ("serve", "--toolsets=market, exec", "--read-only", "--debug"): Serving(
        ("market", "exec"), read_only=True, sandbox=False
    ),
    ("--state-dir", "/tmp/x", "--max-usd-per-day", "3"): DEFAULT,
    ("--transport", "stdio"): DEFAULT,
    ("--transport", "http"): None,
    ("--toolsets", "deploy,deploy"): None,
    ("--toolsets", "all"): None,
    ("--toolsets", ","): None,
    ("--toolsets",): None,
    ("--toolsets", "--read-only"): None,
    ("--toolsets", "exec", "--toolsets", "sdl"): None,
    ("--read-only=yes",): None,
    ("--read_only",): None,
    ("--speed", "fast"): None,
    ("--speed", "1e3"): None,
    ("--speed", "99999"): None,
    ("--help",): None,
    ("--version",): None,
    ("--toolset", "exec"): None,
    ("more",): None,
    ("doctor",): None,
}


@pytest.mark.parametrize(("words", "meant"), WORDS.items(), ids=map(" ".join, WORDS))
def test_what_the_command_line_certainly_means(
    words: Sequence[str], meant: Serving | None, tmp_path: Path
) -> None:
    assert certain(words, {"HOME": str(tmp_path)}, TOOLSETS) == meant


ENVIRONMENTS: dict[str, tuple[dict[str, str], str, Serving | None]] = {
    "variables": (
        {"AKASH_MCP_TOOLSETS": "sdl", "AKASH_MCP_READ_ONLY": "True"},
        "",
        Serving(("sdl",), read_only=True, sandbox=False),
    ),
    "empty ones": ({"AKASH_MCP_TOOLSETS": " ", "AKASH_MCP_TRANSPORT": ""}, "", DEFAULT),
    "fields of a bundle that were left empty": (
        {"AKASH_MCP_TOOLSETS": "${user_config.toolsets}", "AKASH_MCP_SANDBOX": "${user_config.sandbox}"},
        "",
        DEFAULT,
    ),
    "the sandbox": (
        {"AKASH_MCP_SANDBOX": "yes"},
        "",
        Serving(DEFAULT.toolsets, read_only=False, sandbox=True),
    ),
    "an odd truth": ({"AKASH_MCP_READ_ONLY": "maybe"}, "", None),
    "a variable that there is not": ({"AKASH_MCP_READONLY": "1"}, "", None),
    "switched off": ({"AKASH_MCP_FAST_START": "0"}, "", None),
    "switched on": ({"AKASH_MCP_FAST_START": "1"}, "", DEFAULT),
    "a file": (
        {},
        'toolsets = ["market", "exec"]\nread_only = true',
        Serving(("market", "exec"), read_only=True, sandbox=False),
    ),
    "a file and a variable": (
        {"AKASH_MCP_READ_ONLY": "no"},
        "read_only = true",
        DEFAULT,
    ),
    "a file that serves HTTP": ({}, 'transport = "http"', None),
    "a file that is not TOML": ({}, "toolsets = deploy", None),
    "a file with a number": ({}, "toolsets = 5", None),
    "a file with an odd truth": ({}, "read_only = 1", None),
    "a file that is not there": ({"AKASH_MCP_CONFIG": "/nowhere/config.toml"}, "", None),
    "a token of Akua": ({"AKUA_API_TOKEN": " sk_akua_x "}, "", WITH_AKUA),
    "a token of Akua under our name": ({"AKASH_MCP_AKUA_TOKEN": "sk_akua_x"}, "read_only = false", WITH_AKUA),
    "a token of Akua in the file": ({"AKUA_API_TOKEN": ""}, 'akua_token = "sk_akua_x"', WITH_AKUA),
    "a token of Akua, and named toolsets": (
        {"AKUA_API_TOKEN": "sk_akua_x"},
        'toolsets = ["deploy", "observe"]',
        DEFAULT,
    ),
    "a token of Akua, and the sandbox": (
        {"AKUA_API_TOKEN": "sk_akua_x", "AKASH_MCP_SANDBOX": "1"},
        "",
        Serving(DEFAULT.toolsets, read_only=False, sandbox=True),
    ),
    "Akua named without a token": (
        {"AKASH_MCP_TOOLSETS": "akua,akua-clusters"},
        "",
        Serving(("akua", "akua-clusters"), read_only=False, sandbox=False),
    ),
    "placeholders for a token of Akua": (
        {"AKASH_MCP_AKUA_TOKEN": "${user_config.akua_token}", "AKUA_API_TOKEN": "{env:AKUA_API_TOKEN}"},
        "",
        DEFAULT,
    ),
    "a placeholder for a token of Akua, and one in the file": (
        {"AKUA_API_TOKEN": "${AKUA_API_TOKEN}"},
        'akua_token = "sk_akua_x"',
        WITH_AKUA,
    ),
    "what may be a placeholder": ({"AKUA_API_TOKEN": "$AKUA_API_TOKEN"}, "", None),
    "a token that no header carries": ({"AKUA_API_TOKEN": "two words"}, "", None),
    "a token that is a number": ({}, "akua_token = 5", None),
    "an empty token in the file": ({}, 'akua_token = ""', None),
}


@pytest.mark.parametrize(("environ", "file", "meant"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_what_environment_and_file_certainly_mean(
    environ: dict[str, str], file: str, meant: Serving | None, tmp_path: Path
) -> None:
    environ = {"HOME": str(tmp_path), **environ}
    path = Path(default_config_file(environ))
    path.parent.mkdir(parents=True)
    if file:
        path.write_text(file, encoding="utf-8")
    assert certain((), environ, TOOLSETS) == meant


AKUA_LISTS = {
    "one for the address that is set where nobody sets one": json.dumps(
        {AKUA_URL: {"place": "keyring", "set_at": 1.0}}
    ),
    "one that is kept in the list": json.dumps({AKUA_URL: {"place": "file", "set_at": 1, "value": "x"}}),
    "one for another address": json.dumps({"https://akua.example/v1": {"place": "keyring", "set_at": 1.0}}),
    "none": "{}",
}
BAD_AKUA_LISTS = {
    "not JSON": "{",
    "not a list": "[]",
    "no place": json.dumps({AKUA_URL: {"set_at": 1.0}}),
    "no time": json.dumps({AKUA_URL: {"place": "file", "set_at": "now"}}),
    "one good and one bad": json.dumps({AKUA_URL: {"place": "keyring", "set_at": 1.0}, "x": 1}),
    "something new": json.dumps({AKUA_URL: {"place": "vault", "set_at": 1.0}}),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose configuration folder nobody else can write."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    folder = tmp_path / ".config" / "akash-mcp"
    folder.mkdir(parents=True)
    return tmp_path


def _list_of(home: Path, text: str) -> Path:
    path = home / ".config" / "akash-mcp" / AKUA_LIST
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("text", AKUA_LISTS.values(), ids=AKUA_LISTS)
@pytest.mark.parametrize("words", [(), ("--toolsets", "deploy"), ("--akua-url", AKUA_URL)], ids=str)
def test_a_stored_token_of_akua_is_certain_too(words: tuple[str, ...], text: str, home: Path) -> None:
    _list_of(home, text)
    meant = certain(words, {"HOME": str(home)}, TOOLSETS)
    assert meant is not None
    flags = dict(zip((word[2:].replace("-", "_") for word in words[::2]), words[1::2], strict=True))
    assert meant.toolsets == config.load(flags, {}).toolsets
    assert ("akua" in meant.toolsets) is (f'"{AKUA_URL}"' in text and "--toolsets" not in words)


@pytest.mark.parametrize("text", BAD_AKUA_LISTS.values(), ids=BAD_AKUA_LISTS)
def test_a_list_that_cannot_be_used_is_in_doubt_and_settings_warn_of_it(
    text: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _list_of(home, text)
    assert certain((), {"HOME": str(home)}, TOOLSETS) is None
    assert config.load(environ={}).toolsets == DEFAULT.toolsets
    assert "Akua" in caplog.text


@pytest.mark.parametrize(("is_folder", "mode"), [(False, 0o644), (True, 0o777)], ids=["read", "replace"])
def test_a_list_that_others_can_use_is_in_doubt_and_not_used(
    is_folder: bool, mode: int, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _list_of(home, AKUA_LISTS["one that is kept in the list"])
    (path.parent if is_folder else path).chmod(mode)
    assert certain((), {"HOME": str(home)}, TOOLSETS) is None
    assert config.load(environ={}).toolsets == DEFAULT.toolsets
    assert "others can read or change it" in caplog.text


def test_another_address_of_akua_is_in_doubt_where_a_token_is_stored(home: Path) -> None:
    other = {"HOME": str(home), "AKUA_API_URL": "https://AKUA.example/"}
    assert certain((), other, TOOLSETS) == DEFAULT, "none is stored"
    _list_of(home, AKUA_LISTS["one for another address"])
    assert certain((), other, TOOLSETS) is None
    assert config.load(environ=other).toolsets == WITH_AKUA.toolsets


@given(
    words=st.just(list[str]())
    | st.lists(
        st.sampled_from(
            [
                "serve",
                "--toolsets",
                "exec,sdl",
                "deploy",
                "--read-only",
                "--transport",
                "stdio",
                "http",
                "--sandbox",
                "--speed",
                "2",
                "--agent=x",
                f"--akua-url={AKUA_URL}",
                "--akua-url=https://akua.example",
                "--debug",
                "--host",
                "--max-hours=1",
                "-x",
                "--",
            ]
        ),
        max_size=6,
    ),
    environ=st.fixed_dictionaries(
        {},
        optional={
            "AKASH_MCP_TOOLSETS": st.sampled_from(["exec", " exec , sdl", ",", "no", "exec,"]),
            "AKASH_MCP_READ_ONLY": st.sampled_from(["1", "TRUE", "off", "2", "y", ""]),
            "AKASH_MCP_TRANSPORT": st.sampled_from(["stdio", "STDIO", " stdio ", "sse"]),
            "AKASH_MCP_AKUA_TOKEN": st.sampled_from(
                ["${user_config.akua_token}", "{x:}", "$T", "sk_akua_1", ""]
            ),
            "AKUA_API_TOKEN": st.sampled_from(
                ["sk_akua_2", "${AKUA_API_TOKEN}", "%T%", "${x}", "{env:T}", " "]
            ),
            "AKUA_API_URL": st.sampled_from(["https://akua.example", "https://api.akua.dev", " "]),
            "AKASH_MCP_SANDBOX": st.sampled_from(
                ["1", "no", "perhaps", "${user_config.sandbox}", "${SANDBOX}"]
            ),
        },
    ),
    file=st.lists(
        st.sampled_from(
            [
                'akua_token = "sk_akua_3"',
                'akua_url = "https://akua.example/v1"',
                'toolsets = "deploy"',
                "sandbox = true",
                "read_only = true",
            ]
        ),
        max_size=3,
        unique=True,
    ),
    listed=st.one_of(st.none(), st.sampled_from([*AKUA_LISTS.values(), *BAD_AKUA_LISTS.values()])),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_certain_is_so(
    words: list[str], environ: dict[str, str], file: list[str], listed: str | None, home: Path
) -> None:
    path = _list_of(home, listed or "")
    if listed is None:
        path.unlink()
    path.with_name("config.toml").write_text("\n".join(file), encoding="utf-8")
    environ = {"HOME": str(home), "AKASH_MCP_STATE_DIR": "/nowhere", **environ}
    meant = certain(words, environ, TOOLSETS)
    if meant is None:
        return
    event(f"certain: {', '.join(meant.toolsets)}")
    arguments = build_parser().parse_args(words if words[:1] == ["serve"] else ["serve", *words])
    given = {name: getattr(arguments, name) for name in (*SETTINGS, *SWITCHES)}
    real = config.load({name: value for name, value in given.items() if value is not None}, environ)
    assert real.transport == "stdio"
    assert meant == Serving(real.toolsets, read_only=real.read_only, sandbox=real.sandbox)


@pytest.mark.parametrize("environ", [{}, {"XDG_CONFIG_HOME": "/x"}, {"XDG_CONFIG_HOME": ""}, {"HOME": "/h/"}])
def test_it_reads_the_file_that_settings_are_read_from(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Path(default_config_file(os.environ)) == config.default_config_file()


def test_its_switch_is_a_variable_that_settings_know(caplog: pytest.LogCaptureFixture) -> None:
    config.load(environ={config.FAST_START_VARIABLE: "0", "HOME": "/nowhere"})
    assert certain((), {config.FAST_START_VARIABLE: "0", "HOME": "/nowhere"}, TOOLSETS) is None
    assert not caplog.records


def test_the_record_holds_for_the_versions_it_was_made_with(tmp_path: Path) -> None:
    made_with = {"mcp": "2.3.0", "pydantic": "2.14."}
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for folder, versions in (
        (right, ("mcp-2.3.0", "pydantic-2.14.9")),
        (wrong, ("mcp-2.3.1", "pydantic-2.14.4")),
    ):
        for each in versions:
            (folder / f"{each}.dist-info").mkdir(parents=True)

    def holds(*folders: Path) -> bool:
        return recorded.is_made_with(made_with, [str(folder) for folder in folders])

    assert holds(tmp_path / "gone", right)
    assert holds(right, wrong)
    assert not holds(wrong, right)
    assert not holds(tmp_path / "gone")
    assert recorded.is_made_with(recorded.load().made_with, sys.path)


def test_a_promise_that_settings_do_not_keep_stops_the_start(tmp_path: Path) -> None:
    with (
        spoken(tmp_path, fast=True) as client,
        pytest.raises(BadSettings, match="changed while the server started"),
    ):
        serve.run(config.Settings(state_dir=tmp_path, read_only=True), speed=1, wire=client.wire)


def started(code: str, home: Path, sent: bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """A process that is told `sent` and then left."""
    return subprocess.run(
        [sys.executable, "-c", code],
        input=sent,
        capture_output=True,
        env=environment(home) | environ,
        check=False,
    )


LOOK = """
import sys
from akash_mcp.__main__ import main
sys.argv = ["akash-mcp"]
status = main()
print("a stray line", flush=True)
print(sorted({"mcp", "pydantic", "typing", "asyncio"} & {*sys.modules}), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("era", QUESTIONS)
def test_who_only_looks_is_answered_without_any_import(era: str, tmp_path: Path) -> None:
    done = started(LOOK, tmp_path, b"".join(QUESTIONS[era]))
    assert done.stdout.splitlines(keepends=True) == answers(tmp_path, QUESTIONS[era])
    assert done.stderr == b"a stray line\n[]\n"
    assert done.returncode == 0


def test_what_is_wrong_with_the_settings_is_told_as_ever(tmp_path: Path) -> None:
    (line,) = answers(tmp_path, QUESTIONS["handshake"][:1])
    asked = QUESTIONS["handshake"][0] + request("ping", 2)
    done = started(
        "from akash_mcp.__main__ import main; import sys; sys.exit(main())",
        tmp_path,
        asked,
        AKASH_MCP_MAX_USD_PER_DAY="much",
    )
    assert done.stdout == line
    assert b"AKASH_MCP_MAX_USD_PER_DAY" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_import_ends_it(number: signal.Signals, tmp_path: Path) -> None:
    with serving(tmp_path) as (stdin, stdout, server):
        stdin.write(b"".join(QUESTIONS["handshake"]))
        stdin.flush()
        for _ in QUESTIONS["handshake"]:
            assert b'"result"' in stdout.readline()
        server.send_signal(number)
        assert server.wait(timeout=20) in (-number, 130)
