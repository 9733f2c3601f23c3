"""JSON with comments, edited in place: what a person wrote stays, byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.cli.hosts.formats import Put, Remove, Unmergeable, Value, edited, jsonc

OURS: Value = {"command": "/x", "args": ["serve"]}
PATH = ("mcpServers", "akash")


def test_a_new_member_goes_behind_the_last_in_the_indentation_of_the_file() -> None:
    before = '{\r\n\t"mcpServers": {\r\n\t\t"other": {"x": 1} // mine\r\n\t\t// "old": {}\r\n\t}\r\n}\r\n'
    assert edited(jsonc, before, [Put(PATH, OURS)]) == (
        '{\r\n\t"mcpServers": {\r\n\t\t"other": {"x": 1}, // mine\r\n'
        '\t\t"akash": {\r\n\t\t\t"command": "/x",\r\n\t\t\t"args": ["serve"]\r\n\t\t}\r\n'
        '\t\t// "old": {}\r\n\t}\r\n}\r\n'
    )


def test_a_trailing_comma_stays_one() -> None:
    before = '{\n  "a": 1, /* one */\n}\n'
    after = edited(jsonc, before, [Put(("b",), 2)])
    assert after == '{\n  "a": 1, /* one */\n  "b": 2,\n}\n'
    assert edited(jsonc, after, [Remove(("b",))]) == before


@pytest.mark.parametrize(
    "text", ["", "// only a comment\n", "{}", "{ }", '{"a": 1}', "{ // here\n}", '{"mcpServers": {}}']
)
def test_what_is_missing_on_the_way_is_made(text: str) -> None:
    after = edited(jsonc, text, [Put(PATH, OURS)])
    assert jsonc.parse(after)["mcpServers"] == {"akash": OURS}
    for comment in ("// only a comment", "// here"):
        assert (comment in text) == (comment in after)


def test_one_field_is_replaced_and_the_comments_beside_it_stay() -> None:
    before = '{"mcpServers": {"akash": {"command": "/old", // moved\n "env": {"A": "1"}}}}'
    assert edited(jsonc, before, [Put((*PATH, "command"), "/new")]) == before.replace("/old", "/new")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3, "missing"),
        ('{\n  "a": \n}', 3, "missing"),
        ('{"a": 1}\n}', 2, "follows"),
        ("{\n'a': 1}", 2, "double quotes"),
        ('{"a": NaN}', 1, "not JSON"),
        ('{\n  "a": "no end\n}', 2, "not JSON"),
        ("[]", 1, "no JSON object"),
        ('{"mcpServers": []}', 1, "not an object"),
        ('{"mcpServers": {},\n "mcpServers": {}}', 2, "twice"),
        ('{"mcpServers": {"akash": {},\n"akash": {}}}', 2, "twice"),
        ("[" * 1_000, 1, "deep"),
        ('{"a": 1', 1, "missing"),
    ],
)
def test_what_cannot_be_edited_is_told_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Unmergeable, match=why) as told:
        edited(jsonc, text, [Put(PATH, OURS)])
    assert told.value.line == line


blanks = st.sampled_from(["", " ", "\n", "\r\n", "\t", ' // note, { " }\n', "/* a, b: [ */", "\n  "])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)


@st.composite
def documents(draw: st.DrawFn, depth: int = 0) -> str:
    """An object as a person may have written it: blanks, comments and trailing commas anywhere."""
    keys = draw(st.lists(st.sampled_from(["a", "b", "mcpServers", "é\\n"]), unique=True, max_size=3))
    text = "{"
    for place, key in enumerate(keys):
        if depth < 2 and (key == "mcpServers" or draw(st.booleans())):
            value = draw(documents(depth=depth + 1))
        else:
            value = "[" + draw(blanks) + json.dumps(draw(scalars)) + draw(st.sampled_from(["]", ",]"]))
        if key == "mcpServers" and depth >= 2:
            value = "{}"
        text += f'{draw(blanks)}"{key}"{draw(blanks)}:{draw(blanks)}{value}{draw(blanks)}'
        if place + 1 < len(keys) or draw(st.booleans()):
            text += ","
    return text + draw(blanks) + "}"


def plain(text: str) -> str:
    """The text without blanks and commas: what an edit must keep in order, and add to in one place."""
    return "".join(char for char in text if not char.isspace() and char != ",")


@given(before=documents(), lead=blanks, tail=blanks)
def test_an_entry_comes_and_goes_and_nothing_else_moves(before: str, lead: str, tail: str) -> None:
    before = lead + before + tail
    tree = jsonc.parse(before)
    servers = tree.get("mcpServers", {})
    assert isinstance(servers, dict)
    after = edited(jsonc, before, [Put(PATH, OURS)])
    assert jsonc.parse(after) == {**tree, "mcpServers": {**servers, "akash": OURS}}
    start = next(
        (i for i, (one, other) in enumerate(zip(plain(before), plain(after), strict=False)) if one != other),
        0,
    )
    added = len(plain(after)) - len(plain(before))
    kept = [
        plain(after)[: start - back] + plain(after)[start - back + added :]
        for back in range(min(start, 3) + 1)
    ]
    assert plain(before) in kept
    back = edited(jsonc, after, [Remove(PATH)])
    assert jsonc.parse(back) == {**tree, "mcpServers": servers}
    if "mcpServers" in tree:
        assert plain(back) == plain(before)
    changed = edited(jsonc, after, [Put((*PATH, "command"), "/elsewhere")])
    assert changed == after.replace('"command": "/x"', '"command": "/elsewhere"')
