"""The command line. A command's module is imported when it is run, so `--help` and `--version` are instant.

Exit status: 0 fine, 1 something went wrong and stderr says what in plain lines, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from akash_mcp import __version__
from akash_mcp.cli.output import take_any_encoding, wrapped
from akash_mcp.cli.to_person import to_person
from akash_mcp.errors import AkashError, BadArgument

_SETTINGS: Mapping[str, tuple[str, str]] = {
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
    "state_dir": ("DIR", "folder of the ledger and the journal"),
}
"""Fields of `config.Settings` that are flags of `serve`. Secrets are not among them: other users see a command line."""

_DRAFT: Mapping[str, tuple[str, str]] = {
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

_SWITCHES: Mapping[str, str] = {
    "read_only": "offer no tool that spends or changes anything",
    "audited_only": "only audited providers may get a lease",
    "allow_auto_top_up": "automatic top-up may be switched on: only the end of a run bounds it then",
    "debug": "log more, with tracebacks, on stderr",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Wrong usage leaves through argparse's `SystemExit(2)`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "serve")
    take_any_encoding()
    arguments = _parser().parse_args(words)
    debug = bool(arguments.debug)
    _log_to_stderr(debug=debug)
    sys.excepthook = _log_traceback if debug else _say_plainly
    run: Callable[[argparse.Namespace], int] = arguments.run
    status = 1
    try:
        status = run(arguments)
    except* AkashError as group:  # a server's task group wraps what its tasks raise
        for error in _leaves(group):
            said = f"akash-mcp: {_without_secrets(to_person(str(error)))}"
            sys.stderr.write(f"{wrapped(said, sys.stderr)}\n")
        if debug:
            logging.getLogger(__name__).debug("the errors above came from here", exc_info=True)
    except* KeyboardInterrupt:
        status = 130  # as a shell reports SIGINT
    except* BrokenPipeError:
        # The reader of our output (`| head`) has left; Python would complain once more when it flushes at
        # exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _serve(arguments: argparse.Namespace) -> int:
    from akash_mcp import config

    given = {name: getattr(arguments, name) for name in (*_SETTINGS, *_SWITCHES)}
    settings = config.load({name: value for name, value in given.items() if value is not None})
    from akash_mcp.cli import (
        serve,  # after the settings, so that a wrong one is reported before the SDK is imported
    )

    return serve.run(settings, sandbox=arguments.sandbox, speed=arguments.speed)


def _sandbox(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import sandbox
    from akash_mcp.sandbox.network import Options

    return sandbox.run(
        Options(
            seed=arguments.seed,
            speed=arguments.speed,
            faults=tuple(arguments.fault),
            generation=arguments.generation,
            trial=arguments.trial,
            strict=arguments.strict,
            organizations=arguments.organizations,
            block_seconds=arguments.block_seconds,
            console_port=arguments.port,
        )
    )


def _demo(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import demo

    return demo.run(
        arguments.file,
        as_json=arguments.json,
        speed=arguments.speed,
        generation=arguments.generation,
        faults=tuple(arguments.fault),
    )


def _lint(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import lint

    if arguments.registry and not arguments.check_images:
        raise BadArgument(
            "--registry of lint goes with --check-images: a registry is not asked without it.", money=""
        )
    return lint.run(
        arguments.files,
        as_json=arguments.json,
        check_images=arguments.check_images,
        logins=arguments.registry,
    )


def _draft(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import draft

    return draft.run(
        {name: value for name in _DRAFT if (value := getattr(arguments, name)) is not None},
        attributes=arguments.attribute,
        max_usd_per_hour=arguments.max_usd_per_hour,
        output=arguments.output,
        check_images=arguments.check_images,
    )


def _import(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import import_compose

    return import_compose.run(
        arguments.file,
        variables=arguments.env,
        env_files=arguments.env_file,
        allow_missing=arguments.allow_missing,
        images=arguments.image,
        accept=arguments.accept,
        reads_env_files=arguments.read_env_files,
        opened=arguments.open,
        output=arguments.output,
        as_json=arguments.json,
        logins=arguments.registry,
        check_images=arguments.check_images,
    )


def _doctor(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import doctor

    return doctor.run(config.load(), fix=arguments.fix, speed=arguments.speed)


def _watch(arguments: argparse.Namespace) -> int:
    if arguments.install or arguments.uninstall:
        from akash_mcp.cli import watch_install

        if arguments.uninstall:
            return watch_install.uninstall()
        return watch_install.install(every=arguments.every, only_print=arguments.print)
    from akash_mcp import config
    from akash_mcp.cli import watch

    settings = config.load({} if arguments.state_dir is None else {"state_dir": arguments.state_dir})
    return watch.run(
        settings,
        once=arguments.once,
        seconds=arguments.seconds,
        every=arguments.every,
        speed=arguments.speed,
    )


def _install(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import install

    return install.run(arguments.host, write=arguments.write)


def _approve(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import approve

    return approve.run(_state_dir(arguments), arguments.id, watch=arguments.watch)


def _ledger(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import ledger

    settings = config.load({} if arguments.state_dir is None else {"state_dir": arguments.state_dir})
    if arguments.action == "settle":
        return ledger.settle(settings.state_dir, settings.policy, arguments.operation, arguments.spent)
    if arguments.verify:
        return ledger.verify(settings.state_dir)
    return ledger.show(settings.state_dir, settings.policy, as_json=arguments.json)


def _usage(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import usage

    settings = config.load({} if arguments.state_dir is None else {"state_dir": arguments.state_dir})
    return usage.run(settings, days=arguments.days, as_json=arguments.json)


def _secret(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import secret

    folder = _state_dir(arguments)
    if arguments.action == "list":
        return secret.show(folder, as_json=arguments.json)
    if arguments.action == "rm":
        return secret.remove(folder, arguments.name)
    return secret.store(folder, arguments.name, variable=arguments.from_env)


def _state_dir(arguments: argparse.Namespace) -> Path:
    """The state folder of a command that works on it alone."""
    from akash_mcp import config

    given = {} if arguments.state_dir is None else {"state_dir": arguments.state_dir}
    return config.load(given).state_dir


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", default=None, help=_SWITCHES["debug"])
    parser = argparse.ArgumentParser(
        prog="akash-mcp",
        description="Lets an AI agent run workloads on Akash Network without losing its owner's money. "
        "Without a command it serves MCP.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"akash-mcp {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, parents=[common], allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    serve = command("serve", _serve, "serve MCP (what happens without a command)")
    serve.add_argument("--sandbox", action="store_true", help="serve an embedded network with play money")
    serve.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="the embedded network runs X times faster"
    )
    for name, (metavar, text) in _SETTINGS.items():
        serve.add_argument("--" + name.replace("_", "-"), metavar=metavar, help=text)
    for name, text in _SWITCHES.items():
        if name != "debug":
            serve.add_argument("--" + name.replace("_", "-"), action="store_true", default=None, help=text)

    sandbox = command("sandbox", _sandbox, "run the embedded network alone and print its addresses as JSON")
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

    demo = command("demo", _demo, "deploy on the embedded network through a real MCP client, end to end")
    demo.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an SDL of your own")
    demo.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    demo.add_argument("--speed", type=_speed, default=20.0, metavar="X", help="time runs X times faster (20)")

    _add_network_flags(demo)

    lint = command("lint", _lint, "check SDL files against Console, chain and provider rules")
    lint.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lint.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    _add_image_flags(lint)

    draft = command("draft", _draft, "write the SDL of one container")
    for name, (metavar, text) in _DRAFT.items():
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
    draft.add_argument("--check-images", action="store_true", help=_CHECK_IMAGES)

    convert = command("import", _import, "convert a compose file to an SDL and list what it leaves out")
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

    secret = command("secret", _secret, "store secrets that an SDL names as secret://NAME")
    actions = secret.add_subparsers(metavar="ACTION", dest="action", required=True)
    for action, text in (
        ("set", "store a value, asked for without showing it, or read from standard input"),
        ("list", "names, where each is kept and since when; never a value"),
        ("rm", "forget one"),
    ):
        each = actions.add_parser(action, help=text, description=text, allow_abbrev=False)
        each.add_argument("--state-dir", metavar="DIR", help=_SETTINGS["state_dir"][1])
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

    approve = command("approve", _approve, "answer what an agent asks for where approval is terminal")
    approve.add_argument("id", nargs="?", metavar="ID", help="show this plan whole and answer it")
    approve.add_argument("--watch", action="store_true", help="ask about each plan as it comes")
    approve.add_argument("--state-dir", metavar="DIR", help=_SETTINGS["state_dir"][1])

    ledger = command("ledger", _ledger, "show what runs, until when, and what was spent; settle by hand")
    ledger.add_argument("--json", action="store_true", help="print one JSON array instead of text")
    ledger.add_argument("--verify", action="store_true", help="check that the audit is whole")
    ledger.add_argument("--state-dir", metavar="DIR", help=_SETTINGS["state_dir"][1])
    by_hand = ledger.add_subparsers(metavar="ACTION", dest="action")
    text = "write down what an operation cost, where nobody can look that up"
    settle = by_hand.add_parser("settle", help=text, description=text, allow_abbrev=False)
    settle.add_argument("operation", metavar="OP", help="its op_id")
    settle.add_argument(
        "--state-dir", default=argparse.SUPPRESS, metavar="DIR", help=_SETTINGS["state_dir"][1]
    )
    settle.add_argument("--spent", required=True, metavar="USD", help="what it cost, 0 where nothing")

    usage = command("usage", _usage, "show what the account spent by day, and what runs costs")
    usage.add_argument("--days", type=_days, default=14, metavar="N", help="days of the plot, up to 366 (14)")
    usage.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    usage.add_argument("--state-dir", metavar="DIR", help=_SETTINGS["state_dir"][1])

    watch = command(
        "watch", _watch, "end what should be ended, and tell what is not as approved, without a server"
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
    watch.add_argument("--state-dir", metavar="DIR", help=_SETTINGS["state_dir"][1])

    doctor = command("doctor", _doctor, "check settings, key, network and clock, and say what to do")
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

    install = command("install", _install, "show the configuration for a host application")
    install.add_argument("host", metavar="HOST", help="claude-desktop, claude-code, cursor or vscode")
    install.add_argument(
        "--write", action="store_true", help="merge it into the host's file and keep a backup"
    )
    return parser


_CHECK_IMAGES = "ask registries whether the image is there and can be pulled; status 1 where it surely cannot"


def _add_image_flags(command: argparse.ArgumentParser) -> None:
    """Flags of the commands that read files with images."""
    command.add_argument("--check-images", action="store_true", help=_CHECK_IMAGES)
    command.add_argument(
        "--registry",
        action="append",
        default=[],
        metavar=_DRAFT["registry"][0],
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


def _log_to_stderr(*, debug: bool) -> None:
    """Send all logging to stderr, before anything of the SDK can choose otherwise.

    Only our own loggers go down to DEBUG: HTTP and WebSocket libraries log headers there, and those hold
    keys.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        force=True,
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Hiding("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("akash_mcp").setLevel(logging.DEBUG if debug else logging.WARNING)


class _Hiding(logging.Formatter):
    """Formats records, their tracebacks too, without the secrets that this process knows."""

    def format(self, record: logging.LogRecord) -> str:
        return _without_secrets(super().format(record))


def _without_secrets(text: str) -> str:
    from akash_mcp.sanitize import secrets  # for the first line that is written, not for `--help`

    return secrets.known.mask(text)[0]


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors inside nested groups, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _log_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show where an error of our own came from, by the log, which hides secrets."""
    logging.getLogger(__name__).critical("an unexpected error", exc_info=(kind, error, trace))


def _say_plainly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say one line about an error of our own: its type only, since its text could hold anything."""
    kinds = ", ".join(sorted({type(leaf).__name__ for leaf in _leaves(error)}))
    sys.stderr.write(f"akash-mcp: an unexpected {kinds}. Run it again with --debug to see where.\n")
