"""Settings as flags of `serve`, in groups that can be read, each with its variable. No secret is among them: other
users of a machine see a command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple

from akash_mcp.cli.flags import GENERATIONS, STATE_DIR, dollars, folder, rules_of, some_of, whole

TRANSPORTS = ("stdio", "http", "sse")
TOOLSETS = ("deploy", "observe", "market", "account", "exec", "sdl")
APPROVALS = ("elicit", "two-step", "terminal", "auto", "deny")
APPROVED_TOOLS = (
    "deploy",
    "create_deployment",
    "create_lease",
    "add_funds",
    "update_deployment",
    "close_deployment",
    "set_auto_top_up",
    "create_certificate",
    "run_command",
)
"""As `config` knows them; a test holds the two together. Importing it takes longer than all of `--help`."""

MOST_HOURS = 8_760
_ALIASES = {"console_url": "AKASH_CONSOLE_URL", "chain_rest_url": "AKASH_CHAIN_REST_URL"}


class SettingFlag(NamedTuple):
    """One setting as a flag. A `metavar` of None is a switch; `choices` are all that it takes."""

    help: str
    metavar: str | None = None
    read: Callable[[str], object] = str
    choices: tuple[str, ...] | None = None


GROUPS: Mapping[str, Mapping[str, SettingFlag]] = {
    "how clients connect": {
        "transport": SettingFlag(
            "how: stdio unless you say so", choices=TRANSPORTS, metavar="{stdio,http,sse}"
        ),
        "host": SettingFlag("address that http and sse listen on (127.0.0.1)", "ADDRESS"),
        "port": SettingFlag(
            "port that http and sse listen on, 0 for a free one (8427)", "N", whole(0, 65_535)
        ),
        "allowed_hosts": SettingFlag("more host names by which http and sse may be reached", "A,B"),
    },
    "what the agent gets": {
        "toolsets": SettingFlag(
            f"groups of tools, of {', '.join(TOOLSETS)} (deploy,observe)", "A,B", some_of(TOOLSETS)
        ),
        "read_only": SettingFlag("offer no tool that spends or changes anything"),
        "agent": SettingFlag("in whose name it spends: a budget of the configuration file", "NAME"),
    },
    "what you are asked": {
        "approval": SettingFlag(
            "how what spends or deletes is approved (elicit)",
            choices=APPROVALS,
            metavar=f"{{{','.join(APPROVALS)}}}",
        ),
        "approval_by_tool": SettingFlag(
            "how single tools are approved, instead of that",
            "TOOL=HOW,…",
            rules_of(APPROVED_TOOLS, APPROVALS),
        ),
        "auto_up_to_usd": SettingFlag(
            "what spends at most so much is not asked about (nothing)", "USD", dollars
        ),
    },
    "how much it may cost": {
        "max_usd_per_deployment": SettingFlag("most that one deployment may cost (10)", "USD", dollars),
        "max_usd_per_day": SettingFlag("most that may be committed within 24 hours (20)", "USD", dollars),
        "max_usd_per_month": SettingFlag(
            "most that may be committed in a calendar month, UTC (no limit)", "USD", dollars
        ),
        "max_usd_total": SettingFlag("most that may be committed in all (no limit)", "USD", dollars),
        "max_usd_per_hour": SettingFlag("highest rate of one deployment (no limit)", "USD", dollars),
        "max_usd_per_hour_together": SettingFlag(
            "highest rate of all open deployments together (no limit)", "USD", dollars
        ),
        "max_deployments": SettingFlag("most deployments at once (5)", "N", whole(0, 1000)),
        "default_hours": SettingFlag(
            "hours that a run lasts which names none (24)", "N", whole(1, MOST_HOURS)
        ),
        "max_hours": SettingFlag("most hours that a run may last (720)", "N", whole(1, MOST_HOURS)),
        "allow_auto_top_up": SettingFlag(
            "automatic top-up may be switched on: only the end of a run bounds it then"
        ),
    },
    "who may run it": {
        "allowed_providers": SettingFlag("only these providers may get a lease", "A,B"),
        "denied_providers": SettingFlag("these providers never get a lease", "A,B"),
        "audited_only": SettingFlag("only audited providers may get a lease"),
        "allow_private_providers": SettingFlag(
            "networks of private provider hosts that may be contacted", "CIDR,…"
        ),
    },
    "where things are": {
        "state_dir": SettingFlag(STATE_DIR, "DIR", folder),
        "notify_command": SettingFlag("program that is told what was found or done unasked", "COMMAND"),
        "console_url": SettingFlag("Console API", "URL"),
        "console_generation": SettingFlag(
            "which Console API answers (found out by asking it)",
            choices=GENERATIONS,
            metavar=f"{{{','.join(GENERATIONS)}}}",
        ),
        "project_id": SettingFlag(
            "project of an organization that deployments are created and listed in", "ID"
        ),
        "chain_rest_url": SettingFlag("Cosmos REST endpoint of an Akash node", "URL"),
    },
}

NAMES = (*(name for group in GROUPS.values() for name in group), "debug")
"""Fields of `config.Settings` that are flags of `serve`."""


def variable_of(name: str) -> str:
    """The variable that people set in place of the flag."""
    return _ALIASES.get(name, f"AKASH_MCP_{name.upper()}")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting, in its group. None where it is not given."""
    for title, flags in GROUPS.items():
        group = parser.add_argument_group(title)
        for name, flag in flags.items():
            word = "--" + name.replace("_", "-")
            text = f"{flag.help} [{variable_of(name)}]"
            if flag.metavar is None:
                group.add_argument(word, action="store_true", default=None, help=text)
            else:
                group.add_argument(
                    word, metavar=flag.metavar, type=flag.read, choices=flag.choices, help=text
                )
