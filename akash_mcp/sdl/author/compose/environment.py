"""The variables of a service: `environment` as a map or as a list of NAME=VALUE, over the files of `env_file`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from akash_mcp.sanitize.secrets import sounds_secret
from akash_mcp.sdl.author.compose.command import for_kubernetes
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.author.compose.missing import alone
from akash_mcp.sdl.author.workload import is_carried, is_variable_name
from akash_mcp.sdl.secret_reference import NAME
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path


def read_environment(
    file: ComposeFile, service: str, value: Value, path: Path, from_files: Mapping[str, str]
) -> dict[str, str]:
    """The variables with a value, those of `environment` before those `from_files`, and the later of two of one name.

    One without a value that sounds like a secret becomes the name of one, which a person stores; any other is left out.
    """
    found = dict(from_files)
    last = {name: (item, at) for name, item, at in _variables(file, value, path)}
    for name, (item, at) in last.items():
        try:
            entry = file.text(name, at)
            found.pop(entry, None)  # what is left out does not arrive from a file either
            text = _value(file, service, entry, item, at)
        except Unresolved as missing:
            why = f"${{{missing.name}}} in line {file.where(at).line} has no value"
            file.leave_out(
                service,
                f"environment: {name[:60]}",
                why,
                f"--env {missing.name}=… (convert_compose: variables)",
            )
            continue
        if text is not None:
            found[entry] = text
    return {
        name: for_kubernetes(file, text)
        for name, text in found.items()
        if _is_carried(file, service, name, text)
    }


def _value(file: ComposeFile, service: str, entry: str, item: Value, at: Path) -> str | None:
    """The value of one entry; None, and the entry on the list, where it comes from another machine.

    Raises `Unresolved`.
    """
    if item is None:
        if entry in file.variables.given or entry in file.variables.empty:
            return file.variables.given.get(entry, "")
        if sounds_secret(entry) and NAME.fullmatch(entry):
            return file.secret(entry, f"{service}: {entry}")
        why = "its value comes from the machine that runs Compose"
        file.leave_out(service, f"environment: {entry[:60]}", why, f"write {entry[:60]}=value")
        return None
    try:
        return file.text(item, at)
    except Unresolved as missing:
        is_secret = sounds_secret(missing.name) or sounds_secret(entry)
        if is_secret and isinstance(item, str) and alone(item) and NAME.fullmatch(missing.name):
            return file.secret(missing.name, f"{service}: {entry}")
        raise


def _is_carried(file: ComposeFile, service: str, name: str, text: str) -> bool:
    if not is_variable_name(name):
        why, fix = "providers take no variable of that name", "rename it"
    elif not is_carried(text):
        why, fix = "its value holds control characters", "write it without them"
    else:
        return True
    file.leave_out(
        service, f"environment: {name[:60]}", why, fix, protects="environment" if sounds_secret(name) else ""
    )
    return False


def _variables(file: ComposeFile, value: Value, path: Path) -> Iterator[tuple[str, Value, Path]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item, (*path, name)
        return
    for item, at in file.items(value, path):
        if not isinstance(item, str):
            raise file.bad(at, "must be NAME=VALUE")
        name, equals, text = item.partition("=")
        yield name, text if equals else None, at
