"""No script of a container holds up the process that plays it: it is bounded, or refused, within moments."""

from __future__ import annotations

import pytest

from akash_mcp.sandbox.provider.shell.budget import Exhausted
from akash_mcp.sandbox.provider.shell.files import Files
from akash_mcp.sandbox.provider.shell.machine import run
from akash_mcp.sandbox.provider.shell.process import Host
from akash_mcp.sandbox.provider.shell.streams import Source, ToCaller

LONG = "x=a; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do x=$x$x; done\n"

pytestmark = pytest.mark.timeout(20)


def played(script: str) -> tuple[str, int]:
    """What a script writes, and its exit code."""
    out: list[str] = []
    host = Host(files=Files(), session=True)
    work = run(
        ["sh", "-c", script], host, stdin=Source(), stdout=ToCaller(out.append), stderr=ToCaller(out.append)
    )
    while True:
        try:
            next(work)
        except StopIteration as end:
            return "".join(out), end.value


@pytest.mark.parametrize(
    ("script", "written"),
    [
        ("case $x in *a*a*a*a*a*a*a*a*a*b) echo yes ;; *) echo no ;; esac", "no\n"),
        ("y=${x%%*a*a*a*a*a*a*b}; echo ${#y}", "4096\n"),
        ("y=${x##*a*a*a*a*a*a*b*}; echo ${#y}", "4096\n"),
        ("echo $x | grep -c 'a*a*a*a*a*a*b'", "0\n"),
        ("echo $x | grep -cE '^(a+)+b'", "0\n"),
        ("echo $x | grep -cE '(a|aa)+$'", "1\n"),
        ("echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -cE '^(a?){30}a{30}$'", "1\n"),
    ],
)
def test_patterns_that_could_be_tried_without_end(script: str, written: str) -> None:
    assert played(LONG + script)[0] == written


@pytest.mark.parametrize(
    "script",
    [
        "mkdir -p /q/a /q/b /q/c /q/d /q/e /q/f; echo /q/*/../*/../*/../*/../*/../*/../*/../*/../*",
        'set -- a; while :; do set -- "$@" "$@"; done',
        "x='a '; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do x=\"$x$x\"; done; set -- $x\n"
        "for y in $x; do echo $* >/dev/null; done",
        'x=a; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do x="$x $x"; done; printf %9999s $x | wc -c',
    ],
)
def test_words_that_become_ever_more(script: str) -> None:
    with pytest.raises(Exhausted):
        played(script)


def test_a_pattern_that_would_need_too_much_is_not_played() -> None:
    for pattern in ("a{1,99999999999}", "((a{1,1000}){1,1000}){1,1000}b"):
        written, code = played(f"echo a | grep -E '{pattern}'")
        assert (written, code) == (f"grep: this sandbox does not play it like this: grep -E {pattern}\n", 1)


@pytest.mark.parametrize(
    ("pattern", "line", "is_found"),
    [
        ("b$", "ab", True),
        ("^b", "ab", False),
        ("a.c", "xabc", True),
        (r"a\.c", "abc", False),
        ("(ab|c)+d", "xabcabd", True),
        ("^(ab|c)+$", "abca", False),
        ("[0-9]{2,3}x", "1x 12x", True),
        ("^[^a-c]+$", "xyz", True),
        ("^[]a]+$", "]a", True),
        ("x{2}", "xyx", False),
        ("a{2,}b", "aaaab", True),
        ("^$", "", True),
        ("a|^$", "b", False),
        ("()", "b", True),
        ("a?b*", "", True),
        (r"\[x\]", "[x]", True),
        ("[.]", "x", False),
    ],
)
def test_extended_patterns(pattern: str, line: str, is_found: bool) -> None:
    assert played(f"echo '{line}' | grep -qE '{pattern}'")[1] == (0 if is_found else 1)
