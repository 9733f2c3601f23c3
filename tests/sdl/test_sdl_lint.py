"""`akash-mcp lint` as people and programs meet it."""

from __future__ import annotations

import io
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len
from sdl_data import BASE

from akash_mcp.cli.lint import run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.yaml"
    file.write_text(BASE)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text(BASE.replace("    image:", "    depends_on: [db]\n    image:"))
    return file


def test_a_good_file_is_ok_and_shows_its_ceiling_and_what_is_open(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([good], as_json=False) == 0
    assert capsys.readouterr().out.endswith(
        "would take it; it may cost at most $431.25 a month\nOpen to the Internet:\n  web port 80 (HTTP)\n"
    )


CACHE = """\
      - port: 22
        to:
          - global: true
  cache:
    image: redis:8.2.1
    expose:
      - port: 6379
        to:
          - global: true
profiles:
"""


def test_what_anyone_gets_into_is_listed_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "open.yaml"
    more = "  cache:\n    dc:\n      profile: web\n      count: 1\n"
    file.write_text(BASE.replace("profiles:\n", CACHE, 1) + more)
    assert run([file], as_json=False) == 0
    assert capsys.readouterr().out.endswith(
        "Open to the Internet:\n"
        "  cache port 6379 (TCP at a random port): Redis without a password\n"
        "  web port 80 (HTTP)\n"
        "  web port 22 (TCP at a random port): usually SSH with a login\n"
    )
    assert run([file], as_json=True) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["exposed"][0] == {
        "service": "cache",
        "port": 6379,
        "as": 6379,
        "way": "TCP at a random port",
        "hosts": [],
        "kind": "cache",
        "guard": "none",
        "unsafe": True,
        "note": "Redis without a password",
    }


def test_a_refused_file_shows_the_line_a_caret_and_the_fix(
    bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([bad], as_json=False) == 1
    out = capsys.readouterr().out
    assert f'{bad}:4:5: error S02 (the Console refuses): a service has no field "depends_on"' in out
    assert "    4 |     depends_on: [db]\n            ^\n      = did you mean" in out
    assert "\x1b" not in out


def test_json_is_one_line_a_file(good: Path, bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([good, bad], as_json=True) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    keys = {
        "file",
        "ok",
        "console_ok",
        "errors",
        "warnings",
        "exposed",
        "secrets",
        "groups",
        "manifest_sha256",
        "ceiling_usd_month",
    }
    assert set(first) == set(second) == keys
    assert (first["ok"], first["ceiling_usd_month"], first["groups"][0]["resources"][0]["price"]) == (
        True,
        "431.25",
        "1000",
    )
    (error,) = second["errors"]
    assert set(error) == {"rule", "judge", "message", "path", "line", "column", "hint"}
    assert (error["judge"], error["line"], error["column"]) == ("console", 4, 5)


def test_a_dash_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BASE.encode())))
    assert run([Path("-")], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "-"


def test_an_unreadable_file_is_reported_and_the_rest_checked(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\xff")
    assert run([tmp_path / "nowhere.yaml", binary, tmp_path, good], as_json=True) == 2
    captured = capsys.readouterr()
    assert captured.err.count("cannot be read") == 3
    assert json.loads(captured.out)["ok"]


def test_control_characters_in_a_file_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evil.yaml"
    file.write_text('"a\\e[31m": 1\nb: "\x1b[2J"\n[bold]: 1\n')
    run([file], as_json=False)
    file.write_text('"a\\e[31m": 1\n')
    run([file], as_json=False)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_lines_that_fit_with_the_caret_in_its_place(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    file = tmp_path / "wide.yaml"
    file.write_text(BASE.replace("    image:", f"    args: [{'x' * 150}, ö🌀, 5, {'y' * 90}]\n    image:"))
    assert run([file], as_json=False) == 1
    lines = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    source, caret = next((line, below) for line, below in pairwise(lines) if below.strip() == "^")
    assert all(cell_len(line) <= width for line in lines if not line.startswith(str(tmp_path)))
    assert cell_len(source[: source.index("5, y")]) == caret.index("^")


def test_several_files_are_separated_by_an_empty_line(
    good: Path, bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run([bad, good], as_json=False)
    assert "refused: 1 error\n\n" in capsys.readouterr().out


def test_a_password_of_the_file_is_in_no_line_that_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "open.yaml"
    entries = "[DB_PASSWORD=hunter2hunter2, 'URL=postgres://shop:hunter2hunter2@db/shop', API_TOKEN=changeme]"
    file.write_text(BASE.replace("    expose:", f"    env: {entries}\n    expose:", 1))
    assert run([file], as_json=False) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    carets = [
        line[caret.index("^") :].partition("=")[0]
        for line, caret in pairwise(shown.splitlines())
        if "|" in line and caret.strip() == "^"
    ]
    assert carets == ["DB_PASSWORD", "'URL", "API_TOKEN"]
