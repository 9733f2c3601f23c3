"""YAML, edited in place."""

from __future__ import annotations

import pytest

from akash_mcp.cli.hosts.formats import Put, Remove, Unmergeable, Value, at, edited, yaml

OURS: Value = {"type": "stdio", "cmd": "/x: #", "args": ["serve"], "envs": {}, "enabled": True}
PATH = ("extensions", "akash")

FILES = [
    "extensions:\n  dev:\n    enabled: true # yes\n    args:\n    - a\n    - b\n  # tail\n\nMODEL: y\n",
    "extensions:\n    dev:\n        desc: |\n            text\n            more\n\nb: 1\n",
    "extensions: {}\n",
    "extensions: {dev: {a: 1}} # flow\n",
    "a: 1\nextensions:\n  dev: {a: 1}",
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", FILES)
def test_an_entry_comes_and_goes_and_nothing_else_moves(before: str, newline: str) -> None:
    before = before.replace("\n", newline)
    after = edited(yaml, before, [Put(PATH, OURS)])
    assert at(yaml.parse(after), PATH) == OURS
    ended = before if before.endswith("\n") else before + newline
    assert edited(yaml, after, [Remove(PATH)]) == ended


@pytest.mark.parametrize(
    "before", ["", "# mine\n", "MODEL: y", "extensions:\nb: 1\n", "extensions: # none\n", "---\na: 1\n...\n"]
)
def test_what_is_missing_on_the_way_is_made(before: str) -> None:
    after = edited(yaml, before, [Put(PATH, OURS)])
    assert yaml.parse(after) == {**yaml.parse(before), "extensions": {"akash": OURS}}
    assert all(line in after for line in before.splitlines())
    assert yaml.parse(edited(yaml, after, [Remove(PATH)]))["extensions"] == {}


def test_fields_change_in_their_place() -> None:
    text = "extensions:\n  akash:\n    cmd: /old # moved\n    args:\n    - serve\n    - --read-only\n\nMODEL: y\n"
    after = edited(
        yaml, text, [Put((*PATH, "cmd"), "/new"), Put((*PATH, "args"), ["serve"]), Put((*PATH, "timeout"), 9)]
    )
    assert after == (
        'extensions:\n  akash:\n    cmd: "/new" # moved\n    args: ["serve"]\n    timeout: 9\n\nMODEL: y\n'
    )


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a: 1\nextensions: [\n", 3, "not YAML"),
        ("a: 1\n---\nb: 1\n", 2, "not YAML"),
        ("a: !secret x\n", 1, "not YAML"),
        ("- a\n", 1, "no mapping"),
        ("extensions: 3\n", 1, "not a mapping"),
        ("extensions:\n  a: 1\nextensions: {}\n", 3, "twice"),
        ("x: &x\n  dev: 1\nextensions: *x\n", None, "one entry alone"),
    ],
)
def test_what_cannot_be_edited_is_told(text: str, line: int | None, why: str) -> None:
    with pytest.raises(Unmergeable, match=why) as told:
        edited(yaml, text, [Put(PATH, OURS)])
    assert told.value.line == line
