"""`akash-mcp secret`: values come by a prompt or a pipe, and are never shown; what logs show is hidden."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring_in_a_file import Unrecommended

from akash_mcp.cli import main
from akash_mcp.sanitize import secrets

VALUE = "typed-by-a-person"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without a keyring, by its state folder. What a command does to this process's logging is undone."""
    monkeypatch.setenv("AKASH_MCP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    root, before = logging.getLogger(), keyring.get_keyring()
    handlers, level = root.handlers[:], root.level
    keyring.set_keyring(Unrecommended())
    yield tmp_path / "state"
    keyring.set_keyring(before)
    root.handlers[:] = handlers
    root.setLevel(level)


def piped(monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(value)))


def kept(machine: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((machine / "secrets.json").read_text(encoding="utf-8"))
    return found


def test_a_value_from_a_pipe_is_stored_less_its_line_end_and_listed_without_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(monkeypatch, f"{VALUE}\r\n".encode())
    assert main.main(["secret", "set", "DB"]) == 0
    assert kept(machine)["DB"]["value"] == VALUE
    assert main.main(["secret", "set", "ENV", "--from-env", "SOME_VARIABLE"]) == 0
    assert main.main(["secret", "list"]) == 0
    assert main.main(["secret", "list", "--json"]) == 0
    out, err = capsys.readouterr()
    assert VALUE not in out + err
    lines = out.splitlines()
    assert lines[0].startswith("DB   file  20")
    assert lines[1].startswith("ENV  environment variable SOME_VARIABLE  20")
    listed = json.loads(lines[2])
    assert [each["name"] for each in listed] == ["DB", "ENV"]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", each["set_at"]) for each in listed)
    assert "not encrypted" in err
    assert "No value was stored" in err
    assert main.main(["secret", "rm", "DB"]) == 0
    assert list(kept(machine)) == ["ENV"]


def test_at_a_terminal_it_is_asked_for_without_showing_it(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return f"  {VALUE} "

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", typed)
    assert main.main(["secret", "set", "DB"]) == 0
    assert kept(machine)["DB"]["value"] == f"  {VALUE} "
    assert len(asked) == 1


def test_a_value_is_never_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as usage:
        main.main(["secret", "set", "DB", VALUE])
    assert usage.value.code == 2


@pytest.mark.parametrize(
    ("words", "value", "said"),
    [
        (["set", "1X"], b"", "begins with a letter"),
        (["set", "DB"], b"\n", "The value is empty"),
        (["set", "DB"], b"\xff\xfe", "not UTF-8"),
        (["rm", "DB"], b"", "no secret 'DB'"),
        (["set", "DB", "--from-env", "A=B"], b"", "name of an environment variable"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    words: list[str],
    value: bytes,
    said: str,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    piped(monkeypatch, value)
    assert main.main(["secret", *words]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "money" not in err
    assert not machine.exists()


def test_a_value_that_is_too_short_to_be_hidden_is_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped(monkeypatch, b"abc")
    assert main.main(["secret", "set", "DB"]) == 0
    assert "cannot be hidden" in capsys.readouterr().err


def test_a_log_line_and_its_traceback_hide_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["secret", "list"]) == 0
    secrets.known.remember(VALUE, "DB")
    try:
        try:
            raise RuntimeError(f"it was {VALUE}")
        except RuntimeError:
            logging.getLogger("somebody.else").exception("with %s", VALUE)
    finally:
        secrets.known.forget(VALUE)
    err = capsys.readouterr().err
    assert VALUE not in err
    assert "with [secret DB]" in err
    assert "RuntimeError: it was [secret DB]" in err
