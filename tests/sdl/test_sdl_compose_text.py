"""What a compose file says as text arrives as it stands there: values, words of commands, and quotes that never end."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import Converted, convert
from akash_mcp.sdl.author.compose.words import Words, split
from akash_mcp.sdl.yaml.loader import load


def services(made: Converted) -> dict[str, Any]:
    """The services of an SDL, as js-yaml reads them."""
    found: dict[str, Any] = json.loads(json.dumps(load(made.sdl).data))["services"]
    return found


def service(text: str) -> dict[str, Any]:
    """The service `web` of the SDL, given by what stands in it."""
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    found: dict[str, Any] = services(convert(f"services:\n  web:\n    image: nginx:1.29.3\n{lines}"))["web"]
    return found


NUMBERS = (
    *(
        "987654321098765433",
        "123456789012345678",
        "022",
        "01234",
        "08",
        "+4712345678",
        "0.0000001",
        "1.20",
        "1e3",
    ),
    *(
        "0.1234567890123456789",
        "0x1F",
        "0o17",
        "0b101",
        ".5",
        "5.",
        "-0",
        "+0.0",
        "1_000",
        "1e400",
        ".inf",
        "-.INF",
    ),
    *(
        ".NaN",
        "yes",
        "No",
        "on",
        "off",
        "y",
        "true",
        "True",
        "FALSE",
        "2024-01-01",
        "2024-1-1 10:00:00",
        "12:30:45",
    ),
    *("=", "<<", "1.2.3", "0x", "1e", "9" * 5_000),
)


@pytest.mark.parametrize("written", NUMBERS, ids=lambda text: text[:24])
@pytest.mark.parametrize("form", ["environment: {{A: {}}}", "environment:\n  A: &a {}\n  B: *a"])
def test_a_value_is_the_text_that_stands_in_the_file(written: str, form: str) -> None:
    assert service(form.format(written))["env"][0] == f"A={written}"


def test_text_stays_text_wherever_it_stands() -> None:
    made = convert(
        """
x-common: &common {UMASK: 022, ID: 987654321098765433}
services:
  web:
    image: &tag 1.20
    command: [sleep, 3600, 1.50, True, 2024-01-01, !!int 0777, !!str 08]
    entrypoint: /run 022 1.20
    environment: {<<: *common, ID: 1e3, "TAGGED": !!float 1.0, TAG: *tag}
  list:
    image: x:1
    environment: [UMASK=022, "ID=1.20"]
"""
    )
    web, listed = services(made)["web"], services(made)["list"]
    assert web["image"] == "1.20"
    assert web["command"] == ["/run", "022", "1.20"]
    assert web["args"] == ["sleep", "3600", "1.50", "True", "2024-01-01", "0777", "08"]
    assert sorted(web["env"]) == ["ID=1e3", "TAG=1.20", "TAGGED=1.0", "UMASK=022"]
    assert listed["env"] == ["UMASK=022", "ID=1.20"]


plain = st.from_regex(r"[0-9A-Za-z+.~=/-][0-9A-Za-z+./:_~=-]{0,20}", fullmatch=True).filter(
    lambda text: not text.endswith(":") and "://" not in text and text not in ("-", "---", "...")
)


@given(plain)
@example("0x_1")
@example("+.5e-7")
@example("-")
def test_whatever_is_written_plain_arrives_as_written(written: str) -> None:
    """The oracle is PyYAML's scanner, which knows what the text of a plain scalar is and gives it no meaning."""
    text = f"services: {{web: {{image: 'x:1', environment: {{A: {written}}}}}}}"
    try:
        scalars = [token.value for token in yaml.scan(text) if isinstance(token, yaml.ScalarToken)]
    except yaml.YAMLError:
        return
    if scalars[-1] != written or written in ("~", "null", "Null", "NULL"):
        return
    made = convert(text)
    assert services(made)["web"]["env"] == [f"A={written}"]


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff$"))
)
def test_whatever_is_quoted_arrives_as_it_is(written: str) -> None:
    made = convert(
        json.dumps({"services": {"web": {"image": "x:1", "environment": {"A": written}}}}, ensure_ascii=False)
    )
    assert services(made)["web"]["env"] == [f"A={written}"]


def test_null_stays_null() -> None:
    made = convert("services: {web: {image: x:1, command: ~, environment: {A: ~, B: null, C: }}}")
    assert [each.what for each in made.left_out] == ["environment: A", "environment: B", "environment: C"]


# ── words, as mattn/go-shellwords splits them for Compose ────────────────────────────────────────────────────────────

WORDS: dict[str, tuple[str, list[str]]] = {
    "nothing": (" ", []),
    "quotes join": ("a'b c'\"d e\"", ["ab cd e"]),
    "empty quotes are a word": ("a '' \"\"", ["a", "", ""]),
    "an apostrophe in double quotes": ('"it\'s"', ["it's"]),
    "a backslash makes anything plain": (r"a\ b \" \x", ["a b", '"', "x"]),
    "a newline and a tab": (r"a\nb\tc", ["a\nb\tc"]),
    "a backslash in double quotes, unlike a shell's": (r'"a\nb\x"', ["a\nbx"]),
    "a backslash in single quotes": (r"'a\nb'", [r"a\nb"]),
    "$( keeps its spaces": ("a $(date -u) b", ["a", "$(date -u)", "b"]),
    "backquotes keep theirs": ("a `date -u` b", ["a", "`date -u`", "b"]),
    "a backslash in $(": (r"$(a \"b\" \))", ['$(a "b" ))']),
    "quotes in $( are plain": ("$(a 'b\")", ["$(a 'b\")"]),
    "a backslash in backquotes": (r"`a \` b`", ["`a ` b`"]),
    "quotes in backquotes": ("`a 'b & `' c`", ["`a b & ` c`"]),
    "lines": ("--a b\n--c d\n", ["--a", "b", "--c", "d"]),
    "no comments": ("a # b", ["a", "#", "b"]),
}


@pytest.mark.parametrize(("text", "words"), WORDS.values(), ids=WORDS.keys())
def test_a_command_is_split_as_compose_splits_it(text: str, words: list[str]) -> None:
    assert split(text) == Words(words, "")


@pytest.mark.parametrize(
    ("text", "words", "dropped"),
    [
        ("echo hi && sleep 10", ["echo", "hi"], "&& sleep 10"),
        ("a;b", ["a"], ";b"),
        ("a 2>err", ["a"], ">err"),
        ("a b>c", ["a", "b"], ">c"),
        ("a 9lives>c", ["a"], ">c"),
        ("a '' >c", ["a", ""], ">c"),
    ],
)
def test_what_stands_behind_a_shells_sign_is_dropped_as_compose_drops_it(
    text: str, words: list[str], dropped: str
) -> None:
    assert split(text) == Words(words, dropped)
    made = convert(json.dumps({"services": {"web": {"image": "x:1", "command": text}}}))
    assert [each.what for each in made.left_out] == [f"command: what stands behind {dropped[0]}"]


@pytest.mark.parametrize(
    "text",
    ["a 'b", 'a "b', "a `b", "`a 'b`", "a $(b", "a \\", "a (b", "a) b", "a $(b (c))", 'sh -c "echo \'b"'],
)
@pytest.mark.parametrize("field", ["command", "entrypoint"])
def test_a_quote_that_is_never_closed_is_refused_with_its_place(field: str, text: str) -> None:
    compose = f"services:\n  web:\n    image: x:1\n    {field}: {json.dumps(text)}\n"
    with pytest.raises(BadArgument, match=rf"services.web.{field} \(line 4, column {len(field) + 7}\)"):
        convert(compose)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'a'",
        "echo hi # don't",
        "cat <<E\ndon't\nE",
        "echo $'it\\'s'",
        "echo it\\'s",
        "exec redis-server",
    ],
)
def test_a_script_that_a_shell_can_read_is_carried(script: str) -> None:
    compose = {"services": {"web": {"image": "x:1", "command": ["/bin/sh", "-ec", script]}}}
    made = convert(json.dumps(compose).replace("$", "$$"))
    assert services(made)["web"]["args"][-1] == script


@pytest.mark.parametrize(
    ("setting", "text", "arrives"),
    [
        # The user and the container are called alike, as in many a compose file.
        ("DATABASE_URL", "postgres://pg:pw@pg:5432/pg", "postgres://pg:pw@db:5432/pg"),
        ("DATABASE_URL", "postgres://pg:1234@pg/pg", "postgres://pg:1234@db/pg"),
        ("DATABASE_URL", "postgres://pg@pg", "postgres://pg@db"),
        ("DATABASE_URL", "postgres://u:pg@h,pg:5432/x", "postgres://u:pg@h,db:5432/x"),
        ("DSN", "pg:pw@tcp(pg:5432)/x", "pg:pw@tcp(db:5432)/x"),
        ("PGADMIN_URL", "http://pg:$(PORT)/x", "http://db:$(PORT)/x"),
        ("DATABASE_URL", "postgres://pg:$(PASSWORD)@pg/x", "postgres://pg:$(PASSWORD)@db/x"),
        ("FROM", "noreply@pg", "noreply@pg"),
        ("CODE", "pg:12345abc", "pg:12345abc"),
        ("ADMIN_PASSWORD", "pg:12345", "pg:12345"),
        ("ADMIN_PASSWORD", "hunter2@pg", "hunter2@pg"),
        ("DB_HOST_PASSWORD", "pg", "pg"),
        ("DB_HOST", "pg", "db"),
        ("AUTH_SERVER", "pg", "db"),
        ("SERVERS", "a:1,pg:5432", "a:1,db:5432"),
    ],
)
def test_a_user_or_password_that_is_called_like_a_host_stays(setting: str, text: str, arrives: str) -> None:
    made = convert(
        "services:\n  app:\n    image: me/app:1\n    environment:\n"
        f"      {setting}: {json.dumps(text.replace('$(', '$$('))}\n"
        "  db:\n    image: postgres:17\n    container_name: pg\n"
    )
    assert services(made)["app"]["env"] == [f"{setting}={arrives.replace('$(', '$$(')}"]
    assert any(f"app: {setting} now has" in note for note in made.notes) is (text != arrives)


def test_a_command_that_names_a_neighbour_anew_is_noted() -> None:
    made = convert(
        "services:\n  app:\n    image: me/app:1\n    command: run http://task_queue:80\n"
        "  task_queue:\n    image: me/queue:1\n"
    )
    assert services(made)["app"]["args"] == ["run", "http://task-queue:80"]
    assert "app: its command now has its neighbour's name in the SDL." in made.notes


@pytest.mark.parametrize(
    ("entries", "env"), [("[A=1, A]", []), ("[A, A=1]", ["A=1"]), ("[A=1, B=2, A=3]", ["A=3", "B=2"])]
)
def test_of_two_entries_of_one_name_the_later_counts(entries: str, env: list[str]) -> None:
    made = convert(f"services: {{web: {{image: x:1, environment: {entries}}}}}")
    assert services(made)["web"].get("env", []) == env
    assert bool(made.left_out) == (not env)
