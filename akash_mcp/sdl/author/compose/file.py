"""A compose file while it is read: values with their places, and the lists of what was left out and decided.

Whoever reads a map takes its fields one by one, and what nobody took is left out by name. So a field that we have
never heard of cannot get lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.unicode import visible
from akash_mcp.sdl.author.compose.interpolation import BadExpression, Unresolved, interpolate
from akash_mcp.sdl.author.compose.left_out import THE_SERVICE, LeftOut, Protection
from akash_mcp.sdl.author.compose.variables import Variables
from akash_mcp.sdl.secret_reference import SCHEME
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.javascript import text as written
from akash_mcp.sdl.yaml.loader import MAX_CHARACTERS, Document, Mark, Path

NO_SUCH_FIELD = "an SDL has no such field"


class ComposeFile:
    """A parsed file and the variables it may use; collects `left_out` and `notes` while it is read."""

    def __init__(self, document: Document, variables: Variables) -> None:
        self._document = document
        self.variables = variables
        self._left_out: dict[LeftOut, None] = {}
        self._notes: dict[str, None] = {}
        self._secrets: dict[str, dict[str, None]] = {}
        self._length = 0

    @property
    def data(self) -> Value:
        """All of the file as plain values, its variables as they stand there."""
        return self._document.data

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was left out so far, each thing once: service by service, then what belongs to none."""
        services = list(dict.fromkeys(each.service for each in self._left_out if each.service))
        return tuple(each for name in (*services, "") for each in self._left_out if each.service == name)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided so far, each thing once."""
        return tuple(self._notes)

    @property
    def secrets(self) -> Mapping[str, tuple[str, ...]]:
        """The secrets that the SDL names, each with the variables that get it."""
        return {name: tuple(users) for name, users in self._secrets.items()}

    def leave_out(
        self, service: str, what: str, why: str, fix: str = "", protects: Protection | Literal[""] = ""
    ) -> None:
        """Put something on the list of what is not carried."""
        hide = self.variables.without_values
        self._left_out[LeftOut(service, hide(what), hide(why), hide(fix), protects)] = None

    def leave_out_service(self, service: str, why: str, fix: str) -> None:
        """Put a whole service on that list, in place of what was on it of the service."""
        self._left_out = {each: None for each in self._left_out if each.service != service}
        self.leave_out(service, THE_SERVICE, why, fix)

    def note(self, sentence: str) -> None:
        """Add a sentence about something that was decided."""
        self._notes[self.variables.without_values(sentence)] = None

    def secret(self, name: str, user: str) -> str:
        """A reference to a secret that a person stores by this name; `user` says which variable gets it."""
        self._secrets.setdefault(name, {})[user] = None
        return f"{SCHEME}{name}"

    def bad(self, path: Path, problem: str, *, next_step: str = "") -> BadArgument:
        """The error for a value that Compose would refuse too."""
        mark = self.where(path)
        where = f"{_joined(path)} (line {mark.line}, column {mark.column})"
        what = self.variables.without_values(f"The compose file is wrong: {where} {problem}.")
        return BadArgument(visible(what), next_step=next_step)

    def where(self, path: Path) -> Mark:
        """Where a value stands."""
        return self._document.where(path)

    def text(self, value: Value, path: Path) -> str:
        """A single value as it stands in the file, its variables filled in. Raises `Unresolved`."""
        if isinstance(value, list | dict) or value is None:
            raise self.bad(path, "must be a single value")
        try:
            text = interpolate(
                written(value), self.variables.given, self.variables.defaulted, unset=self.variables.unset
            )
        except BadExpression as bad:
            raise self.bad(path, f"cannot be read: {bad}") from bad
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise self.bad(path, f"is where the file, with its variables, passes {MAX_CHARACTERS} characters")
        return text

    def items(self, value: Value, path: Path) -> list[tuple[Value, Path]]:
        """The items of a list with their places, none for null."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.bad(path, "must be a list")
        return [(item, (*path, i)) for i, item in enumerate(value)]

    def texts(self, value: Value, path: Path, service: str) -> list[tuple[str, Path]]:
        """The texts of a list with their places; those that need a variable without a value are left out."""
        found = []
        for item, at in self.items(value, path):
            try:
                found.append((self.text(item, at), at))
            except Unresolved as missing:
                self.unresolved(service, at, missing)
        return found

    def fields(self, value: Value, path: Path, service: str = "") -> Fields:
        """The fields of a map, none for null."""
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self.bad(path, "must be a map")
        return Fields(self, value, path, service)

    def unresolved(self, service: str, path: Path, missing: Unresolved) -> None:
        """Leave out what needs a variable that has no value."""
        self.leave_out(
            service,
            label(path),
            f"it needs ${{{missing.name}}}, which has no value here",
            f"--env {missing.name}=… (convert_compose: variables)",
        )


class Fields:
    """A map whose fields are taken one by one; `leave_out_rest` lists the others."""

    def __init__(self, file: ComposeFile, value: dict[str, Value], path: Path, service: str) -> None:
        self._file = file
        self._rest = dict(value)
        self.path = path
        self.service = service

    def names(self) -> list[str]:
        """The fields that nobody took yet."""
        return list(self._rest)

    def peek(self, key: str) -> Value:
        """The value of a field, None where there is none; it is still to be taken."""
        return self._rest.get(key)

    def take(self, key: str) -> Value:
        """The value of a field, None where there is none."""
        return self._rest.pop(key, None)

    def text(self, key: str, default: str = "") -> str:
        """The text of a field, `default` where it is not there or null. Raises `Unresolved`."""
        value = self.take(key)
        return default if value is None else self._file.text(value, self.at(key))

    def text_or_left_out(self, key: str) -> str:
        """The text of a field; none, and the field on the list, where it needs a variable that has no value."""
        try:
            return self.text(key)
        except Unresolved as missing:
            self._file.unresolved(self.service, self.at(key), missing)
            return ""

    def flag(self, key: str) -> bool:
        """A field that is true or false, false where there is none."""
        value = self.text(key, "false").lower()
        if value not in ("true", "false"):
            raise self._file.bad((*self.path, key), "must be true or false")
        return value == "true"

    def at(self, key: str) -> Path:
        """Where a field stands."""
        return (*self.path, key)

    def each(self) -> Iterator[tuple[str, Value, Path]]:
        """Every field that is left and not null, taken."""
        rest, self._rest = self._rest, {}
        for key, value in rest.items():
            if value is not None:
                yield key, value, self.at(key)

    def leave_out_rest(self, reasons: Mapping[str, tuple[str, str]] | None = None) -> None:
        """List every field that nobody took, with its reason and its fix where they are known."""
        for key, _, path in self.each():
            why, fix = (reasons or {}).get(key, (NO_SUCH_FIELD, ""))
            self._file.leave_out(self.service, label(path), why, fix)


def label(path: Path) -> str:
    """A place in words, without the service it is in: `deploy.resources.limits.pids`, `ports[0].mode`."""
    steps = path[2:] if path[:1] == ("services",) and len(path) > 2 else path
    return _joined(steps)


def _joined(steps: Path) -> str:
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".") or "it"
