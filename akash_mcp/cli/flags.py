"""Settings as flags of `serve`, with what they take and what they mean. It imports nothing that takes time: a host that
waits for the first answer waits for this."""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS: Mapping[str, tuple[str, str]] = {
    "transport": ("HOW", "stdio, http or sse (stdio)"),
    "host": ("ADDRESS", "address that http and sse listen on (127.0.0.1)"),
    "port": ("N", "port that http and sse listen on, 0 for a free one (8427)"),
    "allowed_hosts": ("A,B", "more host names by which http and sse may be reached"),
    "toolsets": (
        "A,B",
        "groups of tools that the agent sees (deploy,observe, and akua where its token is set)",
    ),
    "agent": ("NAME", "in whose name it spends: a budget of the configuration file"),
    "approval": ("HOW", "how what spends or deletes is approved (elicit)"),
    "approval_by_tool": ("TOOL=HOW,…", "how single tools are approved, instead of that"),
    "auto_up_to_usd": ("USD", "what spends at most so much is not asked about (nothing)"),
    "max_usd_per_deployment": ("USD", "most that one deployment may cost (10)"),
    "max_usd_per_day": ("USD", "most that may be committed within 24 hours (20)"),
    "max_usd_per_month": ("USD", "most that may be committed in a calendar month, UTC (no limit)"),
    "max_usd_total": ("USD", "most that may be committed in all (no limit)"),
    "max_usd_per_hour": ("USD", "highest rate of one deployment (no limit)"),
    "max_usd_per_hour_together": ("USD", "highest rate of all open deployments together (no limit)"),
    "max_deployments": ("N", "most deployments at once (5)"),
    "default_hours": ("N", "hours that a run lasts which names none (24)"),
    "max_hours": ("N", "most hours that a run may last (720)"),
    "allowed_providers": ("A,B", "only these providers may get a lease"),
    "denied_providers": ("A,B", "these providers never get a lease"),
    "allow_private_providers": ("CIDR,…", "networks of private provider hosts that may be contacted"),
    "notify_command": ("COMMAND", "program that is told what was found or done unasked"),
    "console_url": ("URL", "Console API"),
    "console_generation": (
        "NAME",
        "which Console API answers (found out by asking it)",
    ),
    "project_id": ("ID", "project of an organization that deployments are created and listed in"),
    "chain_rest_url": ("URL", "Cosmos REST endpoint of an Akash node"),
    "akua_url": ("URL", "API of Akua, which is another service than Akash"),
    "akua_workspace": ("NAME", "Akua workspace by id, slug or name, where the token reaches several"),
    "ca_file": ("FILE", "PEM file of more authorities that the Console, the chain and Akua may be proven by"),
    "state_dir": ("DIR", "folder of the ledger and the journal"),
}
"""Fields of `config.Settings` that are flags of `serve`. Secrets are not among them: other users see a command line."""

SWITCHES: Mapping[str, str] = {
    "sandbox": "serve an embedded network with play money",
    "read_only": "offer no tool that spends or changes anything",
    "audited_only": "only audited providers may get a lease",
    "allow_auto_top_up": "automatic top-up may be switched on: only the end of a run bounds it then",
    "debug": "log more, with tracebacks, on stderr",
}
