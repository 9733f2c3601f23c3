"""The words of `akash-mcp draft`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import REGISTRY, add_check_images, add_json, add_output
from akash_mcp.cli.readers import dollars, whole

_MOST = 2**32 - 1


class _Flag(NamedTuple):
    """One argument of a draft. `word` where the flag has another name than the argument; `choices` are all it takes."""

    metavar: str
    help: str
    read: Callable[[str], object] = str
    word: str = ""
    repeats: bool = False
    choices: tuple[str, ...] | None = None


_GROUPS: Mapping[str, Mapping[str, _Flag]] = {
    "the container": {
        "image": _Flag("IMAGE", "container image, best with a version tag"),
        "name": _Flag("NAME", "name of the service (app)"),
        "port": _Flag(
            "N",
            "port that the container listens on (what a checked image says, else its usual one, else 80)",
            whole(1, 65_535),
        ),
        "protocol": _Flag(
            "{http,tcp,udp}",
            "http gets a web address, tcp and udp a port of the provider's choosing (by the port)",
            choices=("http", "tcp", "udp"),
        ),
        "env": _Flag("NAME=VALUE", "environment variable; repeatable", repeats=True),
        "command": _Flag("WORD", "replaces the image's entry point; repeatable", repeats=True),
        "args": _Flag("WORD", "argument; repeatable, as --args=-x where it begins with a dash", repeats=True),
        "count": _Flag("N", "replicas (1)", whole(1, _MOST)),
        "registry": _Flag(REGISTRY, "credentials of the image's registry: the password by a secret's name"),
    },
    "its size": {
        "cpu": _Flag("CORES", "cores, or millicores such as 500m (0.5)"),
        "memory": _Flag("SIZE", "such as 512Mi (1Gi; with GPUs what a model that fits them needs)"),
        "storage": _Flag("SIZE", "the root disk (1Gi; with GPUs more)"),
        "mount": _Flag("PATH", "add a disk that lasts as long as the lease"),
        "mount_size": _Flag("SIZE", "size of that disk (10Gi; with GPUs more)"),
        "mount_class": _Flag(
            "{beta3,beta2,beta1}",
            "NVMe, SSD or HDD (beta3, NVMe)",
            choices=("beta3", "beta2", "beta1"),
        ),
        "gpus": _Flag("N", "NVIDIA GPUs of each replica (0)", whole(0, _MOST)),
        "gpu_models": _Flag(
            "MODEL", "a model that will do, such as rtx4090; repeatable", word="--gpu", repeats=True
        ),
        "gpu_ram": _Flag("SIZE", "memory of one GPU, such as 24Gi"),
    },
    "where, and for how much": {
        "region": _Flag("REGION", "where, as providers say it, such as us-west"),
    },
}

DRAFT = tuple(name for group in _GROUPS.values() for name in group)
"""Arguments of `sdl.author.draft.draft` that are flags by themselves."""


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.usage = f"{parser.prog} --image IMAGE [FLAG ...]"
    for title, flags in _GROUPS.items():
        group = parser.add_argument_group(title)
        for name, flag in flags.items():
            group.add_argument(
                flag.word or "--" + name.replace("_", "-"),
                dest=name,
                action="append" if flag.repeats else "store",
                type=flag.read,
                choices=flag.choices,
                required=name == "image",
                metavar=flag.metavar,
                help=flag.help,
            )
    group.add_argument(
        "--attribute",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="attribute of the provider; repeatable",
    )
    group.add_argument(
        "--max-usd-per-hour",
        type=dollars,
        metavar="USD",
        help="price ceiling of all replicas together (by size)",
    )
    add_output(parser)
    add_json(parser)
    add_check_images(parser)
    parser.examples(
        "akash-mcp draft --image nginx:1.28.0-alpine -o deploy.yaml",
        "akash-mcp draft --image ghcr.io/me/app:1.2 --port 3000 --memory 2Gi --env LOG=debug",
        "akash-mcp draft --image vllm/vllm-openai:v0.11.0 --gpus 1 --gpu rtx4090 --max-usd-per-hour 0.5",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the SDL."""
    from akash_mcp.cli import draft

    return draft.run(
        {name: value for name in DRAFT if (value := getattr(arguments, name)) is not None},
        attributes=arguments.attribute,
        max_usd_per_hour=arguments.max_usd_per_hour,
        output=arguments.output,
        overwrites=arguments.force,
        check_images=arguments.check_images,
        as_json=arguments.json,
    )
