"""Values that an SDL leaves out: `ac-secret://NAME` in an env value or a registry credential.

What Console stores shows these in place of the values; the manifest is made with the values put in.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from akash_mcp.sandbox.console.generation_2026_11.secrets import MOST, NAME
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sdl.yaml.loader import load

Tree: TypeAlias = dict[str, Any]
"""An SDL that was judged, so that its shape is known, as JSON has it."""

MOST_STORED = 131_072
"""Characters of an SDL once it is stored."""

_SCHEME = "ac-secret://"
_RESERVED = "ac-"
_PLAIN = re.compile(r"(?!(?i:null|true|false|yes|no|on|off|y|n)$)[A-Za-z_/][\w/.@-]*")


@dataclass(frozen=True)
class Slot:
    """A place where a value can be a reference. `key`: the variable's or the credential's name."""

    service: str
    number: int
    key: str
    value: str
    replace: Callable[[str], None]
    is_credential: bool = False

    @property
    def name(self) -> str | None:
        """The name of the secret that is meant, or None for a value. Raises `Problem` 400 for neither."""
        if not self.value.startswith(_RESERVED):
            return None
        name = self.value.removeprefix(_SCHEME)
        if name == self.value or not NAME.fullmatch(name):
            raise Problem(400, f'Invalid SDL: "{self.value[:64]}" is not a valid SDL Reference')
        return name


def parsed(sdl: str) -> Tree:
    """The tree of an SDL that was judged."""
    tree: Tree = json.loads(json.dumps(load(sdl).data, default=str))
    return tree


def written(tree: Tree) -> str:
    """The tree as YAML, as it is stored. Raises `Problem` 400 where it is too long."""
    # without a width, because folding a long text would hide it from whoever reads the SDL
    text = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31)
    if len(text) > MOST_STORED:
        message = f"SDL is too large: it exceeds the maximum of {MOST_STORED} characters once stored"
        raise Problem(400, message)
    return text


def slots(tree: Tree) -> Iterator[Slot]:
    """All of them, as they are when they are reached."""
    for number, (service, fields) in enumerate(tree["services"].items()):
        env = fields.get("env") or []
        for index, line in enumerate(env):
            key, is_set, value = str(line).partition("=")
            if is_set:
                yield Slot(service, number, key, value, _setter(env, index, f"{key}="))
        held = fields.get("credentials") or {}
        for key in ("username", "password"):
            if isinstance(held.get(key), str):
                yield Slot(service, number, key, held[key], _setter(held, key), is_credential=True)


def sealed(tree: Tree, *, env: bool, only: Collection[tuple[str, str]] | None = None) -> dict[str, str]:
    """Take values out of the tree and leave references; gives them by the names they got.

    Credentials always go. `env`: so do variables. `only`: nothing but these, by service and key.
    """
    taken: dict[str, str] = {}
    for slot in slots(tree):
        wanted = slot.is_credential or env
        if slot.name is None and wanted and (only is None or (slot.service, slot.key) in only):
            name = re.sub(r"\W", "_", f"s{slot.number}_{slot.key}", flags=re.ASCII)[:60]
            while taken.get(name, slot.value) != slot.value:
                name += "_"
            taken[name] = slot.value
            slot.replace(_SCHEME + name)
    return taken


def referenced(tree: Tree) -> set[str]:
    """The names that it leaves out."""
    return {name for slot in slots(tree) if (name := slot.name)}


def resolved(tree: Tree, secrets: Mapping[str, str]) -> Tree:
    """The tree with every value put in. Raises `Problem` 400 for one that is not there."""
    full = copy.deepcopy(tree)
    for slot in slots(full):
        if (name := slot.name) is None:
            continue
        if name not in secrets:
            raise Problem(400, f'Invalid SDL: no value supplied for SDL Reference "{_SCHEME}{name}"')
        slot.replace(secrets[name])
    return full


def kept(tree: Tree, secrets: Mapping[str, str]) -> dict[str, str]:
    """Those of the secrets that the tree refers to."""
    named = referenced(tree)
    return {name: value for name, value in secrets.items() if name in named}


def refuse_too_many(secrets: Mapping[str, str]) -> None:
    """Raises `Problem` 400 for more than a deployment may have."""
    if len(secrets) > MOST:
        raise Problem(400, f"A deployment has at most {MOST} secrets")


def refuse_unreferenced(tree: Tree, supplied: Mapping[str, str]) -> None:
    """Raises `Problem` 400 for a sealed value that nothing refers to."""
    if stray := sorted(supplied.keys() - referenced(tree)):
        raise Problem(400, f'Invalid SDL: no SDL Reference names the sealed secret "{stray[0]}"')


def _setter(holder: Any, key: Any, prefix: str = "") -> Callable[[str], None]:
    def put(value: str) -> None:
        holder[key] = prefix + value

    return put


class _Dumper(yaml.SafeDumper):
    """Quotes all text that YAML 1.1 or 1.2 could take for something else, and shares nothing by anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
