"""Other people's text, which tests and benchmarks read beside the checkout: where it is, and what happens without it.

Real SDLs, the Console's OpenAPI document and token vectors are not copied into this repository. Where their folder is
absent, a test that needs them skips, and pytest's last lines say how many did. Where the folder is there, nothing may
skip for want of it: a file that is missing then fails its test, on every machine and not only in CI, since a damaged
folder is an accident while an absent one is a choice.

conftest.py loads this as a pytest plugin.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
NAME = "../shared/data"
ABSENT = f"needs other people's text ({NAME}), which is not here"


def find(name: str) -> Path | None:
    """A file or folder by its path below the folder; None where the whole folder is absent.

    Raises `FileNotFoundError` where the folder is there without it.
    """
    if not FOLDER.is_dir():
        return None
    path = FOLDER / name
    if not path.exists():
        raise FileNotFoundError(f"{NAME} is here, but {name} is missing from it")
    return path


def require(name: str) -> Path:
    """What `find` finds; where the folder is absent, the running test skips."""
    path = find(name)
    if path is None:
        pytest.skip(ABSENT)
    return path


needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)
"""For tests that read such text while they are collected."""


def _skipped(reporter: pytest.TerminalReporter) -> int:
    """How many tests skipped for want of the folder. A reason that names it in other words counts as well."""
    return sum(NAME in str(report.longrepr) for report in reporter.stats.get("skipped", ()))


def _reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    """The terminal's reporter, which only the process that reports has: workers of xdist have none."""
    found: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    count = _skipped(terminalreporter)
    tests = "1 test" if count == 1 else f"{count} tests"
    if not FOLDER.is_dir():
        needs = "needs" if count == 1 else "need"
        terminalreporter.write_line(f"{tests} {needs} other people's text ({NAME}), which is not here")
    elif count:
        terminalreporter.write_line(f"{tests} skipped for want of {NAME}, which is here: failed", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run where a test skipped for want of what is there."""
    reporter = _reporter(session.config)
    if reporter is not None and FOLDER.is_dir() and _skipped(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
