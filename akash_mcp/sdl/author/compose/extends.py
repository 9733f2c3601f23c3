"""`extends`: a service that takes over what another service of the same file says.

The two are merged as the Compose Specification has it (05-services.md, "extends"; 13-merge.md) and as
compose-spec/compose-go does (override/merge.go, uncity.go): maps by key, lists one after the other, single values and
commands replaced. Nodes are merged rather than values, so a mistake is still told with the line where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose.volumes import target_of
from akash_mcp.sdl.yaml.javascript import text as written
from akash_mcp.sdl.yaml.loader import MAX_VALUES, Branch, Document, Node, Path

Bad: TypeAlias = Callable[[Path, str], BadArgument]
"""Makes the error for a place in the file and what is wrong there."""
TAGS = frozenset({"!reset", "!override"})
"""Tags by which a file says how it is merged. They are not read."""

_REPLACED = frozenset({("command",), ("entrypoint",), ("healthcheck", "test")})
_BY_NAME = frozenset(
    {
        ("annotations",),
        ("build", "args"),
        ("build", "labels"),
        ("depends_on",),
        ("deploy", "labels"),
        ("environment",),
        ("extra_hosts",),
        ("labels",),
        ("networks",),
        ("sysctls",),
    }
)
"""Fields that are a map, or a list of NAME=VALUE or of names."""
_OF_NAMES = frozenset({("depends_on",), ("networks",)})
"""Those of them in which a name without a value adds nothing, and takes nothing away."""
_LISTS = frozenset({("dns",), ("dns_search",), ("env_file",), ("label_file",), ("tmpfs",)})
"""Fields that are a list, or one text in its place."""


def extended(document: Document, bad: Bad) -> Document:
    """The file with every `extends` that names a service of it carried out.

    An `extends` that names another file stays where it is. Raises what `bad` makes of a place and a problem for one
    that names no service, or itself by way of others.
    """
    services = document.root.children.get("services") if isinstance(document.root, Branch) else None
    if not isinstance(services, Branch) or not isinstance(services.value, dict):
        return document
    done: dict[str | int, Node] = {}
    values = 0
    for name in services.keys:
        for each in reversed(_chain(bad, services, name, done)):
            own = services.children[each]
            base = _base(bad, own, each)
            done[each] = own if base is None else _merged(bad, done[base], _without_extends(own), each)
            values += _count(done[each])
            if values > MAX_VALUES:
                raise bad(("services", each, "extends"), f"is where the file passes {MAX_VALUES} values")
    assert isinstance(document.root, Branch)
    in_order: dict[str | int, Node] = {name: done[name] for name in services.keys}
    top: dict[str | int, Node] = {
        **document.root.children,
        "services": _map(services, in_order, services.keys),
    }
    return Document(_map(document.root, top, document.root.keys))


def _chain(bad: Bad, services: Branch, name: str, done: Mapping[str | int, Node]) -> list[str]:
    """The service, what it extends, what that extends, …, as far as it is not done yet."""
    chain: list[str] = []
    while name not in done:
        if name in chain:
            by_way = f", by way of {chain[-1][:60]}" if chain[-1] != name else ""
            raise bad(("services", name, "extends"), f"leads back to itself{by_way}")
        chain.append(name)
        base = _base(bad, services.children[name], name)
        if base is None:
            break
        if base not in services.children:
            raise bad(("services", name, "extends"), f'names "{base[:60]}", which is not in the file')
        name = base
    return chain


def _base(bad: Bad, service: Node, name: str) -> str | None:
    """The service of this file that another extends; None where it extends none, or one of another file."""
    extends = service.children.get("extends") if isinstance(service, Branch) else None
    if extends is None or extends.value is None:
        return None
    if isinstance(extends.value, str):
        return extends.value
    path = ("services", name, "extends")
    if not isinstance(extends.value, dict):
        raise bad(path, "must be the name of a service, or a map with service and file")
    if extends.value.get("file") is not None:
        return None
    base = extends.value.get("service")
    if not isinstance(base, str):
        raise bad(path, "must name a service")
    return base


def _merged(bad: Bad, base: Node, own: Node, service: str, path: tuple[str, ...] = ()) -> Node:
    """What `own` says laid over `base`, both at `path` of a service."""
    if path in _REPLACED or (path and path[-1].startswith("x-")):
        return own
    if path in _BY_NAME:
        base, own = _by_name(base), _by_name(own)
    if path in _LISTS:
        base, own = _list_of(base), _list_of(own)
    if own.value is None and (path[:-1] not in _BY_NAME or path[:-1] in _OF_NAMES):
        return base
    if not isinstance(base, Branch) or not isinstance(own, Branch):
        return own
    if type(base.value) is not type(own.value):
        at: Path = ("services", service, *path)
        raise bad(at, "is a map in one of the two services that are merged, and a list in the other")
    if isinstance(own.value, list):
        return _list(own, _once([*base.children.values(), *own.children.values()], _KEYS.get(path)))
    children = dict(base.children)
    for key, node in own.children.items():
        below = children.get(key)
        children[key] = node if below is None else _merged(bad, below, node, service, (*path, str(key)))
    return _map(own, children, {**base.keys, **own.keys})


def _once(items: list[Node], key_of: Callable[[Node], object] | None) -> Iterable[Node]:
    """The items of a list; where two have the same key, the later one in the earlier one's place."""
    return {key_of(item): item for item in items}.values() if key_of else items


def _text(node: Node) -> object:
    return repr(node.value) if isinstance(node, Branch) else written(node.value)


def _target(node: Node) -> object:
    if isinstance(node.value, dict):
        return written(node.value.get("target"))
    return target_of(node.value) if isinstance(node.value, str) else _text(node)


_KEYS: dict[tuple[str, ...], Callable[[Node], object]] = {
    ("volumes",): _target,
    ("devices",): _target,
    ("secrets",): _text,
    ("configs",): _text,
    **{(name,): _text for name in ("ports", "expose", "cap_add", "cap_drop", "security_opt", "env_file")},
}
"""By what two items of a list are the same. Lists that are not named here keep all."""


def _by_name(node: Node) -> Node:
    """A list of NAME=VALUE or of names, as the map that it stands for."""
    if not isinstance(node, Branch) or not isinstance(node.value, list):
        return node
    items = [item for item in node.children.values() if isinstance(item.value, str)]
    if len(items) < len(node.children):
        return node  # a mistake, which is told where the field is read
    children: dict[str | int, Node] = {}
    keys: dict[str, Node] = {}
    for item in items:
        name, equals, value = str(item.value).partition("=")
        children[name], keys[name] = Node(item.start, value if equals else None), item
    return _map(node, children, keys)


def _list_of(node: Node) -> Node:
    return node if isinstance(node, Branch) or node.value is None else _list(node, [node])


def _without_extends(node: Node) -> Node:
    if not isinstance(node, Branch):
        return node
    children = {key: child for key, child in node.children.items() if key != "extends"}
    return _map(node, children, node.keys)


def _map(place: Node, children: Mapping[str | int, Node], keys: Mapping[str, Node]) -> Branch:
    """A map at the place of another."""
    names = {key: keys[key] for key in keys if key in children}
    values = {str(key): node.value for key, node in children.items()}
    return Branch(place.start, values, children=dict(children), keys=names)


def _list(place: Node, items: Iterable[Node]) -> Branch:
    """A list at the place of another node."""
    children: dict[str | int, Node] = dict(enumerate(items))
    return Branch(place.start, [node.value for node in children.values()], children=children)


def _count(node: Node) -> int:
    """How many values there are in a node, its own among them."""
    return 1 + sum(map(_count, node.children.values())) if isinstance(node, Branch) else 1
