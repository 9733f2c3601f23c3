"""`.env` files, as Compose reads them, and the files that services name under `env_file`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from akash_mcp.cli import main
from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import Converted, LostProtections, convert, read_env_text
from akash_mcp.sdl.yaml.loader import load

LINES: dict[str, tuple[str, dict[str, str]]] = {
    "a value": ("A=b", {"A": "b"}),
    "nothing": ("A=", {"A": ""}),
    "comments and blank lines": ("# x\n\n  # y\nA=b\n", {"A": "b"}),
    "a comment behind a value": ("A=b # c", {"A": "b"}),
    "a # in a value": ("A=b#c", {"A": "b#c"}),
    "export": ("export A=b", {"A": "b"}),
    "as YAML has it": ("A: b", {"A": "b"}),
    "spaces": ("  A =  b c  ", {"A": "b c"}),
    "Windows": ("\ufeffA=b\r\nB=c\r\n", {"A": "b", "B": "c"}),
    "single quotes are literal": ("A='$X ${Y} \\n #'", {"A": "$X ${Y} \\n #"}),
    "double quotes have escapes": ('A="a\\nb\\t\\"\\\\ \\$X"', {"A": 'a\nb\t"\\ $X'}),
    "escapes that are none": (r'A="\c\d\0123"', {"A": r"\c\dS"}),
    "a zero behind a backslash": (r'A="\012\0a\0999\0400"', {"A": r"\12\a\999\400"}),
    "a quote inside quotes": (r"A='it\'s \\'", {"A": r"it's \\"}),
    "quotes over lines": ("A=\"a\nb\" # c\nB='x\ny'", {"A": "a\nb", "B": "x\ny"}),
    "what stands before": ('A=b\nB=${A}c\nC="$A"', {"A": "b", "B": "bc", "C": "b"}),
    "what is given": ("B=$GIVEN", {"B": "g"}),
    "a default": ("B=${X:-d}", {"B": "d"}),
    "two dollars": ("B=a$$b", {"B": "a$b"}),
    "the later wins": ("A=b\nA=c", {"A": "c"}),
    "a name alone has no value": ("A\nB=c", {"B": "c"}),
    "a name alone that is given": ("GIVEN\n", {"GIVEN": "g"}),
    "an equals sign in a value": ("A=b=c==", {"A": "b=c=="}),
}


@pytest.mark.parametrize(("text", "expected"), LINES.values(), ids=LINES.keys())
def test_a_file_is_read_as_compose_reads_it(text: str, expected: dict[str, str]) -> None:
    assert read_env_text(text, ".env", {"GIVEN": "g"}) == expected


BAD: dict[str, tuple[str, str]] = {
    "no name": ("A=1\n=hunter2", "Line 2"),
    "a # in a name": ("A=1\nPASS#WORD=hunter2", "Line 2"),
    "a # behind a name": ("A # hunter2", "Line 1"),
    "a key's own text": ("-----BEGIN PRIVATE KEY-----\nhunter2", "Line 1"),
    "base64": ("A=1\nhunter2/hunter2==", "Line 2"),
    "a quote that is never closed": ("A='hunter2\nB=c", "Line 1"),
    "text behind a quote": ('A="hunter2"hunter2', "Line 1"),
    "a variable that nobody knows": ("A=b\n\nPASSWORD=pass$hunter2", "Line 3"),
    "a brace that is never closed": ("PASSWORD=${hunter2", "Line 1"),
}


@pytest.mark.parametrize(("text", "line"), BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_named_by_its_number_and_never_shown(text: str, line: str) -> None:
    with pytest.raises(BadArgument) as caught:
        read_env_text(text, ".env", {})
    assert str(caught.value).startswith(f"{line} of .env ")
    assert "hunter2" not in str(caught.value)


@pytest.mark.timeout(20)
def test_a_large_file_is_read_once() -> None:
    assert len(read_env_text("".join(f"A{i}=$A0\n" for i in range(1, 20_000)), ".env", {"A0": "x"})) == 19_999


def test_a_file_that_grows_by_its_own_variables_is_refused() -> None:
    with pytest.raises(BadArgument, match=r"Line 5 of \.env is where the file, with its variables, passes"):
        read_env_text(f"A={'x' * 250_000}\n" + "B=$A$A\n" * 3_000, ".env", {})


def test_raw_values_mean_nothing_but_themselves() -> None:
    assert read_env_text("A='$X' # c\n# d\nB=\"", "f", {}, raw=True) == {"A": "'$X' # c", "B": '"'}


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text(max_size=20), max_size=4))
@example({"A": "it's $5 \\"})
def test_what_is_quoted_comes_back(values: dict[str, str]) -> None:
    """Written with `json.dumps` and each dollar escaped: an oracle for what double quotes say."""
    values = {name: "".join(filter(str.isprintable, text)) for name, text in values.items()}
    lines = [
        f"{name}={json.dumps(text, ensure_ascii=False).replace('$', chr(92) + '$')}\n"
        for name, text in values.items()
    ]
    assert read_env_text("".join(lines), ".env", {}) == values


# ── env_file of services ─────────────────────────────────────────────────────────────────────────────────────────────


def env(sdl: str) -> dict[str, str]:
    data: Any = json.loads(json.dumps(load(sdl).data))
    return dict(entry.split("=", 1) for entry in data["services"]["web"].get("env", []))


def of(env_file: str, **more: Any) -> Converted:
    return convert(
        f"services: {{web: {{image: x:1, env_file: {env_file}, environment: {{A: own}}}}}}", **more
    )


FILES = {
    "a.env": "A=a\nB=${GIVEN}\nPASSWORD='hunter2'",
    "b.env": "B=b\nC=$B",
    "raw.env": "R='$x'",
}


@pytest.mark.parametrize(
    ("env_file", "expected"),
    [
        ("a.env", {"A": "own", "B": "g", "PASSWORD": "hunter2"}),
        ("[a.env, b.env]", {"A": "own", "B": "b", "C": "b", "PASSWORD": "hunter2"}),
        ("[b.env, a.env]", {"A": "own", "B": "g", "C": "b", "PASSWORD": "hunter2"}),
        ("[{path: nowhere, required: false}]", {"A": "own"}),
        ("[{path: raw.env, format: raw}]", {"A": "own", "R": "'$x'"}),
    ],
)
def test_the_files_of_a_service_come_before_its_environment(env_file: str, expected: dict[str, str]) -> None:
    made = of(env_file, variables={"GIVEN": "g"}, env_file_reader=FILES.get)
    assert env(made.sdl) == expected
    assert not made.left_out
    assert "hunter2" not in repr((made.left_out, made.notes))


def test_what_the_environment_leaves_without_a_value_does_not_come_from_a_file() -> None:
    web = "{image: x:1, env_file: b.env, environment: [B, 'C=${NOWHERE}']}"
    made = convert(f"services: {{web: {web}}}", env_file_reader=FILES.get)
    assert env(made.sdl) == {}
    assert [each.what for each in made.left_out] == ["environment: B", "environment: C"]


def test_what_may_be_missing_is_empty_in_a_file_that_gives_it_no_value() -> None:
    texts = {"f": "A=$X\nX=x\nB=$X"}
    made = convert(
        "services: {web: {image: x:1, env_file: f}}", allow_missing=["X"], env_file_reader=texts.get
    )
    assert env(made.sdl) == {"A": "", "X": "x", "B": "x"}


def test_a_file_that_is_not_there_stops_it_unless_the_service_can_do_without() -> None:
    with pytest.raises(BadArgument, match="names a file that is not there: nowhere"):
        of("[{path: nowhere}]", env_file_reader=FILES.get)


def test_what_is_left_out_does_not_arrive_from_a_file() -> None:
    made = convert(
        "services: {web: {image: 'x:1', env_file: a.env, environment: [A, 'B=${NOPE}', C=1, C]}}",
        env_file_reader=lambda name: "A=a\nB=b\nC=c\nD=d\n",
    )
    assert env(made.sdl) == {"D": "d"}
    assert [each.what for each in made.left_out] == [f"environment: {name}" for name in "ABC"]


def test_a_file_that_is_not_read_may_hold_the_password() -> None:
    with pytest.raises(LostProtections) as caught:
        of("[a.env, {path: b.env, required: false}]")
    assert [(each.what, each.protects) for each in caught.value.lost] == [("env_file: a.env", "env_file")]
    made = of("[a.env, {path: b.env, required: false}]", accept=["env_file"])
    assert [each.what for each in made.left_out] == ["env_file: a.env", "env_file: b.env"]


def run(folder: Path, *words: str) -> int:
    return main.main(["import", str(folder / "compose.yaml"), *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A compose file beside its `.env` and below what it must not reach."""
    there = tmp_path / "project"
    there.mkdir()
    (tmp_path / "outside.env").write_text("A=outside")
    (there / "inside.env").write_text("A=hunter2-inside\nP=$PORT")
    (there / "link.env").symlink_to(tmp_path / "outside.env")
    (there / "inner.env").symlink_to(there / "inside.env")
    (there / "circle.env").symlink_to(there / "circle.env")
    return there


def compose(folder: Path, env_file: str) -> None:
    (folder / "compose.yaml").write_text(f"services: {{web: {{image: x:1, env_file: [{env_file}]}}}}")


@pytest.mark.parametrize("name", ["inside.env", "./inside.env", "inner.env", "../project/inside.env"])
def test_the_command_reads_files_below_the_compose_file(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose(folder, name)
    assert run(folder, "--read-env-files", "--env", "PORT=80") == 0
    said = capsys.readouterr()
    assert env(said.out) == {"A": "hunter2-inside", "P": "80"}
    assert "hunter2" not in said.err


@pytest.mark.parametrize(
    "name",
    ["../outside.env", "link.env", "circle.env", "/etc/passwd", ".", '"\\0"', "a/" * 3_000, "nowhere.env"],
)
def test_the_command_reads_no_other_file(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compose(folder, name)
    assert run(folder, "--read-env-files") == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "outside" not in said.err.replace("../outside.env", "").replace("lies outside", "")


def test_the_command_reads_none_unless_it_is_told_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose(folder, "inside.env")
    assert run(folder, "-o", str(folder / "sdl.yaml")) == 1
    said = capsys.readouterr()
    assert "--accept env_file" in said.err
    assert not (folder / "sdl.yaml").exists()
    assert run(folder, "--accept", "env_file") == 0


def test_a_file_without_end_is_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compose(folder, "inside.env")
    assert run(folder, "--env-file", "/dev/zero") == 1
    assert "/dev/zero is larger than 16 MiB, and is not read." in capsys.readouterr().err


def test_variables_come_from_files_and_words_the_words_win(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(
        "services: {web: {image: x:1, environment: {A: $A, B: $B, C: $C, D: $D}}}"
    )
    (folder / ".env").write_text("A=1\nB=2\nC=3\nD=${C}")
    (folder / "more.env").write_text("B=more-${A}\n")
    files = ["--env-file", str(folder / ".env"), "--env-file", str(folder / "more.env")]
    assert run(folder, *files, "--env", "C=word") == 0
    assert env(capsys.readouterr().out) == {"A": "1", "B": "more-1", "C": "word", "D": "word"}


def test_the_env_file_beside_it_is_not_read_by_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text("services: {web: {image: 'x:${TAG}'}}")
    (folder / ".env").write_text("TAG=1")
    assert run(folder) == 1
    assert "--env-file .env (Compose reads" in capsys.readouterr().err
