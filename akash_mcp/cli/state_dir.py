"""The settings of a command that may be given another state folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp import config
from akash_mcp.config import Settings


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings in force, with the folder of `--state-dir` where that was given."""
    return config.load({} if arguments.state_dir is None else {"state_dir": arguments.state_dir})


def state_dir(arguments: argparse.Namespace) -> Path:
    """The state folder of a command that works on it alone."""
    return settings_of(arguments).state_dir
