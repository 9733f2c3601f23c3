"""TOML, edited in place."""

from __future__ import annotations

import pytest

from akash_mcp.cli.hosts.formats import Put, Remove, Unmergeable, Value, edited, newline_of, toml

OURS: Value = {"command": "/x", "args": ["serve"], "startup_timeout_sec": 30}
PATH = ("mcp_servers", "akash")
BLOCK = '[mcp_servers.akash]\ncommand = "/x"\nargs = ["serve"]\nstartup_timeout_sec = 30\n'

FILES = [
    "",
    'model = "x"\n',
    '# mine\n[mcp_servers.other]\ncommand = "y" # z\n\n[mcp_servers.other.env]\nA = "1"\n\n[projects."/a"]\nx = 1\n',
    'mcp_servers.other.command = "y"\n',
    "[mcp_servers]\n# none yet\n[x]\ny = 1\n",
    "[mcp_servers.o]\nx=1\n[z]\n[mcp_servers.p]\nx=2\n\n\n# the end",
    "a = [\n  [1],\n]\nb = '''\n[mcp_servers.akash]\n'''\n",
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", FILES)
def test_a_new_table_goes_behind_everything_and_comes_out_again(before: str, newline: str) -> None:
    before = before.replace("\n", newline)
    after = edited(toml, before, [Put(PATH, OURS)])
    assert after.startswith(before)
    assert after.endswith(BLOCK.replace("\n", newline_of(before)))
    assert toml.parse(after)["mcp_servers"]["akash"] == OURS  # type: ignore[index,call-overload]  # any depth
    ended = before if not before or before.endswith("\n") else before + newline
    assert edited(toml, after, [Remove(PATH)]) == ended


def test_what_a_person_put_behind_our_table_stays() -> None:
    text = f'{BLOCK}\n# the projects\n[projects."/a"]\nx = 1\n'
    assert edited(toml, text, [Remove(PATH)]) == '\n# the projects\n[projects."/a"]\nx = 1\n'


def test_tables_below_ours_go_with_it() -> None:
    text = f'a = 1\n\n{BLOCK}[mcp_servers.akash.env]\nA = "1"\n\n[b]\nc = 2\n'
    assert "akash" not in edited(toml, text, [Remove(PATH)])


def test_fields_change_in_their_place_and_new_ones_follow_the_last() -> None:
    text = '[mcp_servers.akash]\ncommand = "/old" # moved\nargs = [\n  "serve",\n]\n\n# next\n[b]\nc = 2\n'
    after = edited(toml, text, [Put((*PATH, "command"), "/new"), Put((*PATH, "env_vars"), ["A"])])
    assert after == text.replace("/old", "/new").replace("\n]\n", '\n]\nenv_vars = ["A"]\n')


def test_an_entry_in_a_list_of_one_line_comes_out_too() -> None:
    text = "mcp_servers = { akash = { c = 1 }, o = { d = 2 } }\n"
    assert toml.parse(edited(toml, text, [Remove(PATH)])) == {"mcp_servers": {"o": {"d": 2}}}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a = 1\nb = \n", 2, "not TOML"),
        ("[a]\n[a]\n", 2, "not TOML"),
        ("mcp_servers = 3\n", None, "not a table"),
        ("mcp_servers = { o = { d = 2 } }\n", None, "one entry alone"),
    ],
)
def test_what_cannot_be_edited_is_told(text: str, line: int | None, why: str) -> None:
    with pytest.raises(Unmergeable, match=why) as told:
        edited(toml, text, [Put(PATH, OURS)])
    assert told.value.line == line
