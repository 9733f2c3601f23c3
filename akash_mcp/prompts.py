"""Prompts: the Markdown files in the folder `prompts/`. Front matter holds the title, description and arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from mcp.server.mcpserver.prompts.base import Message, Prompt, PromptArgument, UserMessage

from akash_mcp.data import prompts_dir


def prompts() -> list[Prompt]:
    """All prompts, sorted by name. A prompt is called as its file."""
    return [_prompt(path) for path in sorted(prompts_dir().glob("*.md"))]


def _prompt(path: Path) -> Prompt:
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    about: dict[str, Any] = yaml.safe_load(head)
    arguments: dict[str, str] = about.get("arguments", {})

    def render(**given: str) -> list[Message]:
        return [UserMessage(body.strip().format(**given))]

    return Prompt(
        name=path.stem,
        title=about["title"],
        description=about["description"],
        arguments=[
            PromptArgument(name=name, description=text, required=True) for name, text in arguments.items()
        ],
        fn=render,
        context_kwarg=None,
    )
