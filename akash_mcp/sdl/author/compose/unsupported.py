"""Compose fields that an SDL has no place for: why each is left out, and how to fix what depends on it.

The fields are those of the Compose Specification (compose-spec.io). A field that is neither carried nor named here is
left out all the same, with a plain reason.
"""

from __future__ import annotations

from collections.abc import Mapping

_HOST = "it has to do with the machine, and a provider's machines are its own"
_RIGHTS = "providers grant no rights beyond those of a plain container"
_FILES = "files of your machine do not travel to a provider"
_NAMES = "services reach each other by their names in the SDL"
_MERGE = "only one file is read"
MERGED = "run `docker compose config` and convert what it prints"
_IMAGE = "build it into the image"
_LABELS = "nothing on Akash reads labels"

SERVICE: Mapping[str, tuple[str, str]] = {
    "annotations": (_LABELS, ""),
    "attach": ("it is about your terminal", ""),
    "build": ("a provider does not build images", "build it, push it to a registry and name it as the image"),
    "cap_add": (_RIGHTS, "choose an image that does without"),
    "cap_drop": (_RIGHTS, ""),
    "cgroup": (_HOST, ""),
    "cgroup_parent": (_HOST, ""),
    "configs": (_FILES, f"{_IMAGE}, or pass it in a variable"),
    "cpuset": (_HOST, ""),
    "cpu_shares": ("Akash counts cores", "set cpus"),
    "cpu_quota": ("Akash counts cores", "set cpus"),
    "cpu_period": ("Akash counts cores", "set cpus"),
    "develop": ("it is about your editor", ""),
    "device_cgroup_rules": (_HOST, ""),
    "devices": (_HOST, "for a GPU use deploy.resources.reservations.devices"),
    "dns": (_HOST, ""),
    "dns_opt": (_HOST, ""),
    "dns_search": (_HOST, ""),
    "domainname": (_NAMES, ""),
    "env_file": (_FILES, "write its lines under environment"),
    "external_links": (_NAMES, "give the other's address in a variable"),
    "extra_hosts": (_HOST, "give the address in a variable"),
    "group_add": (_RIGHTS, "set the groups in the image"),
    "healthcheck": ("a provider checks only that the program runs", ""),
    "hostname": (_NAMES, ""),
    "init": (_HOST, "start the program below tini in the image, if it needs it"),
    "isolation": (_HOST, ""),
    "label_file": (_LABELS, ""),
    "logging": ("a provider keeps the logs", "read them with get_logs"),
    "mac_address": (_HOST, ""),
    "memswap_limit": ("providers have no swap", ""),
    "mem_swappiness": ("providers have no swap", ""),
    "oom_kill_disable": (_HOST, ""),
    "oom_score_adj": (_HOST, ""),
    "pid": (_HOST, ""),
    "pids_limit": (_HOST, ""),
    "post_start": ("nothing runs beside the program", "do it in the command"),
    "pre_stop": ("nothing runs beside the program", ""),
    "privileged": (_RIGHTS, "choose an image that does without"),
    "pull_policy": ("a provider pulls what it does not have", "give each version its own tag"),
    "read_only": ("a provider's containers can write to their root disk", ""),
    "secrets": (_FILES, "store it with akash-mcp secret set NAME and write NAME=secret://NAME in env"),
    "security_opt": (_RIGHTS, ""),
    "stdin_open": ("it is about your terminal", ""),
    "stop_grace_period": ("the provider chooses it", ""),
    "stop_signal": ("a provider sends SIGTERM", "set STOPSIGNAL in the image"),
    "storage_opt": (_HOST, ""),
    "sysctls": (_HOST, ""),
    "tty": ("it is about your terminal", ""),
    "ulimits": (_HOST, ""),
    "user": ("an SDL names no user", "set USER in the image"),
    "userns_mode": (_HOST, ""),
    "uts": (_HOST, ""),
    "volumes_from": ("volumes are not shared", "put both programs into one service"),
    "working_dir": (
        "an SDL names no folder",
        "set WORKDIR in the image, or change the folder in the command",
    ),
}
"""Fields of a service, each with its reason and its fix; the fix is empty where nothing needs to be done."""

TOP: Mapping[str, tuple[str, str]] = {
    "version": ("Compose itself has stopped reading it", ""),
    "name": ("an SDL has no name; a deployment gets its own", ""),
    "configs": (_FILES, f"{_IMAGE}, or pass it in a variable"),
    "secrets": (_FILES, "store it with akash-mcp secret set NAME and write NAME=secret://NAME in env"),
    "include": (_MERGE, MERGED),
}
"""Fields at the top of the file, likewise with reason and fix."""
