"""What an SDL does not carry of a compose file, and which of that protects something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Protection: TypeAlias = Literal[
    "command",
    "config_file",
    "env_file",
    "environment",
    "extends",
    "internal",
    "network",
    "privileges",
    "read_only",
    "secret_file",
    "user",
    "vpn",
]
"""A kind of protection, by the name under which its loss is accepted."""

PROTECTIONS: Mapping[Protection, str] = {
    "command": "options of a command, a password's among them",
    "config_file": "a file that says who may connect: passwords, access lists, a database's configuration",
    "env_file": "variables in a file of your machine, which may hold the passwords",
    "environment": "a variable that sounds like a secret and cannot be carried",
    "extends": "what another file says of a service: its password, user or command, perhaps",
    "internal": "a network without a way out",
    "network": "a service without any network",
    "privileges": "rights taken from a container: cap_drop, security_opt",
    "read_only": "a root disk that cannot be written to",
    "secret_file": "a secret mounted as a file",
    "user": "a program that does not run as root",
    "vpn": "a VPN that the traffic of a service goes through",
}
"""What is lost with each kind."""


THE_SERVICE = "the service"
"""`LeftOut.what` where it is a whole service."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of the compose file that the SDL does not carry.

    `service` is its name in the compose file, empty for what belongs to none. `fix` says what to do about it and is
    empty where nothing needs to be done. `protects` is the kind of protection that is lost with it, empty for none.
    """

    service: str
    what: str
    why: str
    fix: str = ""
    protects: Protection | Literal[""] = ""
