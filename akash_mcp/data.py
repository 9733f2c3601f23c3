"""Where the Markdown and YAML that travel with the package lie: prompts, examples and the SDL guide.

A wheel carries the folders below `akash_mcp/_data`; an editable checkout has them at its top.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def prompts_dir() -> Path:
    """The folder of prompts, a Markdown file each. Raises `FileNotFoundError` where there is none."""
    return _folder("prompts")


def examples_dir() -> Path:
    """The folder of example SDLs. Raises `FileNotFoundError` where there is none."""
    return _folder("examples")


def guide(name: str) -> str:
    """The text of one page of the documentation that is offered as a resource. Raises `FileNotFoundError`."""
    return (_folder("docs") / name).read_text(encoding="utf-8")


def _folder(name: str) -> Path:
    for place in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"this installation of akash-mcp has no {name} folder: reinstall it")
