"""SDLs and compose files as they arrive: from PowerShell, from models, and as a path in place of a text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sdl_data import BASE
from terminals import Terminal

from akash_mcp.cli import main
from akash_mcp.cli.output import read
from akash_mcp.errors import AkashError
from akash_mcp.sdl.check import check
from akash_mcp.sdl.yaml.arrival import Undecodable, decoded, is_path, unfenced
from akash_mcp.tools.arguments import yaml_text

COMPOSE = """\
services:
  web:
    image: nginx:1.27.0
    ports: ["80:80"]
    environment: {WORDS: "→ naïve “…” ✓"}
"""
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_read_in_the_encoding_that_it_is_in(encoding: str) -> None:
    assert decoded(BASE.encode(encoding)) == BASE


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.sampled_from(ENCODINGS[:2]))
@example("\ufeffa", "utf-8")
@example("", "utf-16")
def test_what_says_its_encoding_is_read_exactly(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding)) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_told(data: bytes) -> None:
    try:
        decoded(data)
    except Undecodable as bad:
        told = str(bad), bad.fix
    else:
        return
    assert all(told)


def test_another_encoding_is_told_with_its_line_and_the_fix(tmp_path: Path) -> None:
    file = tmp_path / "deploy.yaml"
    file.write_bytes(f"{BASE}# naïve\n".encode("cp1252"))
    with pytest.raises(AkashError) as error:
        read(file)
    assert f"is not UTF-8 text (line {BASE.count(chr(10)) + 1})" in str(error.value)
    assert "Save it as UTF-8" in error.value.next_step


def test_a_text_in_place_of_a_files_name_is_told() -> None:
    with pytest.raises(AkashError, match="text of a file, and a file's name was expected"):
        read(Path(BASE))


@pytest.mark.parametrize("fence", ["```", "```yaml", "````yml", "~~~", "```yaml title=x"])
@pytest.mark.parametrize("around", ["", "\n", "  \n"])
def test_a_fence_around_the_whole_is_taken_off_and_lines_keep_their_numbers(fence: str, around: str) -> None:
    close = fence[:4].strip("yml") if fence.startswith("````") else fence[:3]
    text = unfenced(f"{around}{fence}\n{BASE}{close}{around}")
    assert text.strip() == BASE.strip()
    assert text.split("\n").index("services:") == around.count("\n") + 1 + BASE.split("\n").index("services:")
    assert check(text).ok


@pytest.mark.parametrize(
    "text",
    [
        BASE,
        f"Here it is:\n```yaml\n{BASE}```\n",
        "```yaml\na: 1\n```\n```yaml\nb: 2\n```",
        "```yaml\na: 1\n",
        "```a: 1\nb: 2\n```",
        "```services:\n  a: 1\n```",
        "`" * 500_000,
        "~" * 500_000 + "\n~~~",
        "a: |\n  ```\n  code\n  ```\n",
        "`a`",
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert unfenced(text) == text


@pytest.mark.parametrize("before", ["", "Here it is:\n"])
def test_a_fence_in_a_file_is_named_for_what_it_is(before: str) -> None:
    report = check(f"{before}```yaml\n{BASE}```\n")
    (error,) = report.errors
    assert not report.console_ok
    assert error.line == before.count("\n") + 1
    assert error.message == "this line is the fence of a Markdown code block, not YAML"
    assert error.fix == "leave out everything but what stands between the fences"


def test_a_compose_file_in_a_fence_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answer.md"
    file.write_text(f"```yaml\n{COMPOSE}```\n", encoding="utf-8")
    assert main.main(["import", str(file)]) == 0
    assert "image: nginx:1.27.0\n" in capsys.readouterr().out


PATHS = (
    "deploy.yaml",
    "./deploy.yml",
    "~/akash/deploy.yaml",
    "/home/me/my files/compose.yaml",
    r"C:\Users\me\deploy.yaml",
    r"\\server\share\deploy.yaml",
    "file:///tmp/deploy.yaml",
    " deploy.sdl\n",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_in_place_of_a_text_is_told(path: str) -> None:
    assert is_path(path)
    with pytest.raises(ValueError, match="path of a file, and the server reads no files: send the text"):
        yaml_text(path)


@pytest.mark.parametrize(
    "text", [BASE, COMPOSE, "sdl_0123456789abcdef", "", "version", "a: b.yaml", "{a.yaml}"]
)
def test_a_text_is_not_a_path(text: str) -> None:
    assert not is_path(text)
    assert yaml_text(text) == text


# ── what the terminal takes ──────────────────────────────────────────────────────────────────────────────────────


def command(*words: str, encoding: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "akash_mcp", *words],
        capture_output=True,
        env={"PATH": "", "PYTHONIOENCODING": encoding},
        check=False,
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_an_output_that_lacks_a_character_gets_one_that_it_has(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE, encoding="utf-8")
    converted = command("import", str(file), encoding=encoding)
    assert converted.returncode == 0, converted.stderr
    # A file that is written by redirection is read as UTF-8, whatever the console has.
    assert "→ naïve “…” ✓" in converted.stdout.decode("utf-8")

    sdl = tmp_path / "deploy.yaml"
    sdl.write_bytes(converted.stdout.replace(b"image:", "depends_on: [→]\n    image:".encode()))
    linted = command("lint", str(sdl), encoding=encoding)
    assert linted.returncode == 1, linted.stderr
    assert "depends_on: [->]" in linted.stdout.decode(encoding)

    helped = command("serve", "--help", encoding=encoding)
    assert helped.returncode == 0, helped.stderr
    assert "TOOL=HOW," in helped.stdout.decode(encoding)


def test_lines_fit_a_terminal_of_80_columns_and_words_stay_whole(tmp_path: Path) -> None:
    words = ("draft", "--image", "nginx:1.29.3", "-o", str(tmp_path / "deploy.yaml"), "--force")
    with Terminal(*words, columns=80) as narrow:
        assert narrow.end() == 0
    with Terminal(*words, columns=2_000) as wide:
        assert wide.end() == 0
    assert narrow.shown.split() == wide.shown.split()
    assert max(map(len, narrow.shown.splitlines())) <= 80
    assert max(map(len, wide.shown.splitlines())) > 80
