"""Build the documentation site: `python scripts/docs_site.py`, or `make docs`. With `--serve`, show it while you write.

The pages stand in docs/ and read well there. For the site they are copied to build/docs, with two differences: links to
files outside docs/ lead to the repository, and the tool reference is written beside them from the tools themselves.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from manifests import TOP, project
from tool_reference import pages

STAGED = TOP / "build" / "docs"


def stage(docs: Path, into: Path, repository: str) -> None:
    """Write the sources of the site: the pages of `docs`, and the tool reference in `tools/`."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(docs, into)
    for page in into.rglob("*.md"):
        origin = docs / page.relative_to(into)
        text = page.read_text(encoding="utf-8")
        page.write_text(outward_links(text, origin, docs, repository), encoding="utf-8")
    (into / "tools").mkdir()
    for name, text in pages().items():
        (into / "tools" / name).write_text(text, encoding="utf-8")


def outward_links(text: str, page: Path, docs: Path, repository: str) -> str:
    """The page with links that leave `docs` leading to the repository."""

    def outward(link: re.Match[str]) -> str:
        path, _, anchor = link[1].partition("#")
        target = Path(os.path.normpath(page.parent / path))
        if target.is_relative_to(docs):
            return link[0]
        in_repository = target.relative_to(docs.parent).as_posix()
        return f"]({repository}/blob/main/{in_repository}{f'#{anchor}' if anchor else ''})"

    return re.sub(r"\]\((?![a-z-]+:|#)([^)]+)\)", outward, text)


def main() -> int:
    """Stage the sources and run Zensical on them."""
    parser = argparse.ArgumentParser(description="Builds the documentation site.")
    parser.add_argument(
        "--serve", action="store_true", help="serve it on this machine, with what stands there now"
    )
    arguments = parser.parse_args()
    stage(TOP / "docs", STAGED, project().repository)
    command = ["serve"] if arguments.serve else ["build", "--strict", "--clean"]
    return subprocess.run([sys.executable, "-m", "zensical", *command], cwd=TOP, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
