"""How the flags of `serve` that stand for settings are shown and read: in groups, typed, each with its variable."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from akash_mcp.cli.flags import SETTINGS, SWITCHES
from akash_mcp.cli.readers import GENERATIONS, dollars, folder, rules_of, some_of, whole

TRANSPORTS = ("stdio", "http", "sse")
TOOLSETS = ("deploy", "observe", "market", "account", "exec", "sdl", "akua", "akua-clusters")
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
    "akua_create_package",
    "akua_create_install",
    "akua_update_install",
    "akua_delete_install",
    "akua_create_cluster",
    "akua_set_cluster_power",
    "akua_set_autoscaling",
)
MOST_HOURS = 8_760
"""As `config` knows them; a test holds the two together. Importing it takes longer than all of `--help`."""

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "to try it": ("sandbox",),
    "how clients connect": ("transport", "host", "port", "allowed_hosts"),
    "what the agent gets": ("toolsets", "read_only", "agent"),
    "what you are asked": ("approval", "approval_by_tool", "auto_up_to_usd"),
    "how much it may cost": (
        "max_usd_per_deployment",
        "max_usd_per_day",
        "max_usd_per_month",
        "max_usd_total",
        "max_usd_per_hour",
        "max_usd_per_hour_together",
        "max_deployments",
        "default_hours",
        "max_hours",
        "allow_auto_top_up",
    ),
    "who may run it": ("allowed_providers", "denied_providers", "audited_only", "allow_private_providers"),
}
_THE_OTHERS = "where things are"

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "transport": TRANSPORTS,
    "approval": APPROVALS,
    "console_generation": GENERATIONS,
}
_READERS: Mapping[str, Callable[[str], object]] = {
    "port": whole(0, 65_535),
    "toolsets": some_of(TOOLSETS),
    "approval_by_tool": rules_of(APPROVED_TOOLS, APPROVALS),
    "max_deployments": whole(0, 1000),
    "default_hours": whole(1, MOST_HOURS),
    "max_hours": whole(1, MOST_HOURS),
    "state_dir": folder,
}
_ALIASES = {
    "console_url": "AKASH_CONSOLE_URL",
    "chain_rest_url": "AKASH_CHAIN_REST_URL",
    "akua_url": "AKUA_API_URL",
    "akua_workspace": "AKUA_WORKSPACE",
}


def variable_of(name: str) -> str:
    """The variable that people set in place of the flag."""
    return _ALIASES.get(name, f"AKASH_MCP_{name.upper()}")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting but `debug`, in its group. None where it is not given."""
    left = [name for name in (*SETTINGS, *SWITCHES) if name != "debug"]
    for title, names in {**_GROUPS, _THE_OTHERS: tuple(left)}.items():
        group = parser.add_argument_group(title)
        for name in names:
            if name in left:
                left.remove(name)
                _add(group, name)


def _add(group: argparse._ArgumentGroup, name: str) -> None:
    flag = "--" + name.replace("_", "-")
    if name in SWITCHES:
        text = f"{SWITCHES[name]} [{variable_of(name)}]"
        group.add_argument(flag, action="store_true", default=None, help=text)
        return
    metavar, text = SETTINGS[name]
    choices = _CHOICES.get(name)
    group.add_argument(
        flag,
        metavar=f"{{{','.join(choices)}}}" if choices else metavar,
        type=_READERS.get(name, dollars if metavar == "USD" else str),
        choices=choices,
        help=f"{text} [{variable_of(name)}]",
    )
