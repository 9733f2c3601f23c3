"""The embedded network's shell beside a real one: the same output, exit code and kind of trouble as `dash -c` has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from akash_mcp.sandbox.provider.shell.budget import Exhausted
from akash_mcp.sandbox.provider.shell.files import Files
from akash_mcp.sandbox.provider.shell.machine import run
from akash_mcp.sandbox.provider.shell.process import Host, NotPlayed
from akash_mcp.sandbox.provider.shell.streams import Source, ToCaller

Ended = tuple[str, int, bool]
"""Standard output, exit code, and whether anything was written to standard error."""

pytestmark = pytest.mark.skipif(shutil.which("dash") is None, reason="there is no dash here to compare with")

SCRIPTS = [
    script.rstrip("\n") for script in (Path(__file__).parent / "shell_scripts.txt").read_text().split("%%\n")
]
ENVIRONMENT = {"HOME": "/root", "LC_ALL": "C", "TZ": "UTC"}

# One process runs all scripts of a batch, each in an empty folder of its own.
_BATCH = """
import json, os, subprocess, sys, tempfile
ended = []
for script in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["dash", "-c", script], cwd=folder, capture_output=True, timeout=20,
                              stdin=subprocess.DEVNULL)
    ended.append((done.stdout.decode("utf-8", "surrogateescape"), done.returncode, bool(done.stderr)))
json.dump(ended, sys.stdout)
"""


def with_dash(scripts: list[str]) -> list[Ended]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _BATCH],
        input=json.dumps(scripts),
        env=ENVIRONMENT | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [(stdout, code, complained) for stdout, code, complained in json.loads(done.stdout)]


def with_ours(script: str) -> Ended:
    host = Host(env=ENVIRONMENT, files=Files(), folder="/here", session=True)
    host.files.make_folders("/here")
    out: list[str] = []
    err: list[str] = []
    work = run(
        ["sh", "-c", script], host, stdin=Source(), stdout=ToCaller(out.append), stderr=ToCaller(err.append)
    )
    while True:
        try:
            next(work)
        except StopIteration as end:
            return "".join(out), end.value, bool(err)


def test_scripts_do_as_they_do_in_dash() -> None:
    theirs = with_dash(SCRIPTS)
    wrong = [
        (script, ours, real)
        for script, real in zip(SCRIPTS, theirs, strict=True)
        if (ours := with_ours(script)) != real
    ]
    assert wrong == []
    assert len(SCRIPTS) > 90


# Scripts that are put together from what the shell plays. They write to few files, so that they meet them again.

_WORDS = st.sampled_from(
    (
        "a",
        "'b c'",
        '"$x"',
        "$x",
        "${x:-d e}",
        '"$(echo s  t)"',
        "$(echo u v)",
        "$((x+1))",
        "*",
        "f",
        '""',
        "$1",
        '"$@"',
    )
)
_FILES = st.sampled_from(("f", "g", "d/h"))
_CONDITIONS = st.sampled_from(
    (
        "true",
        "false",
        "[ -e f ]",
        '[ "$x" = 2 ]',
        "[ $n -lt 2 ]",
        "grep -q a f",
        "! true",
        "test -d d",
        "mkdir d 2>/dev/null",
    )
)


def _several(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(words, min_size=1, max_size=3).map(" ".join)


_PLAIN = st.one_of(
    _several(_WORDS).map(lambda words: f"echo {words}"),
    _several(_WORDS).map(lambda words: f"printf '[%s]' {words}"),
    st.sampled_from(
        (
            "x=2",
            "x='p  q'",
            "x=",
            "unset x",
            "n=$((n+1))",
            "set -- k 'l m'",
            "IFS=:",
            "x=i:j",
            "mkdir -p d && cd d && pwd | wc -l && cd ..",
        )
    ),
    st.sampled_from(
        ("true", "false", "echo $?", "ls", "set -e", "(exit 3)", "exit 4", "read y </dev/null", "shift")
    ),
    _FILES.map(lambda file: f"cat {file} 2>/dev/null"),
    _FILES.map(lambda file: f"touch {file} 2>/dev/null"),
    _FILES.map(lambda file: f"rm -r {file} 2>/dev/null"),
    st.tuples(_FILES, _FILES).map(lambda files: f"cp {files[0]} {files[1]} 2>/dev/null"),
    st.tuples(_several(_WORDS), _FILES, st.sampled_from((">", ">>"))).map(
        lambda parts: f"echo {parts[0]} {parts[2]} {parts[1]}"
    ),
    _several(_WORDS).map(lambda words: f"echo {words} | wc -w"),
    _several(_WORDS).map(lambda words: f"printf '%s\\n' {words} | grep -v a | head -2"),
    _several(_WORDS).map(lambda words: f"cat <<E\n{words}\nE\n"),
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    return st.one_of(
        st.tuples(_CONDITIONS, several, several).map(
            lambda parts: f"if {parts[0]}; then {parts[1]}\nelse {parts[2]}\nfi"
        ),
        st.tuples(_several(_WORDS), several).map(lambda parts: f"for i in {parts[0]}; do {parts[1]}\ndone"),
        several.map(lambda body: f"while m=.$m; [ ${{#m}} -lt 4 ]; do {body}\ndone"),
        several.map(lambda body: f"until m=.$m; [ ${{#m}} -ge 4 ]; do {body}\nbreak; done"),
        several.map(lambda body: f"({body}\n)"),
        several.map(lambda body: f"{{ {body}\n}} > o"),
        several.map(lambda body: f"called() {{ {body}\n}}; called 1 2"),
        several.map(lambda body: f'echo "$( {body}\n)"'),
        several.map(lambda body: f"{{ {body}\n}} 2>/dev/null | cat"),
        st.tuples(inner, inner).map(" && ".join),
        st.tuples(_CONDITIONS, inner).map(" || ".join),
        st.tuples(_WORDS, several).map(
            lambda parts: f"case {parts[0]} in [a-c]*|f) {parts[1]}\n;; *) echo z;; esac"
        ),
    )


# Loops end whatever is in them, since nothing makes `m` shorter. Nothing leaves the folder that a script began in.
_SCRIPTS = st.lists(st.recursive(_PLAIN, _compound, max_leaves=6), min_size=1, max_size=4).map("\n".join)


@settings(max_examples=2, deadline=None, phases=(Phase.generate,))
@given(st.lists(_SCRIPTS, min_size=25, max_size=50))
def test_any_script_does_as_it_does_in_dash(scripts: list[str]) -> None:
    wrong = [
        (script, ours, real)
        for script, real in zip(scripts, with_dash(scripts), strict=True)
        if (ours := with_ours(script)) != real
    ]
    assert min(wrong, key=lambda each: len(each[0]), default=None) is None


_PIECES = """
    echo $x ${x } $(( )) ( ) ' " ` \\ ; && || | & < > <<E if then fi for i in do done while case
    esac ;; * [ ] a 0 -1 99999999999999999999 % printf %d %*s test read set -e eval # ## %% :- ? ! {
    $@ $* $# ~ / .. ls cat head -n wc grep seq tail -c f() f $( cd sleep date +%s cp mv rm -r mkdir
    -p basename tee é exec 2>&1 >&- shift break return trap unset export . nc -l
"""


@given(st.lists(st.tuples(st.sampled_from(_PIECES.split()), st.sampled_from(("", " ", "\n"))), max_size=25))
def test_nothing_that_is_written_breaks_the_shell(pieces: list[tuple[str, str]]) -> None:
    script = "".join(word + space for word, space in pieces)
    try:
        assert 0 <= with_ours(script)[1] < 256
    except (Exhausted, NotPlayed):
        return  # which end what is played, as they should
