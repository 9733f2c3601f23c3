"""The words of `akash-mcp completion`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: CommandParser) -> None:
    """Add its word."""
    parser.add_argument("shell", choices=SHELLS, metavar="{bash,zsh,fish}", help="your shell")
    parser.examples(
        "akash-mcp completion bash > ~/.local/share/bash-completion/completions/akash-mcp",
        "akash-mcp completion zsh  > ~/.zfunc/_akash-mcp   # with fpath+=~/.zfunc before compinit",
        "akash-mcp completion fish > ~/.config/fish/completions/akash-mcp.fish",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from akash_mcp.cli import completion

    return completion.run(arguments.shell)
