"""Prompts: the Markdown files in the folder `prompts/`.

Front matter holds the title, description and arguments, and the toolset that a prompt needs beyond the default ones.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from mcp.server.mcpserver.prompts.base import Message, Prompt, PromptArgument, UserMessage

from akash_mcp.data import prompts_dir


def prompts(toolsets: Collection[str]) -> list[Prompt]:
    """The prompts of a server with these toolsets, sorted by name. A prompt is called as its file."""
    found = (_read(path) for path in sorted(prompts_dir().glob("*.md")))
    return [
        _prompt(name, about, body) for name, about, body in found if about.get("toolset") in (None, *toolsets)
    ]


def _read(path: Path) -> tuple[str, dict[str, Any], str]:
    """The name, front matter and body of a prompt."""
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return path.stem, yaml.safe_load(head), body


def _prompt(name: str, about: dict[str, Any], body: str) -> Prompt:
    arguments: dict[str, str] = about.get("arguments", {})

    def render(**given: str) -> list[Message]:
        return [UserMessage(body.strip().format(**given))]

    return Prompt(
        name=name,
        title=about["title"],
        description=about["description"],
        arguments=[
            PromptArgument(name=each, description=text, required=True) for each, text in arguments.items()
        ],
        fn=render,
        context_kwarg=None,
    )
