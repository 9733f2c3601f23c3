"""What a compose file protects its services with and an SDL cannot carry. None of it is lost without a yes by name.

What every provider does anyway is carried: no container gains rights that it did not begin with (akash-network/provider
`cluster/kube/builder`), so `no-new-privileges` holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import get_args

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.unicode import visible
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields
from akash_mcp.sdl.author.compose.interpolation import UNSET, BadExpression, interpolate
from akash_mcp.sdl.author.compose.left_out import PROTECTIONS, LeftOut, Protection
from akash_mcp.sdl.author.compose.unsupported import MERGED
from akash_mcp.sdl.author.compose.volumes import ABOUT_TIME, bind_target, with_a_device
from akash_mcp.sdl.guarding import holds_data
from akash_mcp.sdl.images.names import image_owner
from akash_mcp.sdl.images.users import own_user
from akash_mcp.sdl.yaml.javascript import Value

_ROOT = ("", "0", "root")
_HELD = frozenset({"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"})
_LOOSENS = re.compile(
    r"(?:seccomp|apparmor)[:=]unconfined|label[:=]disable|no-new-privileges[:=]false|systempaths.*"
)
_WHO_MAY = re.compile(
    r"/(?:\.?htpasswd|[^/]*\.(?:htpasswd|passwd|acl)|passwd|passwords?(?:\.[a-z]+)?|pg_hba\.conf)$"
)
_SETS_UP = re.compile(r"/(?:etc|conf|config|conf\.d)(?:/|$)|\.(?:conf|cnf|acl|xml|ya?ml|ini|toml)$")
_OF_THE_MACHINE = re.compile(
    r"(?:/host|/hostfs|/rootfs)?/etc/(?:passwd|group|hosts|hostname|resolv\.conf|os-release)"
)
"""What tells a program about the machine that it runs on: `/etc/passwd` holds the names of users and no passwords."""
_KEEPS_ALL_IN_CONFIG = frozenset({"linuxserver", "hotio"})
"""Whose images have one folder for data and configuration, `/config`, and fill it themselves."""
_MOST_TOLD = 40
_OPEN = (
    "what it says of passwords and of who may connect is lost, and the image's own default may let anybody in"
)


class LostProtections(BadArgument):
    """Protections that the SDL would not carry. `lost` are they, `kinds` the names by which they are accepted."""

    def __init__(self, lost: Sequence[LeftOut]) -> None:
        self.lost = tuple(lost)
        self.kinds = tuple(sorted({each.protects for each in lost}))
        told = []
        for each in lost[:_MOST_TOLD]:
            where = f"{each.service}: " if each.service else ""
            fix = f"; {each.fix}" if each.fix else ""
            item = f"{where}{each.what} [{each.protects}]: {each.why}{fix}"
            told.append(f"\n- {' '.join(visible(item).split())}.")
        if len(lost) > _MOST_TOLD:
            told.append(f"\n- and {len(lost) - _MOST_TOLD} more.")
        super().__init__(
            f"The compose file has protections that an SDL cannot carry, so nothing was written.{''.join(told)}\n",
            next_step=f"Change the file, or accept the loss of: {', '.join(self.kinds)}.",
        )


def refuse_lost(left_out: Sequence[LeftOut], accept: Collection[str]) -> None:
    """Raise `LostProtections` where something that protects is left out and its loss was not accepted."""
    if lost := [each for each in left_out if each.protects and each.protects not in accept]:
        raise LostProtections(lost)


def check_accepted(accept: Collection[str]) -> None:
    """Raise `BadArgument` for a kind that is not one."""
    if unknown := sorted(set(accept) - set(get_args(Protection))):
        known = "; ".join(f"{kind} ({meaning})" for kind, meaning in PROTECTIONS.items())
        raise BadArgument(
            f"{visible(unknown[0])[:40]!r} is not a kind of protection that can be accepted.",
            next_step=f"The kinds are: {known}.",
        )


def read_protections(file: ComposeFile, service: str, image: str, fields: Fields) -> None:
    """List what protects a service and is lost: its user, rights, read-only root disk, configuration in files, and what
    another file says of it."""
    _user(file, service, image, fields)
    if fields.flag("read_only"):
        why = "a provider's containers can write to their root disk, so whoever breaks in can change the program"
        file.leave_out(service, "read_only", why, protects="read_only")
    if fields.take("extends") is not None:  # of this file it is carried out by now
        why = "it is in another file, which is not read, and may hold a password, a user or a command"
        file.leave_out(service, "extends", why, MERGED, protects="extends")
    _rights(file, service, fields)
    _configs(file, service, image, fields)
    _mounted_configuration(file, service, image, fields)


def _user(file: ComposeFile, service: str, image: str, fields: Fields) -> None:
    user = fields.peek("user")
    if user is None or (name := file.text(user, fields.at("user"))).partition(":")[0] in _ROOT:
        return
    fields.take("user")
    what = f"user: {name[:40]}"
    own = (
        own_user(image) if fields.peek("entrypoint") is None else ""
    )  # it may be the start script that steps down
    if own:
        file.leave_out(service, what, f"an SDL names no user: the program runs as {own}, who is not root")
    else:
        why = "an SDL names no user: the program runs as the image's own, which may be root"
        file.leave_out(service, what, why, "set USER in the image", protects="user")


def _rights(file: ComposeFile, service: str, fields: Fields) -> None:
    dropped = [text for text, _ in file.texts(fields.take("cap_drop"), fields.at("cap_drop"), service)]
    if dropped:
        why = "providers leave a container the rights of a plain one"
        file.leave_out(service, f"cap_drop: {', '.join(dropped)[:60]}", why, protects="privileges")
    for option, _ in file.texts(fields.take("security_opt"), fields.at("security_opt"), service):
        if option.replace(" ", "") in _HELD:
            continue
        loosens = _LOOSENS.fullmatch(option) is not None
        why = "providers grant no rights beyond those of a plain container"
        if not loosens:
            why = "a provider confines containers in its own way"
        file.leave_out(service, f"security_opt: {option[:60]}", why, protects="" if loosens else "privileges")


def _configs(file: ComposeFile, service: str, image: str, fields: Fields) -> None:
    for item, path in file.items(fields.take("configs"), fields.at("configs")):
        options = file.fields(item if isinstance(item, dict) else {"source": item}, path, service)
        source = options.text("source")
        target = options.text("target") or f"/{source}"
        for owner in ("uid", "gid", "mode"):
            options.take(owner)
        options.leave_out_rest()
        protects = _says_who_may(image, target)
        file.leave_out(
            service,
            f"configs: {source[:60]} at {target[:60]}",
            _OPEN if protects else "an SDL mounts no file",
            "build it into the image, or pass it in a variable",
            protects="config_file" if protects else "",
        )


def _mounted_configuration(file: ComposeFile, service: str, image: str, fields: Fields) -> None:
    """Files and folders of the machine that are mounted where a program looks for its configuration. Volumes are still
    to be read, and list each of them as a mount."""
    for item, _ in file.items(fields.peek("volumes"), fields.at("volumes")):
        target = _bind_target(file, item)
        if target and _says_who_may(image, target):
            file.leave_out(
                service,
                f"the configuration at {target[:80]}",
                _OPEN,
                "build it into the image",
                protects="config_file",
            )


def _bind_target(file: ComposeFile, item: Value) -> str:
    """Where a file or folder of the machine is mounted; empty for anything else."""
    devices = with_a_device(file)
    if not isinstance(item, dict):
        return bind_target(_filled(file, item), devices)
    is_bind = _filled(file, item.get("type")) == "bind" or _filled(file, item.get("source")) in devices
    return _filled(file, item.get("target")) if is_bind else ""


def _filled(file: ComposeFile, value: Value) -> str:
    """A text with its variables, one without a value too: only the form counts. What is wrong with it is told where the
    volumes are read."""
    try:
        given = file.variables.given
        return interpolate(value, given, set(), unset=lambda _: UNSET) if isinstance(value, str) else ""
    except BadExpression:
        return ""


def _says_who_may(image: str, target: str) -> bool:
    """Whether a file there says who may connect: a list of passwords, or the configuration of a data store."""
    if _OF_THE_MACHINE.fullmatch(target) or ABOUT_TIME.fullmatch(target):
        return False
    if target == "/config" and image_owner(image) in _KEEPS_ALL_IN_CONFIG:
        return False
    return _WHO_MAY.search(target) is not None or (holds_data(image) and _SETS_UP.search(target) is not None)
