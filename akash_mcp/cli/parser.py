"""The words of the command line: which commands there are, and what each takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from akash_mcp import __version__
from akash_mcp.cli import commands
from akash_mcp.cli.flags import CHECK_IMAGES, DRAFT, SETTINGS, SWITCHES
from akash_mcp.cli.login_words import add_arguments as add_login_arguments


def build_parser() -> argparse.ArgumentParser:
    """What reads a command line: `run` of what it gives is the function that carries the command out."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", default=None, help=SWITCHES["debug"])
    parser = argparse.ArgumentParser(
        prog="akash-mcp",
        description="Lets an AI agent run workloads on Akash Network without losing its owner's money. "
        "Without a command it serves MCP.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"akash-mcp {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=help, description=help, parents=[common], allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    serve = command("serve", commands.serve, "serve MCP (what happens without a command)")
    serve.add_argument("--sandbox", action="store_true", help="serve an embedded network with play money")
    serve.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="the embedded network runs X times faster"
    )
    for name, (metavar, text) in SETTINGS.items():
        serve.add_argument("--" + name.replace("_", "-"), metavar=metavar, help=text)
    for name, text in SWITCHES.items():
        if name != "debug":
            serve.add_argument("--" + name.replace("_", "-"), action="store_true", default=None, help=text)

    sandbox = command(
        "sandbox", commands.sandbox, "run the embedded network alone and print its addresses as JSON"
    )
    sandbox.add_argument(
        "--seed", type=_whole(2**63), default=7, metavar="N", help="the same seed gives the same network (7)"
    )
    sandbox.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="time runs X times faster (1)"
    )
    _add_network_flags(sandbox)
    sandbox.add_argument(
        "--trial", action="store_true", help="its wallet is a trial wallet that was never paid for"
    )
    sandbox.add_argument(
        "--organizations",
        action="store_true",
        help="2026-11 has projects, a colleague, and keys that reach less",
    )
    sandbox.add_argument(
        "--strict", action="store_true", help="2026-11 tells nothing that its own document does not name"
    )
    sandbox.add_argument(
        "--block-seconds",
        type=float,
        choices=(6.0, 6.098),
        default=6.098,
        help="how long a block of its chain lasts (6.098)",
    )
    sandbox.add_argument(
        "--port", type=_whole(65_535), default=0, metavar="N", help="port of its Console API (a free one)"
    )

    demo = command(
        "demo", commands.demo, "deploy on the embedded network through a real MCP client, end to end"
    )
    demo.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an SDL of your own")
    demo.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    demo.add_argument("--speed", type=_speed, default=20.0, metavar="X", help="time runs X times faster (20)")

    _add_network_flags(demo)

    lint = command("lint", commands.lint, "check SDL files against Console, chain and provider rules")
    lint.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lint.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    _add_image_flags(lint)

    draft = command("draft", commands.draft, "write the SDL of one container")
    for name, (metavar, text) in DRAFT.items():
        many = name in ("env", "command", "args", "gpu_models")
        draft.add_argument(
            "--" + name.replace("_", "-").removesuffix("-models" if many else ""),
            dest=name,
            action="append" if many else "store",
            type=_whole(2**32) if name in ("port", "gpus", "count") else str,
            required=name == "image",
            metavar=metavar,
            help=text,
        )
    draft.add_argument(
        "--attribute",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="attribute of the provider; repeatable",
    )
    draft.add_argument(
        "--max-usd-per-hour", metavar="USD", help="price ceiling of all replicas together (by size)"
    )
    draft.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the SDL there")
    draft.add_argument("--check-images", action="store_true", help=CHECK_IMAGES)

    convert = command(
        "import", commands.import_, "convert a compose file to an SDL and list what it leaves out"
    )
    convert.add_argument("file", type=Path, metavar="FILE")
    for name, metavar, kind, text in (
        ("--env", "NAME=VALUE", str, "value for ${NAME}"),
        ("--env-file", "FILE", Path, "values in a .env file; --env wins over it"),
        ("--allow-missing", "NAME", str, "a variable without a value is empty, as Compose has it"),
        ("--accept", "KIND", str, "something that protects may be lost, such as user or read_only"),
        ("--image", "SERVICE=IMAGE", str, "image of a service that is built"),
    ):
        convert.add_argument(
            name, type=kind, action="append", default=[], metavar=metavar, help=f"{text}; repeatable"
        )
    convert.add_argument(
        "--read-env-files",
        action="store_true",
        help="read what services name under env_file, if it lies below the compose file's folder",
    )
    convert.add_argument(
        "--open",
        action="append",
        default=[],
        metavar="SERVICE:PORT",
        help="open a database's or an unguarded page's port to the Internet all the same; repeatable",
    )
    convert.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the SDL there")
    convert.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    _add_image_flags(convert)

    secret = command("secret", commands.secret, "store secrets that an SDL names as secret://NAME")
    actions = secret.add_subparsers(metavar="ACTION", dest="action", required=True)
    for action, text in (
        ("set", "store a value, asked for without showing it, or read from standard input"),
        ("list", "names, where each is kept and since when; never a value"),
        ("rm", "forget one"),
    ):
        each = actions.add_parser(action, help=text, description=text, allow_abbrev=False)
        each.add_argument("--state-dir", metavar="DIR", help=SETTINGS["state_dir"][1])
        if action == "list":
            each.add_argument("--json", action="store_true", help="print one JSON array instead of text")
        else:
            each.add_argument("name", metavar="NAME")
        if action == "set":
            each.add_argument(
                "--from-env",
                metavar="VAR",
                help="store no value: the server reads it from this variable of its environment",
            )

    add_login_arguments(command)

    approve = command("approve", commands.approve, "answer what an agent asks for where approval is terminal")
    approve.add_argument("id", nargs="?", metavar="ID", help="show this plan whole and answer it")
    approve.add_argument("--watch", action="store_true", help="ask about each plan as it comes")
    approve.add_argument("--state-dir", metavar="DIR", help=SETTINGS["state_dir"][1])

    ledger = command(
        "ledger", commands.ledger, "show what runs, until when, and what was spent; settle by hand"
    )
    ledger.add_argument("--json", action="store_true", help="print one JSON array instead of text")
    ledger.add_argument("--verify", action="store_true", help="check that the audit is whole")
    ledger.add_argument("--state-dir", metavar="DIR", help=SETTINGS["state_dir"][1])
    by_hand = ledger.add_subparsers(metavar="ACTION", dest="action")
    text = "write down what an operation cost, where nobody can look that up"
    settle = by_hand.add_parser("settle", help=text, description=text, allow_abbrev=False)
    settle.add_argument("operation", metavar="OP", help="its op_id")
    settle.add_argument(
        "--state-dir", default=argparse.SUPPRESS, metavar="DIR", help=SETTINGS["state_dir"][1]
    )
    settle.add_argument("--spent", required=True, metavar="USD", help="what it cost, 0 where nothing")

    usage = command("usage", commands.usage, "show what the account spent by day, and what runs costs")
    usage.add_argument("--days", type=_days, default=14, metavar="N", help="days of the plot, up to 366 (14)")
    usage.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    usage.add_argument("--state-dir", metavar="DIR", help=SETTINGS["state_dir"][1])

    watch = command(
        "watch",
        commands.watch,
        "end what should be ended, and tell what is not as approved, without a server",
    )
    how = watch.add_mutually_exclusive_group()
    how.add_argument(
        "--once", action="store_true", help="look one time, for cron; 1 where something is left open"
    )
    how.add_argument(
        "--install", action="store_true", help="have this system keep it running (systemd, launchd, schtasks)"
    )
    how.add_argument("--uninstall", action="store_true", help="take back what --install did")
    watch.add_argument(
        "--print", action="store_true", help="with --install: show what would be written, and write nothing"
    )
    watch.add_argument(
        "--every", type=_minutes, metavar="MIN", help="minutes between two looks (half a minute)"
    )
    watch.add_argument(
        "--for",
        dest="seconds",
        type=_whole(86_400),
        default=120,
        metavar="SECONDS",
        help="with --once: how long to wait until what it took up has ended (120)",
    )
    watch.add_argument("--state-dir", metavar="DIR", help=SETTINGS["state_dir"][1])

    doctor = command("doctor", commands.doctor, "check settings, key, network and clock, and say what to do")
    doctor.add_argument(
        "--fix", action="store_true", help="also end what should be ended, as akash-mcp watch --once does"
    )
    for each in (watch, doctor):
        each.add_argument(
            "--speed",
            type=_speed,
            default=1.0,
            metavar="X",
            help="an embedded network runs X times faster (1)",
        )

    install = command("install", commands.install, "show the configuration for a host application")
    install.add_argument("host", metavar="HOST", help="claude-desktop, claude-code, cursor or vscode")
    install.add_argument(
        "--write", action="store_true", help="merge it into the host's file and keep a backup"
    )
    return parser


def _add_image_flags(command: argparse.ArgumentParser) -> None:
    """Flags of the commands that read files with images."""
    command.add_argument("--check-images", action="store_true", help=CHECK_IMAGES)
    command.add_argument(
        "--registry",
        action="append",
        default=[],
        metavar=DRAFT["registry"][0],
        help="credentials of a registry, for the images that come from there; repeatable",
    )


def _add_network_flags(command: argparse.ArgumentParser) -> None:
    """Flags of the commands that run an embedded network."""
    command.add_argument(
        "--generation",
        choices=("2025", "reference", "2026-11"),
        default="reference",
        help="which Console API it plays (reference)",
    )
    command.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[*COUNT][=VALUE]",
        help="something that goes wrong; repeatable",
    )


def _speed(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 10_000:
        raise argparse.ArgumentTypeError("write a number from 0.01 to 10000")
    return value


def _minutes(text: str) -> int:
    value = _whole(59)(text)
    if not value:
        raise argparse.ArgumentTypeError("write whole minutes, from 1 to 59")
    return value


def _days(text: str) -> int:
    value = _whole(366)(text)
    if not value:
        raise argparse.ArgumentTypeError("write whole days, from 1 to 366")
    return value


def _whole(most: int) -> Callable[[str], int]:
    """Reads a whole number from 0 to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
            raise argparse.ArgumentTypeError(f"write a whole number from 0 to {most}")
        return int(text)

    return read
