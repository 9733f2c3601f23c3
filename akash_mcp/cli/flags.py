"""Flags that stand for a setting or an argument by its own name, with what they take and what they mean."""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS: Mapping[str, tuple[str, str]] = {
    "transport": ("NAME", "stdio (default), http or sse"),
    "host": ("ADDRESS", "address that http and sse listen on (127.0.0.1)"),
    "port": ("N", "port that http and sse listen on (8427)"),
    "allowed_hosts": ("A,B", "more host names by which http and sse may be reached"),
    "toolsets": ("A,B", "groups of tools that the agent sees (deploy,observe)"),
    "agent": ("NAME", "in whose name it spends: a budget of the configuration file"),
    "approval": ("HOW", "elicit (default), two-step, terminal, auto or deny"),
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
        "which Console API answers: 2025, reference or 2026-11 (found out by asking it)",
    ),
    "project_id": ("ID", "project of an organization that deployments are created and listed in"),
    "chain_rest_url": ("URL", "Cosmos REST endpoint of an Akash node"),
    "ca_file": ("FILE", "PEM file of more authorities that the Console and the chain may be proven by"),
    "state_dir": ("DIR", "folder of the ledger and the journal"),
}
"""Fields of `config.Settings` that are flags of `serve`. Secrets are not among them: other users see a command line."""

DRAFT: Mapping[str, tuple[str, str]] = {
    "image": ("IMAGE", "container image, best with a version tag"),
    "name": ("NAME", "name of the service (app)"),
    "port": (
        "N",
        "port that the container listens on (what a checked image says, else its usual one, else 80)",
    ),
    "protocol": (
        "NAME",
        "http gets a web address, tcp and udp a port of the provider's choosing (by the port)",
    ),
    "cpu": ("CORES", "cores, or millicores such as 500m (0.5)"),
    "memory": ("SIZE", "such as 512Mi (1Gi; with GPUs what a model that fits them needs)"),
    "storage": ("SIZE", "the root disk (1Gi; with GPUs more)"),
    "mount": ("PATH", "add a disk that lasts as long as the lease"),
    "mount_size": ("SIZE", "size of that disk (10Gi; with GPUs more)"),
    "mount_class": ("CLASS", "beta3 (default, NVMe), beta2 (SSD) or beta1 (HDD)"),
    "gpus": ("N", "NVIDIA GPUs of each replica (0)"),
    "gpu_models": ("MODEL", "a model that will do, such as rtx4090; repeatable"),
    "gpu_ram": ("SIZE", "memory of one GPU, such as 24Gi"),
    "env": ("NAME=VALUE", "environment variable; repeatable"),
    "command": ("WORD", "replaces the image's entry point; repeatable"),
    "args": ("WORD", "argument; repeatable, as --args=-x where it begins with a dash"),
    "count": ("N", "replicas (1)"),
    "region": ("REGION", "where, as providers say it, such as us-west"),
    "registry": (
        "HOST=USER:secret://NAME",
        "credentials of the image's registry: the password by a secret's name",
    ),
}
"""Arguments of `sdl.draft.draft` that are flags of `draft`."""

SWITCHES: Mapping[str, str] = {
    "read_only": "offer no tool that spends or changes anything",
    "audited_only": "only audited providers may get a lease",
    "allow_auto_top_up": "automatic top-up may be switched on: only the end of a run bounds it then",
    "debug": "log more, with tracebacks, on stderr",
}

CHECK_IMAGES = "ask registries whether the image is there and can be pulled; status 1 where it surely cannot"
