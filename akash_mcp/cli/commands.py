"""What each command runs, with the words that it was given. Its module is imported when it is run."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

from akash_mcp.cli.flags import DRAFT, SETTINGS, SWITCHES
from akash_mcp.errors import BadArgument


def serve(arguments: argparse.Namespace) -> int:
    from akash_mcp import config

    given = {name: getattr(arguments, name) for name in (*SETTINGS, *SWITCHES)}
    gc.disable()  # what is imported stays: to look through it for garbage again and again takes a sixth of the time
    try:
        settings = config.load({name: value for name, value in given.items() if value is not None})
        from akash_mcp.cli import serve  # after the settings: a wrong one is told before the SDK is imported
    finally:
        gc.freeze()
        gc.enable()
    return serve.run(settings, sandbox=arguments.sandbox, speed=arguments.speed, wire=arguments.wire)


def sandbox(arguments: argparse.Namespace) -> int:
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


def demo(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import demo

    return demo.run(
        arguments.file,
        as_json=arguments.json,
        speed=arguments.speed,
        generation=arguments.generation,
        faults=tuple(arguments.fault),
    )


def lint(arguments: argparse.Namespace) -> int:
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


def draft(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import draft

    return draft.run(
        {name: value for name in DRAFT if (value := getattr(arguments, name)) is not None},
        attributes=arguments.attribute,
        max_usd_per_hour=arguments.max_usd_per_hour,
        output=arguments.output,
        check_images=arguments.check_images,
    )


def import_(arguments: argparse.Namespace) -> int:
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


def doctor(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import doctor

    return doctor.run(config.load(), fix=arguments.fix, speed=arguments.speed)


def watch(arguments: argparse.Namespace) -> int:
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


def install(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import install

    return install.run(arguments.host, write=arguments.write)


def approve(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli import approve

    return approve.run(_state_dir(arguments), arguments.id, watch=arguments.watch)


def ledger(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import ledger

    settings = config.load({} if arguments.state_dir is None else {"state_dir": arguments.state_dir})
    if arguments.action == "settle":
        return ledger.settle(settings.state_dir, settings.policy, arguments.operation, arguments.spent)
    if arguments.verify:
        return ledger.verify(settings.state_dir)
    return ledger.show(settings.state_dir, settings.policy, as_json=arguments.json)


def usage(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import usage

    settings = config.load({} if arguments.state_dir is None else {"state_dir": arguments.state_dir})
    return usage.run(settings, days=arguments.days, as_json=arguments.json)


def secret(arguments: argparse.Namespace) -> int:
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
