"""What a checkout does with and without the text of other people beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SUITE = """\
import pytest, shared_data

@pytest.mark.parametrize("time", [1, 2])
def test_reads(time):
    assert shared_data.require("a.txt").read_text() == "a"

def test_reads_nothing():
    pass
"""
BY_HAND = """
def test_skips_by_hand():
    pytest.skip("something of ../shared/data is not as it should be")
"""


def run(top: Path, suite: str = SUITE, *arguments: str) -> tuple[int, str]:
    """pytest's exit status and what it prints, in a checkout that has our plugin and this one file of tests."""
    tests = top / "checkout" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(TESTS / "shared_data.py", tests)
    (tests / "conftest.py").write_text('pytest_plugins = ["shared_data"]\n')
    (tests / "test_it.py").write_text(suite)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tests),
            *arguments,
            tests,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(top)},
    )
    return done.returncode, done.stdout


def folder(top: Path, *names: str) -> None:
    (top / "shared" / "data").mkdir(parents=True)
    for name in names:
        (top / "shared" / "data" / name).write_text("a")


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "workers"])
def test_without_it_tests_skip_and_are_counted(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, printed = run(tmp_path, SUITE, *arguments)
    assert status == 0
    assert "1 passed, 2 skipped" in printed
    assert "2 tests need other people's text (../shared/data), which is not here" in printed


def test_with_it_nothing_skips(tmp_path: Path) -> None:
    folder(tmp_path, "a.txt")
    status, printed = run(tmp_path)
    assert status == 0
    assert "3 passed" in printed
    assert "skipped" not in printed


def test_a_file_that_is_missing_from_it_fails_its_tests(tmp_path: Path) -> None:
    folder(tmp_path)
    status, printed = run(tmp_path)
    assert status == 1
    assert "2 failed, 1 passed" in printed
    assert "../shared/data is here, but a.txt is missing from it" in printed


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "workers"])
def test_a_skip_for_want_of_what_is_there_fails_the_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder(tmp_path, "a.txt")
    status, printed = run(tmp_path, SUITE + BY_HAND, *arguments)
    assert status == 1
    assert "1 test skipped for want of ../shared/data, which is here: failed" in printed


def test_one_module_knows_where_it_is() -> None:
    """So that nothing skips past the count: a test asks `shared_data`, and names no path of its own."""
    sources = [*TESTS.rglob("*.py"), *(TESTS.parent / "benchmarks").glob("*.py")]
    named = {path.name for path in sources if re.search(r'"(\.\./)?shared\b', path.read_text("utf-8"))}
    assert named == {"shared_data.py", Path(__file__).name}
